//! Lengths and shapes of written-out numbers.

use super::{Scope, Valid};
use crate::model::error::Problem;
use crate::model::key_path::KeyPath;
use crate::model::spec::Matrix;

impl Scope<'_> {
    /// Refuses a list of the wrong length.
    pub fn length(&self, key: &str, found: usize, expected: usize, because: &str) -> Valid {
        self.require(found == expected, key, || Problem::WrongLength {
            what: tail(key),
            found,
            expected,
            because: because.to_owned(),
        })
    }

    /// Refuses a matrix of the wrong shape.
    pub fn shape(
        &self,
        key: &str,
        matrix: &Matrix,
        expected: (usize, usize),
        because: &str,
    ) -> Valid {
        let found = (matrix.len(), matrix.first().map_or(0, Vec::len));
        self.require(found == expected, key, || Problem::WrongShape {
            what: tail(key),
            found,
            expected,
            because: because.to_owned(),
        })
    }

    /// Refuses lists that do not have one matrix of the given shape each.
    pub fn shapes(
        &self,
        key: &str,
        matrices: &[Matrix],
        expected: &[(usize, usize)],
        because: &str,
    ) -> Valid {
        self.length(key, matrices.len(), expected.len(), because)?;
        for (i, (matrix, shape)) in matrices.iter().zip(expected).enumerate() {
            self.shape(&format!("{key}[{i}]"), matrix, *shape, because)?;
        }
        Ok(())
    }
}

/// The last part of a key, for messages that begin with the whole.
fn tail(key: &str) -> String {
    KeyPath::parse(key).map_or_else(|_| key.to_owned(), |path| path.tail().to_string())
}
