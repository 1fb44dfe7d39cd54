//! `[initial]`: the state at the start.

use serde::{Deserialize, Serialize};

use super::target::OneOrManyVectors;
use crate::model::key::{Bounds, Key, Kind, Preset, VECTOR_OR_BATCH};

/// The state at the start of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Initial {
    /// Written out, all blocks one after the other: one vector for all targets, or one per target.
    Values(OneOrManyVectors),
    /// Independent normal entries.
    Normal {
        /// Standard deviation.
        scale: f64,
    },
    /// Independent uniform entries.
    Uniform {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
}

/// Forms of `[initial]`.
pub(crate) const KIND: Kind = Kind::OneOf(&[
    Key::new(
        "values",
        VECTOR_OR_BATCH,
        "all blocks one after the other: one vector for all targets, or a list of vectors",
    )
    .optional(""),
    Key::variant(
        "normal",
        &[Key::float("scale", Bounds::NOT_NEGATIVE, "standard deviation").or(Preset::Float(1.0))],
        "normal entries, independent",
    ),
    super::network::UNIFORM,
]);
