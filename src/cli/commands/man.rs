//! `dinv man [COMMAND]`.

use clap::{Args, ColorChoice};
use clap_mangen::Man;

use crate::cli::{help, output};
use crate::error::{Error, ExitCode, Failure};

/// Arguments of `dinv man`.
#[derive(Debug, Args)]
#[command(after_help = "Read it with:\n  dinv man | man -l -")]
pub struct ManArgs {
    /// Describe this command instead of the whole program
    command: Option<String>,
}

/// There is no command of that name.
#[derive(Debug, thiserror::Error)]
#[error("there is no command {name:?}")]
struct UnknownCommand {
    name: String,
    known: Vec<String>,
}

impl Failure for UnknownCommand {
    fn exit_code(&self) -> ExitCode {
        ExitCode::Usage
    }

    fn remedy(&self) -> Option<String> {
        Some(format!("commands: {}", self.known.join(", ")))
    }
}

pub(super) fn run(arguments: &ManArgs) -> Result<ExitCode, Error> {
    let mut command = help::command(ColorChoice::Never);
    command.build();
    let page = match &arguments.command {
        None => command,
        Some(name) => page_of(&command, name)?,
    };
    let mut text = Vec::new();
    let source = concat!("dinv ", env!("CARGO_PKG_VERSION"));
    Man::new(page)
        .source(source)
        .manual("Dynamic inversion")
        .render(&mut text)
        .expect("writing to memory cannot fail");
    output::print(&String::from_utf8_lossy(&text))?;
    Ok(ExitCode::Success)
}

fn page_of(program: &clap::Command, name: &str) -> Result<clap::Command, UnknownCommand> {
    let known = || program.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    let command = program
        .find_subcommand(name)
        .ok_or_else(|| UnknownCommand { name: name.to_owned(), known: known() })?;
    Ok(command.clone().version(env!("CARGO_PKG_VERSION")))
}
