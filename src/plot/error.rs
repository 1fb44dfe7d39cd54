//! Why a picture could not be drawn.

use std::path::PathBuf;

use crate::error::{ExitCode, Failure};

/// Failure to draw or write a picture.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The name of the picture does not say which format to write.
    #[error("{}: unknown picture format {extension:?}; use .svg or .png", path.display())]
    UnknownFormat {
        /// The picture.
        path: PathBuf,
        /// What follows the last dot.
        extension: String,
    },
    /// The picture exists and overwriting was not asked for.
    #[error("{}: the file exists; pass --force to overwrite it or choose another name", path.display())]
    Exists {
        /// The picture.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done.
        action: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file holds nothing there is a picture of.
    #[error("{}: nothing to draw: {reason}", path.display())]
    Nothing {
        /// The result file.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// No picture is called that.
    #[error("unknown picture {name:?}")]
    UnknownPicture {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// The picture needs what the file does not hold.
    #[error("{}: no picture `{name}`: it needs {needs}", path.display())]
    NotInFile {
        /// The result file.
        path: PathBuf,
        /// The picture asked for.
        name: String,
        /// What it needs.
        needs: &'static str,
    },
    /// The file holds fewer targets.
    #[error("{}: no target {target}: the file holds {count}, counted from 0", path.display())]
    NoSuchTarget {
        /// The result file.
        path: PathBuf,
        /// The number asked for.
        target: usize,
        /// The number of targets.
        count: usize,
    },
    /// A variable has axes no picture can be made of.
    #[error("{}: variable `{variable}` has the shape {found:?}, expected {expected}", path.display())]
    Shape {
        /// The result file.
        path: PathBuf,
        /// Path inside the file.
        variable: String,
        /// Lengths of its axes.
        found: Vec<usize>,
        /// What the picture is made of.
        expected: &'static str,
    },
}

impl Failure for PlotError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::UnknownFormat { .. }
            | Self::UnknownPicture { .. }
            | Self::NoSuchTarget { .. } => ExitCode::Usage,
            _ => ExitCode::InputOutput,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::UnknownPicture { name, known } => {
                let close = |known: &&&str| strsim::damerau_levenshtein(name, known);
                let nearest = known.iter().min_by_key(close).copied().unwrap_or_default();
                Some(format!("the nearest is {nearest:?}; there are {}", known.join(", ")))
            }
            Self::Nothing { .. } => Some("`dinv inspect` shows what the file holds".to_owned()),
            _ => None,
        }
    }
}
