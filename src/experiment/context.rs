//! What a command hands to an experiment: progress, interruption, warnings and overrides.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::ExitCode;

/// The surroundings of one experiment. Experiments know nothing of terminals: they report through
/// this and look here whether to stop.
pub struct Context<'a> {
    /// Where progress and remarks go.
    pub progress: &'a dyn Progress,
    /// Raised when the user or the system asks to stop; look at it between rows, examples, points.
    pub interrupt: Interrupt,
    /// Number of threads to compute with.
    pub threads: NonZeroUsize,
    /// The seed of experiments without a model file; a model carries its own, `--seed` included.
    pub seed: Option<u64>,
    warnings: Mutex<Vec<String>>,
}

impl<'a> Context<'a> {
    /// Surroundings that report to `progress` and compute with `threads` threads.
    #[must_use]
    pub fn new(progress: &'a dyn Progress, interrupt: Interrupt, threads: NonZeroUsize) -> Self {
        Self { progress, interrupt, threads, seed: None, warnings: Mutex::default() }
    }

    /// The same surroundings with a seed.
    #[must_use]
    pub fn with_seed(mut self, seed: Option<u64>) -> Self {
        self.seed = seed;
        self
    }

    /// Shows a warning to the user and keeps it for the result; repeated texts are shown once.
    pub fn warn(&self, text: impl Into<String>) {
        let text = text.into();
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !warnings.contains(&text) {
            self.progress.warning(&text);
            warnings.push(text);
        }
    }

    /// Every warning so far, in order of first appearance.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How an experiment tells what it is doing. Calls may come from several threads.
///
/// Work is reported in stages: [`begin`](Self::begin), any number of [`update`](Self::update)s,
/// [`finish`](Self::finish). Implementations limit how often they show an update, so callers may
/// report every row, but should not report inside a stepping loop.
pub trait Progress: Sync {
    /// Starts a stage, e.g. `integrate`; `total` is the number of items where it is known.
    fn begin(&self, label: &str, total: Option<u64>);

    /// `done` items are finished; `fields` are named numbers worth watching (`h`, `residual`).
    fn update(&self, done: u64, fields: &[(&str, f64)]);

    /// A remark that does not concern the result's validity, shown at higher verbosity.
    fn message(&self, text: &str);

    /// A warning; use [`Context::warn`], which also keeps it for the result.
    fn warning(&self, text: &str);

    /// Ends the stage.
    fn finish(&self);
}

/// Progress that goes nowhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: Option<u64>) {}
    fn update(&self, _: u64, _: &[(&str, f64)]) {}
    fn message(&self, _: &str) {}
    fn warning(&self, _: &str) {}
    fn finish(&self) {}
}

/// A signal that asks the program to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, from the keyboard.
    Interrupt,
    /// SIGTERM, from a batch system or `kill`.
    Terminate,
}

impl Signal {
    /// The exit code of a program stopped by this signal: 128 plus its number.
    #[must_use]
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Interrupt => ExitCode::Interrupted,
            Self::Terminate => ExitCode::Terminated,
        }
    }
}

/// Value of an [`Interrupt`] after SIGINT. Zero means that nothing has happened.
const INTERRUPT: u8 = 1;

/// Value of an [`Interrupt`] after SIGTERM.
const TERMINATE: u8 = 2;

/// A shared flag that says whether to stop, and because of which signal. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicU8>);

impl Interrupt {
    /// The signal received, if any: finish the current row and stop.
    #[must_use]
    pub fn signal(&self) -> Option<Signal> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            TERMINATE => Some(Signal::Terminate),
            _ => Some(Signal::Interrupt),
        }
    }

    /// Whether to stop.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// Asks to stop as if `signal` had arrived.
    pub fn raise(&self, signal: Signal) {
        let value = match signal {
            Signal::Interrupt => INTERRUPT,
            Signal::Terminate => TERMINATE,
        };
        self.0.store(value, Ordering::Relaxed);
    }
}
