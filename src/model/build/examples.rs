//! Examples of data sets: images or arrays with labels.

use std::ops::Range;

use nalgebra::DMatrix;

use crate::model::spec::{ArrayOfFile, DataFile, Example, Examples, Pixels};
use crate::model::{Model, ModelError, Problem};
use crate::network::Network;
use crate::network::datasets::{Images, Scaling, read_labels};
use crate::network::weights::read_array;

/// Chosen examples, one column each.
pub(super) struct Chosen {
    pub inputs: DMatrix<f64>,
    /// Unit vectors of the classes.
    pub desired: DMatrix<f64>,
    pub labels: Vec<usize>,
}

/// What `example` and `examples` have in common.
pub(super) struct Choice<'a> {
    key: &'static str,
    images: &'a DataFile,
    labels: &'a DataFile,
    pixels: &'a Pixels,
    indices: Vec<usize>,
}

impl<'a> Choice<'a> {
    pub fn one(e: &'a Example) -> Self {
        let pixels = e.pixels.as_ref().unwrap_or_else(|| default_pixels(&e.images));
        let indices = vec![e.index];
        Self { key: "target.example", images: &e.images, labels: &e.labels, pixels, indices }
    }

    pub fn several(e: &'a Examples) -> Self {
        let pixels = e.pixels.as_ref().unwrap_or_else(|| default_pixels(&e.images));
        let first = || (0..e.first.unwrap_or(0)).collect();
        let indices = e.indices.clone().unwrap_or_else(first);
        Self { key: "target.examples", images: &e.images, labels: &e.labels, pixels, indices }
    }

    /// Reads the files and picks the examples.
    pub fn read(&self, model: &Model, network: &Network) -> Result<Chosen, ModelError> {
        let all = self.inputs(model)?;
        let labels = self.read_labels(model)?;
        let (images_key, labels_key) = (self.key_of("images"), self.key_of("labels"));
        let length = |key: &str, what: &str, found: usize, expected: usize, because: &str| {
            let (what, because) = (what.to_owned(), because.to_owned());
            let problem = Problem::WrongLength { what, found, expected, because };
            if found == expected { Ok(()) } else { Err(model.error(key, problem)) }
        };
        let because = "there must be one label per image";
        length(&labels_key, "the file of labels", labels.len(), all.count(), because)?;
        let because = "this is the number of inputs of the network";
        length(&images_key, "an image", all.size(), network.input_size(), because)?;
        let classes = network.output_size();
        let mut chosen = Chosen {
            inputs: DMatrix::zeros(all.size(), self.indices.len()),
            desired: DMatrix::zeros(classes, self.indices.len()),
            labels: Vec::with_capacity(self.indices.len()),
        };
        for (column, &index) in self.indices.iter().enumerate() {
            if index >= all.count() {
                return Err(self.no_such_example(model, column, index, all.count()));
            }
            let label = labels[index];
            if label >= classes {
                let problem = Problem::OutOfRange {
                    what: format!("label {index} of the file"),
                    value: label.to_string(),
                    range: format!("< {classes}, the number of outputs"),
                };
                return Err(model.error(&labels_key, problem));
            }
            all.copy(index, chosen.inputs.column_mut(column).as_mut_slice());
            chosen.desired[(label, column)] = 1.0;
            chosen.labels.push(label);
        }
        Ok(chosen)
    }

    fn key_of(&self, name: &str) -> String {
        format!("{}.{name}", self.key)
    }

    fn no_such_example(
        &self,
        model: &Model,
        column: usize,
        index: usize,
        count: usize,
    ) -> ModelError {
        let spec = &model.specification().target;
        let listed = spec.as_ref().and_then(|t| t.examples.as_ref()).map(|e| e.indices.is_some());
        let key = match listed {
            None => self.key_of("index"),
            Some(true) => self.key_of(&format!("indices[{column}]")),
            Some(false) => self.key_of("first"),
        };
        let problem = Problem::OutOfRange {
            what: "the position of an example".to_owned(),
            value: index.to_string(),
            range: format!("< {count}, the number of examples in the file"),
        };
        model.error(&key, problem)
    }

