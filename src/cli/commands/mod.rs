//! The commands: one file each, one line each in [`Command`] and in its `run`.

mod check;
mod completions;
mod inspect;
mod invert;
mod list;
mod man;
mod plot;
mod run;
mod stability;
mod sweep;
mod train;
mod validate;

use clap::Subcommand;

use super::arguments::DisplayArgs;
use crate::error::{Error, ExitCode};

/// Every command of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Integrate a model and write its trajectory
    Run(run::RunArgs),
    /// Judge the stability of a model: spectrum, margins, certificates
    Stability(stability::StabilityArgs),
    /// Carry one error to every layer by every rule and compare the results
    Invert(invert::InvertArgs),
    /// Read a model, print it completed and check it; runs nothing
    Check(check::CheckArgs),
    /// Train networks with errors carried by each rule, side by side
    Train(train::TrainArgs),
    /// Run a command at every point of a grid, resumable, on all cores or a cluster
    Sweep(sweep::SweepArgs),
    /// Measure the claims behind the method; exit code 1 if one does not hold
    Validate(validate::ValidateArgs),
    /// Show what a result file holds
    Inspect(inspect::InspectArgs),
    /// Draw what a result file holds
    Plot(plot::PlotArgs),
    /// List the names a model file may use
    List(list::ListArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Print a manual page (roff)
    Man(man::ManArgs),
}

impl Command {
    /// Carries the command out. `display` says what may reach the terminal besides the result.
    pub(super) fn run(&self, display: &DisplayArgs) -> Result<ExitCode, Error> {
        match self {
            Self::Run(arguments) => run::run(arguments, display),
            Self::Stability(arguments) => stability::run(arguments, display),
            Self::Invert(arguments) => invert::run(arguments, display),
            Self::Check(arguments) => check::run(arguments, display),
            Self::Train(arguments) => train::run(arguments, display),
            Self::Sweep(arguments) => sweep::run(arguments, display),
            Self::Validate(arguments) => validate::run(arguments, display),
            Self::Inspect(arguments) => inspect::run(arguments),
            Self::Plot(arguments) => plot::run(arguments, display),
            Self::List(arguments) => list::run(arguments, display),
            Self::Completions(arguments) => completions::run(arguments),
            Self::Man(arguments) => man::run(arguments),
        }
    }
}
