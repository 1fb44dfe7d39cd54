//! Standard output and standard error: the only place that writes to them.
//!
//! Standard output carries results and nothing else; everything else goes to standard error.
//! Errors go there as text in every mode, so with `--json` standard output holds either one JSON
//! object or nothing.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{ExitCode, Failure};

/// Set once the reader of standard output has gone away.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Standard output could not be written, for a reason other than a reader that went away.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output: {0}")]
pub struct OutputError(io::Error);

impl Failure for OutputError {
    fn exit_code(&self) -> ExitCode {
        ExitCode::InputOutput
    }
}

/// Writes results to standard output; styles are removed where output is not coloured.
///
/// A reader that has gone away (`dinv list | head -1`) is no error: what it did not want is
/// dropped silently, and a command that also writes a file still completes it.
///
/// # Errors
/// [`OutputError`] for any other failure, such as a full device.
pub fn print(text: &str) -> Result<(), OutputError> {
    if CLOSED.load(Ordering::Relaxed) {
        return Ok(());
    }
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            CLOSED.store(true, Ordering::Relaxed);
            Ok(())
        }
        other => other.map_err(OutputError),
    }
}

/// Writes one JSON value and a newline to standard output. Numbers that are not finite are `null`.
///
/// # Errors
/// As [`print()`].
pub fn print_json(value: &serde_json::Value) -> Result<(), OutputError> {
    print(&format!("{value:#}\n"))
}

/// Writes text to standard error. Failures are ignored: there is nowhere left to report them.
pub fn note(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
