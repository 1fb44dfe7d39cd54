//! Occasional plain lines of progress, for log files and pipes: no carriage return, no escapes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{DIGITS, list, message, warning};
use crate::cli::number;
use crate::experiment::Progress;

/// When lines are due: the first after `first`, each next one after twice the time, but never
/// further apart than `longest`.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Time to the first line of a stage.
    pub first: Duration,
    /// Longest time between two lines.
    pub longest: Duration,
}

impl Default for Schedule {
    /// Two seconds, then up to a minute: an hour of work leaves about sixty lines.
    fn default() -> Self {
        Self { first: Duration::from_secs(2), longest: Duration::from_secs(60) }
    }
}

/// Plain lines: one now and then, and one at the end of every stage, of stages that follow each
/// other under one name only as often as lines are due.
pub struct Lines<W> {
    verbose: bool,
    schedule: Schedule,
    write: W,
    start: Instant,
    /// Milliseconds after `start` at which the next line is due.
    due: AtomicU64,
    done: AtomicU64,
    stage: Mutex<Option<Stage>>,
    /// When the end of the latest stage of each name was written.
    written: Mutex<HashMap<String, Instant>>,
}

struct Stage {
    label: String,
    total: Option<u64>,
    start: Instant,
    wait: Duration,
}

impl<W: Fn(&str) + Sync> Lines<W> {
    /// Lines written through `write`, newline included; remarks are shown if `verbose`.
    pub fn new(verbose: bool, schedule: Schedule, write: W) -> Self {
        Self {
            verbose,
            schedule,
            write,
            start: Instant::now(),
            due: AtomicU64::new(0),
            done: AtomicU64::new(0),
            stage: Mutex::new(None),
            written: Mutex::default(),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn postpone(&self, wait: Duration) {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.due.store(self.now().saturating_add(wait), Ordering::Relaxed);
    }
}

impl Stage {
    /// `integrate: 350/1000 (35 %), 12.3/s, ETA 53 s, h 0.0123`.
    fn running(&self, done: u64, fields: &[(&str, f64)]) -> String {
        let mut parts = vec![match self.total.filter(|&total| total > 0) {
            Some(total) => format!("{done}/{total} ({:.0} %)", 100.0 * done as f64 / total as f64),
            None => done.to_string(),
        }];
        let rate = done as f64 / self.start.elapsed().as_secs_f64();
        if rate.is_finite() && rate > 0.0 {
            parts.push(format!("{}/s", number::significant(rate, DIGITS)));
            if let Some(total) = self.total {
                let left = total.saturating_sub(done) as f64 / rate;
                parts.push(format!("ETA {}", number::duration(left)));
            }
        }
        if !fields.is_empty() {
            parts.push(list(fields));
        }
        format!("{}: {}\n", self.label, parts.join(", "))
    }

    /// `sweep: done in 81 s`, or `sweep: 350/1000 in 81 s` of one that was stopped.
    fn finished(&self, done: u64) -> String {
        let elapsed = number::duration(self.start.elapsed().as_secs_f64());
        match self.total.filter(|&total| done < total) {
            Some(total) => format!("{}: {done}/{total} in {elapsed}\n", self.label),
            None => format!("{}: done in {elapsed}\n", self.label),
        }
    }
}

impl<W: Fn(&str) + Sync> Progress for Lines<W> {
    fn begin(&self, label: &str, total: Option<u64>) {
        self.finish();
        let wait = self.schedule.first;
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Stage { label: label.into(), total, start: Instant::now(), wait });
        self.done.store(0, Ordering::Relaxed);
        self.postpone(wait);
    }

    fn update(&self, done: u64, fields: &[(&str, f64)]) {
        self.done.store(done, Ordering::Relaxed);
        if self.now() < self.due.load(Ordering::Relaxed) {
            return;
        }
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(stage) = stage.as_mut() else { return };
        // Another thread may have written the line while this one waited for the lock.
        if self.now() < self.due.load(Ordering::Relaxed) {
            return;
        }
        (self.write)(&stage.running(done, fields));
        stage.wait = (stage.wait * 2).min(self.schedule.longest);
        self.postpone(stage.wait);
    }

    fn message(&self, text: &str) {
        if self.verbose {
            (self.write)(&message(text));
        }
    }

    fn warning(&self, text: &str) {
        (self.write)(&warning(text));
    }

    fn finish(&self) {
        let Some(stage) = self.stage.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &Instant| at.elapsed() < self.schedule.first;
        if written.get(&stage.label).is_some_and(is_recent) {
            return;
        }
        (self.write)(&stage.finished(self.done.load(Ordering::Relaxed)));
        written.insert(stage.label, Instant::now());
    }
}
