//! `dinv train` as the library call that several modules make.

use std::num::NonZeroUsize;
use std::path::Path;

use dynamic_inversion::error::Error;
use dynamic_inversion::experiment::train::{TrainOptions, TrainReport, train};
use dynamic_inversion::experiment::{Context, Interrupt, OutputOptions, Silent};
use dynamic_inversion::model::Model;

pub(crate) fn options(file: &Path, resume: bool) -> TrainOptions {
    let output = OutputOptions { path: Some(file.to_owned()), ..OutputOptions::default() };
    TrainOptions { output, resume }
}

/// Trains on one thread, in silence.
pub(crate) fn run(model: &Model, file: &Path, resume: bool) -> Result<TrainReport, Error> {
    let context = Context::new(&Silent, Interrupt::default(), NonZeroUsize::MIN);
    train(model, Path::new("model.toml"), &options(file, resume), &context)
}
