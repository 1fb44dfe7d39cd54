//! Signals: the first request to stop raises a flag, the second ends the program at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

use crate::error::ExitCode;
use crate::experiment::Interrupt;

/// From here on SIGINT and SIGTERM raise the returned flag, so that the current row can be
/// finished and the file closed; a second signal of either kind exits at once. SIGXFSZ no longer
/// kills: a write beyond the file-size limit fails with EFBIG and is reported like any other.
///
/// Call it once, when the computation starts: before that (reading the model from a terminal,
/// say) the signals keep their usual meaning.
///
/// # Errors
/// What the operating system answers when a handler cannot be installed.
pub fn listen() -> io::Result<Interrupt> {
    let interrupt = Interrupt::default();
    let armed = Arc::new(AtomicBool::new(false));
    for (signal, value, code) in [
        (SIGINT, Interrupt::INTERRUPT, ExitCode::Interrupted),
        (SIGTERM, Interrupt::TERMINATE, ExitCode::Terminated),
    ] {
        // Actions run in order of registration: the exit must see the flag of an earlier signal,
        // not of this one.
        flag::register_conditional_shutdown(signal, code as i32, Arc::clone(&armed))?;
        flag::register(signal, Arc::clone(&armed))?;
        flag::register_usize(signal, interrupt.flag(), value)?;
    }
    flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    Ok(interrupt)
}
