//! Examples to learn from: image files and synthetic teachers.

mod error;
mod idx;
mod scaling;
pub mod teacher;

use std::ops::Range;

use nalgebra::DMatrix;

pub use error::DatasetError;
pub use idx::{Images, read_labels};
pub use scaling::Scaling;

/// Inputs with targets, one column per example.
///
/// Images stay bytes (60,000 of 784 pixels: 47 MB instead of 376 MB) and are converted as they are
/// used.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    inputs: Inputs,
    targets: Targets,
}

#[derive(Debug, Clone, PartialEq)]
enum Inputs {
    Dense(DMatrix<f64>),
    /// Pixels of all images, pixels per image, and the number each pixel value stands for.
    Pixels {
        bytes: Vec<u8>,
        size: usize,
        table: Vec<f64>,
    },
}

#[derive(Debug, Clone, PartialEq)]
enum Targets {
    Dense(DMatrix<f64>),
    OneHot { labels: Vec<u8>, classes: usize },
    Inputs,
}

impl Dataset {
    /// A data set of given columns: `inputs` is `n_0 x count`, `targets` is `n_L x count`.
    ///
    /// # Errors
    /// When counts differ, nothing is there or a number is not finite.
    pub fn dense(inputs: DMatrix<f64>, targets: DMatrix<f64>) -> Result<Self, DatasetError> {
        require_equal_counts(inputs.ncols(), targets.ncols())?;
        require_finite("input", &inputs)?;
        require_finite("target", &targets)?;
        Ok(Self { inputs: Inputs::Dense(inputs), targets: Targets::Dense(targets) })
    }

    /// Images with labels below `classes`; targets are one-hot.
    ///
    /// # Errors
    /// When counts differ, a label is no class or the scaling cannot be used.
    pub fn classification(
        images: Images,
        labels: Vec<u8>,
        classes: usize,
        scaling: Scaling,
    ) -> Result<Self, DatasetError> {
        require_equal_counts(images.count(), labels.len())?;
        if let Some(index) = labels.iter().position(|&label| usize::from(label) >= classes) {
            return Err(DatasetError::Label { index, label: labels[index], classes });
        }
        Ok(Self {
            inputs: Inputs::pixels(images, scaling)?,
            targets: Targets::OneHot { labels, classes },
        })
    }

    /// Images that are their own targets.
    ///
    /// # Errors
    /// When there is no image or the scaling cannot be used.
    pub fn autoencoder(images: Images, scaling: Scaling) -> Result<Self, DatasetError> {
        require_equal_counts(images.count(), images.count())?;
        Ok(Self { inputs: Inputs::pixels(images, scaling)?, targets: Targets::Inputs })
    }

