//! `dinv train MODEL`: train several rules side by side.

use clap::Args;

use crate::cli::arguments::DisplayArgs;
use crate::cli::job::{self, JobArgs};
use crate::cli::table::{Cell, Column, Table};
use crate::cli::{number, progress};
use crate::error::{Error, ExitCode};
use crate::experiment::train::{self, TrainOptions, TrainReport};

/// Arguments of `dinv train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Go on from the checkpoint beside the result file, as if training had never stopped
    #[arg(long, help_heading = "Computation")]
    resume: bool,
}

pub(super) fn run(arguments: &TrainArgs, display: &DisplayArgs) -> Result<ExitCode, Error> {
    let model = arguments.job.model.load()?;
    let progress = progress::display(display);
    let context = arguments.job.start(progress.as_ref())?;
    let options = TrainOptions { output: arguments.job.output(), resume: arguments.resume };
    let report = train::train(&model, &arguments.job.model.model, &options, &context)?;
    arguments.job.json.print(&report, display, summary)?;
    let reason = "every rule stopped before the end";
    Ok(job::exit_code(report.file_status(), &context, reason))
}

fn summary(report: &TrainReport) -> String {
    let mut facts = Table::facts();
    facts.fact("status", report.status.as_str());
    facts.fact("updates", report.steps);
    if let Some(file) = &report.file {
        let text = format!("{file}  ({} rows, {})", report.rows, number::bytes(report.bytes));
        facts.fact("result", text);
    }
    format!("{}\n{}", rules(report).render(), facts.render())
}

fn rules(report: &TrainReport) -> Table {
    let classified = report.rules.iter().any(|r| r.train_error.is_some());
    let figures = if classified {
        [Column::number("train error").unit("%"), Column::number("test error").unit("%")]
    } else {
        [Column::number("train NSE"), Column::number("test NSE")]
    };
    let [train, test] = figures;
    let mut table = Table::new([
        Column::text("rule"),
        train,
        test,
        Column::number("updates"),
        Column::number("not converged"),
        Column::number("learning").unit("s"),
        Column::number("examples").unit("1/s"),
        Column::text("status"),
    ]);
    for rule in &report.rules {
        let percent = |x: Option<f64>| x.map(|x| number::significant(100.0 * x, 4));
        let short = |x: f64| number::significant(x, 3);
        let (train, test): (Cell, Cell) = if classified {
            (percent(rule.train_error).into(), percent(rule.test_error).into())
        } else {
            (short(rule.train_nse).into(), rule.test_nse.map(short).into())
        };
        table.row([
            rule.name.as_str().into(),
            train,
            test,
            rule.steps.into(),
            rule.unconverged.into(),
            short(rule.wall_seconds).into(),
            number::significant(rule.examples_per_second, 3).into(),
            rule.reason.as_deref().unwrap_or(&rule.status).into(),
        ]);
    }
    table
}
