//! What can go wrong when results are written or read.

use std::path::{Path, PathBuf};

use crate::error::{ExitCode, Failure};

/// Failure to prepare, write or read a result file. Every variant names the file.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// The output exists and overwriting was not asked for.
    #[error("{}: the file exists; pass --force to overwrite it or choose another name", path.display())]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// Another process holds the file.
    #[error(
        "{}: the file is in use by another process (a notebook or another run); close it there or choose another name",
        path.display()
    )]
    InUse {
        /// The file that is held open.
        path: PathBuf,
    },
    /// The output names a directory or another object that is not a regular file.
    #[error("{}: not a regular file; name a file", path.display())]
    NotAFile {
        /// The output.
        path: PathBuf,
    },
    /// The name does not say which format to write.
    #[error("{}: {}; use .h5, .nc, .csv or .json", path.display(), unknown_format(extension))]
    UnknownFormat {
        /// The output.
        path: PathBuf,
        /// What follows the last dot.
        extension: String,
    },
    /// Labelled arrays of any number of dimensions have no form in CSV or JSON here.
    #[error("{}: the arrays of a sweep go to HDF5/netCDF-4 only; use .h5 or .nc", path.display())]
    ArraysOnly {
        /// The output.
        path: PathBuf,
    },
    /// HDF5 takes UTF-8 names only and this system offers no way around.
    #[error("{}: the name is not valid UTF-8, which HDF5 needs on this system; choose another name", path.display())]
    NotUnicode {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done, e.g. `create the file`.
        action: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The HDF5 library refused, e.g. because the disk is full.
    #[error("{}: cannot {action}: {cause}", path.display())]
    Hdf5 {
        /// The file.
        path: PathBuf,
        /// What was being done, e.g. `write rows 0..64 of state`.
        action: String,
        /// The innermost reason the library gives.
        cause: String,
    },
    /// The file is not HDF5 at all.
    #[error("{}: not an HDF5 file", path.display())]
    NotHdf5 {
        /// The file.
        path: PathBuf,
    },
    /// The file is HDF5 but cut short.
    #[error("{}: the file is damaged: {cause}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the library noticed.
        cause: String,
    },
    /// The file is HDF5 but not one of ours.
    #[error("{}: HDF5, but not written by dinv (no root attribute `source = \"dinv ...\"`)", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A group, variable or attribute is not in the file.
    #[error("{}: no {kind} `{name}`", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// `group`, `variable` or `attribute`.
        kind: &'static str,
        /// Its path inside the file.
        name: String,
    },
    /// A variable holds another type than was asked for.
    #[error("{}: variable `{name}` holds {found}, not {wanted}", path.display())]
    WrongType {
        /// The file.
        path: PathBuf,
        /// Its path inside the file.
        name: String,
        /// What it holds.
        found: String,
        /// What was asked for.
        wanted: &'static str,
    },
    /// A record that no format could hold; a defect of the caller.
    #[error("record `{name}` cannot be written: {reason}")]
    InvalidRecord {
        /// Group or variable.
        name: String,
        /// What is inconsistent.
        reason: String,
    },
    /// Calls in an order that makes no file: rows before their layout, two layouts.
    #[error("{}: {reason}", path.display())]
    Misuse {
        /// The file.
        path: PathBuf,
        /// What was done out of order.
        reason: &'static str,
    },
}

impl ResultError {
    /// Wraps an error of the operating system.
    pub(crate) fn io(path: &Path, action: &'static str, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), action, source }
    }

    /// A record that cannot be written.
    pub(crate) fn invalid(name: &str, reason: impl Into<String>) -> Self {
        Self::InvalidRecord { name: name.to_owned(), reason: reason.into() }
    }
}

impl Failure for ResultError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::UnknownFormat { .. } | Self::ArraysOnly { .. } => ExitCode::Usage,
            // Both are faults of this program.
            Self::InvalidRecord { .. } | Self::Misuse { .. } => ExitCode::Numerical,
            _ => ExitCode::InputOutput,
        }
    }
}

fn unknown_format(extension: &str) -> String {
    match extension {
        "" => "a name without extension does not say the format".to_owned(),
        _ => format!("unknown result format {extension:?}"),
    }
}
