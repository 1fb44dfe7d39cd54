//! The network's activity at the input of `[target]`.

use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal, Uniform};

use super::columns;
use crate::model::spec::{DataFile, DrawnInput, Example, Examples, Input, Pixels, Source, Target};
use crate::model::{Model, ModelError, Problem};
use crate::network::datasets::{Dataset, Images, Scaling, read_labels};
use crate::network::random::{generator, streams};
use crate::network::weights::read_array;
use crate::network::{Forward, Network, NetworkError};

/// Inputs, activity and, for examples, desired outputs; one column per target.
pub struct OperatingPoint {
    /// Inputs and activity of every layer.
    pub forward: Forward,
    /// One-hot outputs of the examples, `n_L x targets`.
    pub desired: Option<DMatrix<f64>>,
    /// Labels of the examples.
    pub labels: Option<Vec<usize>>,
}

/// Runs the network at the input of the target, if it has one.
pub(super) fn build(
    model: &Model,
    network: &Network,
    target: &Target,
) -> Result<Option<OperatingPoint>, ModelError> {
    let (inputs, desired, labels) = match target.source() {
        Some(Source::Example(example)) => {
            let one = |e: &Example| Some(vec![e.index]);
            let (x, t, l) = examples(model, network, &ExampleSet::from_one(example, one(example)))?;
            (x, Some(t), Some(l))
        }
        Some(Source::Examples(several)) => {
            let (x, t, l) = examples(model, network, &ExampleSet::from_many(several))?;
            (x, Some(t), Some(l))
        }
        _ => match &target.input {
            None => return Ok(None),
            Some(input) => (given_input(model, network, target, input)?, None, None),
        },
    };
    let mut forward = Forward::new(network, inputs.ncols());
    network
        .forward(inputs.as_slice(), &mut forward)
        .map_err(|e| model.refused("target.input", &e))?;
    Ok(Some(OperatingPoint { forward, desired, labels }))
}

fn given_input(
    model: &Model,
    network: &Network,
    target: &Target,
    input: &Input,
) -> Result<DMatrix<f64>, ModelError> {
    let (size, seed) = (network.input_size(), model.specification().seed);
    let count = target.count().unwrap_or(1);
    let drawn = |sample: &dyn Fn(&mut rand_chacha::ChaCha8Rng) -> f64| {
        // Inputs follow the targets' streams, which use the lower half of their range.
        let first = streams::TARGETS + (1 << 31);
        let mut inputs = DMatrix::zeros(size, count);
        for (index, mut column) in inputs.column_iter_mut().enumerate() {
            let mut generator = generator(seed, first + index as u64);
            column.iter_mut().for_each(|x| *x = sample(&mut generator));
        }
        inputs
    };
    match input {
        Input::Values(values) => Ok(columns(values.vectors())),
        Input::Drawn(DrawnInput::Normal { scale }) => {
            let normal = |g: &mut rand_chacha::ChaCha8Rng| -> f64 { StandardNormal.sample(g) };
            Ok(drawn(&|g| scale * normal(g)))
        }
        Input::Drawn(DrawnInput::Uniform { low, high }) => {
            let uniform =
                Uniform::new(*low, *high).map_err(|e| model.refused("target.input.uniform", &e))?;
            Ok(drawn(&|g| uniform.sample(g)))
        }
    }
}

/// What `example` and `examples` have in common.
struct ExampleSet<'a> {
    key: &'static str,
    images: &'a DataFile,
    labels: &'a DataFile,
    pixels: Option<&'a Pixels>,
    indices: Option<Vec<usize>>,
    first: Option<usize>,
}

impl<'a> ExampleSet<'a> {
    fn from_one(e: &'a Example, indices: Option<Vec<usize>>) -> Self {
        let (images, labels, pixels) = (&e.images, &e.labels, e.pixels.as_ref());
        Self { key: "target.example", images, labels, pixels, indices, first: None }
    }

    fn from_many(e: &'a Examples) -> Self {
        let (images, labels, pixels) = (&e.images, &e.labels, e.pixels.as_ref());
        let (indices, first) = (e.indices.clone(), e.first);
        Self { key: "target.examples", images, labels, pixels, indices, first }
    }
}

type Columns = (DMatrix<f64>, DMatrix<f64>, Vec<usize>);

fn examples(model: &Model, network: &Network, set: &ExampleSet<'_>) -> Result<Columns, ModelError> {
    let data = load(model, network, set)?;
    let refused = |e: &dyn std::error::Error| model.refused(set.key, e);
    let indices = set.indices.clone().unwrap_or_else(|| (0..set.first.unwrap_or(1)).collect());
    for &index in &indices {
        data.check_index(index).map_err(|e| refused(&e))?;
    }
    if data.input_size() != network.input_size() {
        let problem = Problem::WrongLength {
            what: "an image".to_owned(),
            found: data.input_size(),
            expected: network.input_size(),
            because: "this is the size of the network's input".to_owned(),
        };
        return Err(model.error(&format!("{}.images", set.key), problem));
    }
    let mut inputs = DMatrix::zeros(data.input_size(), indices.len());
    let mut targets = DMatrix::zeros(data.target_size(), indices.len());
    data.copy_inputs(indices.iter().copied(), inputs.as_mut_slice());
    data.copy_targets(indices.iter().copied(), targets.as_mut_slice());
    let labels = indices.iter().filter_map(|&i| data.label(i)).collect();
    Ok((inputs, targets, labels))
}

fn load(model: &Model, network: &Network, set: &ExampleSet<'_>) -> Result<Dataset, ModelError> {
    let classes = network.output_size();
    let (images_key, labels_key) = (format!("{}.images", set.key), format!("{}.labels", set.key));
    let labels = match set.labels {
        DataFile::Idx(path) => {
            read_labels(&model.path(path)).map_err(|e| model.refused(&labels_key, &e))?
        }
        DataFile::Array(array) => {
            let read = read_array(&model.path(&array.path), &array.array)
                .map_err(|e| model.refused(&labels_key, &NetworkError::from(e)))?;
            read.values.iter().map(|&x| x as u8).collect()
        }
    };
    let images = match set.images {
        DataFile::Idx(path) => {
            Images::read(&model.path(path)).map_err(|e| model.refused(&images_key, &e))?
        }
        DataFile::Array(array) => {
            let read = read_array(&model.path(&array.path), &array.array)
                .map_err(|e| model.refused(&images_key, &NetworkError::from(e)))?;
            let count = read.shape.first().copied().unwrap_or(0).max(1);
            let inputs = DMatrix::from_vec(read.values.len() / count, count, read.values);
            let targets = one_hot(&labels, classes);
            return Dataset::dense(inputs, targets).map_err(|e| model.refused(&images_key, &e));
        }
    };
    let scaling = match set.pixels {
        None | Some(Pixels::Unit) => Scaling::UnitInterval,
        Some(Pixels::Raw) => Scaling::Standard { mean: 0.0, std: 1.0 / 255.0 },
        Some(Pixels::Standardized) => {
            Scaling::measure(&images).map_err(|e| model.refused(&images_key, &e))?
        }
        Some(Pixels::Affine { mean, std }) => Scaling::Standard { mean: *mean, std: *std },
    };
    Dataset::classification(images, labels, classes, scaling)
        .map_err(|e| model.refused(set.key, &e))
}

fn one_hot(labels: &[u8], classes: usize) -> DMatrix<f64> {
    DMatrix::from_fn(
        classes,
        labels.len(),
        |i, j| {
            if usize::from(labels[j]) == i { 1.0 } else { 0.0 }
        },
    )
}
