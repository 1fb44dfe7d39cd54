//! Why claims cannot be checked.

use std::path::PathBuf;

use crate::error::{ExitCode, Failure};

/// A validation that cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ValidateError {
    /// A name that matches no check.
    #[error("no check matches '{pattern}'")]
    NoMatch {
        /// As given.
        pattern: String,
        /// The check it may stand for.
        nearest: Option<&'static str>,
    },
    /// A file or folder that cannot be written.
    #[error("{}: cannot {action}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// A page or model file that is there already.
    #[error("{} exists", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
}

impl Failure for ValidateError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoMatch { .. } => ExitCode::Usage,
            Self::Write { .. } | Self::Exists { .. } => ExitCode::InputOutput,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::NoMatch { nearest: Some(name), .. } => {
                Some(format!("did you mean '{name}'? `dinv validate --list` shows all"))
            }
            Self::NoMatch { nearest: None, .. } => Some(
                "`dinv validate --list` shows all; `*` and `?` match any text and any letter"
                    .into(),
            ),
            Self::Exists { .. } => {
                Some("use --force to overwrite it, or choose another name".into())
            }
            Self::Write { .. } => None,
        }
    }
}
