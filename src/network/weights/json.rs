//! `.json`: an object whose values are lists of numbers (vectors) or lists of rows (matrices).

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::WeightsError;
use super::array::{self, Arrays};

const FORMAT: &str = "JSON";
/// Largest file read, 256 MiB: parsed values take several times the space of their text.
const MAX_BYTES: u64 = 1 << 28;

struct Json {
    path: PathBuf,
    arrays: Map<String, Value>,
}

pub(super) fn open(path: &Path) -> Result<Box<dyn Arrays>, WeightsError> {
    let mut bytes = Vec::new();
    let mut reader = super::open_file(path)?.take(MAX_BYTES + 1);
    reader.read_to_end(&mut bytes).map_err(|e| super::read_error(path, e))?;
    super::check_file_size(path, bytes.len() as u64, MAX_BYTES)?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(arrays)) => Ok(Box::new(Json { path: path.to_owned(), arrays })),
        Ok(_) => {
            let reason = "it is not an object with one entry per array";
            Err(WeightsError::NotFormat { path: path.to_owned(), format: FORMAT, reason })
        }
        Err(e) => {
            Err(WeightsError::Damaged { path: path.to_owned(), format: FORMAT, source: e.into() })
        }
    }
}

impl Json {
    fn value(&self, key: &str) -> Result<&Value, WeightsError> {
        self.arrays.get(key).ok_or_else(|| array::missing_key(&self.path, key, self.names()))
    }

    /// Appends the numbers of `value` at `position`, which must have `shape`.
    fn flatten(
        &self,
        key: &str,
        value: &Value,
        shape: &[usize],
        position: &mut Vec<usize>,
        out: &mut Vec<f64>,
    ) -> Result<(), WeightsError> {
        let (found, expected) = match (value, shape.split_first()) {
            (Value::Number(number), None) => {
                out.push(number.as_f64().unwrap_or(f64::NAN));
                return Ok(());
            }
            (Value::Array(items), Some((&length, inner))) if items.len() == length => {
                for (index, item) in items.iter().enumerate() {
                    position.push(index);
                    self.flatten(key, item, inner, position, out)?;
                    position.pop();
                }
                return Ok(());
            }
            (_, None) => (describe(value), None),
            (_, Some((&length, _))) => (describe(value), Some(length)),
        };
        Err(WeightsError::NotArray {
            path: self.path.clone(),
            place: position.iter().fold(key.to_owned(), |place, i| format!("{place}[{i}]")),
            found,
            expected,
        })
    }
}

impl Arrays for Json {
    fn names(&self) -> Vec<String> {
        self.arrays.keys().cloned().collect()
    }

    fn shape(&mut self, key: &str) -> Result<Vec<usize>, WeightsError> {
        let mut shape = Vec::new();
        let mut value = self.value(key)?;
        while let Value::Array(items) = value {
            shape.push(items.len());
            let Some(first) = items.first() else { break };
            value = first;
        }
        Ok(shape)
    }

    fn values(&mut self, key: &str) -> Result<Vec<f64>, WeightsError> {
        let shape = self.shape(key)?;
        let mut values = Vec::new();
        self.flatten(key, self.value(key)?, &shape, &mut Vec::new(), &mut values)?;
        Ok(values)
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::String(s) => format!("the text \"{}\"", s.chars().take(20).collect::<String>()),
        Value::Array(items) => format!("a list of length {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}
