//! Weight files: matrices and vectors by name, from several formats.
//!
//! Matrices are read as mathematics writes them: row `i` of the stored array holds the weights onto
//! unit `i`, whatever the memory order of the file. The format is chosen by the extension:
//!
//! | extension | format | names |
//! |---|---|---|
//! | `.npz` | NumPy archive, plain or compressed | as given to `numpy.savez` |
//! | `.npy` | one NumPy array | the file's name without `.npy`; may be left out |
//! | `.safetensors` | safetensors | tensor names |
//! | `.h5`, `.hdf5` | HDF5 | paths of datasets |
//! | `.json` | an object of nested lists, row by row | its keys |
//!
//! Elements are float32 or float64 of either byte order. Shapes are checked before data are read,
//! and memory is never reserved on the word of a header.

mod array;
mod error;
mod export;
mod hdf5;
mod json;
mod npy;
mod npz;
mod safetensors;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use nalgebra::{DMatrix, DVector};

pub use array::Array;
use array::Arrays;
pub use error::WeightsError;
pub use export::{export_network, write_npz};

use super::{Network, NetworkError};

/// One format: its extensions and how to open a file.
struct Format {
    extensions: &'static [&'static str],
    open: fn(&Path) -> Result<Box<dyn Arrays>, WeightsError>,
}

/// Every format that can be read.
const FORMATS: &[Format] = &[
    Format { extensions: &["npz"], open: npz::open },
    Format { extensions: &["npy"], open: npy::open },
    Format { extensions: &["safetensors"], open: safetensors::open },
    Format { extensions: &["h5", "hdf5"], open: hdf5::open },
    Format { extensions: &["json"], open: json::open },
];

/// Where the parameters of a network are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightFile {
    /// The file.
    pub path: PathBuf,
    /// Names of the weight matrices, layer 1 first. May be empty for a file with one array.
    pub weights: Vec<String>,
    /// Names of the bias vectors, layer 1 first; `None` when the file holds none.
    pub biases: Option<Vec<String>>,
}

/// Parameters read from a file, layer 1 first.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// `W_l`, `n_l x n_{l-1}`.
    pub weights: Vec<DMatrix<f64>>,
    /// `b_l`, length `n_l`, when the file names them.
    pub biases: Option<Vec<DVector<f64>>>,
}

impl WeightFile {
    /// Reads the parameters of a network with the sizes `n_0, ..., n_L`.
    ///
    /// # Errors
    /// [`NetworkError`] naming file, key and what is wrong.
    pub fn load(&self, sizes: &[usize]) -> Result<Parameters, NetworkError> {
        super::feedforward::check_sizes(sizes)?;
        let shapes: Vec<_> = sizes.windows(2).map(|n| (n[1], n[0])).collect();
        let weights = read_matrices(&self.path, &self.weights, &shapes)?;
        let biases = self.biases.as_ref().map(|keys| read_vectors(&self.path, keys, &sizes[1..]));
        Ok(Parameters { weights, biases: biases.transpose()? })
    }
}

/// Reads one matrix of each shape (rows, columns). `keys` may be empty when the file holds a single
/// array and one matrix is asked for.
///
/// # Errors
/// [`WeightsError`] naming file, key and what is wrong.
pub fn read_matrices(
    path: &Path,
    keys: &[String],
    shapes: &[(usize, usize)],
) -> Result<Vec<DMatrix<f64>>, WeightsError> {
    let mut file = open(path)?;
    let keys = resolve_keys(path, &*file, "weight", keys, shapes.len())?;
    keys.iter()
        .zip(shapes)
        .map(|(key, &(rows, columns))| {
            // A matrix with one row or column is often stored as a vector.
            let vector = [rows * columns];
            let also: &[&[usize]] = if rows == 1 || columns == 1 { &[&vector] } else { &[] };
            let values = read_shaped(path, &mut *file, key, &[rows, columns], also)?;
            Ok(DMatrix::from_row_slice(rows, columns, &values))
        })
        .collect()
}

