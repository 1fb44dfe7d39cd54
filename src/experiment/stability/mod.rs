//! `dinv stability`: equilibria, spectra, margins and certificates of a model.

mod approach;
mod branch;
mod certify;
mod checkpoints;
mod critical;
mod error;
mod frozen_time;
mod linearisation;
mod map;
mod margins;
mod optimise;
mod records;
mod report;
mod search;

use std::path::Path;

use nalgebra::DMatrix;

use super::{Context, OutputOptions};
use crate::analysis::verdict::Verdict;
use crate::dynamics::Dynamics;
use crate::error::Error;
use crate::model::spec::{At, Stability};
use crate::model::{Equations, Model, Override, StabilisedLoop, System};
use crate::results::{Status, check_output};

pub use branch::{BifurcationReport, ContinuationReport, LimitCycleReport};
pub use checkpoints::CheckpointRow;
pub use error::StabilityError;
pub use map::MapReport;
pub use optimise::OptimisedReport;
pub use report::{
    CertificateReport, Critical, CriticalReport, EquilibriumReport, EulerReport, FrozenTime, Point,
    StabilityReport,
};

use linearisation::Linearisation;

/// What `dinv stability` writes.
#[derive(Debug, Clone, Default)]
pub struct StabilityOptions {
    /// Where the result goes; no file without a path.
    pub output: OutputOptions,
}

/// Analyses the model read from `path`.
///
/// # Errors
/// A model that cannot be built, a spectrum that cannot be found, an output that cannot be written.
/// A linear equation needs no equilibrium; where another one has none, the error says why.
pub fn stability(
    model: &Model,
    path: &Path,
    options: &StabilityOptions,
    context: &Context<'_>,
) -> Result<StabilityReport, Error> {
    let file = options.output.path.as_ref().map(|_| options.output.path_for(path));
    if let Some(file) = &file {
        check_output(file, options.output.force)?;
    }
    let section = section(model)?;
    let mut analysis = Analysis { model, section: &section, context, found: Found::default() };
    let mut network = None;
    if section.at == At::Checkpoints {
        analysis.training()?;
    } else {
        let system = analysis.system()?;
        network = Some(records::weights(&system));
        analysis.equations(&system.equations)?;
    }
    let mut report = analysis.report()?;
    if let Some(file) = &file {
        let mut writer = options.output.open(file, model, context)?;
        if let Some(weights) = network {
            writer.write_group(&weights)?;
        }
        writer.write_group(&records::stability(&report))?;
        writer.write_group(&records::equilibrium(&report))?;
        let is_whole = !context.interrupt.is_raised();
        let status = if is_whole { Status::Complete } else { Status::Interrupted };
        let written = writer.finish(status)?;
        report.file = Some(written.path.display().to_string());
    }
    Ok(report)
}

/// The section of the model, or its defaults.
fn section(model: &Model) -> Result<Stability, Error> {
    if let Some(section) = &model.specification().stability {
        return Ok(section.clone());
    }
    model.require("dynamics", &model.specification().dynamics, "dinv stability")?;
    // Naming one key with its default makes the others take theirs.
    let with_defaults = model.with(&[Override::parse("stability.at=\"equilibrium\"")?])?;
    let section = with_defaults.specification().stability.clone();
    Ok(section.expect("setting a key of a section creates the section"))
}

/// One run of the command.
struct Analysis<'a, 'c> {
    model: &'a Model,
    section: &'a Stability,
    context: &'a Context<'c>,
    found: Found,
}

/// What was found so far.
#[derive(Default)]
struct Found {
    deciding: Option<Point>,
    equilibria: Vec<EquilibriumReport>,
    frozen_time: Vec<FrozenTime>,
    notes: Vec<String>,
    /// Why the first target without an equilibrium has none.
    explanation: Option<String>,
    checkpoints: Vec<CheckpointRow>,
    optimized: Vec<OptimisedReport>,
    continuation: Option<ContinuationReport>,
    map: Option<MapReport>,
}

impl Analysis<'_, '_> {
    /// What the model describes, its feedback optimised where asked for.
    fn system(&mut self) -> Result<System, Error> {
        let system = match &self.section.optimize {
            None => self.model.system()?,
            Some(optimize) => {
                self.context.progress.message("optimising the feedback");
                let found = optimise::optimise(self.model, optimize)?;
                let feedback: Vec<_> = found.iter().map(|one| one.feedback.clone()).collect();
                self.found.optimized = found;
                self.model.system_closed_by(&feedback)?
            }
        };
        self.found.notes.extend(system.optimized.iter().map(StabilisedLoop::remark));
        Ok(system)
    }

