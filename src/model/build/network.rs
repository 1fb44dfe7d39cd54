//! `[network]`, and the teacher of `[training.data.teacher]`, to a [`Network`].

use nalgebra::{DMatrix, DVector};

use super::matrix;
use crate::model::spec::{self, Biases, OneOrMany, OutputKind, Paths, WeightFile, Weights};
use crate::model::{Model, ModelError};
use crate::network::random::streams;
use crate::network::weights::{self, WeightsError, read_matrices, read_vectors};
use crate::network::{Activation, Initialiser, Network, NetworkError, Output};

/// What a network is made of, and where the model says so.
pub(super) struct Recipe<'a> {
    /// The table it is described in.
    pub key: &'static str,
    pub sizes: &'a [usize],
    pub activation: &'a OneOrMany<Activation>,
    pub output: OutputKind,
    pub weights: &'a Weights,
    pub biases: Option<&'a Biases>,
    /// Streams of drawn weights and biases.
    pub streams: (u64, u64),
}

/// Builds the network of a model.
pub(super) fn build(model: &Model, needed_by: &str) -> Result<Network, ModelError> {
    let spec = model.require("network", &model.specification().network, needed_by)?;
    let spec::Network { sizes, activation, output, weights, biases } = spec;
    let recipe = Recipe {
        key: "network",
        sizes,
        activation,
        output: *output,
        weights,
        biases: biases.as_ref(),
        streams: (streams::WEIGHTS, streams::BIASES),
    };
    let seed = model.specification().seed;
    model.shared().network(spec, seed, || recipe.build(model))
}

type Parameters = (Vec<DMatrix<f64>>, Option<Vec<DVector<f64>>>);

impl Recipe<'_> {
    /// Draws or reads the parameters and joins them.
    pub fn build(&self, model: &Model) -> Result<Network, ModelError> {
        let shapes = self.sizes.windows(2).map(|n| (n[1], n[0]));
        model.require_memory(&format!("{}.sizes", self.key), "the weights", shapes)?;
        let (weights, from_file) = self.weights(model)?;
        let biases = match (self.biases, from_file) {
            (Some(biases), _) => self.biases(model, biases)?,
            (None, Some(biases)) => biases,
            (None, None) => self.zero_biases(),
        };
        let output = match self.output {
            OutputKind::Linear => Output::Linear,
            OutputKind::Softmax => Output::Softmax,
        };
        Network::from_parameters(self.sizes, &self.activations(), output, weights, biases)
            .and_then(|network| network.check_finite().map(|()| network))
            .map_err(|error| model.refused(self.key, &error))
    }

    /// One activation per layer. One name is that of the hidden layers; the output layer is linear.
    fn activations(&self) -> Vec<Activation> {
        let layers = self.sizes.len() - 1;
        match self.activation {
            OneOrMany::Many(activations) => activations.clone(),
            OneOrMany::One(hidden) => {
                let mut all = vec![*hidden; layers - 1];
                all.push(Activation::Linear);
                all
            }
        }
    }

    fn weights(&self, model: &Model) -> Result<Parameters, ModelError> {
        let initialiser = match *self.weights {
            Weights::File(ref file) => return self.read_weights(model, file),
            Weights::Values(ref matrices) => {
                return Ok((matrices.iter().map(|m| matrix(m)).collect(), None));
            }
            Weights::Normal { scale } => Initialiser::Normal { scale },
            Weights::Uniform { low, high } => Initialiser::Uniform { low, high },
            Weights::Orthogonal { gain } => Initialiser::Orthogonal { gain },
        };
        let seed = model.specification().seed;
        let drawn = initialiser.weights_from(self.sizes, seed, self.streams.0);
        let drawn = drawn.map_err(|e| model.refused(&format!("{}.weights", self.key), &e))?;
        Ok((drawn, None))
    }

    fn read_weights(&self, model: &Model, file: &WeightFile) -> Result<Parameters, ModelError> {
        let key = format!("{}.weights.file", self.key);
        let names = file.weights.clone().unwrap_or_default();
        match &file.path {
            Paths::One(path) => {
                let biases = file.biases.clone();
                let file = weights::WeightFile { path: model.path(path), weights: names, biases };
                let read = file.load(self.sizes).map_err(|e| model.refused(&key, &e))?;
                Ok((read.weights, read.biases))
            }
            Paths::Many(paths) => {
                let shapes: Vec<_> = self.sizes.windows(2).map(|n| (n[1], n[0])).collect();
                let read = per_layer(model, &key, paths, &names, |path, names, l| {
                    read_matrices(path, names, &shapes[l..=l])
                })?;
                Ok((read, None))
            }
        }
    }

    fn biases(&self, model: &Model, spec: &Biases) -> Result<Vec<DVector<f64>>, ModelError> {
        let key = format!("{}.biases", self.key);
        let initialiser = match *spec {
            Biases::Zero => return Ok(self.zero_biases()),
            Biases::Values(ref values) => {
                return Ok(values.iter().map(|v| DVector::from_column_slice(v)).collect());
            }
            Biases::File(ref file) => {
                let key = format!("{key}.file");
                let names = file.biases.clone().unwrap_or_default();
                let units = &self.sizes[1..];
                return match &file.path {
                    Paths::One(path) => read_vectors(&model.path(path), &names, units)
                        .map_err(|e| model.refused(&key, &e)),
                    Paths::Many(paths) => {
                        per_layer(model, &key, paths, &names, |path, names, l| {
                            read_vectors(path, names, &units[l..=l])
                        })
                    }
                };
            }
            Biases::Normal { scale } => Initialiser::Normal { scale },
            Biases::Uniform { low, high } => Initialiser::Uniform { low, high },
        };
        let seed = model.specification().seed;
        let drawn: Result<_, NetworkError> =
            initialiser.biases_from(self.sizes, seed, self.streams.1);
        drawn.map_err(|e| model.refused(&key, &e))
    }

    fn zero_biases(&self) -> Vec<DVector<f64>> {
        self.sizes[1..].iter().map(|&n| DVector::zeros(n)).collect()
    }
}

/// Reads one array from each file; `names` may be empty for files with one array.
fn per_layer<T>(
    model: &Model,
    key: &str,
    paths: &[String],
    names: &[String],
    read: impl Fn(&std::path::Path, &[String], usize) -> Result<Vec<T>, WeightsError>,
) -> Result<Vec<T>, ModelError> {
    let one = |(l, path): (usize, &String)| {
        let names = names.get(l..=l).unwrap_or_default();
        let mut arrays = read(&model.path(path), names, l).map_err(|e| model.refused(key, &e))?;
        Ok(arrays.swap_remove(0))
    };
    paths.iter().enumerate().map(one).collect()
}
