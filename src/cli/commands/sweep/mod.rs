//! `dinv sweep MODEL`, `dinv sweep merge DIR`, `dinv sweep status DIR`.

mod slurm;
mod summary;

use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};

use crate::cli::arguments::{DisplayArgs, JsonArgs, OutputArgs, ThreadArgs};
use crate::cli::job::{self, JobArgs};
use crate::cli::{progress, session};
use crate::error::{Error, ExitCode};
use crate::experiment::Context;
use crate::experiment::sweep::{self, Shard, SweepOptions, SweepReport};
use crate::results::Status;

use slurm::SlurmArgs;

/// Arguments of `dinv sweep`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct SweepArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    start: Start,
}

/// The arguments that start a sweep; none when something is done with one that was started.
#[derive(Debug)]
struct Start(Option<StartArgs>);

impl Args for Start {
    fn augment_args(command: Command) -> Command {
        StartArgs::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        StartArgs::augment_args_for_update(command)
    }
}

impl FromArgMatches for Start {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        // The parser asks for a model where there is no action.
        let starts = matches.contains_id("model");
        starts.then(|| StartArgs::from_arg_matches(matches)).transpose().map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What can be done with a sweep that was started.
#[derive(Debug, Subcommand)]
enum Action {
    /// Join the finished points of a sweep into its result file
    Merge(MergeArgs),
    /// Show how far a sweep is, from any machine
    Status(StatusArgs),
}

#[derive(Debug, Args)]
struct StartArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Compute only points that are missing or damaged; finished ones lie in FILE.points
    #[arg(long, help_heading = "Computation")]
    resume: bool,
    /// Compute the points of shard I of N (1 <= I <= N) only, for `dinv sweep merge` to join
    #[arg(long, value_name = "I/N", help_heading = "Computation", conflicts_with_all = ["slurm", "force"])]
    shard: Option<String>,
    #[command(flatten)]
    slurm: SlurmArgs,
}

#[derive(Debug, Args)]
struct MergeArgs {
    /// Folder with finished points: the name of the result file with `.points` added
    #[arg(value_name = "DIR", help_heading = None::<&str>)]
    folder: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    json: JsonArgs,
}

#[derive(Debug, Args)]
struct StatusArgs {
    /// Folder with finished points: the name of the result file with `.points` added
    #[arg(value_name = "DIR", help_heading = None::<&str>)]
    folder: PathBuf,
    #[command(flatten)]
    json: JsonArgs,
}

pub(super) fn run(arguments: &SweepArgs, display: &DisplayArgs) -> Result<ExitCode, Error> {
    match (&arguments.action, &arguments.start.0) {
        (Some(Action::Merge(arguments)), _) => merge(arguments, display),
        (Some(Action::Status(arguments)), _) => status(arguments, display),
        (None, Some(arguments)) => start(arguments, display),
        (None, None) => Ok(ExitCode::Usage),
    }
}

fn start(arguments: &StartArgs, display: &DisplayArgs) -> Result<ExitCode, Error> {
    let shard = arguments.shard.as_deref().map(str::parse::<Shard>).transpose()?;
    let model = arguments.job.model.load()?;
    let progress = progress::display(display);
    let context = arguments.job.start(progress.as_ref())?;
    let options = SweepOptions { output: arguments.job.output(), resume: arguments.resume, shard };
    let path = &arguments.job.model.model;
    if arguments.slurm.is_wanted() {
        let wanted = arguments.slurm.options(arguments.job.threads.threads);
        let report = sweep::submit(&model, path, &options, &wanted, &context)?;
        arguments.job.json.print(&report, display, slurm::summary)?;
        return Ok(ExitCode::Success);
    }
    let report = sweep::sweep(&model, path, &options, &context)?;
    arguments.job.json.print(&report, display, summary::of_sweep)?;
    Ok(exit_code(&report, &context))
}

fn merge(arguments: &MergeArgs, display: &DisplayArgs) -> Result<ExitCode, Error> {
    let progress = progress::display(display);
    let context = session::start(progress.as_ref(), ThreadArgs { threads: None }, None)?;
    let report = sweep::merge(&arguments.folder, &arguments.output.options(), &context)?;
    arguments.json.print(&report, display, summary::of_sweep)?;
    Ok(exit_code(&report, &context))
}

fn status(arguments: &StatusArgs, display: &DisplayArgs) -> Result<ExitCode, Error> {
    let status = sweep::status(&arguments.folder)?;
    arguments.json.print(&status, display, summary::of_status)?;
    Ok(ExitCode::Success)
}

/// Points that failed or are missing although nobody interrupted make the sweep fail.
fn exit_code(report: &SweepReport, context: &Context<'_>) -> ExitCode {
    let outcome = report.outcome();
    if outcome == Status::Interrupted && context.interrupt.signal().is_none() {
        let reason = format!("{} of {} points are missing", report.missing, report.points);
        return job::exit_code(Status::Failed, context, &reason);
    }
    let reason = format!("{} of {} points failed", report.failed, report.finished);
    job::exit_code(outcome, context, &reason)
}