/// Reads one vector of each length; an array with one row or one column counts as a vector.
///
/// # Errors
/// [`WeightsError`] naming file, key and what is wrong.
pub fn read_vectors(
    path: &Path,
    keys: &[String],
    lengths: &[usize],
) -> Result<Vec<DVector<f64>>, WeightsError> {
    let mut file = open(path)?;
    let keys = resolve_keys(path, &*file, "bias", keys, lengths.len())?;
    keys.iter()
        .zip(lengths)
        .map(|(key, &n)| {
            Ok(DVector::from_vec(read_shaped(path, &mut *file, key, &[n], &[&[n, 1], &[1, n]])?))
        })
        .collect()
}

/// Reads the array called `key`, whatever its shape.
///
/// # Errors
/// [`WeightsError`] naming file, key and what is wrong.
pub fn read_array(path: &Path, key: &str) -> Result<Array, WeightsError> {
    let mut file = open(path)?;
    let shape = file.shape(key)?;
    let values = read_shaped(path, &mut *file, key, &shape, &[])?;
    Ok(Array { shape, values })
}

/// The names of the arrays in a file.
///
/// # Errors
/// [`WeightsError`] when the file cannot be read.
pub fn array_names(path: &Path) -> Result<Vec<String>, WeightsError> {
    Ok(open(path)?.names())
}

fn open(path: &Path) -> Result<Box<dyn Arrays>, WeightsError> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    match FORMATS.iter().find(|format| format.extensions.contains(&extension.as_str())) {
        Some(format) => (format.open)(path),
        None => {
            let known = FORMATS.iter().flat_map(|format| format.extensions);
            let known = known.map(|e| format!(".{e}")).collect::<Vec<_>>().join(", ");
            Err(WeightsError::UnknownFormat { path: path.to_owned(), known })
        }
    }
}

fn resolve_keys(
    path: &Path,
    file: &dyn Arrays,
    what: &'static str,
    keys: &[String],
    expected: usize,
) -> Result<Vec<String>, WeightsError> {
    let path = path.to_owned();
    if keys.is_empty() && expected == 1 {
        let available = file.names();
        return match available.len() {
            1 => Ok(available),
            _ => Err(WeightsError::KeyNeeded { path, available }),
        };
    }
    match keys.len() {
        found if found == expected => Ok(keys.to_vec()),
        found => Err(WeightsError::KeyCount { path, what, found, expected }),
    }
}

/// Reads `key` in row-major order after checking that its shape is `expected` or one of `also`.
fn read_shaped(
    path: &Path,
    file: &mut dyn Arrays,
    key: &str,
    expected: &[usize],
    also: &[&[usize]],
) -> Result<Vec<f64>, WeightsError> {
    let found = file.shape(key)?;
    let (path, name) = (path.to_owned(), key.to_owned());
    if found != expected && !also.contains(&found.as_slice()) {
        return Err(WeightsError::Shape { path, key: name, found, expected: expected.to_vec() });
    }
    let values = file.values(key)?;
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(values),
        Some(at) => {
            let position = array::position(&found, at);
            Err(WeightsError::NonFinite { path, key: name, position, value: values[at] })
        }
    }
}

fn open_file(path: &Path) -> Result<File, WeightsError> {
    File::open(path).map_err(|e| read_error(path, e))
}

fn read_error(path: &Path, source: io::Error) -> WeightsError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => WeightsError::NotFound { path },
        _ => WeightsError::Read { path, source },
    }
}

fn check_file_size(path: &Path, size: u64, limit: u64) -> Result<(), WeightsError> {
    if size <= limit {
        return Ok(());
    }
    Err(WeightsError::TooLarge {
        path: path.to_owned(),
        what: "the file".to_owned(),
        size: std::fs::metadata(path).map_or(size, |m| m.len()),
        unit: "bytes",
        limit,
    })
}
