//! The equilibrium of predictive coding by a Gauss-Newton iteration in `n_L` unknowns.
//!
//! With the prediction errors `eps_l` of the hidden layers as unknowns, the states follow forwards,
//! `z_l = W_l g(z_{l-1}) + b_l + eps_l`, and the energy is `|eps|^2 / 2 + loss(z)`. Its gradient is
//! `eps - J^T r` with the Jacobian `J` of the output (before a softmax) and `r = target - y`, both at
//! `z`; the Gauss-Newton step to the new errors `J^T y` solves
//!
//! ```text
//! (I + S J J^T) y = r + S J eps
//! ```
//!
//! with the curvature `S` of the loss: the identity, or `diag(p) - p p^T` with a softmax. Steps are
//! halved until the energy falls; at a fixed point `eps = J^T r`, the equilibrium of the equation.
//!
//! These steps neglect the curvature of the network, so far from the target they may come to rest
//! slowly. Then implicit steps along the gradient flow itself take over, which become Newton steps as
//! they grow.

use std::sync::Arc;

use nalgebra::{DMatrix, DVector};

use crate::analysis::geometry::OutputJacobians;
use crate::dynamics::{Dynamics, PredictiveCoding, VectorField};
use crate::linalg::LinalgError;
use crate::linalg::gemm::{matmul, matmul_tn};
use crate::linalg::lu::Lu;
use crate::network::{Forward, Network, Output};

/// Gauss-Newton steps before the gradient flow takes over; a handful suffices near the feedforward
/// state.
const MAX_STEPS: usize = 100;
/// Implicit steps, those refused included, before an example counts as not converged.
const MAX_FLOW_STEPS: usize = 200;
/// Factor of the length of an implicit step after one that lowered the energy, and its inverse after
/// one that did not.
const GROWTH: f64 = 4.0;
/// Halvings of one step before it counts as leading nowhere.
const MAX_HALVINGS: usize = 40;
/// `|eps - J^T r|` relative to its value at the start that counts as zero.
const TOLERANCE: f64 = 1e-12;
/// The same, where the iteration ends without reaching the tolerance.
const ACCEPTABLE: f64 = 1e-9;
/// A rise of the energy below this fraction is rounding: there the residual alone tells progress.
const ROUNDING: f64 = 1e-13;

/// Prediction errors at rest.
pub(super) struct Relaxation {
    /// `eps_1 .. eps_{L-1}`, then the negative gradient of the loss in `a_L`.
    pub errors: Vec<DVector<f64>>,
    /// Whether the equilibrium was reached.
    pub converged: bool,
}

/// The states of one example.
struct Point {
    forward: Forward,
    errors: Vec<DVector<f64>>,
    energy: f64,
}

/// The equilibrium for example `column` of `feedforward`, with the output drawn to `target`.
pub(super) fn relax(
    network: &Network,
    feedforward: &Forward,
    column: usize,
    target: &DVector<f64>,
) -> Result<Relaxation, LinalgError> {
    let hidden = network.layers().len() - 1;
    let start = feedforward.pre_activations[0].column(column).into_owned();
    let at = |errors: Vec<DVector<f64>>| Point::new(network, &start, target, errors);
    let zeros = network.layers()[..hidden].iter().map(|l| DVector::zeros(l.units()));
    let mut point = at(zeros.collect());
    let mut scale = None;
    let mut residual = f64::NAN;
    for _ in 0..MAX_STEPS {
        let jacobians = OutputJacobians::new(network, &point.forward, 0..1);
        let r = target - point.forward.output().column(0);
        let square = |(k, eps): (usize, &DVector<f64>)| {
            (eps - jacobians.transposed(k, 0) * &r).norm_squared()
        };
        residual = point.errors.iter().enumerate().map(square).sum::<f64>().sqrt();
        if residual <= TOLERANCE * *scale.get_or_insert(residual) {
            break;
        }
        let wanted = step(network, &point, &jacobians, r)?;
        let allowed = point.energy + ROUNDING * point.energy.abs();
        let mut lengths = (0..MAX_HALVINGS).map(|k| 0.5f64.powi(k as i32));
        let next = lengths.find_map(|length| {
            let moved = point.errors.iter().zip(&wanted).map(|(a, b)| a + (b - a) * length);
            Some(at(moved.collect())).filter(|trial| trial.energy <= allowed)
        });
        let Some(next) = next else { break };
        point = next;
    }
    if residual.is_nan() || residual > ACCEPTABLE * scale.unwrap_or(0.0) {
        let feedforward = example(network, feedforward, column);
        return Ok(flow(network, &feedforward, target, &point));
    }
    let jacobians = OutputJacobians::new(network, &point.forward, 0..1);
    let pull = jacobians.transposed(hidden, 0) * (target - point.forward.output().column(0));
    let mut errors = point.errors;
    errors.push(pull);
    Ok(Relaxation { errors, converged: true })
}

