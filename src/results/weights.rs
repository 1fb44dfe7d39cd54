//! The group `weights`: the network and its feedback matrices, row by row as mathematics writes
//! them.

use nalgebra::DMatrix;

use super::{Data, Dimension, Group, Variable};
use crate::network::Network;

/// The axis over the units of layer `l`; layer 0 is the input.
#[must_use]
pub fn layer_axis(l: usize) -> String {
    format!("layer_{l}_unit")
}

/// `w_l`, `b_l` for every layer, the activation of each and the output function.
#[must_use]
pub fn weights_group(network: &Network) -> Group {
    let mut group = Group::new("weights");
    for (k, layer) in network.layers().iter().enumerate() {
        let l = k + 1;
        let phrase = format!("weights of layer {l}, units of layer {l} x units of layer {k}");
        let matrix =
            Variable::matrix(format!("w_{l}"), &layer_axis(l), &layer_axis(k), &layer.weights);
        group.push(matrix.units("1").long_name(&phrase));
        let biases =
            Variable::vector(format!("b_{l}"), &layer_axis(l), layer.biases.as_slice().to_vec());
        group.push(biases.units("1").long_name(&format!("biases of layer {l}")));
    }
    let activations: Vec<String> =
        network.layers().iter().map(|layer| layer.activation.name().to_owned()).collect();
    let layers = vec![Dimension::new("layer", activations.len())];
    let activation = Variable::new("activation", layers, Data::Text(activations));
    group
        .with(activation.long_name("activation of each layer, from layer 1"))
        .with(Variable::text("output", network.output().name()).long_name("output function"))
}

/// `feedback_<index>`: the matrix that carries signals from the units of layer `from` to those of
/// layer `to`, units of `to` x units of `from`.
#[must_use]
pub fn feedback_variable(index: usize, to: usize, from: usize, matrix: &DMatrix<f64>) -> Variable {
    let phrase = format!("feedback matrix, units of layer {to} x units of layer {from}");
    // The controller has as many units as the layer it reads; a variable cannot use an axis twice.
    let columns = if to == from { "controller_unit".to_owned() } else { layer_axis(from) };
    Variable::matrix(format!("feedback_{index}"), &layer_axis(to), &columns, matrix)
        .units("1")
        .long_name(&phrase)
}
