//! Signals: the first request to stop raises a flag, the second ends the program at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

use crate::experiment::{Interrupt, Signal};

/// Signals closer together than this are one request: `timeout` and batch systems signal a process
/// and then its whole group, so that the same request arrives twice.
const ONE_REQUEST: Duration = Duration::from_millis(100);

/// From here on SIGINT and SIGTERM raise the returned flag, so that the current row can be
/// finished and the file closed; a second request of either kind exits at once. SIGXFSZ no longer
/// kills: a write beyond the file-size limit fails with EFBIG and is reported like any other.
///
/// Call it once, when the computation starts: before that (reading the model from a terminal,
/// say) the signals keep their usual meaning.
///
/// # Errors
/// What the operating system answers when a handler or the thread that waits for signals cannot be
/// installed.
pub fn listen() -> io::Result<Interrupt> {
    let interrupt = Interrupt::default();
    let raised = interrupt.clone();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        let mut first: Option<Instant> = None;
        for number in signals.forever() {
            let signal = if number == SIGTERM { Signal::Terminate } else { Signal::Interrupt };
            match first {
                None => {
                    first = Some(Instant::now());
                    raised.raise(signal);
                }
                Some(first) if first.elapsed() < ONE_REQUEST => {}
                // Without the exit handlers: HDF5's would flush what another thread is writing.
                Some(_) => low_level::exit(signal.exit_code() as i32),
            }
        }
    })?;
    Ok(interrupt)
}
