//! Diagonally implicit Runge-Kutta steps.

use super::method::Law;
use super::methods::GAMMA;
use super::scheme::{Env, Interval, Scheme, Trial};
use super::tableau::{ErrorEstimate, Tableau};
use super::vector::{linear_combination, weighted_sum};
use crate::dynamics::{ShiftedSolver, SolveCost, VectorField};

/// Most Newton iterations per stage (code RADAU5 allows 7; frozen Jacobians want a few more).
const MAX_ITERATIONS: u32 = 10;
/// Error of the stage equations, in error weights, at which Newton's iteration stops.
const NEWTON_TOLERANCE: f64 = 0.01;
/// Convergence rate above which the next step evaluates the Jacobian anew: three iterations per
/// stage instead of two cost about as much as that.
const SLOW: f64 = 0.1;
/// A proposal within these factors of the present step keeps it, and with it the factorisation.
const HOLD: std::ops::RangeInclusive<f64> = 0.95..=1.2;

/// Singly diagonally implicit steps with an explicit first stage.
///
/// The unknown of stage `i` is its derivative: `k_i = f(t_i, base_i + h gamma k_i)` is solved by
/// Newton's iteration with the matrix `I - h gamma J`, where `J` is kept as long as it converges.
pub(crate) struct Esdirk<'a> {
    tableau: &'static Tableau,
    law: Law,
    n: usize,
    k: Vec<f64>,
    base: Vec<f64>,
    argument: Vec<f64>,
    residual: Vec<f64>,
    error: Vec<f64>,
    weights: Vec<f64>,
    /// Weights that extrapolate earlier stages to each stage.
    predictors: Vec<Vec<f64>>,
    /// Stage of the last accepted step used to predict the second stage, and its step.
    earlier: Vec<f64>,
    earlier_h: f64,
    field: &'a dyn VectorField,
    /// Made when first needed: a dense one may be large.
    solver: Option<Box<dyn ShiftedSolver + 'a>>,
    jacobian: Jacobian,
    shift: f64,
    /// Last estimate of `rate / (1 - rate)`.
    contraction: f64,
    slowest: f64,
    non_finite: Option<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Jacobian {
    /// To be evaluated before the next trial.
    Wanted,
    /// Evaluated at the start of the present step.
    Fresh,
    /// Evaluated in an earlier step.
    Kept,
}

/// Why a stage was not solved.
enum StageFailure {
    NotFinite,
    Diverged,
}

/// Stage of the former step that serves prediction, neither too near its end (noise) nor too far.
const EARLIER: usize = 4;

impl<'a> Esdirk<'a> {
    pub(crate) fn new(field: &'a dyn VectorField, tableau: &'static Tableau, law: Law) -> Self {
        let n = field.dim();
        let zeros = vec![0.0; n];
        Self {
            tableau,
            law,
            n,
            k: vec![0.0; tableau.rows() * n],
            base: zeros.clone(),
            argument: zeros.clone(),
            residual: zeros.clone(),
            error: zeros.clone(),
            weights: vec![0.0; tableau.rows()],
            predictors: (0..tableau.rows()).map(|i| extrapolation(tableau.c, i)).collect(),
            earlier: zeros,
            earlier_h: 0.0,
            field,
            solver: None,
            jacobian: Jacobian::Wanted,
            shift: f64::NAN,
            contraction: 1.0,
            slowest: 0.0,
            non_finite: None,
        }
    }

    fn solver(&mut self) -> &mut (dyn ShiftedSolver + 'a) {
        let field = self.field;
        &mut **self.solver.get_or_insert_with(|| field.shifted_solver())
    }

    /// What linear algebra costs.
    pub(crate) fn solve_cost(&mut self) -> SolveCost {
        self.solver().cost()
    }

    /// Derivative at the end of the accepted step.
    pub(crate) fn last_derivative(&self) -> &[f64] {
        &self.k[self.row(self.tableau.stages)]
    }

    fn row(&self, i: usize) -> std::ops::Range<usize> {
        i * self.n..(i + 1) * self.n
    }

    /// Makes the factorisation fit the step.
    fn factor(&mut self, env: &mut Env<'_>, step: Interval<'_>) -> bool {
        let shift = GAMMA * step.h;
        let done = if self.jacobian == Jacobian::Wanted {
            env.statistics.n_jac += 1;
            env.statistics.n_factor += 1;
            self.jacobian = Jacobian::Fresh;
            self.solver().factor(step.t0, step.y0, shift)
        } else if shift != self.shift {
            env.statistics.n_factor += 1;
            self.solver().reshift(shift)
        } else {
            return true;
        };
        self.shift = if done.is_ok() { shift } else { f64::NAN };
        done.is_ok()
    }

    /// First guess for the derivative of stage `i`, in its row.
    fn predict(&mut self, h: f64, i: usize) {
        let (before, rest) = self.k.split_at_mut(i * self.n);
        let guess = &mut rest[..self.n];
        if i > 1 || self.earlier_h == 0.0 {
            weighted_sum(1.0, &self.predictors[i], before, guess);
            return;
        }
        // The line through the start and a stage of the former step.
        let ahead = self.tableau.c[1] * h;
        let slope = ahead / ((1.0 - self.tableau.c[EARLIER]) * self.earlier_h);
        for ((guess, k), earlier) in guess.iter_mut().zip(before.iter()).zip(&self.earlier) {
            *guess = k + slope * (k - earlier);
        }
    }

