//! `[training.data]` to data sets.

use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal, Uniform};

use super::examples::scaling;
use super::matrix;
use super::network::Recipe;
use crate::model::spec::{
    ArrayData, Data, IdxData, Inputs, Matrix, Pixels, Task, Teacher, ValueData,
};
use crate::model::{Model, ModelError, Problem};
use crate::network::datasets::{Dataset, DatasetError, Images, Scaling, read_labels};
use crate::network::random::{generator, streams};
use crate::network::weights::read_array;
use crate::network::{Forward, Network};

/// Examples to learn from and to test with.
pub struct TrainingData {
    /// Examples to learn from.
    pub train: Dataset,
    /// Examples to test with.
    pub test: Option<Dataset>,
    /// The network that made the examples, for a teacher task.
    pub teacher: Option<Network>,
}

/// Reads or draws the examples of a model.
pub(super) fn build(model: &Model) -> Result<TrainingData, ModelError> {
    let spec = model.specification();
    let training = model.require("training", &spec.training, "training")?;
    let network = model.require("network", &spec.network, "training")?;
    let ends = (network.sizes[0], network.sizes[network.sizes.len() - 1]);
    match &training.data {
        Data::Teacher(teacher) => self::teacher(model, teacher),
        Data::Idx(idx) => Idx { model, spec: idx, classes: ends.1 }.build(ends.0),
        Data::Arrays(arrays) => self::arrays(model, arrays, ends),
        Data::Values(values) => self::values(model, values),
    }
}

fn teacher(model: &Model, spec: &Teacher) -> Result<TrainingData, ModelError> {
    let key = "training.data.teacher";
    let missing = |what: &str| {
        let problem = Problem::Inconsistent { message: format!("the teacher has no {what}") };
        model.error(key, problem)
    };
    let recipe = Recipe {
        key,
        sizes: spec.sizes.as_ref().ok_or_else(|| missing("sizes"))?,
        activation: spec.activation.as_ref().ok_or_else(|| missing("activation"))?,
        output: spec.output,
        weights: &spec.weights,
        biases: Some(&spec.biases),
        streams: (streams::TEACHER_WEIGHTS, streams::TEACHER_BIASES),
    };
    let teacher = recipe.build(model)?;
    let train = taught(model, &teacher, &spec.inputs, spec.train_count, 0)?;
    let test = match spec.test_count {
        0 => None,
        count => Some(taught(model, &teacher, &spec.inputs, count, 1)?),
    };
    Ok(TrainingData { train, test, teacher: Some(teacher) })
}

/// Random inputs with the outputs of `teacher`. Inputs are drawn one example after the other, so a
/// smaller set is the start of a larger one.
fn taught(
    model: &Model,
    teacher: &Network,
    inputs: &Inputs,
    count: usize,
    set: u64,
) -> Result<Dataset, ModelError> {
    let key = "training.data.teacher";
    let seed = model.specification().seed;
    let mut generator = generator(seed, streams::TEACHER_INPUTS + set);
    // Inputs once, every layer before and after its activation.
    let sizes = teacher.sizes();
    let shapes = sizes.iter().chain(&sizes[1..]).map(|&n| (n, count));
    let name = if set == 0 { "train_count" } else { "test_count" };
    model.require_memory(&format!("{key}.{name}"), "the examples", shapes)?;
    let mut forward = Forward::new(teacher, count);
    match *inputs {
        Inputs::Normal { scale } => forward.inputs.iter_mut().for_each(|x| {
            let sample: f64 = StandardNormal.sample(&mut generator);
            *x = scale * sample;
        }),
        Inputs::Uniform { low, high } => {
            let uniform = Uniform::new(low, high)
                .map_err(|e| model.refused(&format!("{key}.inputs.uniform"), &e))?;
            forward.inputs.iter_mut().for_each(|x| *x = uniform.sample(&mut generator));
        }
    }
    teacher.propagate(&mut forward);
    let targets = forward.output().clone();
    Dataset::dense(forward.inputs, targets).map_err(|e| model.refused(key, &e))
}

/// Images in IDX files.
struct Idx<'a> {
    model: &'a Model,
    spec: &'a IdxData,
    classes: usize,
}

