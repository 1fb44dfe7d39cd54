//! `layerwise-inversion`: invert one layer with its own controller.

use std::ops::Range;
use std::sync::Arc;

use nalgebra::DMatrix;

use super::equilibrium::affine_equilibrium;
use super::error::{DynamicsError, checked_initial_state, require_finite, require_shape};
use super::feedback::Feedback;
use super::field::{ShiftedSolver, SingularShift, VectorField};
use super::layer_loop::{LoopEquation, LoopParameters, LoopReduction, LoopSolver};
use super::layout::{Observable, StateLayout, named_by_layout};
use super::reduction::ReducedEquilibrium;
use super::scratch::with_scratch;
use super::structure::{SlopeForm, Structure};
use super::transfer::Transfer;
use super::{Dynamics, NoClosedForm};

/// Inverts one layer `W` by feedback: a state `r` moves until its transfer `F(r)` meets the target
/// `delta`, driven by a leaky integrator `u` through the feedback matrix `B`.
///
/// ```text
/// tau_state      r' = -r + B u
/// tau_controller u' = -leak u + F(r) - delta
/// ```
///
/// For layer `l` the weights `W` are `n_l x n_{l-1}` and `B` is `n_{l-1} x n_l`. [`Transfer`] lists
/// the forms of `F`. A stable loop needs negative feedback, such as `B = -W^T`
/// ([`Feedback::Tied`]).
///
/// | block | symbol | shape | units | meaning |
/// |---|---|---|---|---|
/// | `state` | `r` | `n_{l-1} x targets` | 1 | estimate of the inverse |
/// | `controller` | `u` | `n_l x targets` | 1 | leaky integral of the mismatch |
///
/// Targets are the columns of `delta`; all share `W` and `B`, and the products are matrix-matrix
/// products when there are several. Blocks are stored column by column.
///
/// Observables: `residual`, the Euclidean norm of the right-hand side, and `inversion_error`,
/// `|F(r) - delta|`.
///
/// # Equilibrium
/// With a constant slope (`linear`, `tangent`, `inverse-slope`, or a linear activation) and
/// `F(r) = M r`: `r* = B (M B - leak I)^{-1} delta = (B M - leak I)^{-1} B delta`, computed from the
/// smaller system. It does not exist when that system is singular; with `leak = 0` this includes
/// every loop with `n_l > n_{l-1}`, where a least-squares solution would not be at rest. With
/// `B = -W^T` it is the Tikhonov-regularised inverse with damping `leak`. Otherwise
/// [`Dynamics::reduced`] gives `W g(B u) - leak u - delta = 0`.
///
/// # Stability
/// Let `mu` run over the eigenvalues of `M B`. The loop is stable if and only if for every `mu`
/// `Re mu < leak - tau_state tau_controller (Im mu)^2 / (tau_controller + leak tau_state)^2` and, if
/// `n_l > n_{l-1}`, also `leak > 0`. [`Dynamics::structure`] hands `M` and `B` to that test.
///
/// # Errors
/// [`LayerwiseInversion::new`] refuses shapes that do not fit, entries that are not finite, time
/// constants that are not positive, and `inverse-slope` where the slope is 0.
///
/// # Example
/// ```
/// use dynamic_inversion::dynamics::{Dynamics, Feedback, LayerwiseInversion, LoopParameters, Transfer};
/// use nalgebra::{dmatrix, DMatrix};
///
/// let w = dmatrix![2.0, 0.0, 1.0; 0.0, 1.0, 0.0];
/// let delta = DMatrix::from_column_slice(2, 1, &[1.0, 0.5]);
/// let inversion = LayerwiseInversion::new(
///     w,
///     Feedback::Tied { scale: 1.0 },
///     Transfer::Linear,
///     delta,
///     LoopParameters::with_leak(0.0),
/// )?;
/// let rest = inversion.closed_form_equilibrium()?;
/// // Without leak the state is the pseudoinverse solution: W r = delta.
/// for (r, expected) in rest[..3].iter().zip([0.4, 0.5, 0.2]) {
///     assert!((r - expected).abs() < 1e-15);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// Podlaski & Machens 2020 (arXiv:2007.05112), the dynamic-inversion equations of a single layer
/// and, for `nonlinear`, their nonlinear form. Deviations: the transfers `tangent` and `deviation`
/// are ours; `inverse-slope` follows the published code rather than the text; time constants may
/// differ; many targets are integrated together.
#[derive(Debug, Clone)]
pub struct LayerwiseInversion {
    equation: LoopEquation,
    target: DMatrix<f64>,
    initial: Vec<f64>,
    layout: StateLayout,
    observables: Vec<Observable>,
}

