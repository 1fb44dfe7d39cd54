//! `[feedback]`: the matrices through which errors reach lower layers.

use serde::{Deserialize, Serialize};

use super::Matrix;
use super::network::NORMAL;
use crate::model::key::{Bounds, COLUMN, Key, Kind, LOOP, Preset, ROW};

/// Feedback matrices `B` (one per loop) or `Q` (one per layer).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Feedback {
    /// `-scale W^T`.
    NegativeTranspose {
        /// The factor.
        scale: f64,
    },
    /// `scale W^T`.
    Transpose {
        /// The factor.
        scale: f64,
    },
    /// `-scale W^+`.
    NegativePseudoinverse {
        /// The factor.
        scale: f64,
    },
    /// `-scale sign(W^T)`.
    NegativeSign {
        /// The factor.
        scale: f64,
    },
    /// Uniform entries.
    RandomUniform {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// Normal entries with standard deviation `scale / sqrt(columns)`.
    RandomNormal {
        /// The factor.
        scale: f64,
    },
    /// Optimised for stability.
    Optimized(OptimizedFeedback),
    /// Written out.
    Values {
        /// One matrix per loop or layer.
        matrices: Vec<Matrix>,
    },
    /// Arrays of a file.
    File {
        /// The file.
        path: String,
        /// Names of the arrays, one per loop or layer.
        matrices: Vec<String>,
    },
    /// `scale J^T`, the Jacobian of the output with respect to the pre-activations.
    JacobianTranspose {
        /// The factor.
        scale: f64,
        /// When the Jacobian is taken.
        update: QUpdate,
    },
    /// `scale` times the product of the transposed weights.
    WeightProduct {
        /// The factor.
        scale: f64,
    },
    /// Learned in a sleep phase.
    Learned(LearnedFeedback),
}

/// When the Jacobian of `jacobian-transpose` is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QUpdate {
    /// At the feedforward state, once.
    Frozen,
    /// At the current state, always.
    Recomputed,
}

/// Spectral-abscissa optimisation of `B`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizedFeedback {
    /// Where the descent starts.
    pub start: Start,
    /// The abscissa aimed at is `-margin`.
    pub margin: f64,
    /// Smoothing `eps` of the abscissa.
    pub smoothing: f64,
    /// Cap on the descent.
    pub max_iterations: usize,
    /// What is optimised.
    pub objective: Objective,
}

/// Where the optimisation of `B` starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Start {
    /// `-scale W^T`.
    NegativeTranspose {
        /// The factor.
        scale: f64,
    },
    /// Normal entries with standard deviation `scale / sqrt(fan_in)`.
    Normal {
        /// The factor.
        scale: f64,
    },
    /// Uniform entries.
    Uniform {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
}

/// The spectrum that the optimisation moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// The full Jacobian for small systems, the reduced one for large ones.
    Auto,
    /// The full Jacobian.
    Full,
    /// The eigenvalues of `M B` through the stability parabola.
    Reduced,
}

/// Feedback learning: `dQ_l ~ -a_l u^T - decay Q_l` under noise, the target being the network's
/// own output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnedFeedback {
    /// Entries of `Q` at the start: normal with standard deviation `start_scale / sqrt(columns)`.
    pub start_scale: f64,
    /// Number of inputs shown.
    pub steps: usize,
    /// Learning rate of `Q`.
    pub rate: f64,
    /// Decay `beta` of `Q`.
    pub decay: f64,
    /// Leak of the controller during sleep.
    pub leak: f64,
    /// Standard deviation of the noise.
    pub noise_std: f64,
    /// Simulated time per input, s.
    pub time: f64,
    /// Step of the stochastic integration, s.
    pub step: f64,
}

const fn scale(meaning: &'static str) -> Key {
    Key::float("scale", Bounds::POSITIVE, meaning).or(Preset::Float(1.0))
}

const SCALE: &[Key] = &[scale("factor of the matrix")];

const OPTIMIZED: &[Key] = &[
    Key::new(
        "start",
        Kind::OneOf(&[
            Key::variant(
                "uniform",
                &[
                    Key::float("low", Bounds::FINITE, "lower end").or(Preset::Float(-0.01)),
                    Key::float("high", Bounds::FINITE, "upper end, above `low`")
                        .or(Preset::Float(0.01)),
                ],
                "uniform entries, independent",
            ),
            NORMAL,
            Key::variant("negative-transpose", SCALE, "`-scale W^T`"),
        ]),
        "where the descent starts",
    )
    .or(Preset::Word("uniform")),
    MARGIN,
    SMOOTHING,
    MAX_ITERATIONS,
    OBJECTIVE,
];

/// The margin of an optimisation.
pub(crate) const MARGIN: Key =
    Key::float("margin", Bounds::NOT_NEGATIVE, "the spectral abscissa aimed at is `-margin`")
        .or(Preset::Float(0.1))
        .unit("1/s");
