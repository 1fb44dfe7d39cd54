//! Which equilibrium the trajectory approaches.

use crate::analysis::Verdict;
use crate::dynamics::Dynamics;
use crate::integrate::{AUTO, Options, Run, SaveAt, SteadyState};
use crate::model::Model;

/// The trajectory is followed for this many of the slowest time constant, or to the end of `[run]`,
/// whichever is later.
const TIME_CONSTANTS: f64 = 40.0;
/// Steps after which it is given up.
const MAX_STEPS: u64 = 200_000;
/// An equilibrium closer than this, relative to the way the state has come and to the equilibrium's
/// size, is the one approached.
const NEAR: f64 = 1e-3;
/// The absolute tolerance, relative to the largest component of the start.
const RESOLVED: f64 = 1e-6;

/// The answer for one target.
pub(super) struct Approach {
    /// Whether the question could be answered.
    pub(super) known: bool,
    /// The equilibrium approached.
    pub(super) index: Option<usize>,
    /// Something the user should know.
    pub(super) remark: Option<String>,
}

/// Which of `states` (with their verdicts and abscissae) the run from the initial state approaches.
pub(super) fn approached(
    model: &Model,
    dynamics: &dyn Dynamics,
    column: usize,
    states: &[&[f64]],
    verdicts: &[(Verdict, f64)],
) -> Approach {
    let layout = dynamics.layout();
    let initial = layout.column_state(column, &dynamics.initial_state());
    // A linear system approaches its equilibrium from everywhere if it is stable, and from almost
    // nowhere if it is unstable.
    if dynamics.is_linear() {
        let known = verdicts[0].0 != Verdict::Marginal;
        let index = (verdicts[0].0 == Verdict::Stable).then_some(0);
        return Approach { known, index, remark: None };
    }
    let slowest = verdicts
        .iter()
        .filter(|(verdict, _)| *verdict == Verdict::Stable)
        .fold(f64::INFINITY, |m, (_, abscissa)| m.min(abscissa.abs()));
    let run = model.specification().run.as_ref().map_or(0.0, |run| run.t_span[1] - run.t_span[0]);
    let settled = if slowest.is_finite() { TIME_CONSTANTS / slowest } else { 0.0 };
    let horizon = run.max(settled);
    if horizon <= 0.0 {
        return Approach { known: false, index: None, remark: None };
    }
    let start = dynamics.initial_state();
    // A start much smaller than the tolerance would lose even its sign next to an unstable point.
    let size = start.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let atol = if size > 0.0 { f64::min(1e-10, RESOLVED * size) } else { 1e-10 };
    let options = Options { max_steps: MAX_STEPS, ..Options::with_tolerances(1e-8, atol) };
    let outcome = Run::new(dynamics, &AUTO, (0.0, horizon), &start)
        .options(options)
        .save_at(SaveAt::End)
        .stop_at_steady_state(SteadyState::default())
        .integrate(&mut ());
    let Ok(outcome) = outcome else {
        let remark = format!(
            "which equilibrium the trajectory approaches is not known: it could not be followed to t = {horizon:.3e} s"
        );
        return Approach { known: false, index: None, remark: Some(remark) };
    };
    let end = layout.column_state(column, &outcome.y);
    let distance =
        |a: &[f64], b: &[f64]| a.iter().zip(b).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
    let travelled = distance(&end, &initial);
    let near = |state: &&[f64]| {
        let size = state.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        distance(&end, state) <= NEAR * travelled.max(size)
    };
    let index = states.iter().position(near);
    let remark = match index {
        Some(k) if verdicts[k].0 == Verdict::Unstable => Some(
            "the trajectory rests at an unstable equilibrium: the smallest perturbation leads away"
                .to_owned(),
        ),
        Some(_) => None,
        None => Some(format!(
            "the trajectory from the initial state approaches none of the equilibria within {horizon:.3e} s"
        )),
    };
    Approach { known: true, index, remark }
}
