//! What `dinv invert` tells: the object of `--json` and the numbers of the tables.

use serde::Serialize;

use super::Scene;
use super::references::Reference;
use crate::analysis::geometry::Rank;
use crate::results::Status;

/// The result of `dinv invert`, as `--json` prints it. Lists per layer run over all layers, input
/// side first; numbers that do not exist are null.
#[derive(Debug, Clone, Serialize)]
pub struct InvertReport {
    /// `complete` or `interrupted`.
    pub status: String,
    /// Number of errors carried.
    pub examples: usize,
    /// Units of every layer.
    pub layers: Vec<usize>,
    /// Mean loss before any update.
    pub loss: f64,
    /// Norm of the output errors.
    pub error_norm: f64,
    /// The directions that rules are compared with.
    pub references: Vec<String>,
    /// One entry per rule.
    pub rules: Vec<InvertedRule>,
    /// Rules that do not fit the network.
    pub left_out: Vec<LeftOut>,
    /// Rank of the parameter Jacobian: of all layers, then of each.
    pub ranks: Vec<RankReport>,
    /// Dynamic inversion with some leak beside Levenberg-Marquardt with the same damping.
    pub leak_damping: Vec<LeakReport>,
    /// The result file.
    pub file: Option<String>,
    /// Warnings, in order of appearance.
    pub warnings: Vec<String>,
    #[serde(skip)]
    outcome: Option<Status>,
}

/// One rule.
#[derive(Debug, Clone, Serialize)]
pub struct InvertedRule {
    /// Its name in results.
    pub name: String,
    /// The rule.
    pub kind: String,
    /// `complete` or `failed`.
    pub status: String,
    /// Why it failed.
    pub reason: Option<String>,
    /// Errors whose inversion failed.
    pub unconverged: usize,
    /// Norm of each layer's errors over all examples.
    pub delta_norm: Vec<f64>,
    /// Norm of each layer's mean update.
    pub update_norm: Vec<f64>,
    /// What is left of the output error to first order when each layer moves by its error alone,
    /// then when all do; relative to the output error.
    pub residual: Vec<f64>,
    /// Fraction of the loss that the mean update removes.
    pub loss_decrease_full_step: f64,
    /// The largest fraction that any multiple of it removes.
    pub loss_decrease_best: f64,
    /// That multiple.
    pub best_step: f64,
    /// Standard deviation of the update by one example over the draws of the rule, relative to the
    /// norm of its mean; null for rules that draw nothing.
    pub noise: Option<f64>,
    /// The rule beside each direction.
    pub against: Vec<Against>,
}

/// A rule beside a direction; angles in degrees.
#[derive(Debug, Clone, Serialize)]
pub struct Against {
    /// The direction.
    pub reference: String,
    /// Angle between the errors of each layer, mean over the examples.
    pub angle: Vec<f64>,
    /// Norm of each layer's errors relative to that of the direction.
    pub norm_ratio: Vec<f64>,
    /// Angle between the mean updates of each layer.
    pub update_angle: Vec<f64>,
    /// Norm of each layer's mean update relative to that of the direction.
    pub update_norm_ratio: Vec<f64>,
    /// Angle between the mean updates of all layers together.
    pub total_angle: f64,
    /// Norm of the mean update of all layers relative to that of the direction.
    pub total_norm_ratio: f64,
}

/// A rule that does not fit the network.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOut {
    /// The rule.
    pub rule: String,
    /// Why.
    pub reason: String,
}

/// Rank of a parameter Jacobian over the examples.
#[derive(Debug, Clone, Serialize)]
pub struct RankReport {
    /// The layer, from 1; null for all together.
    pub layer: Option<usize>,
    /// Smallest rank.
    pub rank_min: usize,
    /// Largest rank.
    pub rank_max: usize,
    /// Largest cut-off: singular values at or below it count as zero.
    pub cutoff: f64,
    /// Largest singular value.
    pub largest: f64,
    /// Smallest singular value above the cut-off.
    pub smallest: f64,
}

/// Dynamic inversion with leak `damping` beside Levenberg-Marquardt steps of single layers.
#[derive(Debug, Clone, Serialize)]
pub struct LeakReport {
    /// Leak and damping.
    pub damping: f64,
    /// Angle for each hidden layer, degrees, mean over the examples.
    pub angle: Vec<f64>,
    /// Norm of the loops' states relative to that of the step, mean over the examples.
    pub norm_ratio: Vec<f64>,
    /// Number of examples compared.
    pub examples: usize,
}

impl RankReport {
    pub(super) fn new(place: usize, ranks: &[Rank]) -> Self {
        let fold = |start: f64, of: fn(&Rank) -> f64, pick: fn(f64, f64) -> f64| {
            ranks.iter().map(of).fold(start, pick)
        };
        Self {
            layer: place.checked_sub(1).map(|k| k + 1),
            rank_min: ranks.iter().map(|r| r.rank).min().unwrap_or(0),
            rank_max: ranks.iter().map(|r| r.rank).max().unwrap_or(0),
            cutoff: fold(0.0, |r| r.cutoff, f64::max),
            largest: fold(0.0, |r| r.largest, f64::max),
            smallest: fold(f64::INFINITY, |r| r.smallest, f64::min),
        }
    }
}

impl InvertReport {
    pub(super) fn new(scene: &Scene, references: &[Reference], left_out: Vec<LeftOut>) -> Self {
        let examples = scene.forward.columns();
        let loss = scene.network.loss(&scene.forward, scene.target.as_slice());
        Self {
            status: String::new(),
            examples,
            layers: scene.network.sizes()[1..].to_vec(),
            loss: loss.map_or(f64::NAN, |loss| loss / examples as f64),
            error_norm: scene.error.norm(),
            references: references.iter().map(|r| r.name.clone()).collect(),
            rules: Vec::new(),
            left_out,
            ranks: Vec::new(),
            leak_damping: Vec::new(),
            file: None,
            warnings: Vec::new(),
            outcome: None,
        }
    }

    pub(super) fn set_outcome(&mut self, status: Status) {
        self.outcome = Some(status);
    }

    /// How the comparison ended.
    #[must_use]
    pub fn outcome(&self) -> Status {
        self.outcome.unwrap_or(Status::Failed)
    }
}
