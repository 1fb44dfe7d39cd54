//! `dinv validate`: the theory, measured.

mod chart;
mod error;
mod export;
mod html;
mod mathml;
mod records;
mod report;
mod select;

use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use super::{Context, OutputOptions};
use crate::error::Error;
use crate::results::{Status, check_output};
use crate::theory::{self, Check, CheckReport, RunOptions};

pub use error::ValidateError;
pub use html::equation as equation_mathml;
pub use report::{CheckEntry, MeasurementEntry, ValidateReport};
pub use select::select;

/// What `dinv validate` does.
#[derive(Debug, Clone, Default)]
pub struct ValidateOptions {
    /// Names and patterns of checks; all without any.
    pub ids: Vec<String>,
    /// More instances, larger sizes.
    pub thorough: bool,
    /// Where the result goes; no file without a path.
    pub output: OutputOptions,
    /// Where the readable report goes.
    pub html: Option<PathBuf>,
    /// The folder for model files of the worst instances.
    pub export_worst: Option<PathBuf>,
}

/// Everything a run found, for the writers.
struct Findings<'a> {
    reports: &'a [CheckReport],
    options: RunOptions,
    start: SystemTime,
    seconds: f64,
    threads: usize,
    argv: &'a [String],
}

/// Runs the selected checks.
///
/// # Errors
/// Names that match no check, files that cannot be written. A claim that fails is no error: the
/// report says so.
pub fn validate(options: &ValidateOptions, context: &Context<'_>) -> Result<ValidateReport, Error> {
    let checks = select(&options.ids)?;
    if let Some(file) = &options.output.path {
        check_output(file, options.output.force)?;
    }
    if let Some(page) = &options.html {
        export::check_page(page, options.output.force)?;
    }
    if let Some(folder) = &options.export_worst {
        export::prepare(folder, &checks, options.output.force)?;
    }
    let run = RunOptions { seed: context.seed.unwrap_or(0), thorough: options.thorough };
    let (start, clock) = (SystemTime::now(), Instant::now());
    let Some(reports) = measure(&checks, &run, context) else {
        return Ok(ValidateReport::interrupted(&checks, &run));
    };
    let findings = Findings {
        reports: &reports,
        options: run,
        start,
        seconds: clock.elapsed().as_secs_f64(),
        threads: context.threads.get(),
        argv: &options.output.argv,
    };
    let mut report = ValidateReport::new(&findings);
    if let Some(folder) = &options.export_worst {
        export::export(folder, &findings, &mut report, context)?;
    }
    if let Some(path) = &options.output.path {
        let mut writer = records::open(path, options.output.force, &findings)?;
        writer.write_group(&records::theory(&findings))?;
        report.file = Some(writer.finish(Status::Complete)?.path.display().to_string());
    }
    if let Some(path) = &options.html {
        let page = html::page(&findings, &report);
        export::write(path, &page, options.output.force)?;
        report.html = Some(path.display().to_string());
    }
    Ok(report)
}

/// The reports, or nothing when the user stopped the run.
fn measure(
    checks: &[Check],
    options: &RunOptions,
    context: &Context<'_>,
) -> Option<Vec<CheckReport>> {
    context.progress.begin("check", Some(theory::total(checks, options)));
    let update = |done: u64| context.progress.update(done, &[]);
    let reports = theory::run(checks, options, &update, &|| context.interrupt.is_raised());
    context.progress.finish();
    reports.ok()
}