    /// Analyses every equation, the branch and the map.
    fn equations(&mut self, equations: &Equations) -> Result<(), Error> {
        match equations {
            Equations::One(dynamics) => {
                self.one(dynamics.as_ref(), "")?;
            }
            Equations::Cascade(cascade) => {
                let numbers: Vec<usize> = cascade.layer_numbers().collect();
                let mut next = cascade.first().map_err(StabilityError::from)?;
                for (index, number) in numbers.iter().enumerate() {
                    let Some(rest) = self.one(&next, &format!("layer {number}"))? else { break };
                    if index + 1 < numbers.len() {
                        next = cascade.stage(index + 1, rest).map_err(StabilityError::from)?;
                    }
                }
            }
        }
        if let Some(continuation) = &self.section.continuation {
            let found = branch::follow(self.model, continuation, self.newton())?;
            self.found.continuation = Some(found);
        }
        Ok(())
    }

    /// Analyses the loops of a training; those of the last checkpoint decide.
    fn training(&mut self) -> Result<(), Error> {
        let section = self.section;
        for (key, is_set) in [
            ("continuation", section.continuation.is_some()),
            ("optimize", section.optimize.is_some()),
        ] {
            if is_set {
                return Err(StabilityError::NotOfCheckpoints { key }.into());
            }
        }
        let loops = checkpoints::loops(self.model, section)?;
        let last = loops.last().map_or(0, |one| one.step);
        self.found.notes.push(checkpoints::REMARK.to_owned());
        self.context.progress.begin("checkpoints", Some(loops.len() as u64));
        for (done, one) in loops.iter().enumerate() {
            self.found.checkpoints.push(checkpoints::row(one, section)?);
            self.context.progress.update(done as u64 + 1, &[]);
            if self.context.interrupt.is_raised() {
                self.found.notes.push("interrupted: later loops were not analysed".to_owned());
                break;
            }
        }
        self.context.progress.finish();
        for one in loops.iter().filter(|one| one.step == last) {
            let state = vec![0.0; one.dynamics.dim()];
            let place = format!("{}, layer {}, after {} updates", one.rule, one.layer, one.step);
            let judged = self.judge(one.dynamics.as_ref(), 0, &state, &place)?;
            self.decide(one.dynamics.as_ref(), judged)?;
        }
        Ok(())
    }

    /// Analyses one equation; returns its state block at rest, one column per target, where every
    /// target has an equilibrium.
    fn one(&mut self, dynamics: &dyn Dynamics, name: &str) -> Result<Option<DMatrix<f64>>, Error> {
        let columns = dynamics.layout().columns();
        // Targets of a linear equation share their Jacobian, unless their operating points differ.
        let is_shared = dynamics.is_linear() && dynamics.shares_jacobian();
        let analysed = if is_shared { 1 } else { columns };
        let block = dynamics.layout().blocks()[0].clone();
        let mut rest = DMatrix::zeros(block.rows, columns);
        let mut states = Vec::with_capacity(columns);
        self.foresee(dynamics, name)?;
        let closed = search::closed_form(dynamics);
        for column in 0..columns {
            let several = (columns > 1).then_some(columns as u64);
            self.context.progress.begin("equilibria", several);
            let is_analysed = column < analysed;
            let state = self.target(dynamics, name, column, is_analysed, closed.as_deref())?;
            if let Some(state) = &state {
                rest.column_mut(column).copy_from_slice(&state[..block.rows]);
            }
            states.push(state);
            self.context.progress.update(column as u64 + 1, &[]);
            if self.context.interrupt.is_raised() {
                self.found.notes.push("interrupted: later targets were not analysed".to_owned());
                break;
            }
        }
        self.context.progress.finish();
        if self.section.at == At::Trajectory {
            let rows = frozen_time::frozen_time(self.model, self.section, dynamics, name, &states)?;
            self.found.frozen_time.extend(rows);
        }
        let is_complete = states.len() == columns && states.iter().all(Option::is_some);
        Ok(is_complete.then_some(rest))
    }

