//! `[initial]`, `[solver]` and `[run]`.

use super::{Scope, Valid};
use crate::model::error::Problem;
use crate::model::grid;
use crate::model::key::number;
use crate::model::spec::{Initial, Run, SaveAt, Solver};

/// More rows than this are taken for a slip of the pen: 10^10 rows of one state are 80 GB.
const MOST_ROWS: usize = 10_000_000_000;

pub(super) fn validate(scope: &Scope<'_>) -> Valid {
    let spec = scope.spec;
    if let Some(Initial::Uniform { low, high }) = &spec.initial {
        scope.ordered(*low, *high, "initial.uniform")?;
    }
    if let Some(solver) = &spec.solver {
        self::solver(scope, solver)?;
    }
    let Some(run) = &spec.run else { return Ok(()) };
    save_at(scope, run)?;
    steps(scope, run)?;
    events(scope, run)?;
    record(scope, run)
}

fn solver(scope: &Scope<'_>, solver: &Solver) -> Valid {
    let Some(options) = solver.adaptive() else { return Ok(()) };
    let (Some(first), Some(longest)) = (options.first_step, options.max_step) else {
        return Ok(());
    };
    let key = format!("solver.{}.first_step", solver.name());
    scope.require(first <= longest, &key, || Problem::OutOfRange {
        what: "first_step".to_owned(),
        value: number(first),
        range: format!("<= max_step, which is {longest}"),
    })
}

/// The rows of a run, as far as they are known beforehand.
fn save_at(scope: &Scope<'_>, run: &Run) -> Valid {
    let [start, end] = run.t_span;
    let span = (end - start).abs();
    match &run.save_at {
        Some(SaveAt::Every(every)) => {
            let rows = grid::range_len(0.0, span, *every);
            scope.require(rows <= MOST_ROWS, "run.save_at.every", || Problem::OutOfRange {
                what: "every".to_owned(),
                value: number(*every),
                range: format!("larger: a span of {span} gives {:.1e} rows", span / every),
            })
        }
        Some(SaveAt::Count(count)) => {
            scope.require(*count <= MOST_ROWS, "run.save_at.count", || Problem::OutOfRange {
                what: "count".to_owned(),
                value: count.to_string(),
                range: format!("<= {MOST_ROWS}"),
            })
        }
        Some(SaveAt::Log { first, .. }) => {
            let inside = *first < span || span == 0.0;
            scope.require(inside, "run.save_at.log.first", || Problem::OutOfRange {
                what: "first".to_owned(),
                value: number(*first),
                range: format!("< {span}, the length of t_span"),
            })
        }
        Some(SaveAt::Times(times)) => self::times(scope, times, start, end),
        Some(SaveAt::Steps) => {
            let exact = matches!(scope.spec.solver, Some(Solver::Exact {}));
            scope.require(!exact, "run.save_at", || Problem::NotAllowed {
                what: "save_at = \"steps\"".to_owned(),
                with: "the solver \"exact\", which takes no steps".to_owned(),
                allowed: vec!["every", "count", "times", "log", "end"],
            })
        }
        Some(SaveAt::End) | None => Ok(()),
    }
}

fn times(scope: &Scope<'_>, times: &[f64], start: f64, end: f64) -> Valid {
    scope.require(!times.is_empty(), "run.save_at.times", || Problem::Refused {
        message: "no times are given".to_owned(),
        remedy: "give at least one time, or save_at = \"end\"".to_owned(),
    })?;
    let (low, high) = (start.min(end), start.max(end));
    let direction = if end < start { -1.0 } else { 1.0 };
    for (i, time) in times.iter().enumerate() {
        let key = format!("run.save_at.times[{i}]");
        scope.require((low..=high).contains(time), &key, || Problem::OutOfRange {
            what: "a time".to_owned(),
            value: number(*time),
            range: format!("between {start} and {end}, the ends of t_span"),
        })?;
        let ordered = i == 0 || (time - times[i - 1]) * direction > 0.0;
        scope.require(ordered, &key, || Problem::OutOfRange {
            what: "a time".to_owned(),
            value: number(*time),
            range: format!("beyond {}, the time before it", times[i - 1]),
        })?;
    }
    Ok(())
}

/// A fixed step must not need more steps than allowed.
fn steps(scope: &Scope<'_>, run: &Run) -> Valid {
    let Some(solver) = &scope.spec.solver else { return Ok(()) };
    let Some(options) = solver.fixed_step() else { return Ok(()) };
    let span = (run.t_span[1] - run.t_span[0]).abs();
    let needed = (span / options.step).ceil();
    let key = format!("solver.{}.step", solver.name());
    scope.require(needed <= options.max_steps as f64, &key, || Problem::Refused {
        message: format!(
            "a span of {span} in steps of {} takes {needed:.3e} steps, max_steps is {}",
            options.step, options.max_steps
        ),
        remedy: "raise step or max_steps".to_owned(),
    })
}

fn events(scope: &Scope<'_>, run: &Run) -> Valid {
    let targets = scope.spec.target.as_ref().and_then(|t| t.count()).unwrap_or(1);
    for (i, event) in run.events.iter().enumerate() {
        let key = format!("run.events[{i}]");
        let well_formed = event.component_parts().is_some();
        scope.require(well_formed, &format!("{key}.component"), || Problem::Refused {
            message: format!("{:?} names no component", event.component),
            remedy: "write a block and a position such as `state[0]`, or an observable such as `residual`"
                .to_owned(),
        })?;
        scope.require(event.target < targets, &format!("{key}.target"), || {
            Problem::OutOfRange {
                what: "target".to_owned(),
                value: event.target.to_string(),
                range: format!("< {targets}, the number of targets"),
            }
        })?;
    }
    Ok(())
}

fn record(scope: &Scope<'_>, run: &Run) -> Valid {
    let Some(names) = &run.record else { return Ok(()) };
    for (i, name) in names.iter().enumerate() {
        scope.require(!names[..i].contains(name), &format!("run.record[{i}]"), || {
            Problem::DuplicateName { what: "record".to_owned(), name: name.clone() }
        })?;
    }
    Ok(())
}
