//! `dinv run`: integrates a model and writes its trajectory.

mod convergence;
mod decay;
mod equilibrium;
mod error;
mod recorder;
pub(in crate::experiment) mod records;
mod report;
pub(in crate::experiment) mod solver;
mod stage;
mod timed;
mod verify;

use std::path::Path;
use std::time::Instant;

use nalgebra::DMatrix;

use super::{Context, OutputOptions};
use crate::dynamics::Dynamics;
use crate::error::{Error, ExitCode};
use crate::integrate;
use crate::model::spec::{Run as RunSection, Solver};
use crate::model::{Cascade, Equations, Model};
use crate::results::{ResultWriter, Status};

pub use convergence::FRACTION;
pub use error::RunError;
pub use report::{LoopReport, RunReport, TargetReport};

use stage::{Stage, StageEnd};
pub use verify::Comparison;

/// What `dinv run` can do beyond integrating.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Where the result goes.
    pub output: OutputOptions,
    /// Integrate again with this solver and compare.
    pub cross_check: Option<String>,
    /// Integrate again with tighter tolerances and report the difference.
    pub estimate_error: bool,
}

/// Integrates the model read from `path` and writes the result file.
///
/// # Errors
/// A model that cannot be built, an output that cannot be written. A numerical failure is not an
/// error here: the partial result is kept and the report's status says `failed`.
pub fn run(
    model: &Model,
    path: &Path,
    options: &RunOptions,
    context: &Context<'_>,
) -> Result<RunReport, Error> {
    let specification = model.specification();
    let section = model.require("run", &specification.run, "dinv run")?;
    let file = options.output.path_for(path);
    options.output.check(&file)?;
    if let Some(name) = &options.cross_check {
        integrate::Solver::named(name).map_err(RunError::from)?;
    }
    let system = model.system()?;
    if let Equations::One(dynamics) = &system.equations {
        let compares = options.cross_check.is_some() || options.estimate_error;
        if compares && !dynamics.noise().is_empty() {
            return Err(RunError::NoisyComparison.into());
        }
    }
    let solver = specification.solver.clone().unwrap_or_else(solver::default_solver);
    let began = Instant::now();
    let mut writer = options.output.open(&file, model, context)?;
    writer.write_group(&records::weights(&system))?;
    let seed = specification.seed;
    let plan = Plan { section, solver: &solver, options, context, seed };
    let name = specification.dynamics.as_ref().map_or("", |d| d.name());
    let loops = match plan.all(&system.equations, name, writer.as_mut()) {
        Ok(loops) => loops,
        Err(error) => {
            // A run that was refused leaves nothing behind; one that broke off keeps what it has.
            if error.exit_code() == ExitCode::Usage {
                discard(writer);
            }
            return Err(error);
        }
    };
    let mut report = RunReport::new(&loops, &solver, context);
    writer.write_group(&records::equilibrium(&loops))?;
    writer.write_group(&records::solver(&loops, &solver))?;
    writer.write_group(&records::ending(began.elapsed()))?;
    let written = writer.finish(report.file_status())?;
    report.set_file(&written);
    Ok(report)
}

/// Removes what has been written.
fn discard(writer: Box<dyn ResultWriter>) {
    let partial = writer.partial_path().to_owned();
    drop(writer);
    // It is no result: should it stay, the next run replaces it.
    let _ = std::fs::remove_file(partial);
}

/// What every stage of a run shares.
struct Plan<'a, 'c> {
    section: &'a RunSection,
    solver: &'a Solver,
    options: &'a RunOptions,
    context: &'a Context<'c>,
    /// Of the noise.
    seed: u64,
}

impl Plan<'_, '_> {
    /// Integrates everything there is; `name` is that of the dynamics.
    fn all(
        &self,
        equations: &Equations,
        name: &str,
        writer: &mut dyn ResultWriter,
    ) -> Result<Vec<StageEnd>, Error> {
        match equations {
            Equations::One(dynamics) => Ok(vec![self.one(dynamics.as_ref(), name, "", writer)?]),
            Equations::Cascade(cascade) => self.cascade(cascade, writer),
        }
    }

    /// Integrates one equation; `suffix` tells the stages of a cascade apart in the file.
    fn one(
        &self,
        dynamics: &dyn Dynamics,
        name: &str,
        suffix: &str,
        writer: &mut dyn ResultWriter,
    ) -> Result<StageEnd, Error> {
        let stage = Stage { plan: self, dynamics, name, suffix };
        stage.run(writer)
    }

    /// Integrates the loops of a cascade, top first; the state at the end of one is the target of
    /// the next.
    fn cascade(
        &self,
        cascade: &Cascade,
        writer: &mut dyn ResultWriter,
    ) -> Result<Vec<StageEnd>, Error> {
        let numbers: Vec<_> = cascade.layer_numbers().collect();
        let mut ends: Vec<StageEnd> = Vec::with_capacity(numbers.len());
        let mut next = cascade.first().map_err(RunError::from)?;
        for (index, number) in numbers.iter().enumerate() {
            let suffix = format!("layer_{number}");
            let end = self.one(&next, &suffix, &suffix, writer)?;
            let done = end.status() == Status::Complete;
            let block = &next.layout().blocks()[0];
            let state = &end.y[block.range.clone()];
            let target = DMatrix::from_column_slice(block.rows, next.layout().columns(), state);
            ends.push(end);
            if !done {
                break;
            }
            if index + 1 < numbers.len() {
                next = cascade.stage(index + 1, target).map_err(RunError::from)?;
            }
        }
        Ok(ends)
    }
}
