//! Experiments from model text to result file, through the library.

#[path = "../support/mod.rs"]
mod support;

mod checks;
mod control;
mod documented;
mod goldens;
mod inversions;
mod rest;
mod runs;
mod sweeps;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use dynamic_inversion::error::Error;
use dynamic_inversion::experiment::run::{RunOptions, RunReport, run};
use dynamic_inversion::experiment::{Context, Interrupt, OutputOptions, Silent};
use dynamic_inversion::model::Model;
use dynamic_inversion::results::ResultReader;

/// A finished run and its file.
struct Finished {
    report: RunReport,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Finished {
    fn reader(&self) -> ResultReader {
        ResultReader::open(&self.path).expect("the file opens")
    }
}

fn context() -> Context<'static> {
    Context::new(&Silent, Interrupt::default(), NonZeroUsize::MIN)
}

fn model(text: &str) -> Model {
    Model::parse("test.toml", text, &support::repository().join("models"), &[])
        .unwrap_or_else(|error| panic!("{error}"))
}

fn try_run(model: &Model, options: RunOptions) -> Result<Finished, Error> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("result.h5");
    let output = OutputOptions { path: Some(path.clone()), ..options.output.clone() };
    let report = run(model, Path::new("test.toml"), &RunOptions { output, ..options }, &context())?;
    Ok(Finished { report, path, _folder: folder })
}

fn run_text(text: &str) -> Finished {
    try_run(&model(text), RunOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}
