//! `dinv check MODEL`: what a model says and whether it is sound; runs nothing.

use clap::Args;

use crate::cli::arguments::{DisplayArgs, JsonArgs, ModelArgs};
use crate::cli::number;
use crate::cli::table::Table;
use crate::error::{Error, ExitCode};
use crate::experiment::check::{self, CheckReport, EquationReport, TrainingEstimate};
use crate::experiment::sweep::SweepEstimate;

/// Arguments of `dinv check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    json: JsonArgs,
}

pub(super) fn run(arguments: &CheckArgs, display: &DisplayArgs) -> Result<ExitCode, Error> {
    let model = arguments.model.load()?;
    let report = check::check(&model)?;
    arguments.json.print(&report, display, text)?;
    let sound = report.equations.iter().all(|equation| equation.jacobian_agrees);
    Ok(if sound { ExitCode::Success } else { ExitCode::ClaimFailed })
}

fn text(report: &CheckReport) -> String {
    let mut text = format!("{}\n", report.resolved_model.trim_end());
    for equation in &report.equations {
        text = format!("{text}\n{}", facts(equation).render());
    }
    if let (Some(rows), Some(bytes)) = (report.rows, report.result_bytes) {
        let mut facts = Table::facts();
        facts.fact("rows", rows.to_string());
        facts.fact("size of the rows", format!("{} before compression", number::bytes(bytes)));
        text = format!("{text}\n{}", facts.render());
    }
    if let Some(training) = &report.training {
        text = format!("{text}\n{}", of_training(training).render());
    }
    if let Some(sweep) = &report.sweep {
        text = format!("{text}\n{}", of_sweep(sweep).render());
    }
    text
}

fn of_training(training: &TrainingEstimate) -> Table {
    let mut facts = Table::facts();
    let many = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    facts.fact("training", format!("{} side by side", many(training.rules, "rule")));
    let course = match (training.steps, training.epochs) {
        (Some(steps), _) => many(steps, "update"),
        (None, epochs) => many(epochs.unwrap_or(1), "epoch"),
    };
    facts.fact("course", format!("{course} of {}", many(training.batch, "example")));
    facts.fact("network", format!("{} weights and biases", training.parameters));
    facts.fact("memory", number::bytes(training.memory_estimate));
    facts
}

fn of_sweep(sweep: &SweepEstimate) -> Table {
    let mut facts = Table::facts();
    let axes: Vec<String> =
        sweep.axes.iter().map(|(name, length)| format!("{length} {name}")).collect();
    facts.fact(
        "sweep",
        format!("{} at {} points = {}", sweep.command, sweep.points, axes.join(" x ")),
    );
    facts.fact("largest point", number::bytes(sweep.point_memory));
    let text = format!("{} with {} points at a time", number::bytes(sweep.memory), sweep.at_once);
    facts.fact("memory of the sweep", text);
    facts
}

fn facts(equation: &EquationReport) -> Table {
    let mut facts = Table::facts();
    let blocks: Vec<_> =
        equation.blocks.iter().map(|(n, units)| format!("{n} ({units})")).collect();
    facts.fact("equation", equation.name.replace('_', " "));
    facts.fact("state", format!("{} components: {}", equation.dim, blocks.join(", ")));
    if equation.targets > 1 {
        facts.fact("targets", equation.targets.to_string());
    }
    let verdict = if equation.jacobian_agrees { "agrees with" } else { "DIFFERS from" };
    let error = number::significant(equation.jacobian_error, 2);
    facts.fact("Jacobian", format!("{verdict} central differences (relative difference {error})"));
    let closed = if equation.closed_form_equilibrium { "in closed form" } else { "by iteration" };
    facts.fact("equilibrium", closed);
    let rate = number::significant(equation.fastest_rate, 3);
    facts.fact("fastest rate", format!("{rate} 1/s at the start"));
    facts.fact("one evaluation", number::duration(equation.seconds_per_evaluation));
    if let Some(seconds) = equation.seconds_estimate {
        facts.fact("explicit run", format!("about {}", number::duration(seconds)));
    }
    facts.fact("memory", number::bytes(equation.memory_estimate));
    facts
}
