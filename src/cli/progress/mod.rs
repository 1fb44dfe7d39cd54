//! Progress on standard error: a bar on a terminal, occasional plain lines elsewhere.

mod bar;
mod lines;

pub use bar::Bar;
pub use lines::{Lines, Schedule};

use std::io::IsTerminal;

use anstyle::{AnsiColor, Effects, Style};

use super::arguments::DisplayArgs;
use super::number;
use super::output;
use crate::experiment::Progress;

const WARNING: Style = AnsiColor::Yellow.on_default().effects(Effects::BOLD);

/// Digits of the numbers shown while a computation runs.
const DIGITS: usize = 3;

/// The progress display that suits the terminal and the flags.
#[must_use]
pub fn display(arguments: &DisplayArgs) -> Box<dyn Progress> {
    let verbose = arguments.verbose;
    if arguments.quiet || arguments.no_progress {
        Box::new(Remarks { verbose })
    } else if std::io::stderr().is_terminal()
        && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
    {
        Box::new(Bar::new(verbose))
    } else {
        Box::new(Lines::new(verbose, Schedule::default(), output::note))
    }
}

/// No progress, only warnings and, if asked for, remarks.
struct Remarks {
    verbose: bool,
}

impl Progress for Remarks {
    fn begin(&self, _: &str, _: Option<u64>) {}
    fn update(&self, _: u64, _: &[(&str, f64)]) {}
    fn finish(&self) {}

    fn message(&self, text: &str) {
        if self.verbose {
            output::note(&message(text));
        }
    }

    fn warning(&self, text: &str) {
        output::note(&warning(text));
    }
}

fn message(text: &str) -> String {
    format!("{text}\n")
}

fn warning(text: &str) -> String {
    format!("{WARNING}warning:{WARNING:#} {text}\n")
}

/// `h 0.0123, residual 1.2e-5`.
fn list(fields: &[(&str, f64)]) -> String {
    let shown: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name} {}", number::significant(*value, DIGITS)))
        .collect();
    shown.join(", ")
}
