//! `dinv sweep`: a command at every point of a grid, on all cores, resumable, in shards or as a
//! Slurm job array, joined into one labelled array.
//!
//! Every process appends the points it finishes to a log of its own in the folder
//! `<result>.points`; nothing else is shared, so processes may run on any number of machines that
//! see the folder, and may be killed at any moment. The result file is a pure function of the plan
//! and the finished points. No point sees another (no equilibrium of a neighbour is used as a
//! start), so neither order nor number of threads or shards can change a byte.

mod axes;
mod blocks;
mod collect;
mod commands;
mod error;
mod fields;
mod folder;
mod log;
mod memory;
mod merge;
mod point;
mod record;
mod report;
mod shard;
mod slurm;
mod status;
mod workers;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{Context, OutputOptions};
use crate::error::Error;
use crate::model::{Model, SweepPlan};
use crate::results::{ArrayFile, check_output};

pub use error::SweepError;
pub use memory::{SweepEstimate, estimate};
pub use report::{PointFailure, SweepReport};
pub use shard::Shard;
pub use slurm::{SlurmOptions, SlurmReport, submit};
pub use status::{SweepStatus, status};

use collect::Collect;
use commands::PointCommand;
use folder::{Earlier, Folder};
use log::{Found, Log};
use merge::Merge;
use point::Job;
use record::ModelHash;
use workers::Division;

/// What `dinv sweep` can be asked for.
#[derive(Debug, Clone, Default)]
pub struct SweepOptions {
    /// Where the result goes. Finished points are in a folder beside it, with `.points` added to
    /// its name.
    pub output: OutputOptions,
    /// Keep the points that are there already.
    pub resume: bool,
    /// Compute the points of one shard and write no result file.
    pub shard: Option<Shard>,
}

/// Computes the points of the model read from `path` that are not there yet, and joins them.
///
/// # Errors
/// A model that cannot be swept or is not the one that was started, a field that the command does
/// not report, an output that cannot be written. Points that fail are no error: the report counts
/// them.
pub fn sweep(
    model: &Model,
    path: &Path,
    options: &SweepOptions,
    context: &Context<'_>,
) -> Result<SweepReport, Error> {
    let study = Study::prepare(model, path, options, context, true)?;
    let shard = options.shard.unwrap_or(Shard::WHOLE);
    let found = study.scan()?;
    warn_of(&found, context);
    let total = study.plan.len();
    let pending = shard.points(total).filter(|point| !found.contains(*point));
    let count = shard.points(total).filter(|point| !found.contains(*point)).count();
    let memory = memory::largest_point(&study.plan, study.command)?;
    let division = Division::new(context.threads, count, memory::fitting(memory));
    let began = Instant::now();
    let mut computed = workers::Computed::default();
    if count > 0 {
        let job = study.job(model, context)?;
        let mut log = Log::create(&study.folder.path, shard)?;
        context.progress.begin("sweep", Some(count as u64));
        let outcome = workers::compute(&job, pending, division, &mut log, context.progress);
        context.progress.finish();
        computed = outcome?;
    }
    let elapsed = began.elapsed();
    let found = if count > 0 { study.scan()? } else { found };
    let mut report = SweepReport::new(&study.plan, study.command.name, &found, &study.folder.path)?;
    report.computed = computed.points;
    report.wall_seconds = elapsed.as_secs_f64();
    report.at_once = division.workers.get();
    report.threads_per_point = division.threads.get();
    report.memory_estimate = study.memory(memory, division.workers);
    match options.shard {
        Some(shard) => report.of_shard(shard, count == computed.points),
        None => report.set_file(&study.merge(&found, &study.output, context)?),
    }
    report.take_warnings(context);
    Ok(report)
}

/// Joins the finished points in `folder` into one file: `output`, or the one the folder was made
/// for.
///
/// # Errors
/// A folder that is none of a sweep or holds no finished point, an output that cannot be written.
pub fn merge(
    folder: &Path,
    output: &OutputOptions,
    context: &Context<'_>,
) -> Result<SweepReport, Error> {
    let file = output.path.clone().unwrap_or_else(|| Folder::output(folder));
    ArrayFile::check_format(&file)?;
    check_output(&file, output.force)?;
    let study = Study::open(folder, file.clone())?;
    let found = study.scan()?;
    warn_of(&found, context);
    if found.places.is_empty() {
        return Err(SweepError::NoPoints { path: folder.to_owned() }.into());
    }
    let mut report = SweepReport::new(&study.plan, study.command.name, &found, folder)?;
    report.set_file(&study.merge(&found, &file, context)?);
    report.take_warnings(context);
    Ok(report)
}

