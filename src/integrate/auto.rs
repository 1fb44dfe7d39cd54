//! Changing between explicit and implicit steps.
//!
//! Cost is counted in evaluations of the vector field, with factorisations and linear solves
//! converted by [`SolveCost`]: never in seconds, so a run is reproducible, and never with the
//! evaluations of dense output, so save times do not change the steps.
//!
//! Explicit steps go on until stability has bounded them for a while. Then implicit steps are
//! tried: they start small and grow until accuracy bounds them, and stay only if their cost per
//! unit of time is clearly lower than that of the explicit steps was. A trial that fails costs a
//! known amount, and the next one waits until explicit steps have cost eight times as much: trials
//! never add more than about an eighth. While
//! implicit steps are in use, the spectral radius of the Jacobian is estimated from time to time
//! to see whether stability would still bound explicit ones.

use super::explicit::ExplicitRk;
use super::implicit::Esdirk;
use super::method::{Law, Stepping};
use super::methods;
use super::scheme::{Env, Interval, Scheme, Trial};
use crate::dynamics::{SolveCost, VectorField};

/// Relative tolerance at and below which DOP853 needs fewer evaluations for the same error than
/// Tsitouras' method, from the work of both on tanh loops of 30, 300 and 1084 components.
const TIGHT: f64 = 3e-8;

/// Share of the stability interval that counts as bounded by it.
const BOUNDED: f64 = 0.8;
/// Bounded steps before implicit ones are tried.
const SERIES: u32 = 10;
/// Free steps that end a series.
const FREE: u32 = 3;
/// First implicit step in units of the explicit one, which stability and not accuracy chose.
const FIRST_IMPLICIT: f64 = 20.0;
/// Implicit steps that a trial is expected to take.
const TRIAL: u32 = 3;
/// Implicit steps after which a trial is judged in any case.
const LONGEST_TRIAL: u32 = 15;
/// Step growth below which steps count as no longer growing.
const GROWING: f64 = 1.3;
/// A method must be cheaper by this factor to be changed to.
const MARGIN: f64 = 0.8;
/// Implicit steps between estimates of the spectral radius.
const CHECK_EVERY: u32 = 20;
/// Cost of explicit steps, in units of a failed trial, before the next one.
const PATIENCE: f64 = 8.0;

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Explicit,
    Implicit,
}

/// A series of explicit steps bounded by stability.
#[derive(Default)]
struct Series {
    bounded: u32,
    free: u32,
    start: f64,
    cost_before: f64,
}

/// Implicit steps being tried or in use.
#[derive(Default)]
struct Stay {
    steps: u32,
    is_established: bool,
    cost_before: f64,
    /// Cost per unit of time of explicit steps before the change.
    explicit_pace: f64,
    /// Smoothed cost per unit of time of recent steps.
    pace: f64,
}

pub(crate) struct Auto<'a> {
    explicit: ExplicitRk,
    implicit: Esdirk<'a>,
    active: Side,
    pending: Option<Side>,
    cost_of: SolveCost,
    /// Cost of everything so far, and of the present step with its rejections.
    cost: f64,
    step_cost: f64,
    /// The part of the last trial that is not factorisation.
    solve_cost: f64,
    series: Series,
    stay: Stay,
    /// No trial before the cost has reached this.
    not_before: f64,
    f: Vec<f64>,
    t_end: f64,
}

impl<'a> Auto<'a> {
    pub(crate) fn new(field: &'a dyn VectorField, rtol: f64, t_end: f64) -> Self {
        let n = field.dim();
        let method = if rtol <= TIGHT { &methods::DOP853 } else { &methods::TSIT5 };
        let Stepping::Explicit(tableau, law) = method.stepping else {
            unreachable!("both methods are explicit")
        };
        let Stepping::Implicit(implicit, implicit_law) = methods::IMPLICIT.stepping else {
            unreachable!("the implicit method is implicit")
        };
        Self {
            explicit: ExplicitRk::new(tableau, Some(law), n),
            implicit: Esdirk::new(field, implicit, implicit_law),
            active: Side::Explicit,
            pending: None,
            cost_of: SolveCost { solve: 0.0, reshift: 0.0, factor: 0.0 },
            cost: 0.0,
            step_cost: 0.0,
            solve_cost: 0.0,
            series: Series::default(),
            stay: Stay::default(),
            not_before: 0.0,
            f: vec![0.0; n],
            t_end,
        }
    }

    fn active(&self) -> &dyn Scheme {
        match self.active {
            Side::Explicit => &self.explicit,
            Side::Implicit => &self.implicit,
        }
    }

    fn active_mut(&mut self) -> &mut (dyn Scheme + 'a) {
        match self.active {
            Side::Explicit => &mut self.explicit,
            Side::Implicit => &mut self.implicit,
        }
    }

