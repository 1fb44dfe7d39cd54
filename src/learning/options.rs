//! Options of training that all rules share. Model files are read straight into these types.

use serde::{Deserialize, Serialize};

/// How a learner learns.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Learning rate of the first update.
    pub rate: f64,
    /// How it changes.
    pub schedule: Schedule,
    /// Number of updates of the whole training, for [`Schedule::Cosine`].
    pub steps: usize,
    /// Fraction of every weight subtracted at each update; biases do not decay.
    pub decay: f64,
    /// Whether biases learn.
    pub learn_biases: bool,
    /// Limit on the norm of every example's hidden errors.
    pub clip: Option<Clip>,
    /// Whether every layer's update `sum delta h^T` is scaled to unit Frobenius norm.
    pub normalize_updates: bool,
    /// Whether the first update is computed but not applied.
    pub skip_first_update: bool,
    /// Sum or mean over the examples of an update.
    pub reduce: Reduce,
    /// How often hidden errors are multiplied by the slope.
    pub slope_power: u32,
    /// Whether examples whose inversion failed teach.
    pub unconverged: Unconverged,
    /// Whether the first layer's weights are brought up to date once per batch of single-example
    /// updates (see [`Learner::learn`](super::Learner::learn)); `None` chooses by size.
    pub delayed: Option<bool>,
}

impl Options {
    /// Plain gradient descent at a constant rate.
    #[must_use]
    pub fn with_rate(rate: f64) -> Self {
        Self {
            rate,
            schedule: Schedule::Constant,
            steps: 1,
            decay: 0.0,
            learn_biases: true,
            clip: None,
            normalize_updates: false,
            skip_first_update: false,
            reduce: Reduce::Mean,
            slope_power: 1,
            unconverged: Unconverged::Exclude,
            delayed: None,
        }
    }

    /// The learning rate of update `k`, from 0.
    #[must_use]
    pub fn rate_at(&self, k: usize) -> f64 {
        let x = k as f64;
        match self.schedule {
            Schedule::Constant => self.rate,
            Schedule::Step { every, factor } => self.rate * factor.powf((k / every) as f64),
            Schedule::Exponential { factor } => self.rate * factor.powf(x),
            Schedule::InverseTime { half } => self.rate / (1.0 + x / half),
            Schedule::Cosine { last } => {
                let phase = std::f64::consts::PI * (x / self.steps.max(1) as f64).min(1.0);
                self.rate * (last + (1.0 - last) * 0.5 * (1.0 + phase.cos()))
            }
        }
    }
}

/// How the learning rate changes with the number `k` of updates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// `rate factor^floor(k / every)`.
    Step {
        /// Updates between changes.
        every: usize,
        /// The factor.
        factor: f64,
    },
    /// `rate factor^k`.
    Exponential {
        /// The factor.
        factor: f64,
    },
    /// `rate / (1 + k / half)`.
    InverseTime {
        /// Updates until the rate has halved.
        half: f64,
    },
    /// Half a cosine from `rate` to `last rate`.
    Cosine {
        /// The final fraction.
        last: f64,
    },
}

/// Limit on the norm of hidden errors.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clip {
    /// The largest norm of one example's error of one layer.
    pub norm: f64,
    /// The layers it applies to.
    pub layers: ClippedLayers,
}

/// The layers whose errors are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClippedLayers {
    /// The first hidden layer.
    First,
    /// Every hidden layer.
    All,
}

/// Sum or mean over the examples of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduce {
    /// The sum.
    Sum,
    /// The mean.
    Mean,
}

/// What happens to examples whose inversion failed; they are counted either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unconverged {
    /// They teach nothing.
    Exclude,
    /// They teach what was found; a failed run gives hidden errors of zero.
    Include,
}