    /// Finds and judges the equilibria of one target; returns the one that counts.
    fn target(
        &mut self,
        dynamics: &dyn Dynamics,
        name: &str,
        column: usize,
        is_analysed: bool,
        closed: Option<&[f64]>,
    ) -> Result<Option<Vec<f64>>, Error> {
        let label = label(name, dynamics, column);
        let search = self.equilibria(dynamics, column, closed, &label);
        if let Some(explanation) = search.explanation() {
            let place = if label.is_empty() { String::new() } else { format!("{label}: ") };
            self.found.notes.push(format!("{place}{explanation}"));
            self.found.explanation.get_or_insert(explanation);
            if !dynamics.is_linear() {
                return Ok(None);
            }
            // The spectrum of a linear equation does not need an equilibrium.
            let state = dynamics.layout().column_state(column, &dynamics.initial_state());
            let point =
                self.judge(dynamics, column, &state, &format!("{label} (no equilibrium)"))?;
            self.decide(dynamics, point)?;
            return Ok(None);
        }
        if !is_analysed {
            return Ok(search.equilibria.into_iter().next().map(|found| found.state));
        }
        let mut points = Vec::with_capacity(search.equilibria.len());
        for (number, found) in search.equilibria.iter().enumerate() {
            let several = search.equilibria.len() > 1;
            let number =
                if several { format!("equilibrium {}", number + 1) } else { String::new() };
            let place = [label.as_str(), number.as_str()].join(" ").trim().to_owned();
            let place = if place.is_empty() { "equilibrium".to_owned() } else { place };
            points.push(self.judge(dynamics, column, &found.state, &place)?);
        }
        let states: Vec<&[f64]> = search.equilibria.iter().map(|e| e.state.as_slice()).collect();
        let verdicts: Vec<(Verdict, f64)> =
            points.iter().map(|p| (p.point.verdict, p.point.spectral_abscissa)).collect();
        let approached = approach::approached(self.model, dynamics, column, &states, &verdicts);
        for (k, (found, point)) in search.equilibria.iter().zip(&points).enumerate() {
            self.found.equilibria.push(EquilibriumReport {
                point: point.point.point.clone(),
                verdict: point.point.verdict,
                spectral_abscissa: point.point.spectral_abscissa,
                residual: found.residual,
                starts: found.starts.clone(),
                approached: approached.known.then_some(approached.index == Some(k)),
                state: found.state.clone(),
            });
        }
        if let Some(remark) = approached.remark {
            let place = if label.is_empty() { String::new() } else { format!("{label}: ") };
            self.found.notes.push(format!("{place}{remark}"));
        }
        let chosen = approached.index.unwrap_or(0);
        let state = search.equilibria[chosen].state.clone();
        self.decide(dynamics, points.swap_remove(chosen))?;
        Ok(Some(state))
    }

    fn judge(
        &self,
        dynamics: &dyn Dynamics,
        column: usize,
        state: &[f64],
        place: &str,
    ) -> Result<Judged, Error> {
        let linearisation = Linearisation::at(dynamics, column, state, self.section)
            .map_err(StabilityError::from)?;
        let point = linearisation.point(place.trim().to_owned(), self.section.modes);
        let certificates = certify::at(dynamics, column, &linearisation, self.section);
        let order = (dynamics.layout().columns() == 1).then(|| dynamics.update_order());
        let place = Place { column, state: state.to_vec() };
        let layout = dynamics.layout().clone();
        Ok(Judged { point, place, linearisation, certificates, order, layout })
    }

    /// Keeps the less stable of the deciding point so far and this one, with margins computed.
    fn decide(&mut self, dynamics: &dyn Dynamics, judged: Judged) -> Result<(), Error> {
        let is_less_stable = self
            .found
            .deciding
            .as_ref()
            .is_none_or(|known| judged.point.spectral_abscissa > known.spectral_abscissa);
        if is_less_stable {
            if let Some(section) = &self.section.map {
                let layer = judged.linearisation.layer_loop().ok_or(StabilityError::NoLoop)?;
                self.found.map = Some(map::of_loop(layer, section)?);
            }
            self.context.progress.update(judged.place.column as u64 + 1, &[]);
            self.context.progress.begin("margins", None);
            let (point, notes) = margins::complete(dynamics, judged, self.section);
            self.context.progress.finish();
            self.found.deciding = Some(point);
            self.found.notes.extend(notes);
        }
        Ok(())
    }

    fn report(self) -> Result<StabilityReport, Error> {
        let found = self.found;
        let Found { deciding, equilibria, frozen_time, notes, .. } = found;
        let Some(deciding) = deciding else {
            let explanation = found.explanation.unwrap_or_default();
            return Err(StabilityError::NoEquilibrium { explanation }.into());
        };
        let at = match self.section.at {
            At::Equilibrium => "equilibrium",
            At::Trajectory => "trajectory",
            At::Checkpoints => "checkpoints",
        };
        Ok(StabilityReport {
            at: at.to_owned(),
            deciding,
            equilibria,
            frozen_time,
            checkpoints: found.checkpoints,
            optimized: found.optimized,
            continuation: found.continuation,
            map: found.map,
            notes,
            warnings: self.context.warnings(),
            file: None,
        })
    }
}

/// Where a linearisation was taken: target and its state.
struct Place {
    column: usize,
    state: Vec<f64>,
}

/// A linearisation with its verdict and certificates, margins not yet computed.
struct Judged {
    point: Point,
    place: Place,
    linearisation: Linearisation,
    certificates: certify::Certified,
    /// How the published scheme updates the state, for single targets.
    order: Option<Vec<std::ops::Range<usize>>>,
    layout: crate::dynamics::StateLayout,
}

/// `layer 3, target 2`, or nothing where there is only one.
fn label(name: &str, dynamics: &dyn Dynamics, column: usize) -> String {
    let columns = dynamics.layout().columns();
    match (name.is_empty(), columns > 1 && !dynamics.is_linear()) {
        (true, true) => format!("target {column}"),
        (false, true) => format!("{name}, target {column}"),
        _ => name.to_owned(),
    }
}
