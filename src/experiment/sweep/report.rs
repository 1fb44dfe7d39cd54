//! What a sweep tells: the object of `--json` and the numbers of the table.

use serde::Serialize;

use super::log::Found;
use super::record::PointStatus;
use super::{SweepError, axes::Axes};
use crate::experiment::Context;
use crate::model::SweepPlan;
use crate::results::{Status, Written};

/// The result of `dinv sweep`, as `--json` prints it.
#[derive(Debug, Clone, Serialize)]
pub struct SweepReport {
    /// `complete` when every point (of the shard) is there, failed ones included; else
    /// `interrupted`.
    pub status: String,
    /// The command at every point.
    pub command: String,
    /// Names and lengths of the axes, slowest first.
    pub dimensions: Vec<(String, usize)>,
    /// Points of the sweep.
    pub points: usize,
    /// `2/8` for the second of eight shards.
    pub shard: Option<String>,
    /// Points that are finished, all shards together.
    pub finished: usize,
    /// Finished points that failed.
    pub failed: usize,
    /// Points that are not finished.
    pub missing: usize,
    /// Points computed by this process.
    pub computed: usize,
    /// Records that were damaged, whose points are computed again.
    pub damaged: usize,
    /// Points at a time.
    pub at_once: usize,
    /// Threads of each.
    pub threads_per_point: usize,
    /// Estimated memory, bytes.
    pub memory_estimate: u64,
    /// Time this process computed for, s.
    pub wall_seconds: f64,
    /// The first failures.
    pub failures: Vec<PointFailure>,
    /// The result file; none for a shard.
    pub file: Option<String>,
    /// Its size.
    pub bytes: u64,
    /// The folder with finished points.
    pub folder: String,
    /// Warnings, in order of appearance.
    pub warnings: Vec<String>,
}

/// A point that failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PointFailure {
    /// Its number.
    pub point: usize,
    /// Keys and values that it sets.
    pub values: Vec<(String, String)>,
    /// Why.
    pub error: String,
}

/// Failures listed in a report; the result file has all.
const LISTED: usize = 5;

impl SweepReport {
    /// What is known from the finished points alone.
    pub(super) fn new(
        plan: &SweepPlan,
        command: &str,
        found: &Found,
        folder: &std::path::Path,
    ) -> Result<Self, SweepError> {
        let names = plan.axes().iter().map(|axis| axis.name.clone());
        let finished = found.places.len();
        let status = if finished == plan.len() { Status::Complete } else { Status::Interrupted };
        Ok(Self {
            status: status.name().to_owned(),
            command: command.to_owned(),
            dimensions: names.zip(Axes::lengths(plan)).collect(),
            points: plan.len(),
            shard: None,
            finished,
            failed: found.failed(),
            missing: plan.len() - finished,
            computed: 0,
            damaged: found.damaged,
            at_once: 0,
            threads_per_point: 0,
            memory_estimate: 0,
            wall_seconds: 0.0,
            failures: failures(plan, found)?,
            file: None,
            bytes: 0,
            folder: folder.display().to_string(),
            warnings: Vec::new(),
        })
    }

    pub(super) fn set_file(&mut self, written: &Written) {
        self.file = Some(written.path.display().to_string());
        self.bytes = written.bytes;
    }

    /// The report of one shard is about its own points.
    pub(super) fn of_shard(&mut self, shard: super::Shard, is_done: bool) {
        let status = if is_done { Status::Complete } else { Status::Interrupted };
        self.status = status.name().to_owned();
        self.shard = Some(shard.to_string());
    }

    pub(super) fn take_warnings(&mut self, context: &Context<'_>) {
        self.warnings = context.warnings();
    }

    /// How the program is to end: a failed point makes the sweep failed.
    #[must_use]
    pub fn outcome(&self) -> Status {
        match self.failed {
            _ if self.status == Status::Interrupted.name() => Status::Interrupted,
            0 => Status::Complete,
            _ => Status::Failed,
        }
    }
}

fn failures(plan: &SweepPlan, found: &Found) -> Result<Vec<PointFailure>, SweepError> {
    let mut records = found.reader();
    let failed = found.places.iter().filter(|place| place.status == PointStatus::Failed);
    let describe = |place| {
        let record = records.read(place)?;
        let overrides = plan.point(record.point).overrides;
        Ok(PointFailure {
            point: record.point,
            values: overrides.into_iter().map(|o| (o.key.to_string(), o.value)).collect(),
            error: record.error.unwrap_or_default(),
        })
    };
    failed.take(LISTED).map(describe).collect()
}
