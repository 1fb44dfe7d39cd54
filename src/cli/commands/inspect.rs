//! `dinv inspect FILE`: what a result file holds.

use std::path::PathBuf;

use clap::Args;

use crate::cli::arguments::JsonArgs;
use crate::cli::output;
use crate::error::{Error, ExitCode};
use crate::results::inspect::overview;

/// Arguments of `dinv inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Result file (HDF5/netCDF-4)
    #[arg(value_name = "FILE", help_heading = None::<&str>)]
    file: PathBuf,
    #[command(flatten)]
    json: JsonArgs,
}

pub(super) fn run(arguments: &InspectArgs) -> Result<ExitCode, Error> {
    let overview = overview(&arguments.file)?;
    if arguments.json.json {
        output::print_json(&overview.json())?;
    } else {
        output::print(&overview.text())?;
    }
    Ok(ExitCode::Success)
}
