//! What training tells: the object of `--json` and the numbers of the table.

use serde::Serialize;

use super::metrics::Sums;
use crate::learning::Learner;
use crate::results::{Status, Written};

/// The result of `dinv train`, as `--json` prints it.
#[derive(Debug, Clone, Serialize)]
pub struct TrainReport {
    /// `complete`, `failed` (no rule was left) or `interrupted`.
    pub status: String,
    /// Updates made.
    pub steps: usize,
    /// One entry per rule, in the order of the model.
    pub rules: Vec<RuleReport>,
    /// Loops that turned unstable.
    pub stability_events: usize,
    /// The result file.
    pub file: Option<String>,
    /// Rows written.
    pub rows: usize,
    /// Size of the file, bytes.
    pub bytes: u64,
    /// Warnings, in order of appearance.
    pub warnings: Vec<String>,
    #[serde(skip)]
    outcome: Option<Status>,
}

/// The result of one rule.
#[derive(Debug, Clone, Serialize)]
pub struct RuleReport {
    /// Its name in results.
    pub name: String,
    /// `complete` or `stopped`.
    pub status: String,
    /// Why it stopped.
    pub reason: Option<String>,
    /// Updates made.
    pub steps: usize,
    /// Mean loss over the training set at the end.
    pub train_loss: f64,
    /// Mean loss over the test set at the end.
    pub test_loss: Option<f64>,
    /// Squared errors over the training set, relative to the start.
    pub train_nse: f64,
    /// Squared errors over the test set, relative to the start.
    pub test_nse: Option<f64>,
    /// Fraction of the training set classified wrongly; absent without labels.
    pub train_error: Option<f64>,
    /// Fraction of the test set classified wrongly; absent without labels.
    pub test_error: Option<f64>,
    /// Examples whose inversion failed.
    pub unconverged: u64,
    /// Time spent learning, evaluation excluded, s.
    pub wall_seconds: f64,
    /// Examples learned from per second.
    pub examples_per_second: f64,
}

impl RuleReport {
    pub(super) fn new(
        learner: &Learner,
        labelled: bool,
        (train, test): (Sums, Option<Sums>),
        initial: &[f64],
    ) -> Self {
        let progress = learner.progress();
        let seconds = progress.elapsed.as_secs_f64();
        let stopped = progress.stopped.as_ref();
        Self {
            name: learner.name().to_owned(),
            status: if stopped.is_some() { "stopped" } else { "complete" }.to_owned(),
            reason: stopped.map(|s| s.reason.clone()),
            steps: progress.step,
            train_loss: train.mean_loss(),
            test_loss: test.map(|t| t.mean_loss()),
            train_nse: train.squares / initial[0],
            test_nse: test.map(|t| t.squares / initial[1]),
            train_error: labelled.then(|| train.error()),
            test_error: test.filter(|_| labelled).map(|t| t.error()),
            unconverged: progress.unconverged,
            wall_seconds: seconds,
            examples_per_second: progress.examples as f64 / seconds,
        }
    }
}

impl TrainReport {
    pub(super) fn new(
        status: Status,
        steps: usize,
        rules: Vec<RuleReport>,
        stability_events: usize,
        warnings: Vec<String>,
    ) -> Self {
        Self {
            status: status.name().to_owned(),
            steps,
            rules,
            stability_events,
            file: None,
            rows: 0,
            bytes: 0,
            warnings,
            outcome: Some(status),
        }
    }

    pub(super) fn set_file(&mut self, written: &Written) {
        self.file = Some(written.path.display().to_string());
        self.rows = written.rows;
        self.bytes = written.bytes;
    }

    /// The status written to the result file.
    #[must_use]
    pub fn file_status(&self) -> Status {
        self.outcome.unwrap_or(Status::Failed)
    }
}
