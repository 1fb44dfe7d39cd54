//! Dynamics: the differential equations this crate exists for.
//!
//! Two seams separate the mathematics from everything that consumes it. A [`VectorField`] is what
//! a solver sees: `dy/dt = f(t, y)` with its Jacobian and a linear solve shaped by its structure.
//! A [`Dynamics`] adds what writers and commands need: named blocks with units, an initial state,
//! closed-form equilibria and observables.

mod concurrent_inversion;
mod deep_feedback_control;
mod equilibrium;
mod error;
mod feedback;
mod field;
mod layer_loop;
mod layerwise_inversion;
mod layout;
mod linear;
mod noise;
mod rate_network;
mod reduction;
mod registry;
mod scratch;
mod single_loop;
mod small_system;
mod state_map;
mod structure;
mod transfer;

pub use concurrent_inversion::{ConcurrentInversion, InvertedLayer};
pub use deep_feedback_control::{
    ControlFeedback, ControlFilters, ControlNoise, ControlParameters, ControlledState,
    DeepFeedbackControl, LeakOn, NoiseSite, Signals,
};
pub use error::DynamicsError;
pub use feedback::Feedback;
pub use field::{DenseShifted, ShiftedSolver, SingularShift, SolveCost, VectorField};
pub use layer_loop::LoopParameters;
pub use layerwise_inversion::LayerwiseInversion;
pub use layout::{Block, Observable, StateLayout};
pub use linear::LinearDynamics;
pub use noise::NoiseInput;
pub use rate_network::{CONTROLLERS, Controller, RateNetwork, RateParameters};
pub use reduction::ReducedEquilibrium;
pub use registry::{DYNAMICS, DynamicsEntry};
pub use single_loop::{ChainLayer, SingleLoop};
pub use structure::{
    ControlLoop, ControlParameter, LayerLoop, SingleLoopChain, SlopeForm, SlopeUnit, Structure,
};
pub use transfer::{TRANSFERS, Transfer};

/// A vector field with names: what writers, analyses and commands see.
pub trait Dynamics: VectorField {
    /// Named blocks that tile `0..dim()` exactly, in order.
    fn layout(&self) -> &StateLayout;

    /// The state at the start of a run (zero unless the model says otherwise).
    fn initial_state(&self) -> Vec<f64>;

    /// The equilibrium in closed form, for every target column.
    ///
    /// # Errors
    /// [`NoClosedForm`] says why there is none: the equation is nonlinear, or its matrix is
    /// singular to working precision.
    fn closed_form_equilibrium(&self) -> Result<Vec<f64>, NoClosedForm>;

    /// Scalar functions of the state worth recording beside it, one value per target column.
    fn observables(&self) -> &[Observable];

    /// Evaluates every observable at `(t, y)`: observable `k` of target column `c` goes to
    /// `out[k * columns + c]`.
    fn observe(&self, t: f64, y: &[f64], out: &mut [f64]);

    /// Whether `f` is affine in `y` with a constant Jacobian, so that exact solutions exist.
    fn is_linear(&self) -> bool {
        false
    }

    /// Whether every target column has the same Jacobian, whatever its state.
    fn shares_jacobian(&self) -> bool {
        self.layout().columns() == 1
    }

    /// The block structure of the Jacobian at `(t, y)` of target column `column`, where it allows
    /// a reduced spectrum or an exact modal solution.
    fn structure(&self, t: f64, y: &[f64], column: usize) -> Structure {
        let _ = (t, y, column);
        Structure::Dense
    }

    /// The present value of a parameter of the control loop; `None` where the equation has no such
    /// parameter or offers it through [`structure`](Self::structure) already.
    fn control_parameter(&self, parameter: ControlParameter) -> Option<f64> {
        let _ = parameter;
        None
    }

    /// The same equation with this parameter at `value`; `None` where
    /// [`control_parameter`](Self::control_parameter) is.
    fn with_control_parameter(
        &self,
        parameter: ControlParameter,
        value: f64,
    ) -> Option<Box<dyn Dynamics>> {
        let _ = (parameter, value);
        None
    }

    /// The Jacobian of target column `column` as a function of elementwise slopes, for statements
    /// that hold at every state; `None` where the dynamics does not offer it.
    fn slope_form(&self, column: usize) -> Option<SlopeForm> {
        let _ = column;
        None
    }

    /// The additive noise that drives the state, none by default: with `f` the vector field,
    /// `dy = f dt` and, for the components of each entry, `+ intensity dB` with independent Brownian
    /// motions `B`.
    fn noise(&self) -> Vec<NoiseInput> {
        Vec::new()
    }

    /// Rates `lambda_i >= 0` such that `f_i(y) = -lambda_i y_i + ...`: the part of the equation that
    /// exponential methods solve exactly. Zero by default, which is always right.
    fn decay(&self) -> Vec<f64> {
        vec![0.0; self.dim()]
    }

    /// The equilibrium equation of target column `column` in fewer unknowns, where the equations
    /// allow it.
    fn reduced(&self, column: usize) -> Option<Box<dyn ReducedEquilibrium + '_>> {
        let _ = column;
        None
    }
}

/// Why a dynamics has no closed-form equilibrium.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NoClosedForm {
    /// The equilibrium equation is nonlinear: use a Newton iteration.
    #[error("the equilibrium equation is nonlinear ({reason})")]
    Nonlinear {
        /// What makes it nonlinear, e.g. `transfer "nonlinear" with tanh`.
        reason: String,
    },
    /// The linear system of the equilibrium is singular to working precision.
    #[error(
        "the equilibrium equation is singular: reciprocal condition {reciprocal_condition:.1e} ({system})"
    )]
    Singular {
        /// The matrix that cannot be inverted, e.g. `M B - leak I`.
        system: String,
        /// Its reciprocal condition number.
        reciprocal_condition: f64,
    },
}
