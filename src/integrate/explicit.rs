//! Explicit Runge-Kutta steps from a tableau.

use super::method::Law;
use super::scheme::{Env, Interval, Scheme, Trial};
use super::tableau::{ErrorEstimate, Tableau};
use super::vector::{all_finite, distance, linear_combination, weighted_sum};

pub(crate) struct ExplicitRk {
    tableau: &'static Tableau,
    law: Option<Law>,
    n: usize,
    /// Rows of the tableau one after the other.
    k: Vec<f64>,
    /// Argument of the last stage evaluated.
    argument: Vec<f64>,
    error: Vec<f64>,
    error3: Vec<f64>,
    weights: Vec<f64>,
    extra_ready: bool,
}

impl ExplicitRk {
    pub(crate) fn new(tableau: &'static Tableau, law: Option<Law>, n: usize) -> Self {
        let estimate = |wanted: bool| vec![0.0; if wanted { n } else { 0 }];
        Self {
            tableau,
            law,
            n,
            k: vec![0.0; tableau.rows() * n],
            argument: vec![0.0; n],
            error: vec![0.0; n],
            error3: estimate(matches!(tableau.error, ErrorEstimate::Pair(..))),
            weights: vec![0.0; tableau.rows()],
            extra_ready: false,
        }
    }

    /// Evaluations per step.
    pub(crate) fn evaluations(&self) -> f64 {
        self.tableau.stages as f64
    }

    pub(crate) fn stability_limit(&self) -> f64 {
        self.tableau.stability_limit
    }

    /// Derivative at the end of the accepted step.
    pub(crate) fn last_derivative(&self) -> &[f64] {
        self.row(self.tableau.stages)
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.k[i * self.n..(i + 1) * self.n]
    }

    /// Evaluates row `i` from the rows before it.
    fn stage(&mut self, env: &mut Env<'_>, step: Interval<'_>, i: usize) {
        let (before, rest) = self.k.split_at_mut(i * self.n);
        linear_combination(step.y0, step.h, self.tableau.a[i], before, &mut self.argument);
        env.eval(step.t0 + self.tableau.c[i] * step.h, &self.argument, &mut rest[..self.n]);
    }

    fn end_stage(&mut self, env: &mut Env<'_>, t1: f64, y1: &[f64]) {
        let last = self.tableau.stages * self.n;
        env.eval(t1, y1, &mut self.k[last..last + self.n]);
    }

    fn error_norm(&mut self, env: &mut Env<'_>, step: Interval<'_>, y1: &[f64]) -> f64 {
        match self.tableau.error {
            ErrorEstimate::None => fixed_step_norm(y1),
            ErrorEstimate::Single(e) => {
                weighted_sum(step.h, e, &self.k, &mut self.error);
                env.norm.of(&self.error, step.y0, y1)
            }
            ErrorEstimate::Pair(e5, e3) => {
                weighted_sum(step.h, e5, &self.k, &mut self.error);
                weighted_sum(step.h, e3, &self.k, &mut self.error3);
                env.norm.of_pair(&self.error, &self.error3, step.y0, y1)
            }
        }
    }
}

/// A fixed step is acceptable when its result is finite.
fn fixed_step_norm(y1: &[f64]) -> f64 {
    if all_finite(y1) { 0.0 } else { f64::NAN }
}

impl Scheme for ExplicitRk {
    fn begin(&mut self, f: &[f64]) {
        self.k[..self.n].copy_from_slice(f);
        self.extra_ready = false;
    }

    fn trial(&mut self, env: &mut Env<'_>, step: Interval<'_>, y1: &mut [f64]) -> Trial {
        self.extra_ready = false;
        for i in 1..self.tableau.stages {
            self.stage(env, step, i);
        }
        linear_combination(step.y0, step.h, self.tableau.b, &self.k, y1);
        let estimate_uses_end = match self.tableau.error {
            ErrorEstimate::Single(e) => e.len() > self.tableau.stages,
            ErrorEstimate::Pair(..) | ErrorEstimate::None => false,
        };
        if estimate_uses_end {
            self.end_stage(env, step.t1, y1);
        }
        let norm = self.error_norm(env, step, y1);
        if !estimate_uses_end && norm <= 1.0 {
            self.end_stage(env, step.t1, y1);
            if !all_finite(self.row(self.tableau.stages)) {
                return Trial::Done(f64::NAN);
            }
        }
        Trial::Done(norm)
    }

    fn advance(&mut self) {
        let last = self.tableau.stages * self.n;
        self.k.copy_within(last..last + self.n, 0);
        self.extra_ready = false;
    }

    fn end_derivative(&mut self, _env: &mut Env<'_>, _t1: f64, _y1: &[f64]) -> &[f64] {
        self.row(self.tableau.stages)
    }

    fn interpolate(&mut self, env: &mut Env<'_>, step: Interval<'_>, theta: f64, out: &mut [f64]) {
        if !self.extra_ready {
            for i in self.tableau.stages + 1..self.tableau.rows() {
                self.stage(env, step, i);
            }
            self.extra_ready = true;
        }
        (self.tableau.weights)(theta, &mut self.weights);
        linear_combination(step.y0, step.h, &self.weights, &self.k, out);
    }

    fn law(&self) -> Option<Law> {
        self.law
    }

    fn error(&self) -> &[f64] {
        &self.error
    }

    fn first_non_finite(&self) -> Option<usize> {
        self.k.iter().position(|k| !k.is_finite()).map(|i| i % self.n)
    }

    /// Both the last stage and the end lie at `c = 1`: the ratio of the differences of derivative
    /// and argument estimates the dominant eigenvalue (Hairer & Wanner, Solving ODEs II, IV.2).
    fn stability_use(&self, h: f64, y1: &[f64]) -> Option<f64> {
        let s = self.tableau.stages;
        // Extra stages overwrite the argument of the last one.
        if self.law.is_none() || self.extra_ready {
            return None;
        }
        let arguments = distance(y1, &self.argument);
        let derivatives = distance(self.row(s), self.row(s - 1));
        let size = y1.iter().map(|y| y * y).sum::<f64>().sqrt();
        // Differences of a few units in the last place carry no information.
        let informative = arguments > 1e3 * f64::EPSILON * size;
        informative.then(|| h.abs() * derivatives / arguments / self.tableau.stability_limit)
    }
}
