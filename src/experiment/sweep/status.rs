//! `dinv sweep status`: how far a sweep is, from any machine that sees its folder.

use std::path::Path;
use std::time::SystemTime;

use serde::Serialize;

use super::{Folder, Study, slurm};
use crate::error::Error;
use crate::results::utc;

/// How far a sweep is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepStatus {
    /// The command at every point.
    pub command: String,
    /// Names and lengths of the axes, slowest first.
    pub dimensions: Vec<(String, usize)>,
    /// Points of the sweep.
    pub points: usize,
    /// Points that are finished.
    pub finished: usize,
    /// Finished points that failed.
    pub failed: usize,
    /// Points that are not finished.
    pub missing: usize,
    /// Records that are damaged.
    pub damaged: usize,
    /// When the last point was finished, UTC.
    pub last_finished: Option<String>,
    /// Seconds since then.
    pub idle_seconds: Option<f64>,
    /// Slurm jobs submitted for it: the array and the job that joins.
    pub jobs: Vec<String>,
    /// Whether the result file is there.
    pub file: Option<String>,
}

/// Reads the folder of a sweep.
///
/// # Errors
/// A folder that is none of a sweep.
pub fn status(folder: &Path) -> Result<SweepStatus, Error> {
    let output = Folder::output(folder);
    let study = Study::open(folder, output.clone())?;
    let found = study.scan()?;
    let axes = study.plan.axes().iter();
    let idle = found.newest.map(|t| SystemTime::now().duration_since(t).unwrap_or_default());
    Ok(SweepStatus {
        command: study.command.name.to_owned(),
        dimensions: axes.map(|axis| (axis.name.clone(), axis.len)).collect(),
        points: study.plan.len(),
        finished: found.places.len(),
        failed: found.failed(),
        missing: study.plan.len() - found.places.len(),
        damaged: found.damaged,
        last_finished: found.newest.map(utc),
        idle_seconds: idle.map(|t| t.as_secs_f64()),
        jobs: slurm::jobs(folder),
        file: output.exists().then(|| output.display().to_string()),
    })
}
