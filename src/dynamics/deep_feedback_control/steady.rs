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
    /// `Q_l u`, `n_l x targets`.
    pub currents: Vec<DMatrix<f64>>,
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

    /// The steady state to first order in the output error: `u = (J Q + a I)^{-1} (target - y)`,
    /// `v_l = a_l + dv_l` with `dv` the linear response to `Q u`. A target whose system is singular is
    /// marked as not converged. Recomputed feedback counts as that of the feedforward state.
    #[must_use]
    pub fn linearised_steady_state(&self) -> ControlledState {
        if let ControlFeedback::Recomputed { scale } = self.feedback {
            let mut frozen = self.clone();
            let (mut v, mut r) = (vec![0.0; self.plant.len()], vec![0.0; self.plant.len()]);
            let mut slopes = vec![0.0; v.len()];
            self.plant.climb(&slopes, &mut v, &mut r);
            self.plant.slopes(&v, &mut slopes);
            let transposes = self.plant.jacobian_transposes(&slopes, &r, self.plant.columns);
            let scaled = transposes.into_iter().map(|jt| jt * scale).collect();
            frozen.feedback = ControlFeedback::PerTarget(scaled);
            return frozen.linearised_steady_state();
        }
        let mut search = Search::start(self, vec![0.0; self.target.len()]);
        let m = self.plant.outputs();
        let columns = search.jacobians(self);
        for (c, column) in columns.iter().enumerate() {
            search.converged[c] = column.is_some();
            let Some(column) = column else { continue };
            let u = &column.inverse * &column.f;
            search.u[c * m..(c + 1) * m].copy_from_slice(u.as_slice());
        }
        self.feedback.product(&self.plant, &search.u, &mut search.d);
        let (mut dv, mut slopes) = (search.d.clone(), search.d.clone());
        let mut work = search.d.clone();
        self.plant.slopes(&search.v, &mut slopes);
        self.plant.climb_linear(&slopes, 1.0, &mut dv, &mut work);
        search.v.iter_mut().zip(&dv).for_each(|(v, dv)| *v += dv);
        self.plant.rates(&search.v, &mut search.r);
        self.state(&search)
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
            currents: split(&search.d),
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
    /// `Q u`.
    d: Vec<f64>,
    /// `target - r_L - a u`.
    f: Vec<f64>,
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
    /// The state under the control signal `u`.
    fn start(control: &DeepFeedbackControl, u: Vec<f64>) -> Self {
        let (n, columns) = (control.plant.len(), control.plant.columns);
        let mut search = Self {
            f: vec![0.0; u.len()],
            u,
            d: vec![0.0; n],
            v: vec![0.0; n],
            r: vec![0.0; n],
            residuals: vec![f64::INFINITY; columns],
            converged: vec![false; columns],
            evaluations: 0,
        };
        search.evaluate(control);
        search
    }

    fn run(control: &DeepFeedbackControl, u: Vec<f64>) -> Self {
        let mut search = Self::start(control, u);
        // |target - y|, also when the start is not zero.
        let goals: Vec<f64> = search.scales(control).iter().map(|s| TOLERANCE * s).collect();
        let mut state = search.jacobians(control);
        loop {
            for (c, goal) in goals.iter().enumerate() {
                search.converged[c] = search.residuals[c] <= *goal;
            }
            let done = search.converged.iter().zip(&state).all(|(c, s)| *c || s.is_none());
            if done || search.evaluations >= MAX_EVALUATIONS {
                return search;
            }
            search.advance(&mut state);
            search.evaluate(control);
            search.learn(&mut state);
        }
    }

    /// `f = target - r_L - a u` for all targets.
    fn evaluate(&mut self, control: &DeepFeedbackControl) {
        control.feedback.product(&control.plant, &self.u, &mut self.d);
        control.plant.climb(&self.d, &mut self.v, &mut self.r);
        control.output_error(&self.r, &mut self.f);
        let leak = control.parameters.steady_leak();
        self.f.iter_mut().zip(&self.u).for_each(|(f, u)| *f -= leak * u);
        let m = control.plant.outputs();
        let norms = self.f.chunks_exact(m).map(|f| f.iter().map(|x| x * x).sum::<f64>().sqrt());
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
    fn jacobians(&self, control: &DeepFeedbackControl) -> Vec<Option<Column>> {
        let (plant, m) = (&control.plant, control.plant.outputs());
        let at_start = self.u.iter().all(|u| *u == 0.0);
        let transposes = match (control.tied, &control.feedback) {
            // Q is J^T up to a factor: no second sweep down the network.
            (Some(scale), ControlFeedback::PerTarget(q)) if at_start => {
                q.iter().map(|q| q / scale).collect()
            }
            _ => {
                let mut slopes = vec![0.0; plant.len()];
                plant.slopes(&self.v, &mut slopes);
                plant.jacobian_transposes(&slopes, &self.r, plant.columns)
            }
        };
        let leak = control.parameters.steady_leak();
        for_each_system(plant.columns, |c| {
            let gains = control.loop_gains(&transposes, c);
            let matrix = gains.into_iter().fold(DMatrix::identity(m, m) * leak, |sum, g| sum + g);
            let inverse = Lu::without_condition(&matrix).ok()?.inverse();
            let f = DVector::from_column_slice(&self.f[c * m..(c + 1) * m]);
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
    fn learn(&mut self, state: &mut [Option<Column>]) {
        let m = self.u.len() / state.len();
        for (c, slot) in state.iter_mut().enumerate().filter(|(c, _)| !self.converged[*c]) {
            let Some(column) = slot else { continue };
            let new = DVector::from_column_slice(&self.f[c * m..(c + 1) * m]);
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
