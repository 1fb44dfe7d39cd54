//! `dinv stability`: equilibria, spectra, margins and certificates of a model.

mod approach;
mod branch;
mod certify;
mod error;
mod linearisation;
mod map;
mod margins;
mod records;
mod report;

use std::path::Path;

use nalgebra::DMatrix;
use rand_distr::{Distribution, Normal};

use super::{Context, OutputOptions};
use crate::analysis::equilibria::{NewtonOptions, Start, find_equilibria};
use crate::analysis::verdict::Verdict;
use crate::dynamics::Dynamics;
use crate::error::Error;
use crate::model::spec::{At, Stability, StartPoint};
use crate::model::{Equations, Model, Override};
use crate::network::random::{generator, streams};
use crate::results::{Status, check_output};

pub use branch::{BifurcationReport, ContinuationReport, LimitCycleReport};
pub use error::StabilityError;
pub use map::MapReport;
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
/// A model without equilibrium is no error: the report says so.
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
    if section.at == At::Checkpoints {
        return Err(StabilityError::Checkpoints.into());
    }
    let system = model.system()?;
    let mut analysis = Analysis { model, section: &section, context, found: Found::default() };
    match &system.equations {
        Equations::One(dynamics) => {
            analysis.one(dynamics.as_ref(), "")?;
        }
        Equations::Cascade(cascade) => {
            let numbers: Vec<usize> = cascade.layer_numbers().collect();
            let mut next = cascade.first().map_err(StabilityError::from)?;
            for (index, number) in numbers.iter().enumerate() {
                let Some(rest) = analysis.one(&next, &format!("layer {number}"))? else { break };
                if index + 1 < numbers.len() {
                    next = cascade.stage(index + 1, rest).map_err(StabilityError::from)?;
                }
            }
        }
    }
    if let Some(continuation) = &section.continuation {
        let found = branch::follow(model, continuation, analysis.newton())?;
        analysis.found.continuation = Some(found);
    }
    let mut report = analysis.report()?;
    if let Some(file) = &file {
        let mut writer = options.output.open(file, model, context)?;
        writer.write_group(&records::stability(&report))?;
        writer.write_group(&records::equilibrium(&report))?;
        let written = writer.finish(Status::Complete)?;
        report.file = Some(written.path.display().to_string());
    }
    Ok(report)
}

/// The section of the model, or its defaults.
fn section(model: &Model) -> Result<Stability, Error> {
    if let Some(section) = &model.specification().stability {
        return Ok(section.clone());
    }
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
    continuation: Option<ContinuationReport>,
    map: Option<MapReport>,
}

impl Analysis<'_, '_> {
    /// Analyses one equation; returns its state block at rest, one column per target, where every
    /// target has an equilibrium.
    fn one(&mut self, dynamics: &dyn Dynamics, name: &str) -> Result<Option<DMatrix<f64>>, Error> {
        let columns = dynamics.layout().columns();
        // Targets of a linear equation share their Jacobian.
        let analysed = if dynamics.is_linear() { 1 } else { columns };
        let block = dynamics.layout().blocks()[0].clone();
        let mut rest = DMatrix::zeros(block.rows, columns);
        let mut is_complete = true;
        for column in 0..columns {
            self.context.progress.begin("equilibria", Some(columns as u64));
            let state = self.target(dynamics, name, column, column < analysed)?;
            match state {
                Some(state) => rest.column_mut(column).copy_from_slice(&state[..block.rows]),
                None => is_complete = false,
            }
            self.context.progress.update(column as u64 + 1, &[]);
            if self.context.interrupt.is_raised() {
                is_complete = false;
                self.found.notes.push("interrupted: later targets were not analysed".to_owned());
                break;
            }
        }
        self.context.progress.finish();
        if self.section.at == At::Trajectory {
            let rows = approach::frozen_time(self.model, self.section, dynamics)?;
            self.found.frozen_time.extend(rows);
        }
        Ok(is_complete.then_some(rest))
    }

    fn newton(&self) -> NewtonOptions {
        NewtonOptions {
            tolerance: self.section.newton_tolerance,
            iterations: self.section.newton_iterations,
        }
    }

    /// Finds and judges the equilibria of one target; returns the one that counts.
    fn target(
        &mut self,
        dynamics: &dyn Dynamics,
        name: &str,
        column: usize,
        is_analysed: bool,
    ) -> Result<Option<Vec<f64>>, Error> {
        let starts = self.starts(dynamics, column);
        let search = find_equilibria(dynamics, column, 0.0, &starts, self.newton());
        let label = label(name, dynamics, column);
        if let Some(explanation) = search.explanation() {
            let place = if label.is_empty() { String::new() } else { format!("{label}: ") };
            self.found.notes.push(format!("{place}{explanation}"));
            if !dynamics.is_linear() {
                return Ok(None);
            }
            // The spectrum of a linear equation does not need an equilibrium.
            let state = dynamics.layout().column_state(column, &dynamics.initial_state());
            let point =
                self.judge(dynamics, column, &state, &format!("{label} (no equilibrium)"))?;
            self.decide(point)?;
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
            self.found.notes.push(remark);
        }
        let chosen = approached.index.unwrap_or(0);
        let state = search.equilibria[chosen].state.clone();
        self.decide(points.swap_remove(chosen))?;
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
        Ok(Judged { point, linearisation, certificates, order, layout: dynamics.layout().clone() })
    }

    /// Keeps the less stable of the deciding point so far and this one, with margins computed.
    fn decide(&mut self, judged: Judged) -> Result<(), Error> {
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
            self.context.progress.begin("margins", None);
            let (point, notes) = margins::complete(judged, self.section);
            self.context.progress.finish();
            self.found.deciding = Some(point);
            self.found.notes.extend(notes);
        }
        Ok(())
    }

    fn starts(&self, dynamics: &dyn Dynamics, column: usize) -> Vec<Start> {
        let layout = dynamics.layout();
        let initial = layout.column_state(column, &dynamics.initial_state());
        let size = initial.len();
        let mut starts = Vec::new();
        for start in &self.section.starts {
            match start {
                StartPoint::Initial => {
                    starts.push(Start { name: "initial".to_owned(), state: initial.clone() });
                }
                StartPoint::Zero => {
                    starts.push(Start { name: "zero".to_owned(), state: vec![0.0; size] });
                }
                StartPoint::Drawn => {
                    let seed = self.model.specification().seed;
                    let normal = Normal::new(0.0, self.section.drawn_scale)
                        .expect("the model was checked: the scale is positive and finite");
                    starts.extend((0..self.section.drawn).map(|k| {
                        let mut random = generator(seed, streams::NEWTON_STARTS + k as u64);
                        let state = (0..size).map(|_| normal.sample(&mut random)).collect();
                        Start { name: format!("drawn {}", k + 1), state }
                    }));
                }
            }
        }
        starts
    }

    fn report(self) -> Result<StabilityReport, Error> {
        let Found { deciding, equilibria, frozen_time, notes, continuation, map } = self.found;
        let Some(deciding) = deciding else {
            let explanation = notes.into_iter().next().unwrap_or_default();
            return Err(StabilityError::NoEquilibrium { explanation }.into());
        };
        let at = if self.section.at == At::Trajectory { "trajectory" } else { "equilibrium" };
        Ok(StabilityReport {
            at: at.to_owned(),
            deciding,
            equilibria,
            frozen_time,
            continuation,
            map,
            notes,
            warnings: self.context.warnings(),
            file: None,
        })
    }
}

/// A linearisation with its verdict and certificates, margins not yet computed.
struct Judged {
    point: Point,
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
