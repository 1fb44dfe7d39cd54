//! `[network]` to a [`Network`].

use nalgebra::{DMatrix, DVector};

use super::matrix;
use crate::model::spec::{Biases, OneOrMany, OutputKind, Paths, WeightFile, Weights};
use crate::model::{Model, ModelError};
use crate::network::weights::{self, read_matrices, read_vectors};
use crate::network::{Initialiser, Network, NetworkError, Output};

/// Builds the network of a model.
pub(super) fn build(model: &Model, needed_by: &str) -> Result<Network, ModelError> {
    let spec = model.specification();
    let network = model.require("network", &spec.network, needed_by)?;
    let sizes = &network.sizes;
    let (weights, file_biases) = weights_of(model, &network.weights, sizes)?;
    let biases = match (&network.biases, file_biases) {
        (Some(biases), _) => biases_of(model, biases, sizes)?,
        (None, Some(biases)) => biases,
        (None, None) => zero_biases(sizes),
    };
    let output = match network.output {
        OutputKind::Linear => Output::Linear,
        OutputKind::Softmax => Output::Softmax,
    };
    let activations = match &network.activation {
        // One name is that of the hidden layers; the output layer stays linear.
        OneOrMany::One(activation) => {
            let mut all = vec![*activation; sizes.len() - 1];
            if let Some(last) = all.last_mut() {
                *last = crate::network::Activation::Linear;
            }
            all
        }
        OneOrMany::Many(activations) => activations.clone(),
    };
    Network::from_parameters(sizes, &activations, output, weights, biases)
        .and_then(|network| network.check_finite().map(|()| network))
        .map_err(|error| model.refused("network", &error))
}

type Parameters = (Vec<DMatrix<f64>>, Option<Vec<DVector<f64>>>);

fn weights_of(model: &Model, spec: &Weights, sizes: &[usize]) -> Result<Parameters, ModelError> {
    let seed = model.specification().seed;
    let drawn = |initialiser: Initialiser| {
        let weights = initialiser.weights(sizes, seed);
        weights.map(|w| (w, None)).map_err(|e| model.refused("network.weights", &e))
    };
    match spec {
        Weights::File(file) => read_file(model, file, sizes),
        Weights::Normal { scale } => drawn(Initialiser::Normal { scale: *scale }),
        Weights::Uniform { low, high } => drawn(Initialiser::Uniform { low: *low, high: *high }),
        Weights::Orthogonal { gain } => drawn(Initialiser::Orthogonal { gain: *gain }),
        Weights::Values(matrices) => Ok((matrices.iter().map(|m| matrix(m)).collect(), None)),
    }
}

fn read_file(model: &Model, file: &WeightFile, sizes: &[usize]) -> Result<Parameters, ModelError> {
    let key = "network.weights.file";
    let names = file.weights.clone().unwrap_or_default();
    match &file.path {
        Paths::One(path) => {
            let file = weights::WeightFile {
                path: model.path(path),
                weights: names,
                biases: file.biases.clone(),
            };
            let read = file.load(sizes).map_err(|e| model.refused(key, &e))?;
            Ok((read.weights, read.biases))
        }
        Paths::Many(paths) => {
            let shapes: Vec<_> = sizes.windows(2).map(|n| (n[1], n[0])).collect();
            let one = |(l, path): (usize, &String)| {
                let keys: Vec<String> = names.get(l).cloned().into_iter().collect();
                let read = read_matrices(&model.path(path), &keys, &shapes[l..=l]);
                read.map(|mut m| m.remove(0))
                    .map_err(|e| model.refused(key, &NetworkError::from(e)))
            };
            Ok((paths.iter().enumerate().map(one).collect::<Result<_, _>>()?, None))
        }
    }
}

fn biases_of(
    model: &Model,
    spec: &Biases,
    sizes: &[usize],
) -> Result<Vec<DVector<f64>>, ModelError> {
    let seed = model.specification().seed;
    let refused = |e: NetworkError| model.refused("network.biases", &e);
    match spec {
        Biases::Zero => Ok(zero_biases(sizes)),
        Biases::Normal { scale } => {
            Initialiser::Normal { scale: *scale }.biases(sizes, seed).map_err(refused)
        }
        Biases::Uniform { low, high } => {
            Initialiser::Uniform { low: *low, high: *high }.biases(sizes, seed).map_err(refused)
        }
        Biases::Values(values) => Ok(values.iter().map(|v| DVector::from_vec(v.clone())).collect()),
        Biases::File(file) => {
            let names = file.biases.clone().unwrap_or_default();
            match &file.path {
                Paths::One(path) => read_vectors(&model.path(path), &names, &sizes[1..])
                    .map_err(|e| refused(e.into())),
                Paths::Many(paths) => {
                    let one = |(l, path): (usize, &String)| {
                        let keys: Vec<String> = names.get(l).cloned().into_iter().collect();
                        let read = read_vectors(&model.path(path), &keys, &sizes[l + 1..l + 2]);
                        read.map(|mut v| v.remove(0)).map_err(|e| refused(e.into()))
                    };
                    paths.iter().enumerate().map(one).collect()
                }
            }
        }
    }
}

fn zero_biases(sizes: &[usize]) -> Vec<DVector<f64>> {
    sizes[1..].iter().map(|&n| DVector::zeros(n)).collect()
}
