//! `dinv check`: reads a model, builds it and examines it without running it.

mod training;

use std::num::NonZeroUsize;
use std::time::Instant;

use rand_distr::{Distribution, StandardNormal};
use serde::Serialize;

use super::invert;
use super::sweep::{self, SweepEstimate};
use crate::dynamics::Dynamics;
use crate::error::Error;
use crate::model::spec::{Run as RunSection, SaveAt};
use crate::model::{Equations, Model, ModelError, Problem};
use crate::network::random::{generator, streams};

pub use training::TrainingEstimate;

/// What `dinv check` finds.
#[derive(Debug, Clone, Serialize)]
pub struct CheckReport {
    /// The model with every default filled in.
    pub resolved_model: String,
    /// The equations, several for layerwise inversion of all layers.
    pub equations: Vec<EquationReport>,
    /// Rows that a run would write, where they are known beforehand.
    pub rows: Option<u64>,
    /// Bytes of the rows before compression.
    pub result_bytes: Option<u64>,
    /// The training, where there is one: its size and memory.
    pub training: Option<TrainingEstimate>,
    /// The sweep, where there is one: points and memory.
    pub sweep: Option<SweepEstimate>,
}

/// One equation of a model.
#[derive(Debug, Clone, Serialize)]
pub struct EquationReport {
    /// The dynamics, or `layer_3` for the loop of layer 3.
    pub name: String,
    /// State components, all targets together.
    pub dim: usize,
    /// Targets side by side.
    pub targets: usize,
    /// Blocks: name and units per target.
    pub blocks: Vec<(String, usize)>,
    /// Largest relative difference between the analytic Jacobian and central differences, over
    /// random directions at the start and at a random state.
    pub jacobian_error: f64,
    /// Whether [`jacobian_error`](Self::jacobian_error) is within what differences can tell.
    pub jacobian_agrees: bool,
    /// Whether an equilibrium is known in closed form.
    pub closed_form_equilibrium: bool,
    /// Time of one evaluation of the vector field, s.
    pub seconds_per_evaluation: f64,
    /// Largest rate of change near the start, 1/s (power iteration on the Jacobian).
    pub fastest_rate: f64,
    /// Rough time of an explicit integration, s: it resolves the fastest rate.
    pub seconds_estimate: Option<f64>,
    /// Memory of the integration, bytes: the stages of the largest explicit method.
    pub memory_estimate: u64,
}

/// Random directions per state in which the Jacobian is compared.
const DIRECTIONS: u64 = 4;

/// Largest relative difference that central differences explain: their own error is about
/// `eps^(2/3)` = 4e-11 for a smooth field, times the curvature of the field.
const JACOBIAN_TOLERANCE: f64 = 1e-6;

/// State-sized vectors that the largest explicit method holds (DOP853: 12 stages, 4 for dense
/// output, 8 for states and errors).
const VECTORS: u64 = 24;

/// Evaluations per unit of `rate x time`: twelve per step of DOP853, whose steps cover about one
/// and a half time constants.
const EVALUATIONS_PER_TIME_CONSTANT: f64 = 8.0;

/// Examines a model.
///
/// # Errors
/// A model that cannot be built.
pub fn check(model: &Model) -> Result<CheckReport, Error> {
    let specification = model.specification();
    let section = specification.run.as_ref();
    let equations = match (&specification.dynamics, &specification.training) {
        (None, None) if specification.invert.is_some() => {
            invert::require_errors(model)?;
            Vec::new()
        }
        // Training needs no equation of its own.
        (None, Some(_)) => Vec::new(),
        _ => equations(model)?,
    };
    let rows = section.and_then(rows);
    let width: u64 = equations.iter().map(|e| e.dim as u64 + 1 + e.targets as u64).sum();
    Ok(CheckReport {
        resolved_model: model.resolved_text(),
        equations,
        rows,
        result_bytes: rows.map(|rows| rows.saturating_mul(8 * width)),
        training: training::estimate(model),
        sweep: sweep::estimate(model, threads())?,
    })
}

/// Threads that a sweep would use.
fn threads() -> NonZeroUsize {
    NonZeroUsize::new(rayon::current_num_threads()).unwrap_or(NonZeroUsize::MIN)
}

fn equations(model: &Model) -> Result<Vec<EquationReport>, Error> {
    let system = model.system()?;
    let section = model.specification().run.as_ref();
    let name = model.specification().dynamics.as_ref().map_or("", |d| d.name());
    let mut equations = Vec::new();
    match &system.equations {
        Equations::One(dynamics) => equations.push(examine(dynamics.as_ref(), name, section)),
        Equations::Cascade(cascade) => {
            let mut next = cascade.first().map_err(|e| inconsistent(model, &e))?;
            let numbers: Vec<_> = cascade.layer_numbers().collect();
            for (index, number) in numbers.iter().enumerate() {
                equations.push(examine(&next, &format!("layer_{number}"), section));
                if index + 1 < numbers.len() {
                    // Shapes alone matter here: the real target is known only after the loop.
                    let block = &next.layout().blocks()[0];
                    let target = nalgebra::DMatrix::zeros(block.rows, next.layout().columns());
                    next = cascade.stage(index + 1, target).map_err(|e| inconsistent(model, &e))?;
                }
            }
        }
    }
    Ok(equations)
}

