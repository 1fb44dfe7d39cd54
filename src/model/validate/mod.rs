//! What a specification must satisfy beyond the form of its keys.

mod dynamics;
mod network;
mod run;
mod shapes;
mod stability;
mod sweep;
mod target;
mod training;

use super::document::Document;
use super::error::{ModelError, Problem};
use super::key::number;
use super::key_path::KeyPath;
use super::spec::Specification;

pub(crate) use sweep::check_axes as check_sweep;

/// A checked document and what it says.
pub(crate) struct Scope<'a> {
    pub document: &'a Document,
    pub spec: &'a Specification,
}

type Valid = Result<(), ModelError>;

impl Scope<'_> {
    /// An error at a dotted key.
    pub fn error(&self, key: &str, problem: Problem) -> ModelError {
        let path = KeyPath::parse(key).unwrap_or_default();
        self.document.error_at(&path, problem)
    }

    /// An error unless `condition` holds.
    pub fn require(&self, condition: bool, key: &str, problem: impl FnOnce() -> Problem) -> Valid {
        if condition { Ok(()) } else { Err(self.error(key, problem())) }
    }

    /// Refuses a uniform distribution unless `low < high`.
    pub fn ordered(&self, low: f64, high: f64, key: &str) -> Valid {
        self.require(low < high, &format!("{key}.high"), || Problem::OutOfRange {
            what: "high".to_owned(),
            value: number(high),
            range: format!("> low, which is {low}"),
        })
    }
}

/// Checks a whole specification, section by section.
pub(crate) fn validate(scope: &Scope<'_>) -> Valid {
    let spec = scope.spec;
    if let Some(network) = &spec.network {
        network::validate(scope, network)?;
    }
    dynamics::validate(scope)?;
    target::validate(scope)?;
    run::validate(scope)?;
    if let Some(stability) = &spec.stability {
        stability::validate(scope, stability)?;
    }
    if let Some(training) = &spec.training {
        training::validate(scope, training)?;
    }
    if let Some(invert) = &spec.invert {
        training::validate_invert(scope, invert)?;
    }
    Ok(())
}
