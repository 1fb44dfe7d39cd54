//! What a sweep needs in memory, and what there is.

use std::num::NonZeroUsize;

use serde::Serialize;

use super::commands::{self, PointCommand};
use crate::analysis::margins::LARGEST_MARGIN;
use crate::error::Error;
use crate::experiment::train::training_memory;
use crate::model::memory::available;
use crate::model::spec::SweepCommand;
use crate::model::{Model, SweepPlan};

/// The size of a sweep, known before it runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepEstimate {
    /// The command at every point.
    pub command: &'static str,
    /// Names and lengths of the axes.
    pub axes: Vec<(String, usize)>,
    /// Number of points.
    pub points: usize,
    /// Memory of the largest point, bytes.
    pub point_memory: u64,
    /// Points at a time on this machine.
    pub at_once: usize,
    /// Memory of the whole sweep, bytes, whatever the number of points.
    pub memory: u64,
}

/// Memory of the program itself and of the blocks in which the result is written, bytes.
const FIXED: u64 = 48 << 20;

/// Memory per finished point: where its record is.
const PER_POINT: u64 = 32;

/// State-sized vectors of an integration, as in `dinv check`.
const VECTORS: u64 = 24;

/// Matrices in memory at once in a dense analysis: the Jacobian, its Schur form, factors, scratch.
const MATRICES: u64 = 12;

/// Most points built to find the largest.
const MOST_BUILT: usize = 32;

/// Estimates the sweep of a model; `None` when it has none.
///
/// # Errors
/// Points that cannot be built.
pub fn estimate(model: &Model, threads: NonZeroUsize) -> Result<Option<SweepEstimate>, Error> {
    let Some(section) = &model.specification().sweep else { return Ok(None) };
    let command = commands::find(model, section.command)?;
    let plan = SweepPlan::new(model)?;
    let point_memory = largest_point(&plan, command)?;
    let division = super::workers::Division::new(threads, plan.len(), fitting(point_memory));
    let at_once = division.workers.get();
    Ok(Some(SweepEstimate {
        command: command.name,
        axes: plan.axes().iter().map(|axis| (axis.name.clone(), axis.len)).collect(),
        points: plan.len(),
        point_memory,
        at_once,
        memory: total(point_memory, at_once, plan.len()),
    }))
}

/// Memory of a whole sweep.
pub(super) fn total(point_memory: u64, at_once: usize, points: usize) -> u64 {
    FIXED + at_once as u64 * point_memory + PER_POINT * points as u64
}

/// Points of this size that fit into memory together.
pub(super) fn fitting(point_memory: u64) -> usize {
    let Some(available) = available() else { return usize::MAX };
    let room = available.saturating_sub(FIXED);
    usize::try_from(room / point_memory.max(1)).unwrap_or(usize::MAX)
}

/// Memory of the largest point. Real numbers do not change sizes, so only other axes are walked
/// along, each through the first point.
pub(super) fn largest_point(plan: &SweepPlan, command: &PointCommand) -> Result<u64, Error> {
    let mut largest = of_point(&plan.model(0)?, command)?;
    let mut stride = plan.len();
    let mut built = 1;
    for axis in plan.axes() {
        stride /= axis.len;
        let is_real = |k: usize| matches!(plan.coordinate(axis, k, 0), toml::Value::Float(_));
        if axis.name == "repeat" || (0..axis.keys.len()).all(is_real) {
            continue;
        }
        let count = axis.len.min(MOST_BUILT.saturating_sub(built));
        for k in 0..count {
            // Evenly spaced, the last included.
            let position = (k + 1) * (axis.len - 1) / count.max(1);
            if let Ok(model) = plan.model(position * stride) {
                largest = largest.max(of_point(&model, command)?);
            }
            built += 1;
        }
    }
    Ok(largest)
}

/// Bytes that the command needs for one model. A model that cannot be built needs none: its point
/// fails.
fn of_point(model: &Model, command: &PointCommand) -> Result<u64, Error> {
    let weights = model.specification().network.as_ref().map_or(0, |network| {
        network.sizes.windows(2).map(|pair| 8 * pair[0] as u64 * pair[1] as u64).sum()
    });
    if command.is(SweepCommand::Train) {
        return Ok(training_memory(model).unwrap_or(weights));
    }
    let Ok(system) = model.system() else { return Ok(weights) };
    let Ok(first) = system.equations.first() else { return Ok(weights) };
    let layout = first.layout();
    let (dim, states) = (layout.dim() as u64, (layout.dim() / layout.columns().max(1)) as u64);
    let dense = if command.is(SweepCommand::Run) {
        0
    } else {
        let widest = model.specification().network.as_ref().and_then(|n| n.sizes.iter().max());
        let reduced = widest.map_or(states, |widest| *widest as u64);
        let side = if states <= LARGEST_MARGIN as u64 { states } else { reduced };
        MATRICES * 8 * side * side
    };
    Ok(2 * weights + VECTORS * 8 * dim + dense)
}
