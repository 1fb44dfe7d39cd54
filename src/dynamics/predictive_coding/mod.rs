//! `predictive-coding`: hidden layers relax until their prediction errors balance.

mod derivatives;
mod solver;

use std::sync::Arc;

use nalgebra::DMatrix;

use super::error::{checked_initial_state, require_finite, require_positive, require_shape};
use super::field::{ShiftedSolver, VectorField};
use super::layout::{Observable, StateLayout, named_by_layout};
use super::scratch::with_scratch;
use super::{Dynamics, DynamicsError, NoClosedForm};
use crate::linalg::kernels;
use crate::linalg::lu::Lu;
use crate::network::{Activation, Forward, Network, Output};
use solver::ColumnsSolver;

/// Predictive coding with the input clamped and the output drawn to a target, many targets side by
/// side.
///
/// ```text
/// eps_l = z_l - W_l g(z_{l-1}) - b_l        l = 1 .. L-1,   W_1 g(z_0) = W_1 x
/// eps_L = target - y(W_L g(z_{L-1}) + b_L)
/// tau_state z_l' = -eps_l + g'(z_l) * W_{l+1}^T delta_{l+1},   delta_l = eps_l, delta_L = D_L eps_L
/// ```
///
/// `y` is the output of the network and `D_L` the slope of its last activation (1 when linear, and
/// for a softmax with cross-entropy). With a linear output this is the same as clamping an output
/// node to the target. The state follows the gradient of the energy
/// `E = sum_l |eps_l|^2 / 2 + loss(target, y)`.
///
/// | block | symbol | shape | units | meaning |
/// |---|---|---|---|---|
/// | `value_1` .. `value_{L-1}` | `z_l` | `n_l` per target | 1 | value nodes, in the place of pre-activations |
///
/// Observables: `residual`, the norm of the right-hand side; `target_error`, `|eps_L|`; `energy`,
/// `E`.
///
/// # Equilibrium
/// `eps_l = J_l^T delta_L` with `J_l = dh_L / da_l` at the state. For linear networks in closed form:
/// with `e` the error of the feedforward output and `J = [J_1 .. J_L]`, the errors at rest are
/// `J^T (J J^T)^{-1} e`: the change of pre-activations of least norm that reaches the target
/// (our own derivation).
///
/// # Stability
/// A gradient flow: its Jacobian is symmetric, every run that stays bounded ends in an equilibrium.
/// For linear networks the energy is strictly convex and the equilibrium globally stable.
///
/// # Errors
/// A network without hidden layers, shapes that do not fit, entries that are not finite, a time
/// constant that is not positive.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use dynamic_inversion::dynamics::{Dynamics, PredictiveCoding};
/// use dynamic_inversion::network::{Activation, Forward, Layer, Network, Output};
/// use nalgebra::{dmatrix, dvector};
///
/// // y = 2 h, h = x = 1, target 2.5: of the error 0.5 the hidden node takes 2/(1 + 2^2) 0.5.
/// let layer = |w| Layer { weights: w, biases: dvector![0.0], activation: Activation::Linear };
/// let network = Network::new(vec![layer(dmatrix![1.0]), layer(dmatrix![2.0])], Output::Linear)?;
/// let mut forward = Forward::new(&network, 1);
/// network.forward(&[1.0], &mut forward)?;
/// let coding = PredictiveCoding::new(Arc::new(network), &forward, dmatrix![2.5], 1.0)?;
/// let rest = coding.closed_form_equilibrium()?;
/// assert!((rest[0] - 1.2).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// Rao & Ballard 1999 (doi:10.1038/4580); as a learning rule Whittington & Bogacz 2017
/// (doi:10.1162/NECO_a_00949), equations 2.16 to 2.19 with unit variances. Deviation: the output is
/// drawn to the target by the loss of the network, which allows a softmax.
#[derive(Debug, Clone)]
pub struct PredictiveCoding {
    network: Arc<Network>,
    /// The feedforward pass, from which runs start. The weights of the first layer enter through
    /// its pre-activations alone.
    feedforward: Forward,
    target: DMatrix<f64>,
    tau_state: f64,
    initial: Vec<f64>,
    layout: StateLayout,
    observables: Vec<Observable>,
}

