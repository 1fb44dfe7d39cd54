//! The specification: what a model file says, as plain data.
//!
//! One file per section. Each holds the structures of its section and the list `KEYS` that
//! describes its keys; [`KEYS`] joins them. Field names are the keys of the file.

mod batch;
mod deep_feedback_control;
mod dynamics;
mod feedback;
mod initial;
mod invert;
mod network;
mod rate_network;
mod rules;
mod run;
mod solver;
mod stability;
mod sweep;
mod target;
mod training;
mod training_data;
mod training_metrics;

pub use batch::OneOrMany;
pub use deep_feedback_control::{DeepFeedbackControl, Filter, LeakOn, Noise, NoiseSite};
pub use dynamics::{
    ChosenLayer, Dynamics, Every, LayerwiseInversion, LinearDynamics, LoopDynamics,
    PredictiveCoding, TransferName,
};
pub use feedback::{Feedback, LearnedFeedback, Objective, OptimizedFeedback, QUpdate, Start};
pub use initial::Initial;
pub use invert::Invert;
pub use network::{BiasFile, Biases, Network, OutputKind, Paths, WeightFile, Weights};
pub use rate_network::{Controller, RateNetwork};
pub use rules::{
    Blocks, DfcRule, DfcSsaRule, LoopRule, NdiRule, PredictiveCodingRule, Rule, Until,
};
pub use run::{Direction, Event, Run, SaveAt, SteadyStateStop, Stop};
pub use solver::{Adaptive, Atol, FixedStep, ForeignAdaptive, SMALLEST_RTOL, Solver};
pub use stability::{
    At, Certificate, Continuation, ContinuationMethod, Covariance, Critical, EigenvalueMethod,
    MapAxis, Norm, Optimize, Pseudospectrum, Stability, StabilityMap, StartPoint,
};
pub use sweep::{Draw, Named, PointRange, Points, RandomSweep, Sweep, SweepCommand};
pub use target::{
    ArrayOfFile, DataFile, Drawn, DrawnInput, Example, Examples, Input, OneOrManyVectors, Pixels,
    Source, Target,
};
pub use training::{Batch, Checkpoint, Order, Preset, Sleep, Training};
pub use training_data::{ArrayData, Data, IdxData, Inputs, Task, Teacher, ValueData};
pub use training_metrics::{Comparison, DataSet, Interval, Measure, Metric};

use serde::{Deserialize, Serialize};

use super::key::{Key, Kind, Preset as Default};

/// A matrix, row by row.
pub type Matrix = Vec<Vec<f64>>;

/// A whole model file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Specification {
    /// Version of the format, 1.
    pub schema_version: u32,
    /// Title, copied to the result file.
    pub title: Option<String>,
    /// Sources, copied to the result file.
    #[serde(default)]
    pub references: Vec<String>,
    /// Seed of everything random.
    pub seed: u64,
    /// The feedforward network.
    pub network: Option<Network>,
    /// The feedback matrices.
    pub feedback: Option<Feedback>,
    /// The differential equation.
    pub dynamics: Option<Dynamics>,
    /// What is inverted.
    pub target: Option<Target>,
    /// The state at the start.
    pub initial: Option<Initial>,
    /// The method of integration.
    pub solver: Option<Solver>,
    /// Span, output times, stop conditions.
    pub run: Option<Run>,
    /// Options of `dinv invert`.
    pub invert: Option<Invert>,
    /// Options of `dinv stability`.
    pub stability: Option<Stability>,
    /// Options of `dinv train`.
    pub training: Option<Training>,
    /// Options of `dinv sweep`.
    pub sweep: Option<Sweep>,
}

/// Every key of a model file: the one list that checking, defaults, suggestions and the reference
/// in `docs/models.md` come from.
pub const KEYS: &[Key] = &[
    Key::new("schema_version", Kind::Integer(1), "version of the format; must be 1"),
    Key::new("title", Kind::Text, "title, copied to the result file").optional("none"),
    Key::new(
        "references",
        Kind::List(&Kind::Text),
        "sources such as DOIs, copied to the result file",
    )
    .optional("none"),
    Key::new("seed", Kind::Integer(0), "seed of everything random").or(Default::Integer(0)),
    section("network", network::KEYS, "the feedforward network"),
    Key::new("feedback", feedback::KIND, "the feedback matrices: exactly one variant")
        .or(Default::Derived("`negative-transpose`; deep feedback control: `jacobian-transpose`")),
    Key::new("dynamics", dynamics::KIND, "the differential equation: exactly one variant")
        .optional("needed by `run`, `invert` and `stability`"),
    section(
        "target",
        target::KEYS,
        "what is inverted: exactly one of `delta`, `normal`, `output`, `example`, `examples`; zero error when absent",
    ),
    Key::new("initial", initial::KIND, "the state at the start: exactly one variant")
        .optional("zero; deep feedback control and predictive coding: the feedforward state"),
    Key::new("solver", solver::KIND, "the method of integration: exactly one variant")
        .or(Default::Derived("`auto`")),
    section("run", run::KEYS, "span, output times, stop conditions"),
    section("invert", invert::KEYS, "options of `dinv invert`"),
    section("stability", stability::KEYS, "options of `dinv stability`"),
    section("training", training::KEYS, "options of `dinv train`"),
    section("sweep", sweep::KEYS, "options of `dinv sweep`"),
];

const fn section(name: &'static str, keys: &'static [Key], meaning: &'static str) -> Key {
    Key::new(name, Kind::Section(keys), meaning).optional("absent")
}
