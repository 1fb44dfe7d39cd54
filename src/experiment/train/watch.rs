//! Loops that turn unstable while their weights learn.
//!
//! A loop is judged as the rule runs it: a scheme with a fixed step can be unstable on a stable
//! differential equation. Feedback of the kind `optimized` is made stable again; other loops that
//! are unstable invert nothing, so their examples count as not converged.

use super::checkpoint::Event;
use super::optimise::reoptimise;
use crate::learning::{Batch, Learner, LearningError, Run, abscissas, growth_rates};
use crate::model::spec::{Feedback as FeedbackSpec, OptimizedFeedback, Rule, Training};

/// Units per layer up to which the eigenvalues of a loop take less time than an update.
const WATCHED_UNITS: usize = 32;
/// Halvings of a feedback matrix before its loop counts as beyond help; fewer suffice for any
/// matrix in double precision whose loop is stable in the limit of weak feedback.
const HALVINGS: usize = 60;

/// One rule under watch.
pub(super) struct Watch<'a> {
    pub(super) spec: &'a Rule,
    pub(super) training: &'a Training,
}

/// What was seen while a learner learned.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) events: Vec<Event>,
    pub(super) warnings: Vec<String>,
}

impl<'a> Watch<'a> {
    fn optimized(&self) -> Option<&'a OptimizedFeedback> {
        match self.spec.feedback() {
            Some(FeedbackSpec::Optimized(options)) if self.training.reoptimize => Some(options),
            _ => None,
        }
    }

    /// Whether there is anything to watch.
    fn applies(&self, learner: &Learner) -> bool {
        let optimized = matches!(self.spec.feedback(), Some(FeedbackSpec::Optimized(_)));
        learner.rule().loops().is_some_and(|loops| loops.runs || optimized)
    }

    /// Learns from a batch that begins at update `step`. Loops that run in time and may have to be
    /// optimised again are looked at after every update, as published, unless their run has just
    /// shown them stable; others after every batch; in networks where that would take longer than
    /// learning, when a row is due after the batch.
    pub(super) fn learn(
        &self,
        learner: &mut Learner,
        batch: &Batch,
        step: usize,
        row_is_due: bool,
    ) -> Result<Seen, LearningError> {
        let mut seen = Seen::default();
        if !self.applies(learner) {
            learner.learn(batch);
            return Ok(seen);
        }
        let small = learner.network().sizes()[1..].iter().all(|n| *n <= WATCHED_UNITS);
        let in_time = matches!(learner.rule().run(), Some(Run::Exact { .. } | Run::Steps { .. }));
        if small && in_time && self.optimized().is_some() {
            for k in 0..batch.updates() {
                learner.learn_part(batch, k..k + 1);
                if learner.rule().is_known_stable() {
                    learner.set_unstable(false);
                } else {
                    self.look(learner, step + k + 1, &mut seen)?;
                }
            }
        } else {
            learner.learn(batch);
            if small || row_is_due {
                self.look(learner, step + batch.updates(), &mut seen)?;
            }
        }
        Ok(seen)
    }

    /// Judges the loops of a learner after `step` updates.
    pub(super) fn look(
        &self,
        learner: &mut Learner,
        step: usize,
        seen: &mut Seen,
    ) -> Result<(), LearningError> {
        if learner.progress().stopped.is_some() || !self.applies(learner) {
            return Ok(());
        }
        let rates = growth_rates(learner.rule(), learner.network())?;
        let unstable = at_least_zero(&rates);
        if !unstable.contains(&true) {
            learner.set_unstable(false);
            return Ok(());
        }
        let known = learner.progress().unstable;
        let mut what = "unstable";
        if let Some(options) = self.optimized() {
            match stabilise(learner, options) {
                Ok(done) => what = done,
                Err(reason) if !known => seen.warnings.push(format!(
                    "the feedback of {} could not be optimised again: {reason}",
                    learner.name()
                )),
                Err(_) => {}
            }
        }
        learner.set_unstable(what == "unstable" && rates.iter().any(|r| is_lost(learner, *r)));
        // A loop that stays unstable is told of once.
        if what != "unstable" || !known {
            for (layer, _) in unstable.iter().enumerate().filter(|(_, u)| **u) {
                let (rule, what) = (learner.name().to_owned(), what.to_owned());
                seen.events.push(Event { step, rule, layer: layer + 1, what });
            }
        }
        Ok(())
    }
}

fn at_least_zero(rates: &[f64]) -> Vec<bool> {
    // A rate that is no number comes from weights that are none.
    rates.iter().map(|rate| *rate >= 0.0 || rate.is_nan()).collect()
}

/// Whether a mode that grows at `rate` spoils a run: to an equilibrium any growth does, in a given
/// time it must gain a factor of e.
fn is_lost(learner: &Learner, rate: f64) -> bool {
    match learner.rule().run() {
        Some(Run::Exact { time } | Run::Steps { time, .. }) => rate * time >= 1.0 || rate.is_nan(),
        Some(Run::Equilibrium) => rate >= 0.0 || rate.is_nan(),
        None => false,
    }
}

/// Makes the loops stable again, from where they are: unstable equations are optimised, then
/// feedback too strong for the step of the scheme is halved, which hardly moves the equilibrium of
/// a loop whose gain is far above its leak. Tells what was done.
fn stabilise(learner: &mut Learner, options: &OptimizedFeedback) -> Result<&'static str, String> {
    let text = |e: LearningError| e.to_string();
    let unstable = at_least_zero(&abscissas(learner.rule(), learner.network()).map_err(text)?);
    let mut done = "weakened";
    if unstable.contains(&true) {
        learner.set_feedback(reoptimise(learner.rule(), learner.network(), &unstable, options)?);
        done = "reoptimized";
    }
    for _ in 0..HALVINGS {
        let rates = growth_rates(learner.rule(), learner.network()).map_err(text)?;
        let unstable = at_least_zero(&rates);
        if !unstable.contains(&true) {
            return Ok(done);
        }
        let mut feedback = learner.rule().feedback(learner.network());
        for (b, _) in feedback.iter_mut().zip(&unstable).filter(|(_, u)| **u) {
            *b *= 0.5;
        }
        learner.set_feedback(feedback);
    }
    Err("no weaker feedback makes the scheme stable".to_owned())
}
