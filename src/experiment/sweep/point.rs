//! One point: its model, its command, its record.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::SweepError;
use super::collect::Collect;
use super::commands::{Outcome, PointCommand};
use super::folder::Folder;
use super::record::{ModelHash, PointRecord, PointStatus};
use crate::error::{Error, ExitCode};
use crate::experiment::{Context, Interrupt, OutputOptions, Silent};
use crate::model::{Model, Override, SweepPlan};
use crate::results::Status;

use std::num::NonZeroUsize;

/// What all points of a sweep share.
pub(super) struct Job<'a> {
    pub(super) plan: &'a SweepPlan,
    pub(super) command: &'static PointCommand,
    pub(super) collect: Collect,
    /// Switches off what the command would compute and nobody collects.
    pub(super) spared: Vec<Override>,
    pub(super) hash: ModelHash,
    /// Where full results go, when they are kept.
    pub(super) results: Option<&'a Folder>,
    pub(super) interrupt: Interrupt,
}

impl Job<'_> {
    /// Computes a point with `threads` threads; `None` when it was interrupted. A point that fails
    /// is no error.
    ///
    /// # Errors
    /// What concerns every point: a field that the command does not report, a full disk.
    pub(super) fn compute(
        &self,
        point: usize,
        threads: NonZeroUsize,
    ) -> Result<Option<PointRecord>, SweepError> {
        let overrides = self.plan.point(point).overrides;
        let model = self.hash.with(&overrides);
        let failed = |error: String| PointRecord {
            point,
            model: model.clone(),
            status: PointStatus::Failed,
            error: Some(error),
            values: serde_json::Map::new(),
        };
        // A panic is a fault of this program; it must not take the other points with it.
        let outcome = match catch_unwind(AssertUnwindSafe(|| self.run(point, overrides, threads))) {
            Err(_) => return Ok(Some(failed("internal error".to_owned()))),
            Ok(Err(_)) if self.interrupt.is_raised() => return Ok(None),
            Ok(Err(error)) => {
                let reason = with_causes(&error);
                if self.results.is_some() && error.exit_code() == ExitCode::InputOutput {
                    return Err(SweepError::NotKept { point, reason });
                }
                return Ok(Some(failed(reason)));
            }
            Ok(Ok(outcome)) => outcome,
        };
        let values = self.collect.from(self.command.name, &outcome.report)?;
        let status = match outcome.status {
            Status::Complete => PointStatus::Complete,
            Status::Failed => PointStatus::Failed,
            Status::Interrupted | Status::Running => return Ok(None),
        };
        Ok(Some(PointRecord { point, model, status, error: outcome.error, values }))
    }

    fn run(
        &self,
        point: usize,
        mut overrides: Vec<Override>,
        threads: NonZeroUsize,
    ) -> Result<Outcome, Error> {
        overrides.extend_from_slice(&self.spared);
        let model: Model = self.plan.base().with(&overrides)?;
        let output = match self.results {
            Some(folder) => OutputOptions {
                path: Some(folder.result_of(point)),
                force: true,
                argv: vec!["dinv".to_owned(), "sweep".to_owned(), format!("point {point}")],
                discard: false,
            },
            None => OutputOptions { discard: true, ..OutputOptions::default() },
        };
        let context = Context::new(&Silent, self.interrupt.clone(), threads);
        (self.command.run)(&model, &output, &context)
    }
}

/// The message with its causes, in one line.
fn with_causes(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
