//! `dinv completions SHELL`.

use clap::{Args, ColorChoice};
use clap_complete::Shell;

use crate::cli::{help, output};
use crate::error::{Error, ExitCode};

/// Arguments of `dinv completions`.
#[derive(Debug, Args)]
#[command(after_help = "Install, for bash:\n  dinv completions bash > \
                        ~/.local/share/bash-completion/completions/dinv")]
pub struct CompletionsArgs {
    /// The shell to complete for
    shell: Shell,
}

pub(super) fn run(arguments: &CompletionsArgs) -> Result<ExitCode, Error> {
    let mut command = help::command(ColorChoice::Never);
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "dinv", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::Success)
}
