//! `[invert]`: options of `dinv invert`.

use serde::{Deserialize, Serialize};

use super::rules::{RULES, Rule};
use crate::model::key::{Bounds, Key, Kind, Preset};

/// What `dinv invert` compares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invert {
    /// The rules; every rule the network admits when absent.
    pub rules: Option<Vec<Rule>>,
    /// Dampings of the Levenberg-Marquardt directions that rules are compared with.
    pub dampings: Vec<f64>,
    /// Singular values below this fraction of the largest count as zero.
    pub cutoff: f64,
}

/// Keys of `[invert]`.
pub(crate) const KEYS: &[Key] = &[
    Key::new("rules", Kind::List(&RULES), "rules to compare")
        .optional("every rule")
        .like("training.rules"),
    Key::new(
        "dampings",
        crate::model::key::VECTOR,
        "dampings of the Levenberg-Marquardt directions that rules are compared with, each >= 0",
    )
    .or(Preset::Numbers(&[1e-4, 1e-2, 1.0])),
    Key::float(
        "cutoff",
        Bounds::from_to_below(0.0, 1.0),
        "singular values below this fraction of the largest count as zero in rank decisions",
    )
    .or(Preset::Float(1e-12)),
];
