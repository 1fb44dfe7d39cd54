//! `dinv run MODEL`: integrate a model and write its trajectory.

use clap::Args;

use crate::cli::arguments::DisplayArgs;
use crate::cli::job::{self, JobArgs};
use crate::cli::table::{Cell, Column, Table};
use crate::cli::{number, progress};
use crate::error::{Error, ExitCode};
use crate::experiment::run::{self, FRACTION, LoopReport, RunOptions, RunReport, TargetReport};

/// Arguments of `dinv run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Integrate again with this solver and report the difference
    #[arg(long, value_name = "SOLVER", help_heading = "Computation")]
    cross_check: Option<String>,
    /// Integrate again with tighter tolerances and report the difference
    #[arg(long, help_heading = "Computation")]
    estimate_error: bool,
}

pub(super) fn run(arguments: &RunArgs, display: &DisplayArgs) -> Result<ExitCode, Error> {
    let model = arguments.job.model.load()?;
    let progress = progress::display(display);
    let context = arguments.job.start(progress.as_ref())?;
    let options = RunOptions {
        output: arguments.job.output(),
        cross_check: arguments.cross_check.clone(),
        estimate_error: arguments.estimate_error,
    };
    let report = run::run(&model, &arguments.job.model.model, &options, &context)?;
    arguments.job.json.print(&report, display, summary)?;
    Ok(job::exit_code(report.file_status(), &context, &report.stop_reason))
}

/// Targets shown one by one; more are summarised by the worst.
const SHOWN_TARGETS: usize = 8;

fn summary(report: &RunReport) -> String {
    let mut facts = Table::facts();
    facts.fact("status", report.status.as_str());
    if report.stop_reason != report.status {
        facts.fact("ended by", report.stop_reason.as_str());
    }
    facts.fact("solver", report.solver.as_str());
    facts.fact("time reached", format!("{} s", number::significant(report.t_end, 6)));
    let steps = format!("{} accepted, {} rejected", report.n_steps, report.n_rejected);
    facts.fact("steps", steps);
    facts.fact("evaluations", work(report));
    facts.fact("integration", number::duration(report.wall_seconds));
    if let Some(file) = &report.file {
        let rows = if report.rows == 1 { "row" } else { "rows" };
        let text = format!("{file}  ({} {rows}, {})", report.rows, number::bytes(report.bytes));
        facts.fact("result", text);
    }
    let mut text = format!("{}\n{}", loops(report).render(), facts.render());
    for line in report.loops.iter().flat_map(checks) {
        text = format!("{text}\n{line}");
    }
    text
}

fn work(report: &RunReport) -> String {
    let mut text = format!("{} of f", report.n_rhs);
    if report.n_jac > 0 {
        let count = |n: u64, one: &str| format!(", {n} {one}{}", if n == 1 { "" } else { "s" });
        text += &(count(report.n_jac, "Jacobian") + &count(report.n_factor, "factorisation"));
    }
    text
}

/// One line per equation and target.
fn loops(report: &RunReport) -> Table {
    let fraction = format!("to {} %", number::significant(100.0 * FRACTION, 2));
    let mut table = Table::new([
        Column::text("loop"),
        Column::text("target"),
        Column::number("residual |f|"),
        Column::number("distance to equilibrium"),
        Column::number("relative"),
        Column::number(format!("converged {fraction}")).unit("s"),
        Column::number("spectral abscissa").unit("1/s"),
        Column::number("steps"),
        Column::number("evaluations"),
    ]);
    for one in &report.loops {
        let lines = target_lines(one);
        for (index, (label, target)) in lines.into_iter().enumerate() {
            let first = index == 0;
            let name = if first { one.name.replace('_', " ") } else { String::new() };
            table.row([
                name.into(),
                label.into(),
                short(Some(target.residual_norm)),
                short(target.steady_state_error),
                short(target.relative_error),
                target.convergence_time.map(|t| number::significant(t, 4)).into(),
                short(one.spectral_abscissa.filter(|_| first)),
                first.then_some(one.n_steps).into(),
                first.then_some(one.n_rhs).into(),
            ]);
        }
    }
    table
}

fn short(value: Option<f64>) -> Cell {
    value.map(|x| number::significant(x, 3)).into()
}

/// Every target, or the worst of many.
fn target_lines(one: &LoopReport) -> Vec<(String, TargetReport)> {
    let count = one.targets.len();
    if count <= SHOWN_TARGETS {
        let label = |k: usize| if count == 1 { String::new() } else { k.to_string() };
        return one.targets.iter().enumerate().map(|(k, t)| (label(k), t.clone())).collect();
    }
    let worst =
        |of: fn(&TargetReport) -> Option<f64>| one.targets.iter().filter_map(of).reduce(f64::max);
    let all_converged = one.targets.iter().all(|t| t.convergence_time.is_some());
    let target = TargetReport {
        residual_norm: worst(|t| Some(t.residual_norm)).unwrap_or(0.0),
        steady_state_error: worst(|t| t.steady_state_error),
        relative_error: worst(|t| t.relative_error),
        convergence_time: worst(|t| t.convergence_time).filter(|_| all_converged),
    };
    vec![(format!("worst of {count}"), target)]
}

fn checks(one: &LoopReport) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(check) = &one.cross_check {
        lines.push(format!(
            "{}: {} differs by {} at most, {} times the tolerance ({} at t = {} s)",
            one.name,
            check.solver,
            number::significant(check.difference, 3),
            number::significant(check.scaled, 3),
            check.component,
            number::significant(check.time, 4)
        ));
    }
    if let Some(estimate) = &one.error_estimate {
        lines.push(format!(
            "{}: estimated error {}, {} times the tolerance",
            one.name,
            number::significant(estimate.difference, 3),
            number::significant(estimate.scaled, 3)
        ));
    }
    for (name, t, rising) in &one.events {
        let direction = if *rising { "rises" } else { "falls" };
        let time = number::significant(*t, 10);
        lines.push(format!("{}: {name} {direction} through its level at t = {time} s", one.name));
    }
    lines
}
