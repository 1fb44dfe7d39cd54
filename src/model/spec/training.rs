//! `[training]`: learning experiments.

use serde::{Deserialize, Serialize};

use super::feedback::{self, LearnedFeedback};
use super::rules::{RULES, Rule};
use super::training_data::{self, Data};
use super::training_metrics::{METRICS, Metric};
use crate::learning::{Clip, Reduce, Schedule, Unconverged};
use crate::model::key::{Bounds, Key, Kind, Preset as Default};

/// What `dinv train` does: several rules side by side from one initial state over the same data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The data.
    pub data: Data,
    /// The rules.
    pub rules: Vec<Rule>,
    /// The published procedure or the corrected one.
    pub preset: Preset,
    /// Number of updates; or `epochs`.
    pub steps: Option<usize>,
    /// Number of passes over the data; or `steps`.
    pub epochs: Option<usize>,
    /// Examples per update.
    pub batch: Batch,
    /// Learning rate.
    pub rate: f64,
    /// How the rate changes.
    pub schedule: Schedule,
    /// Fraction of every weight subtracted at each update.
    pub decay: f64,
    /// Whether biases learn.
    pub learn_biases: bool,
    /// Limit on the norm of hidden errors.
    pub clip: Option<Clip>,
    /// Whether every layer's update is scaled to unit Frobenius norm.
    pub normalize_updates: bool,
    /// Whether the first update is computed but not applied.
    pub skip_first_update: bool,
    /// Order of the examples.
    pub order: Order,
    /// Whether feedback is optimised again when a loop turns unstable.
    pub reoptimize: bool,
    /// What happens to examples whose inversion did not converge.
    pub unconverged: Unconverged,
    /// What is measured, and how often.
    pub metrics: Vec<Metric>,
    /// Checkpoints.
    pub checkpoint: Checkpoint,
    /// Feedback learning between updates, for rules of deep feedback control.
    pub sleep: Option<Sleep>,
}

/// The published procedure or the corrected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Hidden errors are multiplied by the slope twice in all rules but `di`, as the published
    /// scripts do.
    Published,
    /// Once.
    Corrected,
}

/// Examples per update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Number of examples.
    pub size: usize,
    /// Sum or mean of their updates.
    pub reduce: Reduce,
}

/// Order of the examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// As they come.
    Sequential,
    /// A new permutation in every epoch.
    Shuffled,
}

/// Checkpoints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Updates between checkpoints that are kept beside the result.
    pub keep_every: Option<usize>,
    /// Wall-clock time between checkpoints, s.
    pub interval: f64,
}

/// Feedback learning between updates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sleep {
    /// Updates of the forward weights between sleep phases.
    pub every: usize,
    /// What happens in a sleep phase.
    pub phase: LearnedFeedback,
}

const SCHEDULE: Kind = Kind::OneOf(&[
    Key::word("constant", "no change"),
    Key::variant(
        "step",
        &[
            Key::new("every", Kind::Integer(1), "updates between changes"),
            Key::float("factor", Bounds::POSITIVE, "factor of the rate"),
        ],
        "rate factor^floor(k / every) at update k",
    ),
    Key::variant(
        "exponential",
        &[Key::float("factor", Bounds::POSITIVE, "factor of the rate per update")],
        "rate factor^k at update k",
    ),
    Key::variant(
        "inverse-time",
        &[Key::float("half", Bounds::POSITIVE, "updates until the rate has halved")],
        "rate / (1 + k / half) at update k",
    ),
    Key::variant(
        "cosine",
        &[Key::float("last", Bounds::from_to_below(0.0, 1.0), "final fraction of the rate")
            .or(Default::Float(0.0))],
        "half a cosine from the rate to a fraction of it",
    ),
]);

/// Keys of `[training]`.
pub(crate) const KEYS: &[Key] = &[
    Key::new("data", training_data::KIND, "the data: exactly one variant"),
    Key::new("rules", Kind::List(&RULES), "the rules, trained side by side"),
    Key::new("preset", Kind::Choice(&["published", "corrected"]), "`published` multiplies hidden errors by the slope twice in all rules but `di`, as the published scripts do")
        .or(Default::Word("corrected")),
    Key::new("steps", Kind::Integer(1), "number of updates; or `epochs`").optional("`epochs`"),
    Key::new("epochs", Kind::Integer(1), "number of passes over the data; or `steps`").optional("`steps`"),
    Key::new(
        "batch",
        Kind::Section(&[
            Key::new("size", Kind::Integer(1), "number of examples").or(Default::Integer(1)),
            Key::new("reduce", Kind::Choice(&["sum", "mean"]), "sum or mean of their updates").or(Default::Word("mean")),
        ]),
        "examples per update",
    )
    .or(Default::Defaults),
    Key::float("rate", Bounds::POSITIVE, "learning rate"),
    Key::new("schedule", SCHEDULE, "how the rate changes").or(Default::Word("constant")),
    Key::float("decay", Bounds::from_to_below(0.0, 1.0), "fraction of every weight subtracted at each update")
        .or(Default::Float(0.0)),
    Key::flag("learn_biases", true, "whether biases learn"),
    Key::new(
        "clip",
        Kind::Section(&[
            Key::float("norm", Bounds::POSITIVE, "the largest norm"),
            Key::new("layers", Kind::Choice(&["first", "all"]), "the hidden layers it applies to").or(Default::Word("all")),
        ]),
        "limit on the norm of hidden errors, applied before the update",
    )
    .optional("none"),
    Key::flag("normalize_updates", false, "scale every layer's update to unit Frobenius norm"),
    Key::flag("skip_first_update", false, "compute the first update but do not apply it, as published"),
    Key::new("order", Kind::Choice(&["sequential", "shuffled"]), "order of the examples; a new permutation in every epoch when shuffled")
        .or(Default::Word("shuffled")),
    Key::flag("reoptimize", true, "optimise feedback again when a loop turns unstable (`optimized` feedback only)"),
    Key::new("unconverged", Kind::Choice(&["exclude", "include"]), "whether examples whose inversion did not converge teach; they are counted either way")
        .or(Default::Word("exclude")),
    Key::new("metrics", Kind::List(&METRICS), "what is measured, and how often").or(Default::Words(&["loss"])),
    Key::new(
        "checkpoint",
        Kind::Section(&[
            Key::float("interval", Bounds::POSITIVE, "wall-clock time between checkpoints")
                .or(Default::Float(60.0))
                .unit("s"),
            Key::new(
                "keep_every",
                Kind::Integer(1),
                "updates between checkpoints that are kept beside the result, for spectra along training",
            )
            .optional("none are kept"),
        ]),
        "checkpoints, written atomically at an interval and at the end",
    )
    .or(Default::Defaults),
    Key::new(
        "sleep",
        Kind::Section(&[
            Key::new("every", Kind::Integer(1), "updates of the forward weights between sleep phases"),
            Key::new("phase", Kind::Section(feedback::LEARNED), "what happens in a sleep phase")
                .or(Default::Defaults)
                .like("feedback.learned"),
        ]),
        "feedback learning between updates, for rules of deep feedback control",
    )
    .optional("none"),
];
