//! `[network]`: the feedforward chain.

use serde::{Deserialize, Serialize};

use super::{Matrix, OneOrMany};
use crate::model::key::{Axis, Bounds, COLUMN, ENTRY, Key, Kind, LAYER, Preset, ROW};
use crate::network::Activation;

/// A feedforward network: `W_l` is `sizes[l] x sizes[l-1]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Units of the input and of every layer.
    pub sizes: Vec<usize>,
    /// Activation of the hidden layers, or of every layer.
    pub activation: OneOrMany<Activation>,
    /// What follows the last layer.
    pub output: OutputKind,
    /// Where the weights come from.
    pub weights: Weights,
    /// Where the biases come from; absent only before the defaults are resolved.
    pub biases: Option<Biases>,
}

/// What follows the last layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputKind {
    /// Nothing; squared error.
    Linear,
    /// Softmax with cross-entropy.
    Softmax,
}

/// Where weights come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Weights {
    /// Arrays of a file.
    File(WeightFile),
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
    /// Orthonormal rows or columns, times `gain`.
    Orthogonal {
        /// The factor.
        gain: f64,
    },
    /// One matrix per layer.
    Values(Vec<Matrix>),
}

/// Where biases come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Biases {
    /// All zero.
    Zero,
    /// Arrays of a file.
    File(BiasFile),
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
    /// One vector per layer.
    Values(Vec<Vec<f64>>),
}

/// One path for all layers, or one per layer.
pub type Paths = OneOrMany<String>;

/// Weights, and possibly biases, from a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightFile {
    /// The file, or one per layer.
    pub path: Paths,
    /// Names of the weight arrays, one per layer.
    pub weights: Option<Vec<String>>,
    /// Names of the bias arrays, one per layer.
    pub biases: Option<Vec<String>>,
}

/// Biases from a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BiasFile {
    /// The file, or one per layer.
    pub path: Paths,
    /// Names of the bias arrays, one per layer.
    pub biases: Option<Vec<String>>,
}

/// Names of the activations.
pub(crate) const ACTIVATION: Kind =
    Kind::Choice(&["linear", "tanh", "relu", "leaky-relu", "softplus", "sigmoid"]);
const PATHS: Kind = Kind::Either(&[Kind::File, Kind::List(&Kind::File)]);
const NAMES: Kind = Kind::List(&Kind::Text);

const SCALE: Key = Key::float(
    "scale",
    Bounds::NOT_NEGATIVE,
    "factor of the standard deviation `scale / sqrt(fan_in)`",
)
.or(Preset::Float(1.0));
pub(crate) const NORMAL: Key = Key::variant("normal", &[SCALE], "normal entries, independent");
pub(crate) const UNIFORM: Key = Key::variant(
    "uniform",
    &[
        Key::float("low", Bounds::FINITE, "lower end"),
        Key::float("high", Bounds::FINITE, "upper end, above `low`"),
    ],
    "uniform entries, independent",
);
const ORTHOGONAL: Key = Key::variant(
    "orthogonal",
    &[Key::float("gain", Bounds::FINITE, "factor of the orthonormal matrix")
        .or(Preset::Float(1.0))],
    "orthonormal rows or columns, whichever are fewer",
);
const WEIGHT_VALUES: Key =
    Key::new("values", Kind::Numbers(&[LAYER, ROW, COLUMN]), "one matrix per layer, row by row")
        .optional("");
const LAYER_VECTORS: &[Axis] = &[LAYER, ENTRY];

/// Forms of `weights`.
pub(crate) const WEIGHTS: Kind = Kind::OneOf(&[
    Key::variant(
        "file",
        &[
            Key::new(
                "path",
                PATHS,
                "a .npz, .npy, .safetensors, .h5 or .json file, or one per layer",
            ),
            Key::new("weights", NAMES, "names of the weight arrays, one per layer")
                .or(Preset::Derived("`W1`, `W2`, ...; none for .npy files")),
            Key::new("biases", NAMES, "names of the bias arrays, one per layer")
                .optional("no biases in the file"),
        ],
        "arrays of a file",
    ),
    NORMAL,
    UNIFORM,
    ORTHOGONAL,
    WEIGHT_VALUES,
]);

/// Forms of `biases`.
pub(crate) const BIASES: Kind = Kind::OneOf(&[
    Key::word("zero", "all zero"),
    Key::variant(
        "file",
        &[
            Key::new(
                "path",
                PATHS,
                "a .npz, .npy, .safetensors, .h5 or .json file, or one per layer",
            ),
            Key::new("biases", NAMES, "names of the bias arrays, one per layer")
                .or(Preset::Derived("`b1`, `b2`, ...; none for .npy files")),
        ],
        "arrays of a file",
    ),
    NORMAL,
    UNIFORM,
    Key::new("values", Kind::Ragged(LAYER_VECTORS), "one vector per layer").optional(""),
]);

/// Keys of `[network]`.
pub(crate) const KEYS: &[Key] = &[
    Key::new("sizes", Kind::List(&Kind::Integer(1)), "units of the input and of every layer"),
    Key::new(
        "activation",
        Kind::Either(&[ACTIVATION, Kind::List(&ACTIVATION)]),
        "activation of the hidden layers (one name; the output layer is linear) or of every layer",
    )
    .or(Preset::Word("linear")),
    Key::new(
        "output",
        Kind::Choice(&["linear", "softmax"]),
        "what follows the last layer; softmax goes with cross-entropy",
    )
    .or(Preset::Word("linear")),
    Key::new("weights", WEIGHTS, "where the weights come from"),
    Key::new("biases", BIASES, "where the biases come from")
        .or(Preset::Derived("those of `weights.file` if it names any, else `\"zero\"`")),
];