/// The smoothing of an optimisation.
pub(crate) const SMOOTHING: Key =
    Key::float("smoothing", Bounds::POSITIVE, "smoothing `eps` of the spectral abscissa")
        .or(Preset::Float(0.01));
/// The cap of an optimisation.
pub(crate) const MAX_ITERATIONS: Key =
    Key::new("max_iterations", Kind::Integer(1), "cap on the steps of the descent")
        .or(Preset::Integer(1000));
/// The objective of an optimisation.
pub(crate) const OBJECTIVE: Key = Key::new(
    "objective",
    Kind::Choice(&["auto", "full", "reduced"]),
    "the spectrum that is moved: of the full Jacobian, or of `M B` through the stability parabola",
)
.or(Preset::Word("auto"));

/// Keys of learned feedback.
pub(crate) const LEARNED: &[Key] = &[
    Key::float(
        "start_scale",
        Bounds::NOT_NEGATIVE,
        "entries at the start are normal with standard deviation `start_scale / sqrt(columns)`",
    )
    .or(Preset::Float(1.0)),
    Key::new("steps", Kind::Integer(1), "number of inputs shown").or(Preset::Integer(1000)),
    Key::float("rate", Bounds::POSITIVE, "learning rate of Q").or(Preset::Float(1e-3)),
    Key::float("decay", Bounds::NOT_NEGATIVE, "decay `beta` of Q").or(Preset::Float(1.0)),
    Key::float("leak", Bounds::NOT_NEGATIVE, "leak of the controller during sleep")
        .or(Preset::Float(1.0)),
    Key::float("noise_std", Bounds::POSITIVE, "standard deviation of the noise during sleep")
        .or(Preset::Float(0.01)),
    Key::float("time", Bounds::POSITIVE, "simulated time per input")
        .or(Preset::Float(20.0))
        .unit("s"),
    Key::float("step", Bounds::POSITIVE, "step of the stochastic integration")
        .or(Preset::Float(0.01))
        .unit("s"),
];

/// Forms of `[feedback]`.
pub(crate) const KIND: Kind = Kind::OneOf(&[
    Key::variant("negative-transpose", SCALE, "`-scale W^T`"),
    Key::variant("transpose", SCALE, "`scale W^T`"),
    Key::variant("negative-pseudoinverse", SCALE, "`-scale W^+`"),
    Key::variant("negative-sign", SCALE, "`-scale sign(W^T)`"),
    Key::variant(
        "random-uniform",
        &[
            Key::float("low", Bounds::FINITE, "lower end").or(Preset::Float(-0.5)),
            Key::float("high", Bounds::FINITE, "upper end, above `low`").or(Preset::Float(0.5)),
        ],
        "uniform entries, independent",
    ),
    Key::variant(
        "random-normal",
        &[scale("factor of the standard deviation `scale / sqrt(columns)`")],
        "normal entries, independent",
    ),
    Key::variant("optimized", OPTIMIZED, "optimised for stability"),
    Key::variant(
        "values",
        &[Key::new(
            "matrices",
            Kind::Numbers(&[LOOP, ROW, COLUMN]),
            "one matrix per loop (layerwise: per inverted layer, in increasing order; deep feedback control: one Q per layer)",
        )],
        "written out",
    ),
    Key::variant(
        "file",
        &[
            Key::new("path", Kind::File, "a .npz, .npy, .safetensors, .h5 or .json file"),
            Key::new(
                "matrices",
                Kind::List(&Kind::Text),
                "names of the arrays, one per loop or layer",
            ),
        ],
        "arrays of a file",
    ),
    Key::variant(
        "jacobian-transpose",
        &[
            scale("factor of the matrix"),
            Key::new(
                "update",
                Kind::Choice(&["frozen", "recomputed"]),
                "the Jacobian of the feedforward state, or of the current state at every time",
            )
            .or(Preset::Word("frozen")),
        ],
        "`scale J^T`, deep feedback control only",
    ),
    Key::variant(
        "weight-product",
        SCALE,
        "`scale` times the product of the transposed weights, deep feedback control only",
    ),
    Key::variant("learned", LEARNED, "learned in a sleep phase, deep feedback control only"),
]);

impl Feedback {
    /// The name of the variant in the file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NegativeTranspose { .. } => "negative-transpose",
            Self::Transpose { .. } => "transpose",
            Self::NegativePseudoinverse { .. } => "negative-pseudoinverse",
            Self::NegativeSign { .. } => "negative-sign",
            Self::RandomUniform { .. } => "random-uniform",
            Self::RandomNormal { .. } => "random-normal",
            Self::Optimized(_) => "optimized",
            Self::Values { .. } => "values",
            Self::File { .. } => "file",
            Self::JacobianTranspose { .. } => "jacobian-transpose",
            Self::WeightProduct { .. } => "weight-product",
            Self::Learned(_) => "learned",
        }
    }
}