impl PredictiveCoding {
    /// The equation for the inputs of a forward pass of `network` and one target output per column
    /// of `target` (`n_L x targets`), starting from the feedforward state. The weights of the first
    /// layer are not read: `forward` says what they do.
    ///
    /// # Errors
    /// [`DynamicsError`] names the part that does not fit.
    pub fn new(
        network: Arc<Network>,
        forward: &Forward,
        target: DMatrix<f64>,
        tau_state: f64,
    ) -> Result<Self, DynamicsError> {
        let hidden = network.layers().len() - 1;
        if hidden == 0 {
            return Err(DynamicsError::Empty { what: "list of hidden layers".to_owned() });
        }
        require_positive("tau_state", tau_state)?;
        require_shape("target", &target, (network.output_size(), forward.columns()))?;
        require_finite("target", &target)?;
        let mut layout = StateLayout::new(forward.columns());
        for (k, (layer, a)) in
            network.layers()[..hidden].iter().zip(&forward.pre_activations).enumerate()
        {
            require_shape("pre-activations", a, (layer.units(), forward.columns()))?;
            let long = format!("value nodes of layer {}", k + 1);
            layout = layout.with(&format!("value_{}", k + 1), layer.units(), &long);
        }
        let initial = forward.pre_activations[..hidden].iter().flat_map(|a| a.iter().copied());
        let initial = checked_initial_state(layout.dim(), initial.collect())?;
        Ok(Self {
            network,
            feedforward: forward.clone(),
            target,
            tau_state,
            initial,
            layout,
            observables: vec![
                Observable::new("residual", "norm of the right-hand side"),
                Observable::new("target_error", "norm of target minus output"),
                Observable::new("energy", "squared prediction errors over 2, plus the loss"),
            ],
        })
    }

    /// The same equation starting from `state` (all blocks, column by column).
    ///
    /// # Errors
    /// [`DynamicsError`] when its length is not [`dim`](VectorField::dim) or an entry is not finite.
    pub fn with_initial_state(mut self, state: Vec<f64>) -> Result<Self, DynamicsError> {
        self.initial = checked_initial_state(self.dim(), state)?;
        Ok(self)
    }

    /// The prediction errors `eps_1 .. eps_{L-1}` and `delta_L` at `y`, one column per target.
    #[must_use]
    pub fn prediction_errors(&self, y: &[f64]) -> Vec<DMatrix<f64>> {
        let columns = self.layout.columns();
        let sizes = self.network.layers().iter().map(|l| l.units());
        let mut errors: Vec<_> = sizes.map(|n| DMatrix::zeros(n, columns)).collect();
        let mut hidden = vec![0.0; self.dim()];
        let (top, below) = errors.split_last_mut().expect("a network has layers");
        self.errors(y, &mut vec![0.0; self.widest()], &mut hidden, top.as_mut_slice());
        for (block, error) in self.layout.blocks().iter().zip(below) {
            error.as_mut_slice().copy_from_slice(&hidden[block.range.clone()]);
        }
        errors
    }

    fn hidden(&self) -> usize {
        self.layout.blocks().len()
    }

    /// Largest number of entries of a hidden layer, all targets together.
    fn widest(&self) -> usize {
        self.layout.blocks().iter().map(|b| b.range.len()).max().unwrap_or(0)
    }

    fn outputs(&self) -> usize {
        self.target.len()
    }

    fn activation(&self, k: usize) -> Activation {
        self.network.layers()[k].activation
    }

