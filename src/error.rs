//! Process-level outcome: how a failure of any layer becomes an exit code and a message.
//!
//! Every layer keeps its own error enum. What a command needs beyond the message is stated once
//! per enum by implementing [`Failure`]; [`Error`] then carries any of them to the program.

use std::fmt;

/// Exit codes of the program, fixed by its contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// Done, and every claim holds.
    Success = 0,
    /// A claim failed, or a system is not stable although that was required.
    ClaimFailed = 1,
    /// The command line or the model file is wrong.
    Usage = 2,
    /// A numerical failure; partial results are kept and marked.
    Numerical = 3,
    /// A file could not be read or written.
    InputOutput = 4,
    /// Interrupted from the keyboard (SIGINT).
    Interrupted = 130,
    /// Asked to terminate (SIGTERM).
    Terminated = 143,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// An error that can end the program: a layer's error enum, with its exit code.
///
/// The message (`Display`) says what happened, where and with which value, in one line without a
/// final full stop; causes go to `source`.
pub trait Failure: std::error::Error + Send + Sync + 'static {
    /// The exit code this failure ends the program with.
    fn exit_code(&self) -> ExitCode;

    /// What the user can do about it, where the message does not say so already.
    fn remedy(&self) -> Option<String> {
        None
    }

    /// The failure with the source text it points into, for failures that lie in a model file. Its
    /// message and help replace `Display` and [`remedy`](Self::remedy).
    fn diagnostic(&self) -> Option<Box<dyn miette::Diagnostic + '_>> {
        None
    }
}

/// Any layer's failure on its way to the program.
pub struct Error(Box<dyn Failure>);

impl Error {
    /// The failure itself.
    #[must_use]
    pub fn failure(&self) -> &dyn Failure {
        self.0.as_ref()
    }

    /// The exit code this error ends the program with.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        self.0.exit_code()
    }
}

impl<F: Failure> From<F> for Error {
    fn from(failure: F) -> Self {
        Self(Box::new(failure))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
