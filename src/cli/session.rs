//! The start of a computation: threads, signals and progress become a [`Context`].

use std::io;
use std::num::NonZeroUsize;

use super::arguments::ThreadArgs;
use super::signals;
use crate::error::{ExitCode, Failure};
use crate::experiment::{Context, Progress};

/// Why a computation cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The thread pool could not be built.
    #[error("cannot start {threads} threads")]
    Threads {
        /// The number asked for.
        threads: usize,
        /// What the pool answered.
        source: rayon::ThreadPoolBuildError,
    },
    /// The signal handlers could not be installed.
    #[error("cannot install signal handlers")]
    Signals {
        /// What the operating system answered.
        source: io::Error,
    },
}

impl Failure for StartError {
    fn exit_code(&self) -> ExitCode {
        ExitCode::InputOutput
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Threads { .. } => Some("ask for fewer with --threads".into()),
            Self::Signals { .. } => None,
        }
    }
}

/// Starts the threads, from here on turns signals into a request to stop, and returns what an
/// experiment needs to know. Call it once, after the model has been read.
///
/// # Errors
/// [`StartError`] if the operating system refuses threads or signal handlers.
pub fn start<'a>(
    progress: &'a dyn Progress,
    arguments: ThreadArgs,
    seed: Option<u64>,
) -> Result<Context<'a>, StartError> {
    if let Some(threads) = arguments.threads.map(NonZeroUsize::get) {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()
            .map_err(|source| StartError::Threads { threads, source })?;
    }
    // Without the flag the pool follows RAYON_NUM_THREADS, then the number of cores.
    let threads = NonZeroUsize::new(rayon::current_num_threads()).unwrap_or(NonZeroUsize::MIN);
    let interrupt = signals::listen().map_err(|source| StartError::Signals { source })?;
    Ok(Context::new(progress, interrupt, threads).with_seed(seed))
}
