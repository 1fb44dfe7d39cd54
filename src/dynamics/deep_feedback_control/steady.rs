//! Steady states of many targets at once by a quasi-Newton iteration.

use nalgebra::{DMatrix, DVector};

use super::DeepFeedbackControl;
use super::feedback::ControlFeedback;
use crate::dynamics::small_system::for_each_system;
use crate::linalg::lu::Lu;

/// Evaluations after which a target that has not converged is given up.
const MAX_EVALUATIONS: usize = 60;
/// Residual relative to the output error at which a target counts as converged.
const TOLERANCE: f64 = 1e-10;
/// Rounds of freezing recomputed feedback at the voltages found.
const MAX_ROUNDS: usize = 100;

/// A network under control, one column per target.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlledState {
    /// `v_l`, `n_l x targets`.
    pub voltages: Vec<DMatrix<f64>>,
    /// `r_l`, `n_l x targets`.
    pub rates: Vec<DMatrix<f64>>,
    /// The control signal `u`, `n_L x targets`.
    pub control: DMatrix<f64>,
    /// `|target - r_L - a u|` of every target.
    pub residuals: Vec<f64>,
    /// Which targets are at rest to the tolerance, `1e-10` of the output error without control.
    pub converged: Vec<bool>,
    /// Evaluations of the network.
    pub evaluations: usize,
}

impl DeepFeedbackControl {
    /// The equilibrium that continues the state without control, by Broyden's method in `u` from the
    /// Jacobian `J Q + a I` of the feedforward state; all targets share every evaluation.
    ///
    /// Where the iteration fails the target is marked in [`ControlledState::converged`]. Recomputed
    /// feedback is frozen at the voltages found, round by round, until they agree.
    #[must_use]
    pub fn steady_state(&self) -> ControlledState {
        let ControlFeedback::Recomputed { scale } = self.feedback else {
            let start = vec![0.0; self.target.len()];
            return self.state(&Search::run(self, start));
        };
        let mut frozen = self.clone();
        let mut v = vec![0.0; self.plant.len()];
        let (mut r, zero) = (v.clone(), v.clone());
        self.plant.climb(&zero, &mut v, &mut r);
        let mut u = vec![0.0; self.target.len()];
        let mut evaluations = 0;
        for round in 1.. {
            let mut slopes = vec![0.0; v.len()];
            self.plant.slopes(&v, &mut slopes);
            let transposes = self.plant.jacobian_transposes(&slopes, &r, self.plant.columns);
            let scaled = transposes.into_iter().map(|jt| jt * scale).collect();
            frozen.feedback = ControlFeedback::PerTarget(scaled);
            let mut search = Search::run(&frozen, std::mem::take(&mut u));
            evaluations += search.evaluations;
            let largest = v.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
            let moved = v.iter().zip(&search.v).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()));
            let settled = moved <= TOLERANCE * largest;
            if settled || round == MAX_ROUNDS || !moved.is_finite() {
                if !settled {
                    search.converged.fill(false);
                }
                search.evaluations = evaluations;
                return self.state(&search);
            }
            (v, r, u) = (search.v, search.r, search.u);
        }
        unreachable!("the loop ends at its last round")
    }

    fn state(&self, search: &Search) -> ControlledState {
        let columns = self.plant.columns;
        let split = |stack: &[f64]| -> Vec<DMatrix<f64>> {
            let layer = |l: usize| {
                let part = &stack[self.plant.range(l)];
                DMatrix::from_column_slice(self.plant.units(l), columns, part)
            };
            (0..self.plant.depth()).map(layer).collect()
        };
        ControlledState {
            voltages: split(&search.v),
            rates: split(&search.r),
            control: DMatrix::from_column_slice(self.plant.outputs(), columns, &search.u),
            residuals: search.residuals.clone(),
            converged: search.converged.clone(),
            evaluations: search.evaluations,
        }
    }
}

/// The iteration for all targets.
struct Search {
    u: Vec<f64>,
    v: Vec<f64>,
    r: Vec<f64>,
    residuals: Vec<f64>,
    converged: Vec<bool>,
    evaluations: usize,
}

/// One target's inverse Jacobian and last step.
struct Column {
    inverse: DMatrix<f64>,
    step: DVector<f64>,
    f: DVector<f64>,
}