impl Idx<'_> {
    fn build(&self, inputs: usize) -> Result<TrainingData, ModelError> {
        let images = self.images("train_images", &self.spec.train_images, inputs)?;
        // The test images are scaled by the figures of the training images.
        let scaling = match &self.spec.pixels {
            Pixels::Standardized => {
                Scaling::measure(&images).map_err(|e| self.refused("pixels", &e))?
            }
            other => scaling(other),
        };
        let labels = ("train_labels", self.spec.train_labels.as_deref());
        let train = self.set("train_images", images, labels, scaling)?;
        let train = self.first("train_first", train, self.spec.train_first)?;
        let test = match &self.spec.test_images {
            None => None,
            Some(path) => {
                let images = self.images("test_images", path, inputs)?;
                let labels = ("test_labels", self.spec.test_labels.as_deref());
                let test = self.set("test_images", images, labels, scaling)?;
                Some(self.first("test_first", test, self.spec.test_first)?)
            }
        };
        Ok(TrainingData { train, test, teacher: None })
    }

    fn images(&self, name: &str, path: &str, inputs: usize) -> Result<Images, ModelError> {
        let images = Images::read(&self.model.path(path)).map_err(|e| self.refused(name, &e))?;
        if images.size() == inputs {
            return Ok(images);
        }
        let problem = Problem::WrongLength {
            what: "an image".to_owned(),
            found: images.size(),
            expected: inputs,
            because: "this is the number of inputs of the network".to_owned(),
        };
        Err(self.model.error(&key_of(name), problem))
    }

    fn set(
        &self,
        images_name: &str,
        images: Images,
        (labels_name, labels): (&str, Option<&str>),
        scaling: Scaling,
    ) -> Result<Dataset, ModelError> {
        match (self.spec.task, labels) {
            (Task::Classification, Some(path)) => {
                let labels = read_labels(&self.model.path(path));
                let labels = labels.map_err(|e| self.refused(labels_name, &e))?;
                Dataset::classification(images, labels, self.classes, scaling)
                    .map_err(|e| self.refused(labels_name, &e))
            }
            _ => Dataset::autoencoder(images, scaling).map_err(|e| self.refused(images_name, &e)),
        }
    }

    fn first(
        &self,
        name: &str,
        data: Dataset,
        first: Option<usize>,
    ) -> Result<Dataset, ModelError> {
        match first {
            None => Ok(data),
            Some(first) => data.slice(0..first).map_err(|e| self.refused(name, &e)),
        }
    }

    fn refused(&self, name: &str, error: &DatasetError) -> ModelError {
        self.model.refused(&key_of(name), error)
    }
}

fn key_of(name: &str) -> String {
    format!("training.data.idx.{name}")
}

fn arrays(
    model: &Model,
    spec: &ArrayData,
    (inputs, outputs): (usize, usize),
) -> Result<TrainingData, ModelError> {
    let read = |key: &str, name: &str, size: usize| {
        let key = format!("training.data.arrays.{key}");
        let array = read_array(&model.path(&spec.path), name);
        let array = array.map_err(|e| model.refused(&key, &e))?;
        let count = array.shape.first().copied().unwrap_or(0);
        let found = array.values.len().checked_div(count).unwrap_or(0);
        if found != size {
            let problem = Problem::WrongShape {
                what: format!("the array {name}"),
                found: (count, found),
                expected: (count, size),
                because: "one example per row, as wide as the network".to_owned(),
            };
            return Err(model.error(&key, problem));
        }
        // Rows of the file are columns here.
        Ok(DMatrix::from_vec(size, count, array.values))
    };
    let pair = |x: (&str, &str), y: (&str, &str)| {
        let (inputs, outputs) = (read(x.0, x.1, inputs)?, read(y.0, y.1, outputs)?);
        Dataset::dense(inputs, outputs)
            .map_err(|e| model.refused(&format!("training.data.arrays.{}", x.0), &e))
    };
    let train = pair(("train_inputs", &spec.train_inputs), ("train_outputs", &spec.train_outputs))?;
    let test = match (&spec.test_inputs, &spec.test_outputs) {
        (Some(x), Some(y)) => Some(pair(("test_inputs", x), ("test_outputs", y))?),
        _ => None,
    };
    Ok(TrainingData { train, test, teacher: None })
}

fn values(model: &Model, spec: &ValueData) -> Result<TrainingData, ModelError> {
    let set = |x: &Matrix, y: &Matrix| {
        Dataset::dense(matrix(x).transpose(), matrix(y).transpose())
            .map_err(|e| model.refused("training.data.values", &e))
    };
    let train = set(&spec.train_inputs, &spec.train_outputs)?;
    let test = match (&spec.test_inputs, &spec.test_outputs) {
        (Some(x), Some(y)) => Some(set(x, y)?),
        _ => None,
    };
    Ok(TrainingData { train, test, teacher: None })
}
