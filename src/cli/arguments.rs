//! Arguments: the flags commands share. Help, completions and the man page come from these types.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};

use super::commands::Command;
use crate::model::{KeyPath, Model, ModelError, Override};

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
    /// No progress and no summaries: only warnings, errors and what was asked for
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
    pub overrides: Vec<String>,
    /// Replace the seed of the model
    // The largest integer of a model file.
    #[arg(
        long,
        value_name = "N",
        allow_negative_numbers = true,
        value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64)
    )]
    pub seed: Option<u64>,
}

impl ModelArgs {
    /// Reads the model with what the command line changes in it.
    ///
    /// # Errors
    /// [`ModelError`] when the file cannot be read or is no valid model, or when `--set` names a
    /// key that does not exist.
    pub fn load(&self) -> Result<Model, ModelError> {
        let mut overrides = self
            .overrides
            .iter()
            .map(|text| Override::parse(text))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(seed) = self.seed {
            let key = KeyPath::parse("seed").expect("a bare key is a key path");
            overrides.push(Override::new("--seed", key, &seed.to_string()));
        }
        Model::load(&self.model, &overrides)
    }
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
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = threads)]
    pub threads: Option<NonZeroUsize>,
}

/// More threads than any machine has cores; a system may refuse to start so many.
const MOST_THREADS: usize = 1024;

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    let range = || format!("give a number from 1 to {MOST_THREADS}");
    let number: NonZeroUsize = text.parse().map_err(|_| range())?;
    if number.get() > MOST_THREADS { Err(range()) } else { Ok(number) }
}
