//! Models as texts.

use std::path::Path;

use dynamic_inversion::model::{Model, ModelError, Override};

/// Reads a model called `model.toml`.
pub fn parse(text: &str) -> Result<Model, ModelError> {
    Model::parse("model.toml", text, Path::new(""), &[])
}

/// Reads a model that must be valid.
pub fn valid(text: &str) -> Model {
    parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// Reads a model that must be refused.
pub fn refused(text: &str) -> ModelError {
    match parse(text) {
        Ok(model) => panic!("accepted:\n{}", model.resolved_text()),
        Err(error) => error,
    }
}

/// Reads a model with overrides.
pub fn with(text: &str, overrides: &[&str]) -> Result<Model, ModelError> {
    let overrides: Result<Vec<_>, _> = overrides.iter().map(|o| Override::parse(o)).collect();
    Model::parse("model.toml", text, Path::new(""), &overrides?)
}

/// Line, column and key of an error.
pub fn place(error: &ModelError) -> (usize, usize, &str) {
    let location = error.location();
    (location.line, location.column, &location.key)
}