fn inconsistent(model: &Model, error: &dyn std::error::Error) -> ModelError {
    model.error("dynamics", Problem::Inconsistent { message: error.to_string() })
}

/// Rows per equation, where the section fixes them.
pub(super) fn rows(section: &RunSection) -> Option<u64> {
    let span = (section.t_span[1] - section.t_span[0]).abs();
    match section.save_at.as_ref()? {
        SaveAt::Every(every) => Some((span / every).ceil() as u64 + 1),
        SaveAt::Count(count) => Some(*count as u64),
        SaveAt::Times(times) => Some(times.len() as u64),
        SaveAt::Log { count, .. } => Some(*count as u64 + 1),
        SaveAt::End => Some(1),
        SaveAt::Steps => None,
    }
}

fn examine(dynamics: &dyn Dynamics, name: &str, section: Option<&RunSection>) -> EquationReport {
    let layout = dynamics.layout();
    let start = dynamics.initial_state();
    let t = section.map_or(0.0, |s| s.t_span[0]);
    let random = gaussian(start.len(), 0);
    let states = [&start, &random];
    let error = |y: &&Vec<f64>| {
        (0..DIRECTIONS).map(|d| jacobian_error(dynamics, t, y, d + 1)).fold(0.0, f64::max)
    };
    let jacobian_error = states.iter().map(error).fold(0.0, f64::max);
    let seconds = seconds_per_evaluation(dynamics, t, &random);
    let rate = fastest_rate(dynamics, t, &start);
    let span = section.map(|s| (s.t_span[1] - s.t_span[0]).abs());
    EquationReport {
        name: name.to_owned(),
        dim: layout.dim(),
        targets: layout.columns(),
        blocks: layout.blocks().iter().map(|b| (b.name.clone(), b.rows)).collect(),
        jacobian_error,
        jacobian_agrees: jacobian_error <= JACOBIAN_TOLERANCE,
        closed_form_equilibrium: dynamics.closed_form_equilibrium().is_ok(),
        seconds_per_evaluation: seconds,
        fastest_rate: rate,
        seconds_estimate: span.map(|s| EVALUATIONS_PER_TIME_CONSTANT * s * rate * seconds),
        memory_estimate: VECTORS * 8 * layout.dim() as u64,
    }
}

fn gaussian(len: usize, index: u64) -> Vec<f64> {
    let mut generator = generator(0, streams::CHECKS + index);
    (0..len).map(|_| StandardNormal.sample(&mut generator)).collect()
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Relative difference between `J v` and a central difference along a random unit vector `v`.
fn jacobian_error(dynamics: &dyn Dynamics, t: f64, y: &[f64], direction: u64) -> f64 {
    let n = y.len();
    let mut v = gaussian(n, direction);
    let length = norm(&v).max(f64::MIN_POSITIVE);
    v.iter_mut().for_each(|x| *x /= length);
    // The step that balances truncation against rounding for central differences.
    let h = f64::EPSILON.cbrt() * norm(y).max(1.0);
    let shifted = |sign: f64| {
        let z: Vec<f64> = y.iter().zip(&v).map(|(y, v)| y + sign * h * v).collect();
        let mut dy = vec![0.0; n];
        dynamics.eval(t, &z, &mut dy);
        dy
    };
    let (plus, minus) = (shifted(1.0), shifted(-1.0));
    let mut exact = vec![0.0; n];
    dynamics.jvp(t, y, &v, &mut exact);
    let difference: Vec<f64> =
        plus.iter().zip(&minus).zip(&exact).map(|((p, m), e)| (p - m) / (2.0 * h) - e).collect();
    norm(&difference) / norm(&exact).max(1.0)
}

fn seconds_per_evaluation(dynamics: &dyn Dynamics, t: f64, y: &[f64]) -> f64 {
    let mut dy = vec![0.0; y.len()];
    dynamics.eval(t, y, &mut dy);
    let repeats = 5;
    let began = Instant::now();
    for _ in 0..repeats {
        dynamics.eval(t, y, &mut dy);
    }
    began.elapsed().as_secs_f64() / f64::from(repeats)
}

/// Power iteration on the Jacobian; a lower estimate of its spectral norm's effect.
fn fastest_rate(dynamics: &dyn Dynamics, t: f64, y: &[f64]) -> f64 {
    let mut v = gaussian(y.len(), DIRECTIONS + 1);
    let mut product = vec![0.0; y.len()];
    let mut rate = 0.0;
    for _ in 0..20 {
        let length = norm(&v);
        if length == 0.0 || !length.is_finite() {
            return rate;
        }
        v.iter_mut().for_each(|x| *x /= length);
        dynamics.jvp(t, y, &v, &mut product);
        rate = norm(&product);
        std::mem::swap(&mut v, &mut product);
    }
    rate
}
