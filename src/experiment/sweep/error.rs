//! Why a sweep cannot start, go on or be joined.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{ExitCode, Failure};

/// A sweep that cannot start, go on or be joined.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// Points would be lost.
    #[error("{} holds points of an earlier sweep", path.display())]
    PointsExist {
        /// The folder.
        path: PathBuf,
    },
    /// The folder is none of ours.
    #[error("{} is no folder of a sweep: {reason}", path.display())]
    NotASweep {
        /// The folder.
        path: PathBuf,
        /// What is missing or unreadable.
        reason: String,
    },
    /// The points were computed with another version, whose numbers may differ.
    #[error("the points in {} were computed with dinv {was}, this is {is}", path.display())]
    OtherVersion {
        /// The folder.
        path: PathBuf,
        /// Version and commit then.
        was: String,
        /// Version and commit now.
        is: String,
    },
    /// The operating system refused.
    #[error("{}: cannot {action}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A shard that does not exist.
    #[error("no shard `{text}`: shards are written I/N with 1 <= I <= N")]
    Shard {
        /// What was given.
        text: String,
    },
    /// A collected field is not in the command's report.
    #[error("`{command}` reports no field `{field}`")]
    UnknownField {
        /// The command.
        command: &'static str,
        /// The field asked for.
        field: String,
        /// Fields that are there instead.
        known: Vec<String>,
        /// The nearest of them.
        suggestion: Option<String>,
    },
    /// A collected field is no path of names.
    #[error("`{field}` is no field: fields are names with dots, such as critical.leak")]
    NotAField {
        /// What was given.
        field: String,
    },
    /// The full result of a point could not be kept.
    #[error("the result of point {point} could not be kept: {reason}")]
    NotKept {
        /// The point.
        point: usize,
        /// The failure.
        reason: String,
    },
    /// Nothing was computed that could be written.
    #[error("{} holds no finished point", path.display())]
    NoPoints {
        /// The folder.
        path: PathBuf,
    },
    /// A text that a batch script cannot hold.
    #[error("{what} cannot go into a batch script: `{text}`")]
    NotForScripts {
        /// Which flag or file.
        what: &'static str,
        /// Its value.
        text: String,
    },
    /// The batch system refused.
    #[error("{program} failed: {reason}")]
    Batch {
        /// `sbatch` or `squeue`.
        program: &'static str,
        /// What it said.
        reason: String,
    },
    /// Tasks of an earlier submission are still there.
    #[error("job {job} of this sweep still has tasks in the queue")]
    StillQueued {
        /// Its number.
        job: String,
    },
}

impl SweepError {
    pub(super) fn io(path: &Path, action: &'static str, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }
}

impl Failure for SweepError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Shard { .. }
            | Self::UnknownField { .. }
            | Self::NotAField { .. }
            | Self::OtherVersion { .. }
            | Self::NotForScripts { .. } => ExitCode::Usage,
            Self::PointsExist { .. }
            | Self::NotASweep { .. }
            | Self::Io { .. }
            | Self::NotKept { .. }
            | Self::NoPoints { .. }
            | Self::Batch { .. }
            | Self::StillQueued { .. } => ExitCode::InputOutput,
        }
    }

    fn remedy(&self) -> Option<String> {
        Some(match self {
            Self::PointsExist { .. } => {
                "compute what is missing with --resume, or start anew with --force".to_owned()
            }
            Self::NotASweep { .. } => {
                "name the folder FILE.points beside the result FILE of `dinv sweep`".to_owned()
            }
            Self::OtherVersion { .. } => "use that version, or start anew with --force".to_owned(),
            Self::Shard { .. } => "for example --shard 3/8, the third of eight".to_owned(),
            Self::UnknownField { known, suggestion, .. } => {
                let there = format!("there are {}", known.join(", "));
                match suggestion {
                    Some(nearest) => format!("did you mean `{nearest}`? {there}"),
                    None => there,
                }
            }
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "make room and go on with --resume: finished points are kept".to_owned()
            }
            Self::Io { .. } | Self::NotKept { .. } => {
                "go on with --resume once the cause is gone: finished points are kept".to_owned()
            }
            Self::NoPoints { .. } => "compute points first".to_owned(),
            Self::NotForScripts { .. } => "use plain letters, digits and -_.:/".to_owned(),
            Self::Batch { program, .. } => {
                format!("see whether {program} works here; --dry-run prints the scripts")
            }
            Self::StillQueued { job } => {
                format!("wait for it, or cancel it with `scancel {job}`")
            }
            Self::NotAField { .. } => return None,
        })
    }
}
