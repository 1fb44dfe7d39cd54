//! What the commands that compute share: arguments, and how they start, report and end.

use clap::Args;
use serde::Serialize;

use super::arguments::{DisplayArgs, JsonArgs, ModelArgs, OutputArgs, ThreadArgs};
use super::output::{self, OutputError};
use super::session::{self, StartError};
use crate::error::ExitCode;
use crate::experiment::{Context, OutputOptions, Progress, Signal};
use crate::results::Status;

/// Arguments of every command that computes something from a model and writes it to a file.
#[derive(Debug, Args)]
pub struct JobArgs {
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    output: OutputArgs,
    /// Whether to print JSON.
    #[command(flatten)]
    pub json: JsonArgs,
    #[command(flatten)]
    threads: ThreadArgs,
}

impl JobArgs {
    /// The surroundings of the computation; see [`session::start`].
    ///
    /// # Errors
    /// [`StartError`] if the operating system refuses threads or signal handlers.
    pub fn start<'a>(&self, progress: &'a dyn Progress) -> Result<Context<'a>, StartError> {
        session::start(progress, self.threads, self.model.seed)
    }

    /// Where the result goes; see [`OutputArgs::options`].
    #[must_use]
    pub fn output(&self) -> OutputOptions {
        self.output.options()
    }
}

impl OutputArgs {
    /// Where the result goes, with the command line for the record.
    #[must_use]
    pub fn options(&self) -> OutputOptions {
        OutputOptions {
            path: self.output.clone(),
            force: self.force,
            argv: std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect(),
        }
    }
}

impl JsonArgs {
    /// Prints a report: as JSON where asked for, else its summary unless `--quiet`.
    ///
    /// # Errors
    /// [`OutputError`] if standard output cannot be written.
    pub fn print<R: Serialize>(
        self,
        report: &R,
        display: &DisplayArgs,
        summary: impl FnOnce(&R) -> String,
    ) -> Result<(), OutputError> {
        if self.json {
            let object = serde_json::to_value(report).expect("a report is plain data");
            output::print_json(&object)
        } else if display.quiet {
            Ok(())
        } else {
            output::print(&summary(report))
        }
    }
}

/// The exit code of a computation that ended with `status`; a failure is also said, with `reason`.
pub fn exit_code(status: Status, context: &Context<'_>, reason: &str) -> ExitCode {
    match status {
        Status::Complete => ExitCode::Success,
        Status::Interrupted => {
            context.interrupt.signal().map_or(ExitCode::Interrupted, Signal::exit_code)
        }
        Status::Failed | Status::Running => {
            output::note(&format!("error: {reason}\n"));
            ExitCode::Numerical
        }
    }
}