    fn read_labels(&self, model: &Model) -> Result<Vec<usize>, ModelError> {
        let key = self.key_of("labels");
        match self.labels {
            DataFile::Idx(path) => {
                let labels = read_labels(&model.path(path)).map_err(|e| model.refused(&key, &e))?;
                Ok(labels.into_iter().map(usize::from).collect())
            }
            DataFile::Array(ArrayOfFile { path, array }) => {
                let read = read_array(&model.path(path), array);
                let read = read.map_err(|e| model.refused(&key, &e))?;
                let label = |(index, &x): (usize, &f64)| {
                    if x.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&x) {
                        return Ok(x as usize);
                    }
                    let problem = Problem::OutOfRange {
                        what: format!("label {index} of the file"),
                        value: x.to_string(),
                        range: "an integer, 0 or above".to_owned(),
                    };
                    Err(model.error(&key, problem))
                };
                read.values.iter().enumerate().map(label).collect()
            }
        }
    }

    fn inputs(&self, model: &Model) -> Result<Inputs, ModelError> {
        let key = self.key_of("images");
        match self.images {
            DataFile::Idx(path) => {
                let images =
                    Images::read(&model.path(path)).map_err(|e| model.refused(&key, &e))?;
                let scaling = match self.pixels {
                    Pixels::Standardized => Scaling::measure(&images),
                    other => Ok(scaling(other)),
                };
                let scaling = scaling.map_err(|e| model.refused(&key, &e))?;
                Ok(Inputs::Images(images, scaling))
            }
            DataFile::Array(ArrayOfFile { path, array }) => {
                let read = read_array(&model.path(path), array);
                let read = read.map_err(|e| model.refused(&key, &e))?;
                let count = read.shape.first().copied().unwrap_or(1);
                if read.values.is_empty() {
                    let message = format!("the array {array} is empty");
                    let remedy = "name an array with one example per row".to_owned();
                    return Err(model.error(&key, Problem::Refused { message, remedy }));
                }
                let size = read.values.len() / count;
                let mut values = read.values;
                match self.pixels {
                    Pixels::Raw => {}
                    Pixels::Standardized => standardize(model, &key, &mut values)?,
                    other => {
                        let scaling = scaling(other);
                        values.iter_mut().for_each(|x| *x = scaling.apply_to(*x));
                    }
                }
                Ok(Inputs::Array { values, size })
            }
        }
    }
}

/// All inputs of a file.
enum Inputs {
    Images(Images, Scaling),
    Array { values: Vec<f64>, size: usize },
}

impl Inputs {
    fn count(&self) -> usize {
        match self {
            Self::Images(images, _) => images.count(),
            Self::Array { values, size } => values.len() / size,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Images(images, _) => images.size(),
            Self::Array { size, .. } => *size,
        }
    }

    fn copy(&self, index: usize, out: &mut [f64]) {
        let range: Range<usize> = index * self.size()..(index + 1) * self.size();
        match self {
            Self::Images(images, scaling) => {
                let pixels = &images.pixels[range];
                out.iter_mut().zip(pixels).for_each(|(x, &p)| *x = scaling.apply(p));
            }
            Self::Array { values, .. } => out.copy_from_slice(&values[range]),
        }
    }
}

/// The default of `pixels`.
fn default_pixels(images: &DataFile) -> &'static Pixels {
    match images {
        DataFile::Idx(_) => &Pixels::Unit,
        DataFile::Array(_) => &Pixels::Raw,
    }
}

/// A scaling that needs no data.
pub(super) fn scaling(pixels: &Pixels) -> Scaling {
    match *pixels {
        Pixels::Raw => Scaling::Raw,
        Pixels::Unit | Pixels::Standardized => Scaling::UnitInterval,
        Pixels::Affine { mean, std } => Scaling::Standard { mean, std },
    }
}

/// Subtracts the mean of all values and divides by their standard deviation.
fn standardize(model: &Model, key: &str, values: &mut [f64]) -> Result<(), ModelError> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    if variance == 0.0 {
        let message =
            "all numbers of the array are equal, so they cannot be standardised".to_owned();
        let remedy = "use pixels = \"raw\"".to_owned();
        return Err(model.error(key, Problem::Refused { message, remedy }));
    }
    values.iter_mut().for_each(|x| *x = (*x - mean) / variance.sqrt());
    Ok(())
}
