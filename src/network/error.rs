//! Errors of the network layer.

use super::datasets::DatasetError;
use super::weights::WeightsError;

/// Why a network could not be built, filled or evaluated.
///
/// Layers are numbered from 1, as in the equations; rows, columns and units from 0.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// Fewer than two sizes, so no layer.
    #[error("a network needs at least one layer, that is two sizes; {sizes} given")]
    TooFewSizes {
        /// Number of sizes given.
        sizes: usize,
    },
    /// A layer, or the input, without units.
    #[error("size {position} of the network is 0; every size must be at least 1")]
    EmptySize {
        /// Position in the list of sizes; 0 is the input.
        position: usize,
    },
    /// One value per layer was expected.
    #[error("{found} {what} given for a network of {layers} layers; give one per layer")]
    LayerCount {
        /// What was counted, e.g. `activations`.
        what: &'static str,
        /// Number given.
        found: usize,
        /// Number of layers.
        layers: usize,
    },
    /// A weight matrix does not have the shape its place demands.
    #[error(
        "weights of layer {layer} are {rows} x {columns}; expected {expected_rows} x \
         {expected_columns} (units of the layer x units of the layer below)"
    )]
    WeightShape {
        /// Layer, from 1.
        layer: usize,
        /// Rows found.
        rows: usize,
        /// Columns found.
        columns: usize,
        /// Rows expected: units of the layer.
        expected_rows: usize,
        /// Columns expected: units of the layer below.
        expected_columns: usize,
    },
    /// A bias vector does not have one entry per unit.
    #[error("layer {layer} has {units} units but {length} biases")]
    BiasLength {
        /// Layer, from 1.
        layer: usize,
        /// Biases found.
        length: usize,
        /// Units of the layer.
        units: usize,
    },
    /// A weight is NaN or infinite.
    #[error("weight of layer {layer}, row {row}, column {column} is {value}; it must be finite")]
    NonFiniteWeight {
        /// Layer, from 1.
        layer: usize,
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The value found.
        value: f64,
    },
    /// A bias is NaN or infinite.
    #[error("bias of layer {layer}, unit {row} is {value}; it must be finite")]
    NonFiniteBias {
        /// Layer, from 1.
        layer: usize,
        /// Unit, from 0.
        row: usize,
        /// The value found.
        value: f64,
    },
    /// Softmax is taken of a linear last layer.
    #[error("a softmax output needs a linear last layer; its activation is {activation}")]
    SoftmaxActivation {
        /// Activation of the last layer.
        activation: &'static str,
    },
    /// A vector or batch does not fit the network.
    #[error("{what} has {found} numbers; expected {columns} x {expected}")]
    Length {
        /// What has the wrong length: `input`, `target`, ...
        what: &'static str,
        /// Numbers found.
        found: usize,
        /// Numbers per example.
        expected: usize,
        /// Examples.
        columns: usize,
    },
    /// An input or target is NaN or infinite.
    #[error("{what}[{index}] is {value}; it must be finite")]
    NonFinite {
        /// What was checked: `input`, `target`, ...
        what: &'static str,
        /// Position, from 0.
        index: usize,
        /// The value found.
        value: f64,
    },
    /// A parameter of an initialiser is out of range.
    #[error("{initialiser}: {parameter} = {value} is not allowed; it must be {requirement}")]
    Initialiser {
        /// Name of the initialiser, e.g. `normal`.
        initialiser: &'static str,
        /// Name of the parameter, e.g. `scale`.
        parameter: &'static str,
        /// The value given.
        value: f64,
        /// What is allowed.
        requirement: &'static str,
    },
    /// Orthogonal biases make no sense.
    #[error("biases cannot be orthogonal; use zero, normal, uniform or values")]
    OrthogonalBiases,
    /// A weight file could not be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A data set could not be used.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

/// Refuses the first NaN or infinity in `values`, naming `what` and its position.
///
/// # Errors
/// [`NetworkError::NonFinite`].
pub fn require_finite(what: &'static str, values: &[f64]) -> Result<(), NetworkError> {
    match values.iter().position(|x| !x.is_finite()) {
        Some(index) => Err(NetworkError::NonFinite { what, index, value: values[index] }),
        None => Ok(()),
    }
}
