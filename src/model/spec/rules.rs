//! Rules that carry errors to hidden layers, as `[training]` and `[invert]` list them.

use serde::{Deserialize, Serialize};

use super::deep_feedback_control::{Filter, K_P, LEAK_ON, LeakOn, TAU_APICAL, TAU_U, TAU_V};
use super::dynamics::{LEAK, TAU_CONTROLLER, TAU_STATE, TRANSFER, TransferName};
use super::feedback::{self, Feedback};
use super::solver::{self, Solver};
use super::target::NUDGE;
use crate::model::key::{Bounds, Key, Kind, Preset};

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Rule {
    /// Backpropagation, `W^T delta`.
    Bp {
        /// Name in results.
        name: Option<String>,
    },
    /// Feedback alignment, `B delta`.
    Fa {
        /// Name in results.
        name: Option<String>,
        /// The matrices.
        feedback: Feedback,
    },
    /// Direct feedback alignment, `B_l delta_L`.
    Dfa {
        /// Name in results.
        name: Option<String>,
        /// The matrices.
        feedback: Feedback,
    },
    /// Pseudobackpropagation, `W^+ delta`.
    Pbp {
        /// Name in results.
        name: Option<String>,
        /// Singular values below this fraction of the largest count as zero.
        cutoff: f64,
    },
    /// Non-dynamic inversion: the closed-form equilibrium of each loop.
    Ndi(NdiRule),
    /// Dynamic inversion: each loop run for a time.
    Di(LoopRule),
    /// Dynamic inversion through a single loop.
    Sdi(LoopRule),
    /// Deep feedback control, updates averaged over time.
    Dfc(DfcRule),
    /// Deep feedback control, updates at the last state.
    DfcSs(DfcRule),
    /// The linearised steady state of deep feedback control.
    DfcSsa(DfcSsaRule),
    /// Strong-feedback deep feedback control.
    StrongDfc(DfcRule),
    /// Damped Gauss-Newton (Levenberg-Marquardt).
    GaussNewton {
        /// Name in results.
        name: Option<String>,
        /// Damping.
        damping: f64,
        /// Which blocks of the matrix are kept.
        blocks: Blocks,
    },
    /// The minimum-norm update.
    MinimumNorm {
        /// Name in results.
        name: Option<String>,
        /// Damping.
        damping: f64,
    },
    /// Predictive coding.
    PredictiveCoding(PredictiveCodingRule),
    /// Global error-vector broadcasting.
    VectorBroadcasting {
        /// Name in results.
        name: Option<String>,
    },
    /// Hindsight credit assignment, a discrete stochastic baseline.
    Hindsight {
        /// Name in results.
        name: Option<String>,
        /// Samples per example.
        samples: usize,
    },
}

/// Options of `ndi`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NdiRule {
    /// Name in results.
    pub name: Option<String>,
    /// The feedback matrices.
    pub feedback: Feedback,
    /// Whether the matrices follow the weights at every update.
    pub retie: bool,
    /// Leak of the controllers.
    pub leak: f64,
    /// How states reach controllers.
    pub transfer: TransferName,
}

/// Options of `di` and `sdi`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoopRule {
    /// Name in results.
    pub name: Option<String>,
    /// The feedback matrices.
    pub feedback: Feedback,
    /// Whether the matrices follow the weights at every update.
    pub retie: bool,
    /// Leak of the controllers.
    pub leak: f64,
    /// How states reach controllers.
    pub transfer: TransferName,
    /// Time constant of the states, s.
    pub tau_state: f64,
    /// Time constant of the controllers, s.
    pub tau_controller: f64,
    /// How long each loop runs.
    pub until: Until,
    /// The method of integration.
    pub solver: Solver,
}

/// Options of the rules of deep feedback control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DfcRule {
    /// Name in results.
    pub name: Option<String>,
    /// The feedback matrices.
    pub feedback: Feedback,
    /// Leak of the controller.
    pub leak: f64,
    /// The variable that leaks.
    pub leak_on: LeakOn,
    /// Proportional gain.
    pub k_p: f64,
    /// Time constant of the voltages, s.
    pub tau_v: f64,
    /// Time constant of the controller, s.
    pub tau_u: f64,
    /// Time constant of the apical compartment, s.
    pub tau_apical: Option<f64>,
    /// Whether voltages are infinitely fast.
    pub instantaneous: bool,
    /// Low-pass filters.
    pub filter: Option<Filter>,
    /// Fraction of the output error that is asked for.
    pub nudge: f64,
    /// How long the network is controlled.
    pub until: Until,
    /// The method of integration.
    pub solver: Solver,
}