    /// After an explicit step: whether to try implicit ones.
    fn consider_implicit(&mut self, step: Interval<'_>, h_next: f64) -> f64 {
        let share = self.explicit.stability_use();
        if share.is_some_and(|share| share > BOUNDED) {
            if self.series.bounded == 0 {
                self.series.start = step.t0;
                self.series.cost_before = self.cost - self.step_cost;
            }
            self.series.bounded += 1;
            self.series.free = 0;
        } else {
            self.series.free += 1;
            if self.series.free >= FREE {
                self.series = Series::default();
            }
        }
        if self.series.bounded < SERIES || self.cost < self.not_before {
            return h_next;
        }
        let time = (step.t1 - self.series.start).abs();
        let pace = (self.cost - self.series.cost_before) / time;
        self.cost_of = self.implicit.solve_cost();
        let iteration = 1.0 + self.cost_of.solve;
        let trial =
            self.cost_of.factor + f64::from(TRIAL) * (self.cost_of.reshift + 12.0 * iteration);
        if pace * (self.t_end - step.t1).abs() < 2.0 * trial {
            return h_next;
        }
        self.pending = Some(Side::Implicit);
        self.stay = Stay { cost_before: self.cost, explicit_pace: pace, ..Stay::default() };
        FIRST_IMPLICIT * step.h
    }

    /// After an implicit step: whether to go back to explicit ones.
    fn consider_explicit(
        &mut self,
        env: &mut Env<'_>,
        step: Interval<'_>,
        y1: &[f64],
        h_next: f64,
    ) -> f64 {
        // What the next step will cost per unit of time; factorisations are paid once for many.
        let pace = self.solve_cost / h_next.abs();
        let stay = &mut self.stay;
        stay.steps += 1;
        stay.pace = if stay.steps == 1 { pace } else { 0.5 * (stay.pace + pace) };
        if !stay.is_established {
            let is_growing = h_next / step.h > GROWING && stay.steps < LONGEST_TRIAL;
            if is_growing {
                return h_next;
            }
            stay.is_established = stay.pace < MARGIN * stay.explicit_pace;
            if stay.is_established {
                stay.steps = 0;
                return h_next;
            }
            let trial = self.cost - stay.cost_before;
            self.not_before = self.cost + PATIENCE * trial;
            let h = self.explicit_step(env, step, y1, h_next);
            return self.back(h);
        }
        if !stay.steps.is_multiple_of(CHECK_EVERY) {
            return h_next;
        }
        let pace = stay.pace;
        let h = self.explicit_step(env, step, y1, h_next);
        let evaluations = self.explicit.evaluations();
        if evaluations / h.abs() < MARGIN * pace { self.back(h) } else { h_next }
    }

    fn back(&mut self, h: f64) -> f64 {
        self.pending = Some(Side::Explicit);
        self.series = Series::default();
        h
    }

    /// A step that stability allows an explicit method, no longer than the implicit proposal.
    fn explicit_step(
        &mut self,
        env: &mut Env<'_>,
        step: Interval<'_>,
        y1: &[f64],
        h_next: f64,
    ) -> f64 {
        let before = env.statistics.n_rhs;
        let stable = self.explicit.stable_step(env, step.t1, y1);
        self.cost += (env.statistics.n_rhs - before) as f64;
        h_next.abs().min(stable).copysign(h_next)
    }
}

impl Scheme for Auto<'_> {
    fn begin(&mut self, f: &[f64]) {
        self.active = Side::Explicit;
        self.pending = None;
        self.explicit.begin(f);
    }

    fn trial(&mut self, env: &mut Env<'_>, step: Interval<'_>, y1: &mut [f64]) -> Trial {
        let before = env.statistics;
        let trial = self.active_mut().trial(env, step, y1);
        let after = env.statistics;
        let count = |f: fn(&super::Statistics) -> u64| (f(&after) - f(&before)) as f64;
        let fresh = count(|s| s.n_jac);
        self.solve_cost = count(|s| s.n_rhs) + self.cost_of.solve * count(|s| s.n_newton);
        let cost = self.solve_cost
            + self.cost_of.factor * fresh
            + self.cost_of.reshift * (count(|s| s.n_factor) - fresh);
        self.cost += cost;
        self.step_cost += cost;
        trial
    }

    fn advance(&mut self) {
        self.step_cost = 0.0;
        match self.pending.take() {
            None => self.active_mut().advance(),
            Some(Side::Implicit) => {
                self.f.copy_from_slice(self.explicit.last_derivative());
                self.implicit.begin(&self.f);
                self.active = Side::Implicit;
            }
            Some(Side::Explicit) => {
                self.f.copy_from_slice(self.implicit.last_derivative());
                self.explicit.begin(&self.f);
                self.active = Side::Explicit;
            }
        }
    }

    fn end_derivative(&mut self, env: &mut Env<'_>, t1: f64, y1: &[f64]) -> &[f64] {
        self.active_mut().end_derivative(env, t1, y1)
    }

    fn interpolate(&mut self, env: &mut Env<'_>, step: Interval<'_>, theta: f64, out: &mut [f64]) {
        self.active_mut().interpolate(env, step, theta, out);
    }

    fn law(&self) -> Option<Law> {
        self.active().law()
    }

    fn error(&self) -> &[f64] {
        self.active().error()
    }

    fn first_non_finite(&self) -> Option<usize> {
        self.active().first_non_finite()
    }

    fn propose(&mut self, env: &mut Env<'_>, step: Interval<'_>, y1: &[f64], h_next: f64) -> f64 {
        match self.active {
            Side::Explicit => {
                let h_next = self.explicit.propose(env, step, y1, h_next);
                self.consider_implicit(step, h_next)
            }
            Side::Implicit => {
                let h_next = self.implicit.propose(env, step, y1, h_next);
                self.consider_explicit(env, step, y1, h_next)
            }
        }
    }
}
