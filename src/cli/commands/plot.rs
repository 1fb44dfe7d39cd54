//! `dinv plot FILE`: pictures of whatever a result file holds.

use std::path::PathBuf;

use clap::Args;

use crate::cli::arguments::{DisplayArgs, JsonArgs};
use crate::error::{Error, ExitCode};
use crate::plot::{self, PlotOptions};

/// Arguments of `dinv plot`.
#[derive(Debug, Args)]
pub struct PlotArgs {
    /// Result file (HDF5/netCDF-4)
    #[arg(value_name = "FILE", help_heading = None::<&str>)]
    file: PathBuf,
    /// Where the picture goes: .svg or .png [default: the file's name with .png, here]
    #[arg(short, long, value_name = "PICTURE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Overwrite an existing picture
    #[arg(long, help_heading = "Output")]
    force: bool,
    /// Draw only this picture (repeatable) [default: all the file has data for]
    #[arg(long = "picture", value_name = "NAME", help_heading = "Picture")]
    pictures: Vec<String>,
    /// Draw only target K of several, counted from 0
    #[arg(long, value_name = "K", help_heading = "Picture")]
    target: Option<usize>,
    #[command(flatten)]
    json: JsonArgs,
}

pub(super) fn run(arguments: &PlotArgs, display: &DisplayArgs) -> Result<ExitCode, Error> {
    let picture = arguments.output.clone().unwrap_or_else(|| {
        let mut name = arguments.file.file_stem().unwrap_or_default().to_os_string();
        name.push(".png");
        PathBuf::from(name)
    });
    let options = PlotOptions { pictures: arguments.pictures.clone(), target: arguments.target };
    let drawn = plot::draw(&arguments.file, &picture, arguments.force, &options)?;
    arguments.json.print(&drawn, display, |drawn| {
        format!("{}: {}\n", drawn.path.display(), drawn.pictures.join(", "))
    })?;
    Ok(ExitCode::Success)
}
