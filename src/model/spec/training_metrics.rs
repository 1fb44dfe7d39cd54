//! `[[training.metrics]]`: what is measured during training.

use serde::{Deserialize, Serialize};

use crate::model::key::{Key, Kind, Preset};

/// What is measured, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Metric {
    /// Squared errors over a set, relative to the largest value so far.
    Nse(Measure),
    /// Mean loss over a set.
    Loss(Measure),
    /// Fraction of a set that is classified wrongly.
    Error(Measure),
    /// Spectral abscissa of every loop.
    Abscissa(Interval),
    /// Angle between each `B` and `-W^T`, degrees.
    FeedbackAngle(Interval),
    /// Angle between the hidden errors of two rules on the same network, degrees.
    Angle(Comparison),
    /// Angle between the updates of all parameters by two rules on the same network, degrees.
    UpdateAngle(Comparison),
    /// Norms of the updates.
    UpdateNorm(Interval),
    /// Norms of the weights.
    WeightNorm(Interval),
    /// How far the feedback of deep feedback control is from the row space of the Jacobian.
    RowSpace(Interval),
    /// How far the network is from condition 1 of deep feedback control.
    Condition1(Interval),
    /// Wall-clock time spent in training, s.
    WallTime(Interval),
}

/// A measurement over a set of examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// The set.
    pub set: DataSet,
    /// Only its first so many examples.
    pub first: Option<usize>,
    /// Updates between measurements.
    pub every: usize,
}

/// A measurement of one rule beside another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// The rule, by its name in results; every rule when absent.
    pub rule: Option<String>,
    /// The rule or direction it is compared with.
    pub to: String,
    /// Updates between measurements.
    pub every: usize,
}

/// A measurement of the network itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Updates between measurements.
    pub every: usize,
}

/// A set of examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataSet {
    /// The training set.
    Train,
    /// The test set.
    Test,
}

const EVERY: Key =
    Key::new("every", Kind::Integer(1), "updates between measurements; the last is always one")
        .or(Preset::Integer(100));
const MEASURE: &[Key] = &[
    Key::new("set", Kind::Choice(&["train", "test"]), "the set").or(Preset::Word("train")),
    Key::new("first", Kind::Integer(1), "only its first so many examples").optional("all"),
    EVERY,
];
const INTERVAL: &[Key] = &[EVERY];
const COMPARISON: &[Key] = &[
    Key::new("rule", Kind::Text, "the rule, by its name in results").optional("every rule"),
    Key::new(
        "to",
        Kind::Text,
        "the rule it is compared with, by its name, or `bp`, `gauss-newton`, `minimum-norm`, `dfc-ssa`",
    ),
    EVERY,
];

/// The metrics.
pub(crate) const METRICS: Kind = Kind::OneOf(&[
    Key::variant(
        "nse",
        MEASURE,
        "sum of squared errors over the set, relative to its largest value so far",
    ),
    Key::variant("loss", MEASURE, "mean loss over the set").like("training.metrics.nse"),
    Key::variant("error", MEASURE, "fraction of the set that is classified wrongly")
        .like("training.metrics.nse"),
    Key::variant(
        "abscissa",
        INTERVAL,
        "spectral abscissa of every loop, or of the network under control",
    ),
    Key::variant("feedback-angle", INTERVAL, "angle between each B and -W^T")
        .like("training.metrics.abscissa"),
    Key::variant(
        "angle",
        COMPARISON,
        "angle between the hidden errors of two rules on the network of the first",
    ),
    Key::variant(
        "update-angle",
        COMPARISON,
        "angle between the updates of all layers together by two rules on the network of the first",
    )
    .like("training.metrics.angle"),
    Key::variant("update-norm", INTERVAL, "Frobenius norms of the updates")
        .like("training.metrics.abscissa"),
    Key::variant("weight-norm", INTERVAL, "Frobenius norms of the weights")
        .like("training.metrics.abscissa"),
    Key::variant(
        "row-space",
        INTERVAL,
        "condition 2 of deep feedback control: share of Q in the row space of the Jacobian",
    )
    .like("training.metrics.abscissa"),
    Key::variant(
        "condition1",
        INTERVAL,
        "condition 1 of deep feedback control: equal norms of the layers' inputs",
    )
    .like("training.metrics.abscissa"),
    Key::variant("wall-time", INTERVAL, "wall-clock time spent in training, evaluation excluded")
        .like("training.metrics.abscissa"),
]);

impl Metric {
    /// The name of the variant in the file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Nse(_) => "nse",
            Self::Loss(_) => "loss",
            Self::Error(_) => "error",
            Self::Abscissa(_) => "abscissa",
            Self::FeedbackAngle(_) => "feedback-angle",
            Self::Angle(_) => "angle",
            Self::UpdateAngle(_) => "update-angle",
            Self::UpdateNorm(_) => "update-norm",
            Self::WeightNorm(_) => "weight-norm",
            Self::RowSpace(_) => "row-space",
            Self::Condition1(_) => "condition1",
            Self::WallTime(_) => "wall-time",
        }
    }
}
