//! Small vector fields of the tests' own, so that the integrators are tested apart from the
//! dynamics of the crate.

use dynamic_inversion::dynamics::VectorField;
use nalgebra::{DMatrix, DVector, DVectorView, DVectorViewMut};

/// `y' = A y`.
pub struct Linear(pub DMatrix<f64>);

impl Linear {
    pub fn rows(rows: &[&[f64]]) -> Self {
        Self(DMatrix::from_fn(rows.len(), rows.len(), |i, j| rows[i][j]))
    }

    /// Unit decay.
    pub fn decay() -> Self {
        Self::rows(&[&[-1.0]])
    }

    /// A rotation: the first component is `cos(omega t)` from (1, 0).
    pub fn rotation(omega: f64) -> Self {
        Self::rows(&[&[0.0, omega], &[-omega, 0.0]])
    }
}

impl VectorField for Linear {
    fn dim(&self) -> usize {
        self.0.nrows()
    }

    fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) {
        let n = self.dim();
        DVectorViewMut::from_slice(dy, n).gemv(1.0, &self.0, &DVectorView::from_slice(y, n), 0.0);
    }

    fn jacobian(&self, _t: f64, _y: &[f64], jac: &mut DMatrix<f64>) {
        jac.copy_from(&self.0);
    }
}

type Function = Box<dyn Fn(f64, &[f64], &mut [f64]) + Send + Sync>;
type JacobianFunction = Box<dyn Fn(f64, &[f64], &mut DMatrix<f64>) + Send + Sync>;

/// A vector field from closures.
pub struct Custom {
    dim: usize,
    f: Function,
    jacobian: JacobianFunction,
}

impl Custom {
    pub fn new(
        dim: usize,
        f: impl Fn(f64, &[f64], &mut [f64]) + Send + Sync + 'static,
        jacobian: impl Fn(f64, &[f64], &mut DMatrix<f64>) + Send + Sync + 'static,
    ) -> Self {
        Self { dim, f: Box::new(f), jacobian: Box::new(jacobian) }
    }

    /// A scalar equation with its derivative.
    pub fn scalar(
        f: impl Fn(f64, f64) -> f64 + Send + Sync + 'static,
        slope: impl Fn(f64, f64) -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self::new(1, move |t, y, dy| dy[0] = f(t, y[0]), move |t, y, j| j[(0, 0)] = slope(t, y[0]))
    }
}

impl VectorField for Custom {
    fn dim(&self) -> usize {
        self.dim
    }

    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64]) {
        (self.f)(t, y, dy);
    }

    fn jacobian(&self, t: f64, y: &[f64], jac: &mut DMatrix<f64>) {
        (self.jacobian)(t, y, jac);
    }

    fn component_name(&self, index: usize) -> String {
        format!("x[{index}]")
    }
}

/// Activations with their slopes.
pub type Activation = (fn(f64) -> f64, fn(f64) -> f64);

pub const LINEAR: Activation = (|x| x, |_| 1.0);
pub const TANH: Activation = (f64::tanh, |x| 1.0 - x.tanh().powi(2));
pub const RELU: Activation = (|x| x.max(0.0), |x| if x > 0.0 { 1.0 } else { 0.0 });
pub const SOFTPLUS: Activation =
    (|x| x.max(0.0) + (-x.abs()).exp().ln_1p(), |x| 1.0 / (1.0 + (-x).exp()));

/// A loop through stages `r_1 .. r_n` closed by a controller `u`:
/// `tau_r r_1' = -r_1 + B u`, `tau_r r_l' = -r_l + W_l g(r_{l-1})`,
/// `tau_u u' = -leak u + W_{n+1} g(r_n) - delta`.
pub struct Loop {
    pub weights: Vec<DMatrix<f64>>,
    pub feedback: DMatrix<f64>,
    pub delta: DVector<f64>,
    pub leak: f64,
    pub tau_state: f64,
    pub tau_controller: f64,
    pub activation: Activation,
}

impl Loop {
    /// Starts of the stages and of the controller, and the end.
    pub fn offsets(&self) -> Vec<usize> {
        let mut offsets = vec![0];
        for w in &self.weights {
            offsets.push(offsets.last().unwrap() + w.ncols());
        }
        offsets.push(offsets.last().unwrap() + self.delta.len());
        offsets
    }
}

impl VectorField for Loop {
    fn dim(&self) -> usize {
        *self.offsets().last().unwrap()
    }

    fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) {
        let at = self.offsets();
        let n = self.weights.len();
        let block = |k: usize| DVector::from_column_slice(&y[at[k]..at[k + 1]]);
        let u = block(n);
        for k in 0..=n {
            let x = block(k);
            let drive = if k == 0 {
                &self.feedback * &u
            } else {
                &self.weights[k - 1] * block(k - 1).map(self.activation.0)
            };
            let rate = if k == n {
                (drive - self.leak * x - &self.delta) / self.tau_controller
            } else {
                (drive - x) / self.tau_state
            };
            dy[at[k]..at[k + 1]].copy_from_slice(rate.as_slice());
        }
    }

    fn jacobian(&self, _t: f64, y: &[f64], jac: &mut DMatrix<f64>) {
        let at = self.offsets();
        let n = self.weights.len();
        jac.fill(0.0);
        for i in 0..at[n] {
            jac[(i, i)] = -1.0 / self.tau_state;
        }
        for i in at[n]..at[n + 1] {
            jac[(i, i)] = -self.leak / self.tau_controller;
        }
        let (rows, columns) = self.feedback.shape();
        jac.view_mut((0, at[n]), (rows, columns)).copy_from(&(&self.feedback / self.tau_state));
        for (k, w) in self.weights.iter().enumerate() {
            let tau = if k + 1 == n { self.tau_controller } else { self.tau_state };
            let slope = DVector::from_fn(w.ncols(), |j, _| (self.activation.1)(y[at[k] + j]));
            let block = w * DMatrix::from_diagonal(&slope) / tau;
            jac.view_mut((at[k + 1], at[k]), w.shape()).copy_from(&block);
        }
    }

    fn update_order(&self) -> Vec<std::ops::Range<usize>> {
        let at = self.offsets();
        let n = self.weights.len();
        vec![at[n]..at[n + 1], 0..at[n]]
    }
}
