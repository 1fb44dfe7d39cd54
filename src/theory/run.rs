//! Runs checks over their instances, in parallel.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::check::{Check, Obstacle, Sample};
use super::draw::Draw;
use super::report::CheckReport;

/// How checks are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunOptions {
    /// Every instance is drawn from it.
    pub seed: u64,
    /// More instances, larger sizes.
    pub thorough: bool,
}

/// A run that was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped after {done} of {total} instances")]
pub struct Stopped {
    /// Instances measured.
    pub done: u64,
    /// Instances of all checks.
    pub total: u64,
}

impl Check {
    /// How many instances a run with these options draws.
    #[must_use]
    pub fn count(&self, options: &RunOptions) -> usize {
        if options.thorough { self.instances.thorough } else { self.instances.usual }
    }

    /// The source of instance `index`.
    #[must_use]
    pub fn draw(&self, options: &RunOptions, index: usize) -> Draw {
        Draw::new(self.id, options.seed, index, options.thorough)
    }

    /// Runs this check alone.
    #[must_use]
    pub fn run(&self, options: &RunOptions) -> CheckReport {
        let instances = 0..self.count(options);
        let samples = instances.into_par_iter().map(|k| self.sample(options, k)).collect();
        CheckReport::gather(self, samples)
    }

    /// Instance `index` as the text of a model file.
    ///
    /// # Errors
    /// [`Obstacle`] when the instance cannot be drawn.
    pub fn model_text(&self, options: &RunOptions, index: usize) -> Result<String, Obstacle> {
        (self.model)(&mut self.draw(options, index))
    }

    fn sample(&self, options: &RunOptions, index: usize) -> Result<Sample, Obstacle> {
        (self.measure)(&mut self.draw(options, index))
    }
}

/// Runs several checks; every instance is one task, so no thread waits for a long check.
///
/// Results do not depend on the number of threads: every instance has its own source of random
/// numbers, and reports are gathered in the order of the instances. `progress` is told how many
/// instances are done; `stop` is asked before each.
///
/// # Errors
/// [`Stopped`] when `stop` says so.
pub fn run(
    checks: &[Check],
    options: &RunOptions,
    progress: &(dyn Fn(u64) + Sync),
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<CheckReport>, Stopped> {
    let tasks = tasks(checks, options);
    let total = tasks.len() as u64;
    let done = AtomicU64::new(0);
    let samples: Vec<Option<Result<Sample, Obstacle>>> = tasks
        .par_iter()
        .with_max_len(1)
        .map(|&(check, index)| {
            if stop() {
                return None;
            }
            let sample = checks[check].sample(options, index);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            Some(sample)
        })
        .collect();
    let mut gathered: Vec<Vec<_>> = checks.iter().map(|_| Vec::new()).collect();
    for (&(check, _), sample) in tasks.iter().zip(samples) {
        match sample {
            Some(sample) => gathered[check].push(sample),
            None => return Err(Stopped { done: done.into_inner(), total }),
        }
    }
    Ok(checks.iter().zip(gathered).map(|(c, samples)| CheckReport::gather(c, samples)).collect())
}

/// Instances of all checks.
#[must_use]
pub fn total(checks: &[Check], options: &RunOptions) -> u64 {
    tasks(checks, options).len() as u64
}

fn tasks(checks: &[Check], options: &RunOptions) -> Vec<(usize, usize)> {
    let of = |(k, check): (usize, &Check)| (0..check.count(options)).map(move |i| (k, i));
    checks.iter().enumerate().flat_map(of).collect()
}
