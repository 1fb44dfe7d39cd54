//! Points on all cores: one thread per point, or several for each of few points.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::SweepError;
use super::log::Log;
use super::point::Job;
use super::record::PointStatus;
use crate::experiment::Progress;

/// How threads are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Division {
    /// Points at a time.
    pub(super) workers: NonZeroUsize,
    /// Threads of each.
    pub(super) threads: NonZeroUsize,
}

impl Division {
    /// One thread per point, unless there are fewer points than threads, or memory for fewer:
    /// then every point gets its share of the threads.
    pub(super) fn new(threads: NonZeroUsize, points: usize, fitting: usize) -> Self {
        let most = threads.get().min(points.max(1)).min(fitting.max(1));
        let workers = NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        let share = NonZeroUsize::new(threads.get() / workers).unwrap_or(NonZeroUsize::MIN);
        Self { workers, threads: share }
    }
}

/// What was computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Computed {
    pub(super) points: usize,
    pub(super) failed: usize,
}

/// Computes the points of `pending` and appends each to `log` when it is finished, until there are
/// none, the job is interrupted or one meets an error that concerns all.
pub(super) fn compute(
    job: &Job<'_>,
    pending: impl Iterator<Item = usize> + Send,
    division: Division,
    log: &mut Log,
    progress: &dyn Progress,
) -> Result<Computed, SweepError> {
    let shared = Shared {
        job,
        pending: Mutex::new(pending),
        log: Mutex::new(log),
        progress,
        points: AtomicUsize::new(0),
        failed: AtomicUsize::new(0),
        stopped: AtomicBool::new(false),
    };
    let outcome = thread::scope(|scope| {
        let workers: Vec<_> = (0..division.workers.get())
            .map(|_| scope.spawn(|| shared.work(division.threads)))
            .collect();
        let joined = workers.into_iter().map(|worker| {
            // Points catch panics; one between points is a fault of this program.
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        let all: Vec<Result<(), SweepError>> = joined.collect();
        all.into_iter().collect::<Result<(), SweepError>>()
    });
    let computed = Computed {
        points: shared.points.load(Ordering::Relaxed),
        failed: shared.failed.load(Ordering::Relaxed),
    };
    let synced = log.sync();
    outcome.and(synced).map(|()| computed)
}

struct Shared<'a, 'j, I> {
    job: &'a Job<'j>,
    pending: Mutex<I>,
    log: Mutex<&'a mut Log>,
    progress: &'a dyn Progress,
    points: AtomicUsize,
    failed: AtomicUsize,
    /// Raised by the first worker that meets an error.
    stopped: AtomicBool,
}

impl<I: Iterator<Item = usize> + Send> Shared<'_, '_, I> {
    /// Takes one point after the other.
    fn work(&self, threads: NonZeroUsize) -> Result<(), SweepError> {
        // A pool of one is this very thread: handing each point to another would cost more than
        // many a point.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.get());
        let pool = if threads.get() == 1 { pool.use_current_thread() } else { pool };
        let pool = pool.build().map_err(|error| SweepError::Io {
            action: "start threads",
            path: "threads".into(),
            source: std::io::Error::other(error),
        })?;
        let outcome = self.work_in(&pool, threads);
        if outcome.is_err() {
            self.stopped.store(true, Ordering::Relaxed);
        }
        outcome
    }

    fn work_in(&self, pool: &rayon::ThreadPool, threads: NonZeroUsize) -> Result<(), SweepError> {
        loop {
            if self.stopped.load(Ordering::Relaxed) || self.job.interrupt.is_raised() {
                return Ok(());
            }
            let next = self.pending.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(point) = next else { return Ok(()) };
            let Some(record) = pool.install(|| self.job.compute(point, threads))? else {
                return Ok(());
            };
            self.log.lock().unwrap_or_else(PoisonError::into_inner).append(&record)?;
            if record.status == PointStatus::Failed {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
            let done = self.points.fetch_add(1, Ordering::Relaxed) + 1;
            let failed = self.failed.load(Ordering::Relaxed);
            self.progress.update(done as u64, &[("failed", failed as f64)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_divided_over_points_and_memory() {
        let divide = |threads, points, fitting| {
            let threads = NonZeroUsize::new(threads).expect("not zero");
            let division = Division::new(threads, points, fitting);
            (division.workers.get(), division.threads.get())
        };
        assert_eq!(divide(8, 1000, 100), (8, 1));
        assert_eq!(divide(8, 2, 100), (2, 4));
        assert_eq!(divide(8, 1000, 3), (3, 2));
        assert_eq!(divide(2, 1000, 0), (1, 2));
        assert_eq!(divide(1, 0, 1), (1, 1));
    }
}
