//! `.safetensors`: a JSON header and little-endian tensors.

use std::io::Read;
use std::path::{Path, PathBuf};

use ::safetensors::tensor::TensorView;
use ::safetensors::{Dtype, SafeTensors};

use super::WeightsError;
use super::array::{self, Arrays, Element, Numbers};

const FORMAT: &str = "safetensors";
/// Largest file read into memory, 2 GiB.
const MAX_BYTES: u64 = 1 << 31;

struct Tensors {
    path: PathBuf,
    bytes: Vec<u8>,
}

pub(super) fn open(path: &Path) -> Result<Box<dyn Arrays>, WeightsError> {
    let mut bytes = Vec::new();
    let mut reader = super::open_file(path)?.take(MAX_BYTES + 1);
    reader.read_to_end(&mut bytes).map_err(|e| super::read_error(path, e))?;
    super::check_file_size(path, bytes.len() as u64, MAX_BYTES)?;
    // The header's length is followed by a JSON object.
    if bytes.get(8) != Some(&b'{') {
        let reason = "no JSON header follows the first 8 bytes";
        return Err(WeightsError::NotFormat { path: path.to_owned(), format: FORMAT, reason });
    }
    let tensors = Tensors { path: path.to_owned(), bytes };
    tensors.parse()?;
    Ok(Box::new(tensors))
}

impl Tensors {
    fn parse(&self) -> Result<SafeTensors<'_>, WeightsError> {
        SafeTensors::deserialize(&self.bytes).map_err(|e| WeightsError::Damaged {
            path: self.path.clone(),
            format: FORMAT,
            source: e.into(),
        })
    }

    fn tensor(&self, key: &str) -> Result<TensorView<'_>, WeightsError> {
        self.parse()?.tensor(key).map_err(|_| array::missing_key(&self.path, key, self.names()))
    }
}

impl Arrays for Tensors {
    fn names(&self) -> Vec<String> {
        let tensors = self.parse().map(|t| t.names().into_iter().map(str::to_owned).collect());
        let mut names: Vec<String> = tensors.unwrap_or_default();
        names.sort();
        names
    }

    fn shape(&mut self, key: &str) -> Result<Vec<usize>, WeightsError> {
        Ok(self.tensor(key)?.shape().to_vec())
    }

    fn values(&mut self, key: &str) -> Result<Vec<f64>, WeightsError> {
        let tensor = self.tensor(key)?;
        let bytes = match tensor.dtype() {
            Dtype::F32 => 4,
            Dtype::F64 => 8,
            other => {
                return Err(WeightsError::ElementType {
                    path: self.path.clone(),
                    key: key.to_owned(),
                    found: format!("elements of type {other:?}"),
                });
            }
        };
        let count = array::element_count(&self.path, key, tensor.shape())?;
        let element = Element { bytes, big_endian: false };
        let expected = (count * bytes) as u64;
        let (path, key) = (self.path.clone(), key.to_owned());
        match array::read_numbers(&mut tensor.data(), count, element) {
            Ok(Numbers::Complete(values)) => Ok(values),
            Ok(Numbers::Short(found)) => Err(WeightsError::Short { path, key, expected, found }),
            Ok(Numbers::Trailing) => Err(WeightsError::Trailing { path, key, expected }),
            Err(source) => Err(WeightsError::Read { path, source }),
        }
    }
}
