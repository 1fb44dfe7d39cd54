//! `dinv validate [ID ...]`: the claims behind the method, measured.

use std::path::PathBuf;

use anstyle::{AnsiColor, Effects, Style};
use clap::Args;

use crate::cli::arguments::{DisplayArgs, JsonArgs, OutputArgs, ThreadArgs};
use crate::cli::job;
use crate::cli::table::{Cell, Column, Table};
use crate::cli::{number, output, progress, session};
use crate::error::{Error, ExitCode};
use crate::experiment::validate::{
    self, CheckEntry, MeasurementEntry, ValidateOptions, ValidateReport,
};
use crate::results::Status;
use crate::theory::Check;

/// Arguments of `dinv validate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit code 1 says that a claim does not hold. -v adds every measurement and how tolerances were found."
)]
pub struct ValidateArgs {
    /// Names of checks, or patterns with * and ?; all without any
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// List the checks and run none
    #[arg(long)]
    list: bool,
    /// Draw all instances from this seed [default: 0]
    #[arg(long, value_name = "N", help_heading = "Computation", allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Several times as many instances, and larger ones
    #[arg(long, help_heading = "Computation")]
    thorough: bool,
    #[command(flatten)]
    threads: ThreadArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Write a page with formulas and pictures
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    html: Option<PathBuf>,
    /// Write the worst instance of every check as a model file for `dinv run`
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    export_worst: Option<PathBuf>,
    #[command(flatten)]
    json: JsonArgs,
}

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const OPEN: Style = AnsiColor::Yellow.on_default();

pub(super) fn run(arguments: &ValidateArgs, display: &DisplayArgs) -> Result<ExitCode, Error> {
    if arguments.list {
        return list(arguments, display);
    }
    let progress = progress::display(display);
    let context = session::start(progress.as_ref(), arguments.threads, arguments.seed)?;
    let options = ValidateOptions {
        ids: arguments.ids.clone(),
        thorough: arguments.thorough,
        output: arguments.output.options(),
        html: arguments.html.clone(),
        export_worst: arguments.export_worst.clone(),
    };
    let report = validate::validate(&options, &context)?;
    arguments.json.print(&report, display, |report| summary(report, display.verbose))?;
    if report.is_interrupted() {
        return Ok(job::exit_code(Status::Interrupted, &context, ""));
    }
    Ok(if report.failed > 0 { ExitCode::ClaimFailed } else { ExitCode::Success })
}

fn list(arguments: &ValidateArgs, display: &DisplayArgs) -> Result<ExitCode, Error> {
    let checks = validate::select(&arguments.ids)?;
    if arguments.json.json {
        let object = |c: &Check| {
            serde_json::json!({
                "id": c.id, "claim": c.claim, "equation": c.equation, "reference": c.source,
                "method": c.method, "instances": c.instances.usual,
                "instances_thorough": c.instances.thorough,
            })
        };
        let checks: Vec<serde_json::Value> = checks.iter().map(object).collect();
        output::print_json(&serde_json::json!({ "checks": checks }))?;
        return Ok(ExitCode::Success);
    }
    let mut columns = vec![Column::text("check"), Column::text("claim")];
    columns.extend(display.verbose.then(|| Column::text("source")));
    let mut table = Table::new(columns);
    for check in &checks {
        let mut row: Vec<Cell> = vec![check.id.into(), check.claim.into()];
        row.extend(display.verbose.then(|| check.source.into()));
        table.row(row);
    }
    output::print(&table.render())?;
    Ok(ExitCode::Success)
}

fn summary(report: &ValidateReport, verbose: bool) -> String {
    if report.is_interrupted() {
        return "interrupted: nothing is concluded\n".to_owned();
    }
    let mut text = measurements(report, verbose).render();
    for entry in report.checks.iter() {
        if let Some(reason) = &entry.reason {
            let style = verdict_style(&entry.verdict);
            text.push_str(&format!(
                "\n{style}{}{style:#}: {}\n  {reason}\n",
                entry.id, entry.claim
            ));
        }
    }
    let mut facts = Table::facts();
    let verdicts = format!(
        "{} passed, {} failed, {} inconclusive",
        report.passed, report.failed, report.inconclusive
    );
    facts.fact("claims", verdicts);
    facts.fact("seed", report.seed);
    facts.fact("time", format!("{} s", number::significant(report.wall_seconds, 3)));
    for (name, file) in [("result", &report.file), ("report", &report.html)] {
        if let Some(file) = file {
            facts.fact(name, file.as_str());
        }
    }
    let models = report.checks.iter().filter(|c| c.worst_model.is_some()).count();
    if models > 0 {
        facts.fact("model files", models);
    }
    format!("{text}\n{}", facts.render())
}

/// One line per check, at its measurement under the largest strain; every measurement if verbose.
fn measurements(report: &ValidateReport, verbose: bool) -> Table {
    let mut table = Table::new([
        Column::text("check"),
        Column::text(if verbose { "measurement" } else { "claim" }),
        Column::number("instances"),
        Column::number("predicted"),
        Column::number("measured"),
        Column::number("tolerance"),
        Column::text("from"),
        Column::number("strain"),
        Column::text("verdict"),
    ]);
    for entry in &report.checks {
        let shown: Vec<Option<&MeasurementEntry>> = match verbose {
            true if !entry.measurements.is_empty() => entry.measurements.iter().map(Some).collect(),
            _ => vec![entry.worst()],
        };
        for measurement in shown {
            table.row(row(entry, measurement, verbose));
        }
    }
    table
}

fn row(entry: &CheckEntry, worst: Option<&MeasurementEntry>, verbose: bool) -> Vec<Cell> {
    let figure = |of: fn(&MeasurementEntry) -> f64, digits| -> Cell {
        worst.map(|m| number::significant(of(m), digits)).into()
    };
    let from = worst.map_or("-", |m| m.tolerance_from.as_str());
    let from = if verbose { from } else { from.split(':').next().unwrap_or(from) };
    let second: Cell = match (verbose, worst) {
        (true, Some(m)) => m.name.as_str().into(),
        (true, None) => "-".into(),
        (false, _) => shortened(&entry.claim).into(),
    };
    let strain: Cell = match worst {
        Some(m) => m.strain.map_or_else(|| "inf".into(), |s| number::significant(s, 2).into()),
        None => "-".into(),
    };
    vec![
        entry.id.as_str().into(),
        second,
        (entry.instances - entry.undecided).into(),
        figure(|m| m.predicted, 6),
        figure(|m| m.measured, 6),
        figure(|m| m.tolerance, 2),
        from.into(),
        strain,
        Cell::from(entry.verdict.as_str()).styled(verdict_style(&entry.verdict)),
    ]
}

/// Longest claim in the table; `--list` shows the whole.
const LONGEST_CLAIM: usize = 56;

fn shortened(claim: &str) -> String {
    if claim.chars().count() <= LONGEST_CLAIM {
        return claim.to_owned();
    }
    let cut: String = claim.chars().take(LONGEST_CLAIM - 1).collect();
    let end = cut.rfind(' ').unwrap_or(cut.len());
    format!("{}…", &cut[..end])
}

fn verdict_style(verdict: &str) -> Style {
    match verdict {
        "pass" => GOOD,
        "fail" => BAD,
        _ => OPEN,
    }
}
