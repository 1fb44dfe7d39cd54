//! The command line: arguments, commands, progress, tables and exit codes.
//!
//! Standard output carries results only; progress, warnings and errors go to standard error. A
//! reader that closes either of them early is no error. Exit codes are those of
//! [`ExitCode`].

pub mod arguments;
pub mod commands;
pub mod help;
pub mod job;
pub mod number;
pub mod output;
pub mod progress;
pub mod report;
pub mod session;
pub mod signals;
pub mod table;

use std::ffi::{OsStr, OsString};
use std::panic;

use clap::{ColorChoice, FromArgMatches};

use crate::error::ExitCode;
use arguments::{Arguments, ColorWhen};

/// Runs the program on the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    report::install_panic_hook();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    panic::catch_unwind(|| run(&arguments)).unwrap_or(report::PANIC)
}

fn run(arguments: &[OsString]) -> ExitCode {
    let color = color_choice(arguments);
    match color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
    let parsed = help::command(color)
        .try_get_matches_from(arguments)
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are such errors too, with exit code 0. A closed pipe is ignored.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::Usage } else { ExitCode::Success };
        }
    };
    match arguments.command.run(&arguments.display) {
        Ok(code) => code,
        Err(error) => {
            output::note(&report::render(&error));
            error.exit_code()
        }
    }
}

/// The value of `--color`, found before parsing so that complaints about the other arguments and
/// the help text honour it too. Parsing checks it again.
fn color_choice(arguments: &[OsString]) -> ColorChoice {
    let mut choice = ColorWhen::Auto;
    let mut arguments = arguments.iter().skip(1).map(OsString::as_os_str);
    while let Some(argument) = arguments.next().filter(|a| *a != OsStr::new("--")) {
        let value = match argument.to_str() {
            Some("--color") => arguments.next().and_then(OsStr::to_str),
            Some(text) => text.strip_prefix("--color="),
            None => None,
        };
        choice = match value {
            Some("always") => ColorWhen::Always,
            Some("never") => ColorWhen::Never,
            Some("auto") => ColorWhen::Auto,
            _ => choice,
        };
    }
    match choice {
        ColorWhen::Auto => ColorChoice::Auto,
        ColorWhen::Always => ColorChoice::Always,
        ColorWhen::Never => ColorChoice::Never,
    }
}