    /// Solves stage `i`; leaves its derivative in its row and its state in `argument`.
    fn stage(
        &mut self,
        env: &mut Env<'_>,
        step: Interval<'_>,
        i: usize,
    ) -> Result<(), StageFailure> {
        let explicit = &self.tableau.a[i][..i];
        linear_combination(step.y0, step.h, explicit, &self.k, &mut self.base);
        self.predict(step.h, i);
        let t =
            if i == self.tableau.stages { step.t1 } else { step.t0 + self.tableau.c[i] * step.h };
        let row = self.row(i);
        let solver = self.solver.as_ref().expect("a trial factorises before its stages");
        let mut contraction = self.contraction.max(f64::EPSILON).powf(0.8);
        let mut previous = 0.0;
        for iteration in 1..=MAX_ITERATIONS {
            let k = &mut self.k[row.clone()];
            linear_combination(&self.base, self.shift, &[1.0], k, &mut self.argument);
            env.eval(t, &self.argument, &mut self.residual);
            for (residual, k) in self.residual.iter_mut().zip(k.iter()) {
                *residual -= k;
            }
            env.statistics.n_newton += 1;
            if let Some(i) = self.residual.iter().position(|r| !r.is_finite()) {
                self.non_finite = Some(i);
                return Err(StageFailure::NotFinite);
            }
            solver.solve(&mut self.residual);
            for (k, correction) in k.iter_mut().zip(&self.residual) {
                *k += correction;
            }
            let size = self.shift.abs() * env.norm.of(&self.residual, step.y0, &self.argument);
            if iteration > 1 {
                let rate = size / previous;
                self.slowest = self.slowest.max(rate);
                let left = f64::from(MAX_ITERATIONS - iteration);
                if rate >= 1.0 || rate.powf(left) / (1.0 - rate) * size > NEWTON_TOLERANCE {
                    self.error.copy_from_slice(&self.residual);
                    return Err(StageFailure::Diverged);
                }
                contraction = rate / (1.0 - rate);
            }
            if contraction * size <= NEWTON_TOLERANCE {
                self.contraction = contraction;
                linear_combination(&self.base, self.shift, &[1.0], k, &mut self.argument);
                return Ok(());
            }
            previous = size;
        }
        Err(StageFailure::Diverged)
    }
}

impl Scheme for Esdirk<'_> {
    fn begin(&mut self, f: &[f64]) {
        self.k[..self.n].copy_from_slice(f);
        self.earlier_h = 0.0;
        self.jacobian = Jacobian::Wanted;
        self.contraction = 1.0;
    }

    fn trial(&mut self, env: &mut Env<'_>, step: Interval<'_>, y1: &mut [f64]) -> Trial {
        self.non_finite = None;
        self.slowest = 0.0;
        if !self.factor(env, step) {
            // A singular matrix: another step size moves its eigenvalues away from zero.
            return Trial::Unsolved(0.5);
        }
        for i in 1..=self.tableau.stages {
            match self.stage(env, step, i) {
                Ok(()) => {}
                Err(StageFailure::NotFinite) => return Trial::Done(f64::NAN),
                Err(StageFailure::Diverged) if self.jacobian == Jacobian::Kept => {
                    self.jacobian = Jacobian::Wanted;
                    return Trial::Unsolved(1.0);
                }
                Err(StageFailure::Diverged) => return Trial::Unsolved(0.25),
            }
        }
        y1.copy_from_slice(&self.argument);
        let ErrorEstimate::Single(e) = self.tableau.error else { return Trial::Done(0.0) };
        weighted_sum(step.h, e, &self.k, &mut self.error);
        // The embedded method damps stiff components less than the method does; the factorised
        // matrix takes them out of the estimate (Shampine 1984; Hairer & Wanner, IV.8).
        env.statistics.n_newton += 1;
        let solver = self.solver.as_ref().expect("a trial factorises first");
        solver.solve(&mut self.error);
        Trial::Done(env.norm.of(&self.error, step.y0, y1))
    }

    fn advance(&mut self) {
        let last = self.row(self.tableau.stages);
        let earlier = self.row(EARLIER);
        self.earlier.copy_from_slice(&self.k[earlier]);
        self.k.copy_within(last, 0);
    }

    fn end_derivative(&mut self, _env: &mut Env<'_>, _t1: f64, _y1: &[f64]) -> &[f64] {
        &self.k[self.row(self.tableau.stages)]
    }

    fn interpolate(&mut self, _env: &mut Env<'_>, step: Interval<'_>, theta: f64, out: &mut [f64]) {
        (self.tableau.weights)(theta, &mut self.weights);
        linear_combination(step.y0, step.h, &self.weights, &self.k, out);
    }

    fn law(&self) -> Option<Law> {
        Some(self.law)
    }

    fn error(&self) -> &[f64] {
        &self.error
    }

    fn first_non_finite(&self) -> Option<usize> {
        self.non_finite
    }

    fn propose(&mut self, _env: &mut Env<'_>, step: Interval<'_>, _y1: &[f64], h_next: f64) -> f64 {
        self.earlier_h = step.h;
        self.jacobian = if self.slowest > SLOW { Jacobian::Wanted } else { Jacobian::Kept };
        let holds = self.jacobian == Jacobian::Kept && HOLD.contains(&(h_next / step.h));
        if holds { step.h } else { h_next }
    }
}

/// Weights of the polynomial through rows `0..i` at the time of row `i`.
fn extrapolation(c: &[f64], i: usize) -> Vec<f64> {
    let factor = |j: usize, m: usize| (c[i] - c[m]) / (c[j] - c[m]);
    (0..i).map(|j| (0..i).filter(|m| *m != j).map(|m| factor(j, m)).product()).collect()
}