/// Options of `dfc-ssa`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DfcSsaRule {
    /// Name in results.
    pub name: Option<String>,
    /// The feedback matrices.
    pub feedback: Feedback,
    /// Leak of the controller.
    pub leak: f64,
    /// The variable that leaks.
    pub leak_on: LeakOn,
    /// Proportional gain.
    pub k_p: f64,
    /// Fraction of the output error that is asked for.
    pub nudge: f64,
}

/// Options of `predictive-coding`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictiveCodingRule {
    /// Name in results.
    pub name: Option<String>,
    /// Time constant of the states, s.
    pub tau_state: f64,
    /// Fraction of the output error that is asked for.
    pub nudge: f64,
    /// How long the states relax.
    pub until: Until,
    /// The method of integration.
    pub solver: Solver,
}

/// How long a loop runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// To its equilibrium.
    Equilibrium,
    /// For so long, s.
    Time(f64),
}

/// Which blocks of the Gauss-Newton matrix are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blocks {
    /// All.
    Full,
    /// Those of single layers.
    Layer,
}

const NAME: Key =
    Key::new("name", Kind::Text, "name in results, unique").optional("the name of the rule");
const LOOP_FEEDBACK: Key = Key::new("feedback", feedback::KIND, "the feedback matrices")
    .or(Preset::Word("negative-transpose"))
    .like("feedback");
const RANDOM_FEEDBACK: Key = Key::new("feedback", feedback::KIND, "the matrices")
    .or(Preset::Word("random-uniform"))
    .like("feedback");
const DFC_FEEDBACK: Key = Key::new("feedback", feedback::KIND, "the matrices Q")
    .or(Preset::Word("jacobian-transpose"))
    .like("feedback");
const RETIE: Key =
    Key::flag("retie", false, "whether the matrices follow the weights at every update");
const UNTIL: Key = Key::new(
    "until",
    Kind::OneOf(&[
        Key::word("equilibrium", "to the equilibrium"),
        Key::new("time", Kind::Float(Bounds::POSITIVE), "for so long").optional("").unit("s"),
    ]),
    "how long each loop runs",
)
.or(Preset::Word("equilibrium"));
const SOLVER: Key = Key::new("solver", solver::KIND, "the method of integration")
    .or(Preset::Word("auto"))
    .like("solver");
const DAMPING: Key =
    Key::float("damping", Bounds::NOT_NEGATIVE, "damping of the step").or(Preset::Float(0.0));

const LOOP_RULE: &[Key] =
    &[NAME, LOOP_FEEDBACK, RETIE, LEAK, TRANSFER, TAU_STATE, TAU_CONTROLLER, UNTIL, SOLVER];
const DFC_RULE: &[Key] = &[
    NAME,
    DFC_FEEDBACK,
    LEAK,
    LEAK_ON,
    K_P,
    TAU_V,
    TAU_U,
    TAU_APICAL,
    Key::flag("instantaneous", false, "take the limit of infinitely fast voltages"),
    Key::new(
        "filter",
        Kind::Section(super::deep_feedback_control::FILTER),
        "first-order low-pass filters",
    )
    .optional("none")
    .like("dynamics.deep-feedback-control.filter"),
    NUDGE,
    UNTIL,
    SOLVER,
];

