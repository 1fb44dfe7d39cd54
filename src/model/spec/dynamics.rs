//! `[dynamics]`: the differential equation.

use serde::{Deserialize, Serialize};

use super::Matrix;
use super::deep_feedback_control::{self, DeepFeedbackControl};
use super::network::ACTIVATION;
use super::rate_network::{self, RateNetwork};
use crate::model::key::{Bounds, Key, Kind, MATRIX, Preset, VECTOR};
use crate::network::Activation;

/// The differential equation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Dynamics {
    /// One loop per layer, top first, each run to its end before the next.
    LayerwiseInversion(LayerwiseInversion),
    /// All loops at once, each with the state above as its target.
    ConcurrentInversion(LoopDynamics),
    /// One controller at the output for all layers.
    SingleLoop(LoopDynamics),
    /// Proportional-integral control of the whole network.
    DeepFeedbackControl(DeepFeedbackControl),
    /// Relaxation of prediction errors.
    PredictiveCoding(PredictiveCoding),
    /// A recurrent rate network, possibly with a controller.
    RateNetwork(RateNetwork),
    /// `x' = a x + b`.
    Linear(LinearDynamics),
}

/// Keys of `[dynamics.layerwise-inversion]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerwiseInversion {
    /// The inverted layer, or all.
    pub layer: ChosenLayer,
    /// Leak of the controller.
    pub leak: f64,
    /// Time constant of the state, s.
    pub tau_state: f64,
    /// Time constant of the controller, s.
    pub tau_controller: f64,
    /// How the state reaches the controller.
    pub transfer: TransferName,
    /// The `g` of the transfer, instead of that of the layer below.
    pub activation: Option<Activation>,
}

/// Keys of `[dynamics.concurrent-inversion]` and `[dynamics.single-loop]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoopDynamics {
    /// Leak of the controllers.
    pub leak: f64,
    /// Time constant of the states, s.
    pub tau_state: f64,
    /// Time constant of the controllers, s.
    pub tau_controller: f64,
    /// How states reach controllers.
    pub transfer: TransferName,
    /// The `g` of every transfer, instead of those of the layers below.
    pub activation: Option<Activation>,
}

/// The inverted layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ChosenLayer {
    /// One layer, from 1.
    Number(usize),
    /// Every layer above the first, top first.
    All(Every),
}

/// The word `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Every {
    /// Every layer above the first.
    All,
}

/// How a state reaches its controller; `W` and `g` belong to the inverted layer and the layer
/// below it, `a` is the operating point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransferName {
    /// `W r`.
    Linear,
    /// `W g(r)`.
    Nonlinear,
    /// `W (g'(a) * r)`.
    Tangent,
    /// `W (r / g'(a))`.
    InverseSlope,
    /// `W (g(a + r) - g(a))`.
    Deviation,
}

impl TransferName {
    /// Whether the transfer depends on the operating point of the network.
    #[must_use]
    pub fn needs_operating_point(self) -> bool {
        matches!(self, Self::Tangent | Self::InverseSlope | Self::Deviation)
    }

    /// The name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Nonlinear => "nonlinear",
            Self::Tangent => "tangent",
            Self::InverseSlope => "inverse-slope",
            Self::Deviation => "deviation",
        }
    }
}

/// Keys of `[dynamics.predictive-coding]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictiveCoding {
    /// Time constant of the states, s.
    pub tau_state: f64,
}

/// Keys of `[dynamics.linear]`: `x' = a x + b`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearDynamics {
    /// The matrix.
    pub a: Matrix,
    /// The constant term; zero when absent.
    pub b: Option<Vec<f64>>,
}

/// The leak of a controller.
pub(crate) const LEAK: Key =
    Key::float("leak", Bounds::NOT_NEGATIVE, "leak of the controller; 0 integrates without loss");
pub(crate) const TAU_STATE: Key = Key::time_constant("tau_state", "time constant of the state");
pub(crate) const TAU_CONTROLLER: Key =
    Key::time_constant("tau_controller", "time constant of the controller");
pub(crate) const TRANSFER: Key = Key::new(
    "transfer",
    Kind::Choice(&["linear", "nonlinear", "tangent", "inverse-slope", "deviation"]),
    "how the state reaches the controller",
)
.or(Preset::Word("linear"));
pub(crate) const TRANSFER_ACTIVATION: Key =
    Key::new("activation", ACTIVATION, "the g of the transfer")
        .optional("that of the layer below; identity for layer 1");

const LOOP: &[Key] = &[LEAK, TAU_STATE, TAU_CONTROLLER, TRANSFER, TRANSFER_ACTIVATION];

const LAYERWISE: &[Key] = &[
    Key::new(
        "layer",
        Kind::Either(&[Kind::Integer(1), Kind::Choice(&["all"])]),
        "the inverted layer, or \"all\" above the first: top first, each end feeding the next",
    ),
    LEAK,
    TAU_STATE,
    TAU_CONTROLLER,
    TRANSFER,
    TRANSFER_ACTIVATION,
];

/// Forms of `[dynamics]`.
pub(crate) const KIND: Kind = Kind::OneOf(&[
    Key::variant("layerwise-inversion", LAYERWISE, "one loop per layer, one after the other"),
    Key::variant("concurrent-inversion", LOOP, "all loops at once, each aiming at the state above"),
    Key::variant("single-loop", LOOP, "one controller at the output for all layers"),
    Key::variant(
        "deep-feedback-control",
        deep_feedback_control::KEYS,
        "proportional-integral control of the whole network",
    ),
    Key::variant(
        "predictive-coding",
        &[TAU_STATE],
        "relaxation of prediction errors with a clamped output",
    ),
    Key::variant("rate-network", rate_network::KEYS, "a recurrent network, possibly controlled"),
    Key::variant(
        "linear",
        &[
            Key::new("a", MATRIX, "the square matrix of x' = a x + b").unit("1/s"),
            Key::new("b", VECTOR, "the constant term of x' = a x + b").optional("zero").unit("1/s"),
        ],
        "x' = a x + b",
    ),
]);

impl LayerwiseInversion {
    /// The options it shares with the other loops.
    #[must_use]
    pub fn loop_options(&self) -> LoopDynamics {
        let Self { leak, tau_state, tau_controller, transfer, activation, .. } = *self;
        LoopDynamics { leak, tau_state, tau_controller, transfer, activation }
    }
}

impl Dynamics {
    /// The name of the variant in the file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::LayerwiseInversion(_) => "layerwise-inversion",
            Self::ConcurrentInversion(_) => "concurrent-inversion",
            Self::SingleLoop(_) => "single-loop",
            Self::DeepFeedbackControl(_) => "deep-feedback-control",
            Self::PredictiveCoding(_) => "predictive-coding",
            Self::RateNetwork(_) => "rate-network",
            Self::Linear(_) => "linear",
        }
    }

    /// Whether the equation is built on `[network]` and driven by `[target]`.
    #[must_use]
    pub fn uses_network(&self) -> bool {
        !matches!(self, Self::RateNetwork(_) | Self::Linear(_))
    }

    /// The transfer, for dynamics that have one.
    #[must_use]
    pub fn transfer(&self) -> Option<TransferName> {
        match self {
            Self::LayerwiseInversion(d) => Some(d.transfer),
            Self::ConcurrentInversion(d) | Self::SingleLoop(d) => Some(d.transfer),
            _ => None,
        }
    }
}