impl LayerwiseInversion {
    /// A loop with weights `n_l x n_{l-1}` and one target per column of `target` (`n_l x targets`),
    /// starting from zero.
    ///
    /// # Errors
    /// [`DynamicsError`] names the part that does not fit.
    pub fn new(
        weights: impl Into<Arc<DMatrix<f64>>>,
        feedback: impl Into<Feedback>,
        transfer: Transfer,
        target: DMatrix<f64>,
        parameters: LoopParameters,
    ) -> Result<Self, DynamicsError> {
        let equation = LoopEquation::new(
            weights.into(),
            feedback.into(),
            transfer,
            parameters,
            target.ncols(),
        )?;
        check_target(&target, equation.controller_units())?;
        let layout = StateLayout::new(target.ncols())
            .with("state", equation.state_units(), "state of the inverted layer")
            .with("controller", equation.controller_units(), "controller");
        Ok(Self {
            target,
            initial: vec![0.0; layout.dim()],
            layout,
            observables: vec![
                Observable::new("residual", "norm of the right-hand side"),
                Observable::new("inversion_error", "norm of the transfer minus the target"),
            ],
            equation,
        })
    }

    /// The same loop starting from `state` (both blocks, column by column).
    ///
    /// # Errors
    /// [`DynamicsError`] when its length is not [`dim`](VectorField::dim) or an entry is not finite.
    pub fn with_initial_state(mut self, state: Vec<f64>) -> Result<Self, DynamicsError> {
        self.initial = checked_initial_state(self.dim(), state)?;
        Ok(self)
    }

    /// Replaces the targets; their number stays.
    ///
    /// # Errors
    /// [`DynamicsError`] when the shape differs or an entry is not finite.
    pub fn set_target(&mut self, target: DMatrix<f64>) -> Result<(), DynamicsError> {
        require_shape("target", &target, self.target.shape())?;
        require_finite("target", &target)?;
        self.target = target;
        Ok(())
    }

    /// `W`, controller units x state units.
    #[must_use]
    pub fn weights(&self) -> &DMatrix<f64> {
        &self.equation.weights
    }

    /// `B`.
    #[must_use]
    pub fn feedback(&self) -> &Feedback {
        &self.equation.feedback
    }

    /// `F`.
    #[must_use]
    pub fn transfer(&self) -> &Transfer {
        &self.equation.transfer
    }

    /// `delta`, controller units x targets.
    #[must_use]
    pub fn target(&self) -> &DMatrix<f64> {
        &self.target
    }

    /// Leak and time constants.
    #[must_use]
    pub fn parameters(&self) -> LoopParameters {
        self.equation.parameters
    }
}

/// Refuses a target that is not `units x (one or more)` or not finite.
pub(super) fn check_target(target: &DMatrix<f64>, units: usize) -> Result<(), DynamicsError> {
    require_shape("target", target, (units, target.ncols()))?;
    require_finite("target", target)
}

impl VectorField for LayerwiseInversion {
    named_by_layout!();

    fn dim(&self) -> usize {
        self.layout.dim()
    }

    fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) {
        let (dr, du) = dy.split_at_mut(self.equation.state_len());
        self.equation.eval(self.equation.split(y), self.target.as_slice(), dr, du);
    }

    fn jacobian(&self, _t: f64, y: &[f64], jac: &mut DMatrix<f64>) {
        jac.fill(0.0);
        self.equation.write_jacobian(self.equation.split(y).r, 0, jac);
    }

    fn jvp(&self, _t: f64, y: &[f64], v: &[f64], out: &mut [f64]) {
        let (out_r, out_u) = out.split_at_mut(self.equation.state_len());
        self.equation.jvp(self.equation.split(y).r, self.equation.split(v), None, out_r, out_u);
    }

    fn shifted_solver<'a>(&'a self) -> Box<dyn ShiftedSolver + 'a> {
        Box::new(LayerwiseShifted {
            dynamics: self,
            t: f64::NAN,
            solver: LoopSolver::new(&self.equation),
        })
    }

    /// Controller first, then the state with the new controller: the published discrete scheme.
    fn update_order(&self) -> Vec<Range<usize>> {
        let split = self.equation.state_len();
        vec![split..self.dim(), 0..split]
    }

    fn eval_range(&self, t: f64, y: &[f64], range: Range<usize>, dy: &mut [f64]) {
        let split = self.equation.state_len();
        let parts = self.equation.split(y);
        if range.start >= split {
            let (dr, du) = dy.split_at_mut(split);
            self.equation.eval_controller(parts, self.target.as_slice(), dr, du);
        } else if range.end <= split {
            self.equation.eval_state(parts, &mut dy[..split]);
        } else {
            self.eval(t, y, dy);
        }
    }

    fn first_kink(&self, y0: &[f64], y1: &[f64]) -> Option<f64> {
        self.equation.map.first_kink(self.equation.split(y0).r, self.equation.split(y1).r)
    }
}

impl Dynamics for LayerwiseInversion {
    fn layout(&self) -> &StateLayout {
        &self.layout
    }

    fn initial_state(&self) -> Vec<f64> {
        self.initial.clone()
    }

    fn closed_form_equilibrium(&self) -> Result<Vec<f64>, NoClosedForm> {
        if !self.is_linear() {
            return Err(NoClosedForm::Nonlinear { reason: self.equation.transfer.describe() });
        }
        let mut solver = LoopSolver::new(&self.equation);
        solver.factor_at_rest()?;
        let split = self.equation.state_len();
        Ok(affine_equilibrium(self, |b| {
            let (b_r, b_u) = b.split_at_mut(split);
            solver.solve(b_r, b_u);
        }))
    }

    fn observables(&self) -> &[Observable] {
        &self.observables
    }

    fn observe(&self, t: f64, y: &[f64], out: &mut [f64]) {
        let (residual, error) = out.split_at_mut(self.target.ncols());
        with_scratch(self.dim(), |f| {
            self.eval(t, y, f);
            self.layout.column_norms(f, residual);
            let split = self.equation.state_len();
            let units = self.equation.controller_units();
            self.equation.parameters.inversion_errors(units, &y[split..], &f[split..], error);
        });
    }

    fn is_linear(&self) -> bool {
        self.equation.map.has_constant_slope()
    }

    fn shares_jacobian(&self) -> bool {
        self.equation.columns == 1 || self.equation.map.has_shared_slope()
    }

    fn structure(&self, _t: f64, y: &[f64], column: usize) -> Structure {
        let units = self.equation.state_units();
        let r = &y[column * units..(column + 1) * units];
        Structure::LayerLoops(vec![self.equation.linearised(r, column)])
    }

    fn slope_form(&self, column: usize) -> Option<SlopeForm> {
        Some(self.equation.slope_form(column))
    }

    fn reduced(&self, column: usize) -> Option<Box<dyn ReducedEquilibrium + '_>> {
        let units = self.equation.controller_units();
        let target = &self.target.as_slice()[column * units..(column + 1) * units];
        Some(Box::new(LoopReduction::new(&self.equation, column, target)))
    }
}

/// Implicit steps through the smaller of the two layers.
struct LayerwiseShifted<'a> {
    dynamics: &'a LayerwiseInversion,
    t: f64,
    solver: LoopSolver<'a>,
}

impl ShiftedSolver for LayerwiseShifted<'_> {
    fn factor(&mut self, t: f64, y: &[f64], shift: f64) -> Result<(), SingularShift> {
        self.t = t;
        self.solver.linearise(self.dynamics.equation.split(y).r);
        self.reshift(shift)
    }

    fn reshift(&mut self, shift: f64) -> Result<(), SingularShift> {
        if self.solver.factor(1.0, shift) {
            Ok(())
        } else {
            Err(SingularShift { t: self.t, shift })
        }
    }

    fn solve(&self, b: &mut [f64]) {
        let (b_r, b_u) = b.split_at_mut(self.dynamics.equation.state_len());
        self.solver.solve(b_r, b_u);
    }
}
