//! Arguments: the flags commands share. Help, completions and the man page come from these types.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, ValueEnum};

use super::commands::Command;

/// Simulate and analyse networks that assign credit by feedback control
#[derive(Debug, Parser)]
#[command(
    name = "dinv",
    version,
    arg_required_else_help = true,
    subcommand_required = true,
    max_term_width = 100
)]
pub struct Arguments {
    /// How to show things.
    #[command(flatten)]
    pub display: DisplayArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command: what reaches the terminal besides results.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Display")]
pub struct DisplayArgs {
    /// Show results, warnings and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Also show remarks on how the result was obtained
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// When to colour: auto (the default; honours NO_COLOR), always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub color: ColorWhen,
    /// Do not show progress
    #[arg(long, global = true)]
    pub no_progress: bool,
}

/// When output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set or TERM is `dumb`.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The model and what the command line changes in it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Model")]
pub struct ModelArgs {
    /// Model file (TOML); `-` reads standard input
    #[arg(value_name = "MODEL", help_heading = None::<&str>)]
    pub model: PathBuf,
    /// Replace one value of the model, e.g. `run.t_span=[-1,1]` (repeatable, recorded in the result)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub assignments: Vec<Assignment>,
    /// Replace the seed of the model
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// Where the result goes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Result file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
}

/// Machine-readable results.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Output")]
pub struct JsonArgs {
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// How much of the machine to use.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Computation")]
pub struct ThreadArgs {
    /// Threads to compute with; results do not depend on it [default: all cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}

/// One `--set KEY=VALUE`: a dotted key path and a TOML value, both as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Dotted path of the key, e.g. `dynamics.layerwise-inversion.leak`.
    pub path: String,
    /// The value as it would be written in a model file.
    pub value: String,
}

/// Why an argument of `--set` cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssignmentError {
    /// There is no equals sign.
    #[error("there is no `=`: write KEY=VALUE, e.g. run.t_span=[0,10]")]
    NoEqualsSign,
    /// Nothing stands before the equals sign, or between two dots.
    #[error("the key {path:?} has an empty part")]
    EmptyKey {
        /// The path as written.
        path: String,
    },
    /// Nothing follows the equals sign.
    #[error("there is no value after `{path}=`")]
    EmptyValue {
        /// The path as written.
        path: String,
    },
}

impl FromStr for Assignment {
    type Err = AssignmentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, value) = text.split_once('=').ok_or(AssignmentError::NoEqualsSign)?;
        let (path, value) = (path.trim().to_owned(), value.trim().to_owned());
        if path.split('.').any(|part| part.trim().is_empty()) {
            return Err(AssignmentError::EmptyKey { path });
        }
        if value.is_empty() {
            return Err(AssignmentError::EmptyValue { path });
        }
        Ok(Self { path, value })
    }
}