/// The rules.
pub(crate) const RULES: Kind = Kind::OneOf(&[
    Key::variant("bp", &[NAME], "backpropagation, W^T delta"),
    Key::variant("fa", &[NAME, RANDOM_FEEDBACK], "feedback alignment, B delta"),
    Key::variant("dfa", &[NAME, RANDOM_FEEDBACK], "direct feedback alignment, B_l delta_L"),
    Key::variant(
        "pbp",
        &[
            NAME,
            Key::float(
                "cutoff",
                Bounds::from_to_below(0.0, 1.0),
                "singular values below this fraction of the largest count as zero",
            )
            .or(Preset::Float(1e-12)),
        ],
        "pseudobackpropagation, W^+ delta",
    ),
    Key::variant(
        "ndi",
        &[NAME, LOOP_FEEDBACK, RETIE, LEAK, TRANSFER],
        "the closed-form equilibrium of each loop",
    ),
    Key::variant("di", LOOP_RULE, "dynamic inversion, each loop run for a time"),
    Key::variant("sdi", LOOP_RULE, "dynamic inversion through a single loop")
        .like("training.rules.di"),
    Key::variant("dfc", DFC_RULE, "deep feedback control, updates averaged over time"),
    Key::variant("dfc-ss", DFC_RULE, "deep feedback control, updates at the last state")
        .like("training.rules.dfc"),
    Key::variant(
        "dfc-ssa",
        &[NAME, DFC_FEEDBACK, LEAK, LEAK_ON, K_P, NUDGE],
        "the linearised steady state of deep feedback control",
    ),
    Key::variant("strong-dfc", DFC_RULE, "strong-feedback deep feedback control")
        .like("training.rules.dfc"),
    Key::variant(
        "gauss-newton",
        &[
            NAME,
            DAMPING,
            Key::new(
                "blocks",
                Kind::Choice(&["full", "layer"]),
                "which blocks of the matrix are kept",
            )
            .or(Preset::Word("full")),
        ],
        "damped Gauss-Newton (Levenberg-Marquardt)",
    ),
    Key::variant("minimum-norm", &[NAME, DAMPING], "the minimum-norm update"),
    Key::variant(
        "predictive-coding",
        &[NAME, TAU_STATE, NUDGE, UNTIL, SOLVER],
        "predictive coding",
    ),
    Key::variant("vector-broadcasting", &[NAME], "global error-vector broadcasting"),
    Key::variant(
        "hindsight",
        &[
            NAME,
            Key::new("samples", Kind::Integer(1), "samples per example").or(Preset::Integer(1)),
        ],
        "hindsight credit assignment, a discrete stochastic baseline",
    ),
]);

impl Rule {
    /// The name of the variant in the file.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bp { .. } => "bp",
            Self::Fa { .. } => "fa",
            Self::Dfa { .. } => "dfa",
            Self::Pbp { .. } => "pbp",
            Self::Ndi(_) => "ndi",
            Self::Di(_) => "di",
            Self::Sdi(_) => "sdi",
            Self::Dfc(_) => "dfc",
            Self::DfcSs(_) => "dfc-ss",
            Self::DfcSsa(_) => "dfc-ssa",
            Self::StrongDfc(_) => "strong-dfc",
            Self::GaussNewton { .. } => "gauss-newton",
            Self::MinimumNorm { .. } => "minimum-norm",
            Self::PredictiveCoding(_) => "predictive-coding",
            Self::VectorBroadcasting { .. } => "vector-broadcasting",
            Self::Hindsight { .. } => "hindsight",
        }
    }

    /// The feedback matrices, for rules that have some.
    #[must_use]
    pub fn feedback(&self) -> Option<&Feedback> {
        match self {
            Self::Fa { feedback, .. } | Self::Dfa { feedback, .. } => Some(feedback),
            Self::Ndi(rule) => Some(&rule.feedback),
            Self::Di(rule) | Self::Sdi(rule) => Some(&rule.feedback),
            Self::Dfc(rule) | Self::DfcSs(rule) | Self::StrongDfc(rule) => Some(&rule.feedback),
            Self::DfcSsa(rule) => Some(&rule.feedback),
            _ => None,
        }
    }

    /// The name in results: the one given, or that of the variant.
    #[must_use]
    pub fn name(&self) -> &str {
        let given = match self {
            Self::Bp { name }
            | Self::Fa { name, .. }
            | Self::Dfa { name, .. }
            | Self::Pbp { name, .. }
            | Self::GaussNewton { name, .. }
            | Self::MinimumNorm { name, .. }
            | Self::VectorBroadcasting { name }
            | Self::Hindsight { name, .. } => name,
            Self::Ndi(rule) => &rule.name,
            Self::Di(rule) | Self::Sdi(rule) => &rule.name,
            Self::Dfc(rule) | Self::DfcSs(rule) | Self::StrongDfc(rule) => &rule.name,
            Self::DfcSsa(rule) => &rule.name,
            Self::PredictiveCoding(rule) => &rule.name,
        };
        given.as_deref().unwrap_or_else(|| self.kind())
    }
}
