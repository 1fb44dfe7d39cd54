//! `dinv invert MODEL`: one error through every rule.

use clap::Args;

use crate::cli::arguments::DisplayArgs;
use crate::cli::job::{self, JobArgs};
use crate::cli::table::{Cell, Column, Table};
use crate::cli::{number, progress};
use crate::error::{Error, ExitCode};
use crate::experiment::invert::{self, Against, InvertOptions, InvertReport, InvertedRule};

/// Arguments of `dinv invert`.
#[derive(Debug, Args)]
pub struct InvertArgs {
    #[command(flatten)]
    job: JobArgs,
}

pub(super) fn run(arguments: &InvertArgs, display: &DisplayArgs) -> Result<ExitCode, Error> {
    let model = arguments.job.model.load()?;
    let progress = progress::display(display);
    let context = arguments.job.start(progress.as_ref())?;
    let options = InvertOptions { output: arguments.job.output() };
    let report = invert::invert(&model, &arguments.job.model.model, &options, &context)?;
    arguments.job.json.print(&report, display, summary)?;
    Ok(job::exit_code(report.outcome(), &context, "the comparison was not finished"))
}

fn summary(report: &InvertReport) -> String {
    let mut facts = Table::facts();
    facts.fact("status", report.status.as_str());
    facts.fact("examples", report.examples);
    facts.fact("mean loss", report.loss);
    if let Some(file) = &report.file {
        facts.fact("result", file.as_str());
    }
    for left_out in &report.left_out {
        facts.fact("left out", format!("{}: {}", left_out.rule, left_out.reason));
    }
    let mut parts = vec![
        headed(
            "updates of all layers: angle in degrees; loss left after 1 and after the best multiple of the update",
            &totals(report),
        ),
        headed("errors of layers: angle to the gradient, degrees", &layers(report, "gradient")),
        headed(
            "errors of layers: angle to full Gauss-Newton, degrees",
            &layers(report, "gauss-newton"),
        ),
        headed("rank of the parameter Jacobian", &ranks(report)),
    ];
    if !report.leak_damping.is_empty() {
        let heading =
            "leak of dynamic inversion against damping of Levenberg-Marquardt, hidden layers";
        parts.push(headed(heading, &leaks(report)));
    }
    parts.push(facts.render());
    parts.join("\n")
}

fn headed(heading: &str, table: &Table) -> String {
    format!("{heading}\n{}", table.render())
}

fn short(x: f64) -> Cell {
    // Angles of equal directions differ from 0 by rounding.
    let x = if x.abs() < 1e-9 { 0.0 } else { x };
    if x.is_finite() { number::significant(x, 3).into() } else { "-".into() }
}

/// Angles to directions with what the update does to the loss.
fn totals(report: &InvertReport) -> Table {
    let headings = report.references.iter().filter(|name| !name.contains("block "));
    let headings = headings.map(|name| brief(name));
    let mut columns = vec![Column::text("rule")];
    columns.extend(headings.map(Column::number));
    columns.extend([
        Column::number("norm/GN"),
        Column::number("loss at 1").unit("%"),
        Column::number("best loss").unit("%"),
        Column::number("at step"),
    ]);
    let is_noisy = report.rules.iter().any(|rule| rule.noise.is_some());
    columns.extend(is_noisy.then(|| Column::number("noise")));
    let mut table = Table::new(columns);
    for rule in &report.rules {
        let shown = rule.against.iter().filter(|a| !a.reference.contains("block "));
        let mut cells: Vec<Cell> = vec![rule.name.as_str().into()];
        cells.extend(shown.map(|a| short(a.total_angle)));
        let ratio = against(rule, "gauss-newton").map_or(f64::NAN, |a| a.total_norm_ratio);
        cells.push(short(ratio));
        cells.push(short(100.0 * (1.0 - rule.loss_decrease_full_step)));
        cells.push(short(100.0 * (1.0 - rule.loss_decrease_best)));
        cells.push(short(rule.best_step));
        cells.extend(is_noisy.then(|| short(rule.noise.unwrap_or(f64::NAN))));
        table.row(cells);
    }
    table
}

/// `levenberg-marquardt 0.01` as `LM 0.01`.
fn brief(name: &str) -> String {
    name.replace("levenberg-marquardt", "LM")
        .replace("gauss-newton", "GN")
        .replace("minimum-norm", "MN")
}

fn against<'a>(rule: &'a InvertedRule, reference: &str) -> Option<&'a Against> {
    rule.against.iter().find(|a| a.reference == reference)
}

fn layers(report: &InvertReport, reference: &str) -> Table {
    let mut columns = vec![Column::text("rule")];
    columns.extend((1..=report.layers.len()).map(|l| Column::number(format!("layer {l}"))));
    columns.push(Column::number("residual"));
    let mut table = Table::new(columns);
    for rule in &report.rules {
        let mut cells: Vec<Cell> = vec![rule.name.as_str().into()];
        let angles = against(rule, reference).map_or(&[][..], |a| &a.angle);
        cells.extend(angles.iter().map(|x| short(*x)));
        cells.push(short(rule.residual.last().copied().unwrap_or(f64::NAN)));
        table.row(cells);
    }
    table
}

fn ranks(report: &InvertReport) -> Table {
    let mut table = Table::new([
        Column::text("layers"),
        Column::number("rank"),
        Column::number("cut-off"),
        Column::number("smallest"),
        Column::number("largest"),
    ]);
    for rank in &report.ranks {
        let range = if rank.rank_min == rank.rank_max {
            rank.rank_min.to_string()
        } else {
            format!("{} to {}", rank.rank_min, rank.rank_max)
        };
        table.row([
            rank.layer.map_or_else(|| "all".to_owned(), |l| l.to_string()).into(),
            range.into(),
            short(rank.cutoff),
            short(rank.smallest),
            short(rank.largest),
        ]);
    }
    table
}

fn leaks(report: &InvertReport) -> Table {
    let hidden = report.layers.len() - 1;
    let mut columns = vec![Column::number("leak = damping")];
    columns.extend((1..=hidden).map(|l| Column::number(format!("layer {l}")).unit("deg")));
    columns.extend((1..=hidden).map(|l| Column::number(format!("norm ratio {l}"))));
    let mut table = Table::new(columns);
    for leak in &report.leak_damping {
        let mut cells = vec![short(leak.damping)];
        cells.extend(leak.angle.iter().map(|x| short(*x)));
        cells.extend(leak.norm_ratio.iter().map(|x| short(*x)));
        table.row(cells);
    }
    table
}
