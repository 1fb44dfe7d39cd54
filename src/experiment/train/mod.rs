//! `dinv train`: several rules side by side, from one initial state over the same data.

mod checkpoint;
mod digests;
mod directions;
mod error;
pub(in crate::experiment) mod history;
mod memory;
mod metrics;
mod optimise;
mod plan;
mod records;
mod report;
mod rules;
mod session;
mod sleep;
mod watch;

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Context, OutputOptions};
use crate::error::Error;
use crate::model::Model;
use crate::results::{ResultWriter, Status, check_output};

pub use error::TrainError;
pub(in crate::experiment) use memory::training_memory;
pub(in crate::experiment) use rules::Builder;

pub use report::{RuleReport, TrainReport};

use session::Session;

/// What `dinv train` can do beyond training.
#[derive(Debug, Clone, Default)]
pub struct TrainOptions {
    /// Where the result goes. The checkpoint lies beside it, with `.checkpoint` added to its name.
    pub output: OutputOptions,
    /// Whether to go on from the checkpoint; without one, training starts at the beginning.
    pub resume: bool,
}

/// Trains the rules of the model read from `path` and writes the result file.
///
/// Checkpoints are written at the model's wall-clock interval, at the end and when interrupted;
/// resuming from one gives the same numbers, bit for bit, as never having stopped.
///
/// # Errors
/// A model or data that cannot be used, a checkpoint of another model, an output that cannot be
/// written. Rules that diverge are no error: they stop alone, and the report says so.
pub fn train(
    model: &Model,
    path: &Path,
    options: &TrainOptions,
    context: &Context<'_>,
) -> Result<TrainReport, Error> {
    let section = model.require("training", &model.specification().training, "dinv train")?;
    let file = options.output.path_for(path);
    if !options.output.discard {
        check_output(&file, options.output.force || options.resume)?;
    }
    let place = checkpoint::path_for(&file);
    let found = if options.resume { checkpoint::read(&place)? } else { None };
    let keeps = !options.output.discard;
    if keeps && !options.resume {
        let kept = checkpoint::kept(&file);
        let earlier = Some(&place).filter(|place| place.exists()).or(kept.first());
        if let (Some(earlier), false) = (earlier, options.output.force) {
            return Err(TrainError::CheckpointExists { path: earlier.clone() }.into());
        }
        for path in kept {
            std::fs::remove_file(&path).map_err(|source| TrainError::Io {
                action: "remove",
                path,
                source,
            })?;
        }
    }
    let began = Instant::now();
    let mut session = Session::new(model, section, context)?;
    match found {
        Some(found) => {
            checkpoint::require_same_model(model, &found)?;
            digests::require_same(model, &found.meta.data_files, session.data_files())?;
            session
                .restore(found)
                .map_err(|reason| TrainError::Damaged { path: place.clone(), reason })?;
        }
        None if options.resume => {
            context
                .warn(format!("there is no checkpoint {}: training starts anew", place.display()));
        }
        None => {}
    }
    if session.rows().is_empty() {
        session.look_at_start(context)?;
    }
    let output = OutputOptions { force: true, ..options.output.clone() };
    let output = if options.resume { &output } else { &options.output };
    let mut writer = output.open(&file, model, context)?;
    writer.start_rows(session.layout())?;
    for (step, row) in session.rows() {
        writer.append_row(*step as f64, row, &[])?;
    }
    let interval = Duration::from_secs_f64(section.checkpoint.interval);
    let keep_every = section.checkpoint.keep_every;
    let saving = keeps.then_some(Saving { place: &place, interval, keep_every });
    let status = run(&mut session, writer.as_mut(), context, saving.as_ref())?;
    if let Some(saving) = &saving {
        saving.end(&session, status)?;
    }
    let mut report = session.report(status, context);
    for group in records::groups(&session, &report, began.elapsed()) {
        writer.write_group(&group)?;
    }
    report.set_file(&writer.finish(status)?);
    Ok(report)
}

/// When and where checkpoints are written.
struct Saving<'a> {
    place: &'a Path,
    interval: Duration,
    /// Updates between checkpoints that are kept.
    keep_every: Option<usize>,
}

impl Saving<'_> {
    fn keep(&self, session: &Session<'_>) -> Result<(), TrainError> {
        checkpoint::write(&checkpoint::kept_path(self.place, session.step()), &session.checkpoint())
    }

    /// Keeps a checkpoint at the first pause at or after a multiple; that changes nothing computed.
    fn keep_multiple(&self, session: &Session<'_>, before: usize) -> Result<(), TrainError> {
        let passes = |every: usize| session.step() / every > before / every;
        if self.keep_every.is_some_and(passes) { self.keep(session) } else { Ok(()) }
    }

    /// The checkpoint at the end.
    fn end(&self, session: &Session<'_>, status: Status) -> Result<(), TrainError> {
        checkpoint::write(self.place, &session.checkpoint())?;
        if self.keep_every.is_some() && status == Status::Complete {
            self.keep(session)?;
        }
        Ok(())
    }
}

/// Trains until the end, an interruption, or until no rule is left.
fn run(
    session: &mut Session<'_>,
    writer: &mut dyn ResultWriter,
    context: &Context<'_>,
    saving: Option<&Saving<'_>>,
) -> Result<Status, Error> {
    let mut saved = Instant::now();
    context.progress.begin("train", Some(session.total() as u64));
    if session.rows().is_empty() {
        record(session, writer)?;
        if let Some(saving) = saving.filter(|saving| saving.keep_every.is_some()) {
            saving.keep(session)?;
        }
    }
    let status = loop {
        // Several updates are done at a time: all rules may have stopped on the way to the end.
        if session.all_stopped() {
            break Status::Failed;
        }
        if session.is_over() {
            break Status::Complete;
        }
        if context.interrupt.is_raised() {
            break Status::Interrupted;
        }
        let before = session.step();
        session.advance(context);
        if session.row_is_due() {
            record(session, writer)?;
        }
        context.progress.update(session.step() as u64, &[("loss", session.loss())]);
        if let Some(saving) = saving {
            saving.keep_multiple(session, before)?;
        }
        if let Some(saving) = saving.filter(|saving| saved.elapsed() >= saving.interval) {
            checkpoint::write(saving.place, &session.checkpoint())?;
            saved = Instant::now();
        }
    };
    context.progress.finish();
    Ok(status)
}

fn record(session: &mut Session<'_>, writer: &mut dyn ResultWriter) -> Result<(), Error> {
    let row = session.measure()?;
    writer.append_row(session.step() as f64, &row, &[])?;
    Ok(())
}