    /// Number of examples; never 0.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.inputs {
            Inputs::Dense(inputs) => inputs.ncols(),
            Inputs::Pixels { bytes, size, .. } => bytes.len() / size,
        }
    }

    /// Always false: a data set has at least one example.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Numbers per input, `n_0`.
    #[must_use]
    pub fn input_size(&self) -> usize {
        match &self.inputs {
            Inputs::Dense(inputs) => inputs.nrows(),
            Inputs::Pixels { size, .. } => *size,
        }
    }

    /// Numbers per target, `n_L`.
    #[must_use]
    pub fn target_size(&self) -> usize {
        match &self.targets {
            Targets::Dense(targets) => targets.nrows(),
            Targets::OneHot { classes, .. } => *classes,
            Targets::Inputs => self.input_size(),
        }
    }

    /// The label of an example of a classification.
    #[must_use]
    pub fn label(&self, index: usize) -> Option<usize> {
        match &self.targets {
            Targets::OneHot { labels, .. } => labels.get(index).map(|&label| label.into()),
            _ => None,
        }
    }

    /// Refuses an example that does not exist.
    ///
    /// # Errors
    /// [`DatasetError::Index`].
    pub fn check_index(&self, index: usize) -> Result<(), DatasetError> {
        let len = self.len();
        if index < len { Ok(()) } else { Err(DatasetError::Index { index, len }) }
    }

    /// The examples in `range`.
    ///
    /// # Errors
    /// [`DatasetError::Index`] when the range reaches beyond the last example,
    /// [`DatasetError::Empty`] when it is empty.
    pub fn slice(&self, range: Range<usize>) -> Result<Self, DatasetError> {
        if range.is_empty() {
            return Err(DatasetError::Empty);
        }
        self.check_index(range.end - 1)?;
        let columns = |m: &DMatrix<f64>| m.columns_range(range.clone()).into_owned();
        let inputs = match &self.inputs {
            Inputs::Dense(inputs) => Inputs::Dense(columns(inputs)),
            Inputs::Pixels { bytes, size, table } => {
                let bytes = bytes[range.start * size..range.end * size].to_vec();
                Inputs::Pixels { bytes, size: *size, table: table.clone() }
            }
        };
        let targets = match &self.targets {
            Targets::Dense(targets) => Targets::Dense(columns(targets)),
            Targets::OneHot { labels, classes } => {
                Targets::OneHot { labels: labels[range].to_vec(), classes: *classes }
            }
            Targets::Inputs => Targets::Inputs,
        };
        Ok(Self { inputs, targets })
    }

    /// Writes the inputs of `examples`, one column after the other, to `out`.
    ///
    /// # Panics
    /// When an example does not exist (see [`check_index`](Self::check_index)).
    pub fn copy_inputs(&self, examples: impl IntoIterator<Item = usize>, out: &mut [f64]) {
        for (index, column) in examples.into_iter().zip(out.chunks_exact_mut(self.input_size())) {
            self.inputs.copy(index, column);
        }
    }

    /// Writes the targets of `examples`, one column after the other, to `out`.
    ///
    /// # Panics
    /// As [`copy_inputs`](Self::copy_inputs).
    pub fn copy_targets(&self, examples: impl IntoIterator<Item = usize>, out: &mut [f64]) {
        for (index, column) in examples.into_iter().zip(out.chunks_exact_mut(self.target_size())) {
            match &self.targets {
                Targets::Dense(targets) => column.copy_from_slice(targets.column(index).as_slice()),
                Targets::OneHot { labels, .. } => {
                    column.fill(0.0);
                    column[usize::from(labels[index])] = 1.0;
                }
                Targets::Inputs => self.inputs.copy(index, column),
            }
        }
    }
}

impl Inputs {
    fn pixels(images: Images, scaling: Scaling) -> Result<Self, DatasetError> {
        let scaling = scaling.checked()?;
        let table = (0..=255).map(|p| scaling.apply(p)).collect();
        Ok(Self::Pixels { size: images.size(), bytes: images.pixels, table })
    }

    fn copy(&self, index: usize, out: &mut [f64]) {
        match self {
            Self::Dense(inputs) => out.copy_from_slice(inputs.column(index).as_slice()),
            Self::Pixels { bytes, size, table } => {
                for (x, &p) in out.iter_mut().zip(&bytes[index * size..(index + 1) * size]) {
                    *x = table[usize::from(p)];
                }
            }
        }
    }
}

fn require_equal_counts(inputs: usize, targets: usize) -> Result<(), DatasetError> {
    match (inputs, targets) {
        (0, _) | (_, 0) => Err(DatasetError::Empty),
        _ if inputs != targets => Err(DatasetError::CountMismatch { inputs, targets }),
        _ => Ok(()),
    }
}

fn require_finite(what: &'static str, columns: &DMatrix<f64>) -> Result<(), DatasetError> {
    match columns.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let (example, component) = (at / columns.nrows(), at % columns.nrows());
            Err(DatasetError::NonFinite { what, example, component, value: columns.as_slice()[at] })
        }
    }
}
