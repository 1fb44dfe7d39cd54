//! `[training]` to the options of learners and the order of examples.

use crate::learning::{Options, RuleEntry};
use crate::model::spec::{Order, Preset, Training};
use crate::network::random::{self, streams};

/// Examples per batch handed to the learners: enough for products of matrices, few enough for the
/// second-level cache.
const BATCH_EXAMPLES: usize = 256;

/// The course of a training: which examples when.
pub(super) struct Course {
    examples: usize,
    /// Examples per update.
    pub(super) size: usize,
    /// Updates in all.
    pub(super) total: usize,
    order: Order,
    seed: u64,
    epoch: Option<(usize, Vec<usize>)>,
}

impl Course {
    pub(super) fn new(training: &Training, examples: usize, seed: u64) -> Self {
        let size = training.batch.size;
        let per_epoch = examples.div_ceil(size);
        let total = training.steps.unwrap_or(per_epoch * training.epochs.unwrap_or(1));
        Self { examples, size, total, order: training.order, seed, epoch: None }
    }

    fn per_epoch(&self) -> usize {
        self.examples.div_ceil(self.size)
    }

    /// The update after the last that belongs to the same batch as update `step`; batches end with
    /// epochs and at `due`.
    pub(super) fn batch_end(&self, step: usize, due: usize) -> usize {
        let epoch_end = (step / self.per_epoch() + 1) * self.per_epoch();
        let full = step + (BATCH_EXAMPLES / self.size).max(1);
        full.min(epoch_end).min(due).min(self.total)
    }

    /// The examples of the updates `from..to`, which lie in one epoch.
    pub(super) fn examples(&mut self, from: usize, to: usize) -> Vec<usize> {
        let (epoch, first) = (from / self.per_epoch(), from % self.per_epoch() * self.size);
        let last = (first + (to - from) * self.size).min(self.examples);
        if self.order == Order::Sequential {
            return (first..last).collect();
        }
        if self.epoch.as_ref().is_none_or(|(known, _)| *known != epoch) {
            let order =
                random::permutation(self.examples, self.seed, streams::ORDER + epoch as u64);
            self.epoch = Some((epoch, order));
        }
        self.epoch.as_ref().map_or_else(Vec::new, |(_, order)| order[first..last].to_vec())
    }
}

/// The options of a learner whose rule is `entry`.
pub(super) fn options(training: &Training, entry: &RuleEntry, total: usize) -> Options {
    Options {
        rate: training.rate,
        schedule: training.schedule,
        steps: total,
        decay: training.decay,
        learn_biases: training.learn_biases,
        clip: training.clip,
        normalize_updates: training.normalize_updates,
        skip_first_update: training.skip_first_update,
        reduce: training.batch.reduce,
        slope_power: match training.preset {
            Preset::Published => entry.published_slope_power,
            Preset::Corrected => 1,
        },
        unconverged: training.unconverged,
        delayed: None,
    }
}
