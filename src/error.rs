//! Process-level outcome: how an error of any layer becomes an exit code.

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
