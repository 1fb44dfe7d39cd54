//! The commands a sweep can run: one line each in [`COMMANDS`].

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::collect::Collect;

use crate::error::Error;
use crate::experiment::invert::{self, InvertOptions};
use crate::experiment::run::{self, RunOptions};
use crate::experiment::stability::{self, StabilityOptions};
use crate::experiment::train::{self, TrainOptions};
use crate::experiment::{Context, OutputOptions};
use crate::model::spec::SweepCommand;
use crate::model::{Model, ModelError, Override, Problem, SweepPlan};
use crate::results::Status;

/// What a command found at one point.
pub(super) struct Outcome {
    /// The object of `--json`.
    pub(super) report: Value,
    pub(super) status: Status,
    /// Why it failed.
    pub(super) error: Option<String>,
}

/// A command that a sweep can run.
pub(super) struct PointCommand {
    pub(super) name: &'static str,
    command: SweepCommand,
    pub(super) run: fn(&Model, &OutputOptions, &Context<'_>) -> Result<Outcome, Error>,
}

impl PointCommand {
    /// Whether it is `command`.
    pub(super) fn is(&self, command: SweepCommand) -> bool {
        self.command == command
    }

    /// Values that switch off what takes long and nobody collects. Points that keep their full
    /// results, and sweeps over those switches, are left alone.
    pub(super) fn spared(
        &self,
        plan: &SweepPlan,
        collect: &Collect,
        model: &Model,
    ) -> Result<Vec<Override>, ModelError> {
        let swept = plan.axes().iter().flat_map(|axis| &axis.keys);
        if !self.is(SweepCommand::Stability) || swept.into_iter().any(|k| k.starts_with(SECTION)) {
            return Ok(Vec::new());
        }
        let Collect::Named(fields) = collect else { return Ok(Vec::new()) };
        // Remarks tell what was not computed.
        let is_collected = |start: &str| fields.iter().any(|(name, _)| name.starts_with(start));
        if is_collected("notes") {
            return Ok(Vec::new());
        }
        let given = model.specification().stability.as_ref();
        let tries_certificates = given.is_some_and(|section| !section.certificates.is_empty());
        let switches = [
            ("stability_radius", "stability.stability_radius=false", true),
            ("max_transient_growth", "stability.transient_growth=false", true),
            ("kreiss_bound", "stability.kreiss=false", true),
            ("critical", "stability.critical=[]", true),
            ("certificates", "stability.certificates=[]", tries_certificates),
        ];
        let spared = switches.iter().filter(|(start, _, on)| *on && !is_collected(start));
        spared.map(|(_, switch, _)| Override::parse(switch)).collect()
    }
}

/// Where the switches of `dinv stability` are.
const SECTION: &str = "stability";

/// Every command that a sweep can run.
pub(super) const COMMANDS: &[PointCommand] = &[
    PointCommand { name: "run", command: SweepCommand::Run, run },
    PointCommand { name: "stability", command: SweepCommand::Stability, run: stability },
    PointCommand { name: "invert", command: SweepCommand::Invert, run: invert },
    PointCommand { name: "train", command: SweepCommand::Train, run: train },
];

/// The command called in the model.
pub(super) fn find(
    model: &Model,
    command: SweepCommand,
) -> Result<&'static PointCommand, ModelError> {
    COMMANDS.iter().find(|known| known.command == command).ok_or_else(|| {
        let names = COMMANDS.iter().map(|known| known.name).collect();
        let (what, with) = ("this command".to_owned(), "a sweep".to_owned());
        model.error("sweep.command", Problem::NotAllowed { what, with, allowed: names })
    })
}

/// Where nothing comes from a file of its own: the point's model is in memory.
const NO_FILE: &str = "point.toml";

fn outcome<R: Serialize>(report: &R, status: Status, error: &str) -> Outcome {
    let report = serde_json::to_value(report).expect("a report is plain data");
    let error = (status == Status::Failed).then(|| error.to_owned());
    Outcome { report, status, error }
}

fn run(model: &Model, output: &OutputOptions, context: &Context<'_>) -> Result<Outcome, Error> {
    let options = RunOptions { output: output.clone(), ..RunOptions::default() };
    let report = run::run(model, Path::new(NO_FILE), &options, context)?;
    Ok(outcome(&report, report.file_status(), &report.stop_reason))
}

fn stability(
    model: &Model,
    output: &OutputOptions,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let options = StabilityOptions { output: output.clone() };
    let report = stability::stability(model, Path::new(NO_FILE), &options, context)?;
    let cut_short = context.interrupt.is_raised();
    let status = if cut_short { Status::Interrupted } else { Status::Complete };
    Ok(outcome(&report, status, ""))
}

fn invert(model: &Model, output: &OutputOptions, context: &Context<'_>) -> Result<Outcome, Error> {
    let options = InvertOptions { output: output.clone() };
    let report = invert::invert(model, Path::new(NO_FILE), &options, context)?;
    let cut_short = context.interrupt.is_raised();
    let status = if cut_short { Status::Interrupted } else { Status::Complete };
    Ok(outcome(&report, status, ""))
}

fn train(model: &Model, output: &OutputOptions, context: &Context<'_>) -> Result<Outcome, Error> {
    let options = TrainOptions { output: output.clone(), resume: false };
    let report = train::train(model, Path::new(NO_FILE), &options, context)?;
    Ok(outcome(&report, report.file_status(), "every rule stopped before the end"))
}