impl Search {
    fn run(control: &DeepFeedbackControl, u: Vec<f64>) -> Self {
        let (n, columns) = (control.plant.len(), control.plant.columns);
        let mut search = Self {
            u,
            v: vec![0.0; n],
            r: vec![0.0; n],
            residuals: vec![f64::INFINITY; columns],
            converged: vec![false; columns],
            evaluations: 0,
        };
        let (mut d, mut e) = (vec![0.0; n], vec![0.0; control.target.len()]);
        search.evaluate(control, &mut d, &mut e);
        // |target - y|, also when the start is not zero.
        let goals: Vec<f64> = search.scales(control).iter().map(|s| TOLERANCE * s).collect();
        let mut state = search.jacobians(control, &e);
        loop {
            for (c, goal) in goals.iter().enumerate() {
                search.converged[c] = search.residuals[c] <= *goal;
            }
            let done = search.converged.iter().zip(&state).all(|(c, s)| *c || s.is_none());
            if done || search.evaluations >= MAX_EVALUATIONS {
                return search;
            }
            search.advance(&mut state);
            search.evaluate(control, &mut d, &mut e);
            search.learn(control, &mut state, &e);
        }
    }

    /// `f = target - r_L - a u` for all targets, in `e`.
    fn evaluate(&mut self, control: &DeepFeedbackControl, d: &mut [f64], e: &mut [f64]) {
        control.feedback.product(&control.plant, &self.u, d);
        control.plant.climb(d, &mut self.v, &mut self.r);
        control.output_error(&self.r, e);
        let leak = control.parameters.steady_leak();
        e.iter_mut().zip(&self.u).for_each(|(e, u)| *e -= leak * u);
        let m = control.plant.outputs();
        let norms = e.chunks_exact(m).map(|e| e.iter().map(|x| x * x).sum::<f64>().sqrt());
        self.residuals.iter_mut().zip(norms).for_each(|(r, n)| *r = n);
        self.evaluations += 1;
    }

    /// What residuals are compared with: the error without control, or the target where that is 0.
    fn scales(&self, control: &DeepFeedbackControl) -> Vec<f64> {
        let leak = control.parameters.steady_leak();
        let m = control.plant.outputs();
        let targets = control.target.as_slice().chunks_exact(m);
        self.residuals
            .iter()
            .zip(targets.zip(self.u.chunks_exact(m)))
            .map(|(r, (target, u))| {
                let part = |x: &[f64]| x.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
                r.max(leak * part(u)).max(f64::EPSILON * part(target))
            })
            .collect()
    }

    /// The inverse Jacobians of every target; `None` where singular.
    fn jacobians(&self, control: &DeepFeedbackControl, f: &[f64]) -> Vec<Option<Column>> {
        let (plant, m) = (&control.plant, control.plant.outputs());
        let mut slopes = vec![0.0; plant.len()];
        plant.slopes(&self.v, &mut slopes);
        let transposes = plant.jacobian_transposes(&slopes, &self.r, plant.columns);
        let leak = control.parameters.steady_leak();
        for_each_system(plant.columns, |c| {
            let gains = control.loop_gains(&transposes, c);
            let matrix = gains.into_iter().fold(DMatrix::identity(m, m) * leak, |sum, g| sum + g);
            let inverse = Lu::without_condition(&matrix).ok()?.inverse();
            let f = DVector::from_column_slice(&f[c * m..(c + 1) * m]);
            Some(Column { inverse, step: DVector::zeros(m), f })
        })
    }

    /// Moves the targets that are not at rest.
    fn advance(&mut self, state: &mut [Option<Column>]) {
        let m = self.u.len() / state.len();
        for (c, column) in state.iter_mut().enumerate().filter(|(c, _)| !self.converged[*c]) {
            let Some(column) = column else { continue };
            column.step = &column.inverse * &column.f;
            let u = &mut self.u[c * m..(c + 1) * m];
            u.iter_mut().zip(column.step.iter()).for_each(|(u, s)| *u += s);
        }
    }

    /// Broyden's update of the inverse Jacobians ("good" form).
    fn learn(&mut self, control: &DeepFeedbackControl, state: &mut [Option<Column>], f: &[f64]) {
        let m = control.plant.outputs();
        for (c, slot) in state.iter_mut().enumerate().filter(|(c, _)| !self.converged[*c]) {
            let Some(column) = slot else { continue };
            let new = DVector::from_column_slice(&f[c * m..(c + 1) * m]);
            // The Jacobian of f is minus the matrix that is inverted.
            let change = &column.f - &new;
            let predicted = &column.inverse * &change;
            let denominator = column.step.dot(&predicted);
            if !(denominator.is_finite() && new.norm().is_finite()) {
                *slot = None;
                continue;
            }
            if denominator != 0.0 {
                let row = column.inverse.tr_mul(&column.step);
                let correction = (&column.step - predicted) / denominator;
                column.inverse.ger(1.0, &correction, &row, 1.0);
            }
            column.f = new;
        }
    }
}
