//! Reference values shared by the test suites.

#![allow(dead_code)]

use std::path::PathBuf;

use nalgebra::{DMatrix, DVector};
use serde_json::Value;

/// One file of `tests/goldens`: reference values computed independently with NumPy and SciPy.
pub struct Golden(Value);

impl Golden {
    /// Loads `tests/goldens/<name>.json`.
    pub fn load(name: &str) -> Self {
        let path = repository().join("tests/goldens").join(format!("{name}.json"));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self(serde_json::from_str(&text).expect("golden files are valid JSON"))
    }

    /// The raw JSON value under `key`.
    pub fn value(&self, key: &str) -> &Value {
        &self.0[key]
    }

    /// A number.
    pub fn scalar(&self, key: &str) -> f64 {
        self.0[key].as_f64().unwrap_or_else(|| panic!("{key} is not a number"))
    }

    /// A vector.
    pub fn vector(&self, key: &str) -> DVector<f64> {
        vector(&self.0[key])
    }

    /// A matrix written row by row.
    pub fn matrix(&self, key: &str) -> DMatrix<f64> {
        matrix(&self.0[key])
    }

    /// A list of matrices.
    pub fn matrices(&self, key: &str) -> Vec<DMatrix<f64>> {
        self.0[key].as_array().expect("a list of matrices").iter().map(matrix).collect()
    }
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A JSON list of numbers.
pub fn vector(value: &Value) -> DVector<f64> {
    let numbers = value.as_array().expect("a list of numbers");
    DVector::from_iterator(numbers.len(), numbers.iter().map(|x| x.as_f64().expect("a number")))
}

/// A JSON list of rows.
pub fn matrix(value: &Value) -> DMatrix<f64> {
    let rows: Vec<_> = value.as_array().expect("a list of rows").iter().map(vector).collect();
    DMatrix::from_fn(rows.len(), rows[0].len(), |i, j| rows[i][j])
}
