//! Explicit Runge-Kutta steps from a tableau.

use super::method::Law;
use super::scheme::{Env, Interval, Scheme, Trial};
use super::spectral_radius::SpectralRadius;
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
    second_error: Vec<f64>,
    weights: Vec<f64>,
    extra_ready: bool,
    bound: StabilityBound,
}

/// The step that stability allows, as last estimated.
struct StabilityBound {
    radius: SpectralRadius,
    /// Largest stable step; infinite while stability does not matter.
    step: f64,
    /// Accepted steps since the estimate.
    age: u32,
    /// Share of the stability interval that the accepted step used.
    share: Option<f64>,
}

/// Share of the stability interval, as the stages see it, at which the bound is estimated.
const NEAR: f64 = 0.8;
/// Accepted steps for which an estimate is used.
const LIFETIME: u32 = 20;
/// Share of the stability interval that steps may use. At its very end fast components would
/// hover at the tolerance for ever; a little inside they die out, no step is rejected for them and
/// dense output keeps its accuracy.
const STABLE: f64 = 0.95;

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
            second_error: estimate(matches!(tableau.error, ErrorEstimate::Guarded { .. })),
            weights: vec![0.0; tableau.rows()],
            extra_ready: false,
            bound: StabilityBound {
                radius: SpectralRadius::new(if law.is_some() { n } else { 0 }),
                step: f64::INFINITY,
                age: 0,
                share: None,
            },
        }
    }

    /// Evaluations per step.
    pub(crate) fn evaluations(&self) -> f64 {
        self.tableau.stages as f64
    }

    /// Estimates the longest step that is safely stable at `(t, y)`.
    pub(crate) fn stable_step(&mut self, env: &mut Env<'_>, t: f64, y: &[f64]) -> f64 {
        STABLE * self.tableau.stability_limit / self.bound.radius.estimate(env, t, y)
    }

    /// Derivative at the end of the accepted step.
    pub(crate) fn last_derivative(&self) -> &[f64] {
        self.row(self.tableau.stages)
    }

    /// Both the last stage and the end lie at `c = 1`: the ratio of the differences of derivative
    /// and argument estimates the size of the Jacobian in the directions that matter (Hairer &
    /// Wanner, Solving ODEs II, IV.2).
    fn stiffness_seen(&self, y1: &[f64]) -> Option<f64> {
        let s = self.tableau.stages;
        let arguments = distance(y1, &self.argument);
        let derivatives = distance(self.row(s), self.row(s - 1));
        let size = y1.iter().map(|y| y * y).sum::<f64>().sqrt();
        // Differences of a few units in the last place carry no information.
        (arguments > 1e3 * f64::EPSILON * size).then(|| derivatives / arguments)
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
            ErrorEstimate::Guarded { five, three, six } => {
                weighted_sum(step.h, five, &self.k, &mut self.error);
                weighted_sum(step.h, three, &self.k, &mut self.second_error);
                let pair = env.norm.of_pair(&self.error, &self.second_error, step.y0, y1);
                weighted_sum(step.h, six, &self.k, &mut self.error);
                env.norm.of(&self.error, step.y0, y1).max(pair)
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
        self.bound.step = f64::INFINITY;
        self.bound.share = None;
    }

    fn trial(&mut self, env: &mut Env<'_>, step: Interval<'_>, y1: &mut [f64]) -> Trial {
        self.extra_ready = false;
        for i in 1..self.tableau.stages {
            self.stage(env, step, i);
        }
        linear_combination(step.y0, step.h, self.tableau.b, &self.k, y1);
        let estimate_uses_end = match self.tableau.error {
            ErrorEstimate::Single(e) => e.len() > self.tableau.stages,
            ErrorEstimate::Guarded { .. } | ErrorEstimate::None => false,
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

    fn stability_use(&self) -> Option<f64> {
        self.bound.share
    }

    /// Keeps the next step within the stability interval once it matters.
    fn propose(&mut self, env: &mut Env<'_>, step: Interval<'_>, y1: &[f64], h_next: f64) -> f64 {
        let limit = self.tableau.stability_limit;
        let seen = self.stiffness_seen(y1).map(|rho| step.h.abs() * rho / limit);
        let is_near = seen.is_some_and(|share| share > NEAR);
        self.bound.age += 1;
        if self.bound.step.is_finite() && self.bound.age >= LIFETIME
            || self.bound.step.is_infinite() && is_near
        {
            let stable = self.stable_step(env, step.t1, y1);
            // Far from the bound: forget it until the stages see it again.
            let matters = is_near || h_next.abs() > 0.5 * stable;
            self.bound.step = if matters { stable } else { f64::INFINITY };
            self.bound.age = 0;
        }
        self.bound.share = if self.bound.step.is_finite() {
            Some(STABLE * step.h.abs() / self.bound.step)
        } else {
            seen
        };
        h_next.abs().min(self.bound.step).copysign(h_next)
    }
}