    /// Writes `eps` of the hidden layers to `errors`, laid out as the state, and `delta_L` to `top`;
    /// `h` is room for the widest layer.
    fn errors(&self, y: &[f64], h: &mut [f64], errors: &mut [f64], top: &mut [f64]) {
        let blocks = self.layout.blocks();
        for (k, block) in blocks.iter().enumerate() {
            let (z, eps) = (&y[block.range.clone()], &mut errors[block.range.clone()]);
            if k == 0 {
                eps.copy_from_slice(self.feedforward.pre_activations[0].as_slice());
            } else {
                let below = &blocks[k - 1].range;
                let h = &mut h[..below.len()];
                self.activation(k - 1).apply(&y[below.clone()], h);
                self.network.layers()[k].pre_activation(h, eps);
            }
            eps.iter_mut().zip(z).for_each(|(eps, z)| *eps = z - *eps);
        }
        let last = &blocks[blocks.len() - 1].range;
        let h = &mut h[..last.len()];
        self.activation(self.hidden() - 1).apply(&y[last.clone()], h);
        self.network.layers()[self.hidden()].pre_activation(h, top);
        self.drive(top);
    }

    /// Replaces `a_L` by `delta_L`, the negative gradient of the loss.
    fn drive(&self, top: &mut [f64]) {
        let n = self.target.nrows();
        match self.network.output() {
            Output::Softmax => {
                for (a, t) in top.chunks_exact_mut(n).zip(self.target.as_slice().chunks_exact(n)) {
                    crate::network::softmax(a);
                    a.iter_mut().zip(t).for_each(|(a, t)| *a = t - *a);
                }
            }
            Output::Linear => {
                let g = self.activation(self.hidden());
                for (a, t) in top.iter_mut().zip(self.target.iter()) {
                    *a = g.slope_at(*a) * (t - g.value(*a));
                }
            }
        }
    }

    /// The forward pass whose hidden pre-activations are the state.
    fn forward_at(&self, y: &[f64]) -> Forward {
        let mut forward = self.feedforward.clone();
        for (k, block) in self.layout.blocks().iter().enumerate() {
            let z = &y[block.range.clone()];
            forward.pre_activations[k].as_mut_slice().copy_from_slice(z);
            self.activation(k).apply(z, forward.activations[k].as_mut_slice());
        }
        let top = self.hidden();
        let a = forward.pre_activations[top].as_mut_slice();
        self.network.layers()[top].pre_activation(forward.activations[top - 1].as_slice(), a);
        let y = forward.activations[top].as_mut_slice();
        self.activation(top).apply(a, y);
        if self.network.output() == Output::Softmax {
            y.chunks_exact_mut(self.target.nrows()).for_each(crate::network::softmax);
        }
        forward
    }

    /// What makes the equation nonlinear, if anything does.
    fn nonlinearity(&self) -> Option<String> {
        if self.network.output() == Output::Softmax {
            return Some("softmax".to_owned());
        }
        let curved = |k: &usize| self.activation(*k) != Activation::Linear;
        let found = (0..=self.hidden()).find(curved)?;
        Some(format!("{} in layer {}", self.activation(found).name(), found + 1))
    }
}

impl VectorField for PredictiveCoding {
    named_by_layout!();

    fn dim(&self) -> usize {
        self.layout.dim()
    }

    fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) {
        let (widest, outputs) = (self.widest(), self.outputs());
        with_scratch(2 * widest + outputs, |scratch| {
            let (top, rest) = scratch.split_at_mut(outputs);
            let (back, slopes) = rest.split_at_mut(widest);
            self.errors(y, back, dy, top);
            let blocks = self.layout.blocks();
            for (k, block) in blocks.iter().enumerate() {
                let (own, above) = dy.split_at_mut(block.range.end);
                let own = &mut own[block.range.start..];
                let above = blocks.get(k + 1).map_or(&*top, |next| &above[..next.range.len()]);
                let (back, slopes) = (&mut back[..own.len()], &mut slopes[..own.len()]);
                kernels::gemm_transposed(&self.network.layers()[k + 1].weights, above, back);
                self.activation(k).slope(&y[block.range.clone()], slopes);
                for ((own, back), slope) in own.iter_mut().zip(back).zip(slopes) {
                    *own = (*slope * *back - *own) / self.tau_state;
                }
            }
        });
    }

    fn jacobian(&self, _t: f64, y: &[f64], jac: &mut DMatrix<f64>) {
        jac.fill(0.0);
        for column in 0..self.layout.columns() {
            let block = self.column_jacobian(y, column);
            let places: Vec<usize> =
                self.layout.blocks().iter().flat_map(|b| b.column_range(column)).collect();
            for (j, &to) in places.iter().enumerate() {
                for (i, &from) in places.iter().enumerate() {
                    jac[(from, to)] = block[(i, j)];
                }
            }
        }
    }

    fn jvp(&self, _t: f64, y: &[f64], v: &[f64], out: &mut [f64]) {
        self.directional(y, v, out);
    }

    fn shifted_solver<'a>(&'a self) -> Box<dyn ShiftedSolver + 'a> {
        Box::new(ColumnsSolver::new(self))
    }
}

impl Dynamics for PredictiveCoding {
    fn layout(&self) -> &StateLayout {
        &self.layout
    }

    fn initial_state(&self) -> Vec<f64> {
        self.initial.clone()
    }

    fn closed_form_equilibrium(&self) -> Result<Vec<f64>, NoClosedForm> {
        if let Some(reason) = self.nonlinearity() {
            return Err(NoClosedForm::Nonlinear { reason });
        }
        // Linear: one Jacobian for all targets, and I + sum J_l J_l^T is never singular.
        let blocks = self.network.logit_jacobian_blocks(&self.feedforward, 0);
        let hidden = self.hidden();
        let n = self.target.nrows();
        let mut system = DMatrix::identity(n, n);
        blocks[..hidden].iter().for_each(|j| system += crate::linalg::gemm::matmul_nt(j, j));
        let singular =
            |_| NoClosedForm::Singular { system: "J J^T".to_owned(), reciprocal_condition: 0.0 };
        let solution = Lu::without_condition(&system)
            .map_err(singular)?
            .solve_columns(&(&self.target - self.feedforward.output()));
        let mut state = vec![0.0; self.dim()];
        for (k, block) in self.layout.blocks().iter().enumerate() {
            let (below, own) = state.split_at_mut(block.range.start);
            let own = &mut own[..block.range.len()];
            if k == 0 {
                own.copy_from_slice(self.feedforward.pre_activations[0].as_slice());
            } else {
                let below = &below[self.layout.blocks()[k - 1].range.clone()];
                self.network.layers()[k].pre_activation(below, own);
            }
            let errors = crate::linalg::gemm::matmul_tn(&blocks[k], &solution);
            own.iter_mut().zip(errors.iter()).for_each(|(z, eps)| *z += eps);
        }
        Ok(state)
    }

    fn observables(&self) -> &[Observable] {
        &self.observables
    }

    fn observe(&self, t: f64, y: &[f64], out: &mut [f64]) {
        let columns = self.layout.columns();
        let mut f = vec![0.0; self.dim()];
        self.eval(t, y, &mut f);
        let (residual, rest) = out.split_at_mut(columns);
        let (target_error, energy) = rest.split_at_mut(columns);
        self.layout.column_norms(&f, residual);
        let forward = self.forward_at(y);
        let errors = self.prediction_errors(y);
        for column in 0..columns {
            let target = self.target.column(column);
            target_error[column] = (target - forward.output().column(column)).norm();
            let squares: f64 =
                errors[..self.hidden()].iter().map(|e| e.column(column).norm_squared()).sum();
            energy[column] = 0.5 * squares + self.loss(&forward, column);
        }
    }

    fn is_linear(&self) -> bool {
        self.nonlinearity().is_none()
    }

    fn shares_jacobian(&self) -> bool {
        self.layout.columns() == 1 || self.is_linear()
    }
}