/// One example of a forward pass, inputs left out.
pub(super) fn example(network: &Network, forward: &Forward, column: usize) -> Forward {
    let mut one = Forward::new(network, 1);
    let pairs = one.pre_activations.iter_mut().zip(&forward.pre_activations);
    pairs.for_each(|(one, all)| one.copy_from(&all.columns(column, 1)));
    let pairs = one.activations.iter_mut().zip(&forward.activations);
    pairs.for_each(|(one, all)| one.copy_from(&all.columns(column, 1)));
    one
}

/// The equilibrium from `point` on by implicit Euler steps of the gradient flow, whose length grows
/// from one time constant while the energy falls.
fn flow(
    network: &Network,
    feedforward: &Forward,
    target: &DVector<f64>,
    point: &Point,
) -> Relaxation {
    let target = DMatrix::from_column_slice(target.len(), 1, target.as_slice());
    let network = Arc::new(network.clone());
    let Ok(coding) = PredictiveCoding::new(Arc::clone(&network), feedforward, target, 1.0) else {
        // Something is not finite: the weights have left the range of numbers.
        let errors = network.layers().iter().map(|l| DVector::zeros(l.units()));
        return Relaxation { errors: errors.collect(), converged: false };
    };
    let hidden = network.layers().len() - 1;
    let states = point.forward.pre_activations[..hidden].iter().flat_map(|a| a.iter().copied());
    let mut y: Vec<f64> = states.collect();
    let mut f = vec![0.0; y.len()];
    coding.eval(0.0, &coding.initial_state(), &mut f);
    let norm = |f: &[f64]| f.iter().map(|x| x * x).sum::<f64>().sqrt();
    let scale = norm(&f);
    let mut energy = energy_at(&coding, &y);
    let mut solver = coding.shifted_solver();
    let mut length = 1.0;
    for _ in 0..MAX_FLOW_STEPS {
        coding.eval(0.0, &y, &mut f);
        if norm(&f) <= TOLERANCE * scale {
            break;
        }
        let mut trial: Vec<f64> = f.iter().map(|f| length * f).collect();
        let regular = solver.factor(0.0, &y, length).is_ok();
        if regular {
            solver.solve(&mut trial);
            trial.iter_mut().zip(&y).for_each(|(trial, y)| *trial += y);
        }
        let reached = if regular { energy_at(&coding, &trial) } else { f64::NAN };
        if reached <= energy + ROUNDING * energy.abs() {
            (y, energy) = (trial, reached);
            length *= GROWTH;
        } else {
            length /= GROWTH;
        }
    }
    coding.eval(0.0, &y, &mut f);
    let errors = coding.prediction_errors(&y).iter().map(|e| e.column(0).into_owned()).collect();
    Relaxation { errors, converged: norm(&f) <= ACCEPTABLE * scale }
}

fn energy_at(coding: &PredictiveCoding, y: &[f64]) -> f64 {
    let mut observed = [0.0; 3];
    coding.observe(0.0, y, &mut observed);
    observed[2]
}

/// The errors that a full step would bring.
fn step(
    network: &Network,
    point: &Point,
    jacobians: &OutputJacobians,
    r: DVector<f64>,
) -> Result<Vec<DVector<f64>>, LinalgError> {
    let n = r.len();
    let (mut gram, mut carried) = (DMatrix::zeros(n, n), DVector::zeros(n));
    for (k, errors) in point.errors.iter().enumerate() {
        let block = jacobians.transposed(k, 0).into_owned();
        gram += matmul_tn(&block, &block);
        carried += block.tr_mul(errors);
    }
    if network.output() == Output::Softmax {
        let p = point.forward.output().column(0).into_owned();
        let curvature = DMatrix::from_diagonal(&p) - &p * p.transpose();
        gram = matmul(&curvature, &gram);
        carried = curvature * carried;
    }
    for i in 0..n {
        gram[(i, i)] += 1.0;
    }
    let y = Lu::without_condition(&gram)?.solve(&(r + carried));
    Ok((0..point.errors.len()).map(|k| jacobians.transposed(k, 0) * &y).collect())
}

impl Point {
    fn new(
        network: &Network,
        start: &DVector<f64>,
        target: &DVector<f64>,
        errors: Vec<DVector<f64>>,
    ) -> Self {
        let mut forward = Forward::new(network, 1);
        forward.pre_activations[0].copy_from(start);
        for (k, layer) in network.layers().iter().enumerate() {
            if k > 0 {
                let (below, a) = (&forward.activations[k - 1], &mut forward.pre_activations[k]);
                layer.pre_activation(below.as_slice(), a.as_mut_slice());
            }
            if let Some(error) = errors.get(k) {
                forward.pre_activations[k] += error;
            }
            let (a, h) = (&forward.pre_activations[k], &mut forward.activations[k]);
            layer.activation.apply(a.as_slice(), h.as_mut_slice());
        }
        if network.output() == Output::Softmax {
            let top = network.layers().len() - 1;
            crate::network::softmax(forward.activations[top].as_mut_slice());
        }
        let squares: f64 = errors.iter().map(DVector::norm_squared).sum();
        let loss = network.loss(&forward, target.as_slice()).expect("one output for one target");
        Self { forward, errors, energy: 0.5 * squares + loss }
    }
}
