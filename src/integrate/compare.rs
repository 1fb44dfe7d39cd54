//! Two solutions of one problem side by side.

use super::errors::IntegrateError;
use super::observer::Trajectory;
use super::problem::Problem;
use super::solver::Solver;
use super::tolerance::{MIN_RTOL, Tolerances};
use crate::dynamics::VectorField;

/// The largest difference between two trajectories with the same rows.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossCheck {
    /// Largest absolute difference.
    pub difference: f64,
    /// Largest difference in units of `atol + rtol max(|a|, |b|)`.
    pub scaled_difference: f64,
    /// Component of the largest scaled difference.
    pub component: usize,
    /// Its name.
    pub component_name: String,
    /// Time of the largest scaled difference.
    pub t: f64,
    /// Rows compared.
    pub rows: usize,
}

/// Trajectories that cannot be compared, or a comparison that cannot be made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// The rows are not at the same times.
    #[error(
        "row {row} is at t = {a} in one trajectory and at t = {b} in the other (NaN: it has no such row): save both at the same times, not at steps"
    )]
    Times {
        /// Position of the first row that differs.
        row: usize,
        /// Its time in the first trajectory.
        a: f64,
        /// Its time in the second.
        b: f64,
    },
    /// The states have different lengths.
    #[error("the trajectories have {a} and {b} components")]
    Dimension {
        /// Components of the first.
        a: usize,
        /// Components of the second.
        b: usize,
    },
    /// There is no row to compare.
    #[error("the trajectories have no rows")]
    Empty,
    /// The solver has no tolerances to tighten.
    #[error(
        "the error of `{solver}` cannot be estimated by tighter tolerances, it has none: {remedy}"
    )]
    NoTolerances {
        /// Name of the solver.
        solver: &'static str,
        /// What to do instead.
        remedy: &'static str,
    },
    /// The tolerances cannot be tightened.
    #[error(
        "rtol = {rtol:e} cannot be tightened, the least that means anything is {least:.1e}: raise rtol to {enough:.1e}"
    )]
    Tightest {
        /// The relative tolerance.
        rtol: f64,
        /// The least relative tolerance.
        least: f64,
        /// The least that can be tightened.
        enough: f64,
    },
    /// One of the runs did not reach its end.
    #[error(transparent)]
    Integrate(#[from] IntegrateError),
}

/// Compares two trajectories of one problem row by row.
///
/// # Errors
/// [`CompareError`] when the rows do not correspond.
pub fn cross_check(
    a: &Trajectory,
    b: &Trajectory,
    tolerances: &Tolerances,
    field: &dyn VectorField,
) -> Result<CrossCheck, CompareError> {
    if let Some(row) = (0..a.len().max(b.len())).find(|&k| a.times.get(k) != b.times.get(k)) {
        let time = |trajectory: &Trajectory| trajectory.times.get(row).copied().unwrap_or(f64::NAN);
        return Err(CompareError::Times { row, a: time(a), b: time(b) });
    }
    if a.is_empty() {
        return Err(CompareError::Empty);
    }
    if a.dim != b.dim {
        return Err(CompareError::Dimension { a: a.dim, b: b.dim });
    }
    let mut worst = CrossCheck {
        difference: 0.0,
        scaled_difference: 0.0,
        component: 0,
        component_name: String::new(),
        t: a.times[0],
        rows: a.len(),
    };
    for row in 0..a.len() {
        for (i, (x, y)) in a.state(row).iter().zip(b.state(row)).enumerate() {
            // A comparison with NaN must not look like agreement.
            let difference = if (x - y).is_nan() { f64::INFINITY } else { (x - y).abs() };
            worst.difference = worst.difference.max(difference);
            let scale = tolerances.atol.at(i) + tolerances.rtol * x.abs().max(y.abs());
            let scaled = if difference == 0.0 { 0.0 } else { difference / scale };
            if scaled > worst.scaled_difference {
                worst.scaled_difference = scaled;
                worst.component = i;
                worst.t = a.times[row];
            }
        }
    }
    worst.component_name = field.component_name(worst.component);
    Ok(worst)
}

/// By how much the tolerances are tightened for an estimate. The error of a run follows its tolerance,
/// so with a hundredth the difference is the error to about a per cent.
const TIGHTER: f64 = 1e-2;

/// Solves `problem` again with both tolerances a hundred times tighter and compares with `trajectory`,
/// the rows of its first solution by the same solver.
///
/// The difference estimates the global error of the first solution, over all rows and components: what
/// a user wants to know, and what local tolerances do not bound.
///
/// # Errors
/// [`CompareError`] when the solver has no tolerances, they are too tight already, the rows are
/// accepted steps, or the second run fails.
pub fn estimate_error(
    problem: &Problem<'_>,
    solver: Solver,
    trajectory: &Trajectory,
) -> Result<CrossCheck, CompareError> {
    if !solver.has_tolerances() {
        let remedy = match solver {
            Solver::Exact => "its error is rounding alone; compare with another solver",
            _ => "compare with a solver that has them, such as `dop853`",
        };
        return Err(CompareError::NoTolerances { solver: solver.name(), remedy });
    }
    let rtol = problem.options.tolerances.rtol;
    if rtol * TIGHTER < MIN_RTOL {
        let enough = MIN_RTOL / TIGHTER;
        return Err(CompareError::Tightest { rtol, least: MIN_RTOL, enough });
    }
    let mut tighter = problem.options.clone();
    tighter.tolerances = tighter.tolerances.scaled(TIGHTER);
    let (reference, _) = problem.with_options(tighter).trajectory(solver)?;
    cross_check(trajectory, &reference, &problem.options.tolerances, problem.dynamics)
}
