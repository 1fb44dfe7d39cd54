//! What a run tells: the object of `--json` and the numbers of the table.

use serde::Serialize;

use super::Comparison;
use super::stage::StageEnd;
use crate::experiment::Context;
use crate::integrate::Statistics;
use crate::model::spec::Solver;
use crate::results::{Status, Written};

/// The result of `dinv run`, as `--json` prints it.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// `complete`, `failed` or `interrupted`.
    pub status: String,
    /// Why the run ended: `complete`, `steady-state`, `event`, `interrupted`, or the failure.
    pub stop_reason: String,
    /// Name of the solver.
    pub solver: String,
    /// Time reached, s; of a cascade, by its last loop.
    pub t_end: f64,
    /// Accepted steps, all loops together.
    pub n_steps: u64,
    /// Rejected steps.
    pub n_rejected: u64,
    /// Evaluations of the vector field.
    pub n_rhs: u64,
    /// Jacobian evaluations.
    pub n_jac: u64,
    /// Factorisations.
    pub n_factor: u64,
    /// Norm of the vector field at the end, the largest of all loops and targets.
    pub residual_norm: f64,
    /// Distance to the equilibrium at the end, the largest of all; absent where none is known.
    pub steady_state_error: Option<f64>,
    /// Largest real part of the spectrum at the equilibrium, 1/s, the largest of all loops and
    /// targets: the run ends like `exp(spectral_abscissa t)`. Absent where no equilibrium is known
    /// or the spectrum costs too much.
    pub spectral_abscissa: Option<f64>,
    /// Time of the integration alone, s.
    pub wall_seconds: f64,
    /// The result file.
    pub file: Option<String>,
    /// Rows written.
    pub rows: usize,
    /// Size of the file, bytes.
    pub bytes: u64,
    /// One entry per equation: several for layerwise inversion of all layers.
    pub loops: Vec<LoopReport>,
    /// Warnings, in order of appearance.
    pub warnings: Vec<String>,
    #[serde(skip)]
    outcome: Option<Status>,
}

/// One equation of a run.
#[derive(Debug, Clone, Serialize)]
pub struct LoopReport {
    /// The dynamics, or `layer_3` for the loop of layer 3 of a cascade.
    pub name: String,
    /// State components, all targets together.
    pub dim: usize,
    /// Time reached, s.
    pub t_end: f64,
    /// Accepted steps.
    pub n_steps: u64,
    /// Rejected steps.
    pub n_rejected: u64,
    /// Evaluations of the vector field.
    pub n_rhs: u64,
    /// Largest real part of the spectrum at the equilibrium, 1/s, the largest over the targets.
    pub spectral_abscissa: Option<f64>,
    /// Time of the integration alone, s.
    pub wall_seconds: f64,
    /// One entry per target.
    pub targets: Vec<TargetReport>,
    /// Zero crossings: name, time, rising.
    pub events: Vec<(String, f64, bool)>,
    /// Comparison with another solver.
    pub cross_check: Option<Comparison>,
    /// Comparison with tighter tolerances: an estimate of the error.
    pub error_estimate: Option<Comparison>,
}

/// One target of one equation.
#[derive(Debug, Clone, Serialize)]
pub struct TargetReport {
    /// Norm of the vector field at the end.
    pub residual_norm: f64,
    /// Distance to the equilibrium at the end.
    pub steady_state_error: Option<f64>,
    /// The same divided by the norm of the equilibrium.
    pub relative_error: Option<f64>,
    /// Time from which on the distance stays below [`FRACTION`](super::FRACTION) of its initial
    /// value, s.
    pub convergence_time: Option<f64>,
}

impl RunReport {
    pub(super) fn new(loops: &[StageEnd], solver: &Solver, context: &Context<'_>) -> Self {
        let last = loops.last().expect("a run has at least one equation");
        let total = |count: fn(&Statistics) -> u64| {
            loops.iter().map(|end| count(&end.outcome.statistics)).sum()
        };
        let reports: Vec<_> = loops.iter().map(LoopReport::new).collect();
        let targets = || reports.iter().flat_map(|report| &report.targets);
        Self {
            status: last.status().name().to_owned(),
            stop_reason: last.stop_reason(),
            solver: solver.name().to_owned(),
            t_end: last.t,
            n_steps: total(|s| s.n_steps),
            n_rejected: total(|s| s.n_rejected),
            n_rhs: total(|s| s.n_rhs),
            n_jac: total(|s| s.n_jac),
            n_factor: total(|s| s.n_factor),
            residual_norm: targets().map(|t| t.residual_norm).fold(0.0, f64::max),
            steady_state_error: targets().filter_map(|t| t.steady_state_error).reduce(f64::max),
            spectral_abscissa: loops
                .iter()
                .filter_map(|end| end.spectral_abscissa)
                .reduce(f64::max),
            wall_seconds: loops.iter().map(|end| end.wall.as_secs_f64()).sum(),
            file: None,
            rows: 0,
            bytes: 0,
            warnings: context.warnings(),
            outcome: Some(last.status()),
            loops: reports,
        }
    }

    /// How the file is marked.
    #[must_use]
    pub fn file_status(&self) -> Status {
        self.outcome.unwrap_or(Status::Failed)
    }

    pub(super) fn set_file(&mut self, written: &Written) {
        self.file = Some(written.path.to_string_lossy().into_owned());
        self.rows = written.rows;
        self.bytes = written.bytes;
    }
}

impl LoopReport {
    fn new(end: &StageEnd) -> Self {
        let statistics = &end.outcome.statistics;
        let norms = end.equilibrium.as_ref().map(|equilibrium| {
            let mut norms = vec![0.0; end.layout.columns()];
            end.layout.column_norms(equilibrium, &mut norms);
            norms
        });
        let target = |column: usize| {
            let error = end.errors.as_ref().map(|errors| errors[column]);
            let norm = norms.as_ref().map(|norms| norms[column]).filter(|norm| *norm > 0.0);
            TargetReport {
                residual_norm: end.residuals[column],
                steady_state_error: error,
                relative_error: error.zip(norm).map(|(error, norm)| error / norm),
                convergence_time: end.convergence.get(column).copied().flatten(),
            }
        };
        Self {
            name: end.name.clone(),
            dim: end.layout.dim(),
            t_end: end.t,
            n_steps: statistics.n_steps,
            n_rejected: statistics.n_rejected,
            n_rhs: statistics.n_rhs,
            spectral_abscissa: end.spectral_abscissa,
            wall_seconds: end.wall.as_secs_f64(),
            targets: (0..end.layout.columns()).map(target).collect(),
            events: end
                .events
                .iter()
                .map(|(name, hit)| (name.clone(), hit.t, hit.rising))
                .collect(),
            cross_check: end.cross_check.clone(),
            error_estimate: end.error_estimate.clone(),
        }
    }
}
