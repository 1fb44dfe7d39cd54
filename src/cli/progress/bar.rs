//! A progress bar for terminals.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{DIGITS, list, message, warning};
use crate::cli::{number, output};
use crate::experiment::Progress;

const COUNTED: &str = "{label} [{bar:30}] {percent}%  {pos}/{len}  {rate}  ETA {left}  {msg}";
const OPEN: &str = "{label} {spinner} {pos}  {rate}  {msg}";

/// Redraws per second.
const REFRESH: u8 = 10;

/// Shortest time between two updates that reach the bar, in milliseconds: callers report every
/// row, and formatting each would cost more than computing it.
const INTERVAL: u64 = 50;

/// A bar with rate, remaining time and the fields of the latest update.
pub struct Bar {
    verbose: bool,
    bar: Mutex<Option<ProgressBar>>,
    start: Instant,
    due: AtomicU64,
}

impl Bar {
    /// A bar on standard error; remarks are shown if `verbose`.
    #[must_use]
    pub fn new(verbose: bool) -> Self {
        Self { verbose, bar: Mutex::new(None), start: Instant::now(), due: AtomicU64::new(0) }
    }

    fn current(&self) -> Option<ProgressBar> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes a line above the bar.
    fn write(&self, text: &str) {
        match self.current() {
            Some(bar) => bar.suspend(|| output::note(text)),
            None => output::note(text),
        }
    }
}

impl Progress for Bar {
    fn begin(&self, label: &str, total: Option<u64>) {
        self.finish();
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(REFRESH));
        bar.set_style(style(label, total.is_some()));
        bar.enable_steady_tick(Duration::from_secs(1));
        self.due.store(0, Ordering::Relaxed);
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    fn update(&self, done: u64, fields: &[(&str, f64)]) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        if now < self.due.load(Ordering::Relaxed) {
            return;
        }
        self.due.store(now + INTERVAL, Ordering::Relaxed);
        if let Some(bar) = self.current() {
            bar.set_position(done);
            bar.set_message(list(fields));
        }
    }

    fn message(&self, text: &str) {
        if self.verbose {
            self.write(&message(text));
        }
    }

    fn warning(&self, text: &str) {
        self.write(&warning(text));
    }

    fn finish(&self) {
        if let Some(bar) = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.finish();
    }
}

fn style(label: &str, counted: bool) -> ProgressStyle {
    let label = label.to_owned();
    ProgressStyle::with_template(if counted { COUNTED } else { OPEN })
        .expect("the templates above are valid")
        .progress_chars("=> ")
        .tick_chars("|/-\\ ")
        .with_key("label", move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = out.write_str(&label);
        })
        .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{}/s", number::significant(state.per_sec(), DIGITS));
        })
        .with_key("left", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = out.write_str(&number::duration(state.eta().as_secs_f64()));
        })
}
