//! `linear`: an affine system.

use nalgebra::DMatrix;

use super::equilibrium::dense_affine_equilibrium;
use super::error::{DynamicsError, checked_initial_state, require_finite, require_shape};
use super::field::VectorField;
use super::layout::{Observable, StateLayout, named_by_layout};
use super::scratch::with_scratch;
use super::structure::ControlParameter;
use super::{Dynamics, NoClosedForm};
use crate::linalg::kernels;

/// The affine system
///
/// ```text
/// x' = a x + b
/// ```
///
/// | block | symbol | shape | units | meaning |
/// |---|---|---|---|---|
/// | `state` | `x` | `n` | 1 | state |
///
/// Observable: `residual`, the norm of `a x + b`.
///
/// # Equilibrium
/// `x* = -a^{-1} b`, which does not exist (or is not unique) when `a` is singular.
///
/// # Stability
/// Stable if and only if every eigenvalue of `a` has a negative real part.
///
/// # Errors
/// [`LinearDynamics::new`] refuses a matrix that is not square, a vector of another length and
/// entries that are not finite.
///
/// # Example
/// ```
/// use dynamic_inversion::dynamics::{Dynamics, LinearDynamics};
/// use nalgebra::dmatrix;
///
/// let decay = LinearDynamics::new(dmatrix![-2.0], vec![3.0])?;
/// assert_eq!(decay.closed_form_equilibrium()?, [1.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// Hirsch, Smale & Devaney 2013, Differential Equations, Dynamical Systems, and an Introduction to
/// Chaos, chapter 6.
#[derive(Debug, Clone)]
pub struct LinearDynamics {
    a: DMatrix<f64>,
    b: Vec<f64>,
    initial: Vec<f64>,
    layout: StateLayout,
    observables: Vec<Observable>,
}

impl LinearDynamics {
    /// The system with the square matrix `a` and the constant `b`, starting from zero.
    ///
    /// # Errors
    /// [`DynamicsError`] names the part that does not fit.
    pub fn new(a: DMatrix<f64>, b: Vec<f64>) -> Result<Self, DynamicsError> {
        let n = a.nrows();
        if n == 0 {
            return Err(DynamicsError::Empty { what: "a".to_owned() });
        }
        require_shape("a", &a, (n, n))?;
        require_finite("a", &a)?;
        let b = DMatrix::from_vec(b.len(), 1, b);
        require_shape("b", &b, (n, 1))?;
        require_finite("b", &b)?;
        let layout = StateLayout::new(1).with("state", n, "state");
        let observables = vec![Observable::new("residual", "norm of the right-hand side")];
        Ok(Self { a, b: b.data.into(), initial: vec![0.0; n], layout, observables })
    }

    /// The same system starting from `state`.
    ///
    /// # Errors
    /// [`DynamicsError`] when its length is not [`dim`](VectorField::dim) or an entry is not finite.
    pub fn with_initial_state(mut self, state: Vec<f64>) -> Result<Self, DynamicsError> {
        self.initial = checked_initial_state(self.dim(), state)?;
        Ok(self)
    }

    /// `a`.
    #[must_use]
    pub fn matrix(&self) -> &DMatrix<f64> {
        &self.a
    }
}

impl VectorField for LinearDynamics {
    named_by_layout!();

    fn dim(&self) -> usize {
        self.b.len()
    }

    fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) {
        kernels::gemv(&self.a, y, dy);
        dy.iter_mut().zip(&self.b).for_each(|(dy, b)| *dy += b);
    }

    fn jacobian(&self, _t: f64, _y: &[f64], jac: &mut DMatrix<f64>) {
        jac.copy_from(&self.a);
    }

    fn jvp(&self, _t: f64, _y: &[f64], v: &[f64], out: &mut [f64]) {
        kernels::gemv(&self.a, v, out);
    }
}

impl Dynamics for LinearDynamics {
    fn layout(&self) -> &StateLayout {
        &self.layout
    }

    fn initial_state(&self) -> Vec<f64> {
        self.initial.clone()
    }

    fn closed_form_equilibrium(&self) -> Result<Vec<f64>, NoClosedForm> {
        dense_affine_equilibrium(self, "a")
    }

    fn observables(&self) -> &[Observable] {
        &self.observables
    }

    fn observe(&self, t: f64, y: &[f64], out: &mut [f64]) {
        with_scratch(self.dim(), |f| {
            self.eval(t, y, f);
            self.layout.column_norms(f, out);
        });
    }

    fn is_linear(&self) -> bool {
        true
    }

    /// The leak is a decay subtracted from every diagonal entry of `a`, 0 as the model stands; the
    /// gain is a factor of the entries off the diagonal.
    fn control_parameter(&self, parameter: ControlParameter) -> Option<f64> {
        match parameter {
            ControlParameter::Leak => Some(0.0),
            ControlParameter::Gain => Some(1.0),
            ControlParameter::TauRatio => None,
        }
    }

    fn with_control_parameter(
        &self,
        parameter: ControlParameter,
        value: f64,
    ) -> Option<Box<dyn Dynamics>> {
        let mut changed = self.clone();
        let n = self.a.nrows();
        match parameter {
            ControlParameter::Leak => (0..n).for_each(|i| changed.a[(i, i)] -= value),
            ControlParameter::Gain => {
                changed.a *= value;
                (0..n).for_each(|i| changed.a[(i, i)] = self.a[(i, i)]);
            }
            ControlParameter::TauRatio => return None,
        }
        Some(Box::new(changed))
    }
}