fn warn_of(found: &Found, context: &Context<'_>) {
    if found.damaged > 0 {
        context.warn(format!(
            "{} records of points are damaged or of another model: they do not count",
            found.damaged
        ));
    }
    if found.hosts.len() > 1 {
        let hosts: Vec<&str> = found.hosts.iter().map(String::as_str).collect();
        context.warn(format!(
            "the points come from different kinds of machines ({}): last bits may differ from \
             those of one machine",
            hosts.join("; ")
        ));
    }
}

/// A sweep with its plan and its folder.
struct Study {
    plan: SweepPlan,
    command: &'static PointCommand,
    collect: Collect,
    keeps_results: bool,
    folder: Folder,
    output: PathBuf,
}

impl Study {
    /// Checks everything that can be checked before a point is computed, and creates or joins the
    /// folder; unless it `writes`, the folder stays as it is.
    fn prepare(
        model: &Model,
        path: &Path,
        options: &SweepOptions,
        context: &Context<'_>,
        writes: bool,
    ) -> Result<Self, Error> {
        let section = model.require("sweep", &model.specification().sweep, "dinv sweep")?;
        let command = commands::find(model, section.command)?;
        let collect = Collect::new(section.collect.as_deref())?;
        let keeps_results = section.keep_results;
        let output = options.output.path_for(path);
        ArrayFile::check_format(&output)?;
        let joins = options.resume || options.shard.is_some();
        // A shard leaves the result to the one who joins, and others probe it at the same time.
        if options.shard.is_none() {
            check_output(&output, options.output.force || joins)?;
        }
        let plan = SweepPlan::new(model)?;
        let place = Folder::beside(&output);
        let earlier = match (joins, options.output.force) {
            (true, _) => Earlier::Keep,
            (false, true) => Earlier::Delete,
            (false, false) => Earlier::Refuse,
        };
        if options.resume && !place.exists() {
            context
                .warn(format!("there are no points in {}: the sweep starts anew", place.display()));
        }
        let folder = Folder::prepare(&place, model, earlier, writes)?;
        if keeps_results && writes {
            folder.create_results()?;
        }
        Ok(Self { plan, command, collect, keeps_results, folder, output })
    }

    /// A sweep that was started, from its folder alone.
    fn open(path: &Path, output: PathBuf) -> Result<Self, Error> {
        let folder = Folder::open(path)?;
        let model = folder.model()?;
        let section = model.require("sweep", &model.specification().sweep, "dinv sweep")?;
        let command = commands::find(&model, section.command)?;
        let collect = Collect::new(section.collect.as_deref())?;
        let keeps_results = section.keep_results;
        let plan = SweepPlan::new(&model)?;
        Ok(Self { plan, command, collect, keeps_results, folder, output })
    }

    fn scan(&self) -> Result<Found, SweepError> {
        self.folder.scan(&self.plan, self.keeps_results)
    }

    fn job(&self, model: &Model, context: &Context<'_>) -> Result<Job<'_>, Error> {
        let spared = if self.keeps_results {
            Vec::new()
        } else {
            self.command.spared(&self.plan, &self.collect, model)?
        };
        Ok(Job {
            plan: &self.plan,
            command: self.command,
            collect: self.collect.clone(),
            spared,
            hash: ModelHash::new(&self.plan.base().resolved_text()),
            results: self.keeps_results.then_some(&self.folder),
            interrupt: context.interrupt.clone(),
        })
    }

    fn merge(
        &self,
        found: &Found,
        output: &Path,
        context: &Context<'_>,
    ) -> Result<crate::results::Written, Error> {
        let Self { plan, command, folder, .. } = self;
        Merge { folder, plan, command: command.name, found }.write(output, context)
    }

    fn memory(&self, point: u64, workers: NonZeroUsize) -> u64 {
        memory::total(point, workers.get(), self.plan.len())
    }
}
