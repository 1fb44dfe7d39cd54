//! One value, or one per item.

use serde::{Deserialize, Serialize};

/// One value for all items, or one for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// One for all.
    One(T),
    /// One for each.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// The values as a slice: one entry when there is one for all.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}
