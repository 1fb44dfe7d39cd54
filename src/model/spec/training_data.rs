//! `[training.data]`: what is learned.

use serde::{Deserialize, Serialize};

use super::Matrix;
use super::OneOrMany;
use super::network::BIASES;
use super::network::{ACTIVATION, Biases, OutputKind, WEIGHTS, Weights};
use super::target::{PIXELS, Pixels};
use crate::model::key::{Bounds, Key, Kind, MATRIX, Preset};
use crate::network::Activation;

/// What is learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Data {
    /// The outputs of a random network.
    Teacher(Teacher),
    /// Images in IDX files.
    Idx(IdxData),
    /// Arrays of a file.
    Arrays(ArrayData),
    /// Written out.
    Values(ValueData),
}

/// The outputs of a random network for random inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Teacher {
    /// Its sizes; those of the network when absent.
    pub sizes: Option<Vec<usize>>,
    /// Its activations; those of the network when absent.
    pub activation: Option<OneOrMany<Activation>>,
    /// What follows its last layer.
    pub output: OutputKind,
    /// Its weights.
    pub weights: Weights,
    /// Its biases.
    pub biases: Biases,
    /// Its inputs.
    pub inputs: Inputs,
    /// Number of training examples.
    pub train_count: usize,
    /// Number of test examples.
    pub test_count: usize,
}

/// Distribution of a teacher's inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Inputs {
    /// Independent normal entries.
    Normal {
        /// Standard deviation.
        scale: f64,
    },
    /// Independent uniform entries.
    Uniform {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
}

/// Images in IDX files, plain or gzipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdxData {
    /// What is learned from the images.
    pub task: Task,
    /// Training images.
    pub train_images: String,
    /// Training labels; not needed by an autoencoder.
    pub train_labels: Option<String>,
    /// Test images.
    pub test_images: Option<String>,
    /// Test labels.
    pub test_labels: Option<String>,
    /// How pixels become inputs.
    pub pixels: Pixels,
    /// Only the first so many training images.
    pub train_first: Option<usize>,
    /// Only the first so many test images.
    pub test_first: Option<usize>,
}

/// What is learned from images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Their labels, one-hot.
    Classification,
    /// Themselves.
    Autoencoder,
}

/// Arrays of a .npz, .safetensors, .h5 or .json file, one example per row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArrayData {
    /// The file.
    pub path: String,
    /// Training inputs.
    pub train_inputs: String,
    /// Training outputs.
    pub train_outputs: String,
    /// Test inputs.
    pub test_inputs: Option<String>,
    /// Test outputs.
    pub test_outputs: Option<String>,
}

/// Data written out, one example per row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueData {
    /// Training inputs.
    pub train_inputs: Matrix,
    /// Training outputs.
    pub train_outputs: Matrix,
    /// Test inputs.
    pub test_inputs: Option<Matrix>,
    /// Test outputs.
    pub test_outputs: Option<Matrix>,
}

const INPUTS: Kind = Kind::OneOf(&[
    Key::variant(
        "normal",
        &[Key::float("scale", Bounds::POSITIVE, "standard deviation").or(Preset::Float(1.0))],
        "normal entries, independent",
    ),
    super::network::UNIFORM,
]);

const TEACHER: &[Key] = &[
    Key::new("sizes", Kind::List(&Kind::Integer(1)), "units of its input and of every layer")
        .or(Preset::Derived("`network.sizes`")),
    Key::new(
        "activation",
        Kind::Either(&[ACTIVATION, Kind::List(&ACTIVATION)]),
        "activation of its hidden layers, or of every layer",
    )
    .or(Preset::Derived("`network.activation`")),
    Key::new("output", Kind::Choice(&["linear", "softmax"]), "what follows its last layer")
        .or(Preset::Word("linear")),
    Key::new("weights", WEIGHTS, "its weights").like("network.weights"),
    Key::new("biases", BIASES, "its biases").or(Preset::Word("zero")).like("network.biases"),
    Key::new("inputs", INPUTS, "distribution of the inputs").or(Preset::Word("normal")),
    Key::new("train_count", Kind::Integer(1), "number of training examples"),
    Key::new("test_count", Kind::Integer(0), "number of test examples").or(Preset::Integer(0)),
];

const IDX: &[Key] = &[
    Key::new(
        "task",
        Kind::Choice(&["classification", "autoencoder"]),
        "what is learned: labels, one-hot, or the images themselves",
    )
    .or(Preset::Word("classification")),
    Key::new("train_images", Kind::File, "IDX file of training images, plain or gzipped"),
    Key::new("train_labels", Kind::File, "IDX file of training labels")
        .optional("none; classification needs it"),
    Key::new("test_images", Kind::File, "IDX file of test images").optional("no test set"),
    Key::new("test_labels", Kind::File, "IDX file of test labels")
        .optional("none; classification needs it"),
    Key::new("pixels", PIXELS, "how pixels become inputs; figures are those of the training set")
        .or(Preset::Word("unit"))
        .like("target.example.pixels"),
    Key::new("train_first", Kind::Integer(1), "only the first so many training images")
        .optional("all"),
    Key::new("test_first", Kind::Integer(1), "only the first so many test images").optional("all"),
];

const ARRAYS: &[Key] = &[
    Key::new("path", Kind::File, "a .npz, .safetensors, .h5 or .json file"),
    Key::new(
        "train_inputs",
        Kind::Text,
        "name of the array of training inputs, one example per row",
    ),
    Key::new("train_outputs", Kind::Text, "name of the array of training outputs"),
    Key::new("test_inputs", Kind::Text, "name of the array of test inputs").optional("no test set"),
    Key::new("test_outputs", Kind::Text, "name of the array of test outputs")
        .optional("no test set"),
];

const VALUES: &[Key] = &[
    Key::new("train_inputs", MATRIX, "training inputs, one example per row"),
    Key::new("train_outputs", MATRIX, "training outputs, one example per row"),
    Key::new("test_inputs", MATRIX, "test inputs, one example per row").optional("no test set"),
    Key::new("test_outputs", MATRIX, "test outputs, one example per row").optional("no test set"),
];

/// Forms of `[training.data]`.
pub(crate) const KIND: Kind = Kind::OneOf(&[
    Key::variant("teacher", TEACHER, "the outputs of a random network for random inputs"),
    Key::variant("idx", IDX, "images in IDX files"),
    Key::variant("arrays", ARRAYS, "arrays of a file"),
    Key::variant("values", VALUES, "written out"),
]);
