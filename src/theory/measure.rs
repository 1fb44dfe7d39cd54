//! Measurements that several checks share.

use nalgebra::{Complex, DMatrix, DVector};

use super::check::Obstacle;
use crate::analysis::Spectrum;
use crate::dynamics::Dynamics;
use crate::integrate::{
    DOP853, Options, Outcome, Problem, SaveAt, Solver, Trajectory, estimate_error,
};
use crate::linalg::eigen::{EigenOptions, eigen};

/// Largest number of steps of one simulation; a loop of a check takes some hundreds.
const MAX_STEPS: u64 = 200_000;

/// Tolerances of simulations.
const RTOL: f64 = 1e-9;
const ATOL: f64 = 1e-11;

/// A trajectory with the error that a second run with other tolerances shows.
pub struct Simulated {
    /// The rows.
    pub trajectory: Trajectory,
    /// How the run ended.
    pub outcome: Outcome,
    /// Largest difference, over all rows and components, to a run with tolerances a hundred times
    /// tighter, and one local tolerance: near rest both runs are held to the same point by the
    /// equation, and what is left does not follow the tolerance.
    pub error: f64,
}

/// Integrates to the times of `save_at` and measures the error by a second run with tolerances a
/// hundred times tighter.
///
/// # Errors
/// When the solver does not reach the end.
pub fn simulate(
    dynamics: &dyn Dynamics,
    solver: Solver,
    start: &[f64],
    t_end: f64,
    save_at: SaveAt,
) -> Result<Simulated, Obstacle> {
    let mut problem = Problem::new(dynamics, (0.0, t_end));
    problem.y0 = start.to_vec();
    problem.save_at = save_at;
    problem.options = Options { max_steps: MAX_STEPS, ..Options::with_tolerances(RTOL, ATOL) };
    let (trajectory, outcome) = problem.trajectory(solver)?;
    let local = ATOL + RTOL * outcome.y.iter().fold(0.0_f64, |m, y| m.max(y.abs()));
    let error = estimate_error(&problem, solver, &trajectory)?.difference + local;
    Ok(Simulated { trajectory, outcome, error })
}

/// A growth rate with what it may be off by.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// The rate, 1/s.
    pub value: f64,
    /// Contamination by faster modes and solver error.
    pub error: f64,
}

/// Longest simulated time for a rate, in units of the shortest time scale: beyond it the dominant
/// mode counts as not separated from the rest.
const LONGEST: f64 = 3000.0;
/// Faster modes have fallen by this factor before the rate is taken.
const SEPARATION: f64 = 1e-8;

/// When a rate is taken: over `window` after `wait`.
#[derive(Debug, Clone, Copy)]
pub struct Windows {
    wait: f64,
    window: f64,
    /// Size of the growth rate of the first mode.
    pace: f64,
}

/// The windows in which the dominant mode of a linear system stands alone; `None` where it is not
/// separated from the next in reasonable time.
#[must_use]
pub fn windows(spectrum: &Spectrum) -> Option<Windows> {
    let dominant = *spectrum.values.first()?;
    let others = spectrum.values.iter().skip(if dominant.im == 0.0 { 1 } else { 2 });
    let second = others.fold(f64::NEG_INFINITY, |m, l| m.max(l.re));
    let fastest = spectrum.values.iter().fold(0.0_f64, |m, l| m.max(l.norm()));
    let gap = (dominant.re - second).min(fastest);
    let wait = -SEPARATION.ln() / gap;
    let window = match dominant.im == 0.0 {
        true => 2.0 / gap,
        false => std::f64::consts::TAU / dominant.im.abs(),
    };
    let end = wait + window;
    let in_reach = end * fastest <= LONGEST && (dominant.re * end).abs() <= 500.0;
    (gap > 0.0 && in_reach).then(|| Windows { wait, window, pace: dominant.re.abs() })
}

/// The growth rate of the norm of a homogeneous linear system, measured on a simulated trajectory.
///
/// The norm is compared over a whole period of the dominant pair, after the other modes have died
/// away. What is left of them is found by projecting the state on the dominant mode.
///
/// # Errors
/// When the solver does not reach the end or eigenvectors are not found.
pub fn measured_rate(
    dynamics: &dyn Dynamics,
    jacobian: &DMatrix<f64>,
    windows: Windows,
    start: &[f64],
) -> Result<Rate, Obstacle> {
    let Windows { wait, window, pace } = windows;
    let rate = |tolerance: f64| -> Result<(f64, f64), Obstacle> {
        let mut state = start.to_vec();
        advance(dynamics, &mut state, wait, pace, tolerance)?;
        let others = share_of_others(jacobian, &state)?;
        Ok((advance(dynamics, &mut state, window, pace, tolerance)? / window, others))
    };
    let (value, others) = rate(1e-12)?;
    let (loose, _) = rate(1e-10)?;
    // Both ends of the window are off by at most that share.
    let contamination = 2.0 * others / window;
    // The logarithm of a ratio of norms of n numbers.
    let rounding = 8.0 * f64::EPSILON * start.len() as f64 / window;
    Ok(Rate { value, error: contamination + 2.0 * (value - loose).abs() + rounding })
}

/// The part of a state that does not belong to the dominant mode, relative to the part that does.
fn share_of_others(jacobian: &DMatrix<f64>, state: &[f64]) -> Result<f64, Obstacle> {
    let found = eigen(jacobian, &EigenOptions { conditions: false, vectors: true })?;
    let (Some(right), Some(left)) = (&found.right, &found.left) else {
        return Err(Obstacle::new("the dominant mode has no eigenvectors"));
    };
    let x = DVector::from_iterator(state.len(), state.iter().map(|x| Complex::new(*x, 0.0)));
    let (v, y) = (right.column(0), left.column(0));
    let part = v * (y.dotc(&x) / y.dotc(&v));
    // A pair contributes twice the real part.
    let weight = if found.values[0].im == 0.0 { 1.0 } else { 2.0 };
    let dominant: Vec<f64> = part.iter().map(|z| weight * z.re).collect();
    let rest: Vec<f64> = state.iter().zip(&dominant).map(|(x, d)| x - d).collect();
    Ok(norm(&rest) / norm(&dominant))
}

/// Integrates a homogeneous linear system for `duration`, scales the state back to length one, and
/// returns by how much the logarithm of its norm has grown.
///
/// A state that falls by many orders of magnitude suits no absolute tolerance: so it is scaled back
/// in between, whenever it should have changed by a factor e.
fn advance(
    dynamics: &dyn Dynamics,
    state: &mut [f64],
    duration: f64,
    pace: f64,
    tolerance: f64,
) -> Result<f64, Obstacle> {
    let pieces = (duration * pace).ceil().max(1.0);
    let mut growth = 0.0;
    for _ in 0..pieces as u64 {
        let size = norm(state);
        state.iter_mut().for_each(|x| *x /= size);
        let mut problem = Problem::new(dynamics, (0.0, duration / pieces));
        problem.y0 = state.to_vec();
        problem.options =
            Options { max_steps: MAX_STEPS, ..Options::with_tolerances(tolerance, tolerance) };
        let (_, outcome) = problem.trajectory(Solver::Stepping(&DOP853))?;
        state.copy_from_slice(&outcome.y);
        growth += norm(state).ln();
    }
    Ok(growth)
}

/// Euclidean norm.
#[must_use]
pub fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// What is lost in solving a linear system of size `n` with this reciprocal condition number: each of
/// the `n` eliminations rounds, and the system amplifies what they lose (Higham 2002, section 9.3;
/// the factor 8 covers forming the matrix and the products around it).
#[must_use]
pub fn solve_error(n: usize, reciprocal_condition: f64, size: f64) -> f64 {
    8.0 * n as f64 * f64::EPSILON / reciprocal_condition * size
}

/// The model of [`solve_error`], for tables.
pub const SOLVE: &str =
    "8 n eps cond |x|: n eliminations, amplified by the condition of the system";

/// The model of eigenvalue errors, for tables.
pub const EIGENVALUES: &str =
    "10 x estimated rounding error of the eigenvalues: eps |J| cond(lambda)";

/// Estimates of eigenvalue errors hold to first order and up to a small factor.
pub const EIGENVALUE_FACTOR: f64 = 10.0;

/// The model of solver errors, for tables.
pub const TWO_TOLERANCES: &str =
    "2 x (difference to a run with tolerances 100 times tighter + one local tolerance)";

/// Pairs two lists of complex numbers, nearest first, and returns the pair that is the furthest
/// apart in units of its allowance, with that allowance; `None` for lists of different length.
#[must_use]
pub fn match_spectra(
    a: &[(Complex<f64>, f64)],
    b: &[(Complex<f64>, f64)],
) -> Option<(Complex<f64>, Complex<f64>, f64)> {
    if a.len() != b.len() {
        return None;
    }
    let mut pairs: Vec<(f64, usize, usize)> = Vec::with_capacity(a.len() * b.len());
    for (i, (x, _)) in a.iter().enumerate() {
        pairs.extend(b.iter().enumerate().map(|(j, (y, _))| ((x - y).norm(), i, j)));
    }
    pairs.sort_by(|p, q| p.0.total_cmp(&q.0).then(p.1.cmp(&q.1)).then(p.2.cmp(&q.2)));
    let (mut free_a, mut free_b) = (vec![true; a.len()], vec![true; b.len()]);
    let mut worst: Option<(f64, Complex<f64>, Complex<f64>, f64)> = None;
    for (distance, i, j) in pairs {
        if !(free_a[i] && free_b[j]) {
            continue;
        }
        (free_a[i], free_b[j]) = (false, false);
        let allowance = a[i].1 + b[j].1;
        let strain = if distance == 0.0 { 0.0 } else { distance / allowance };
        if worst.is_none_or(|w| strain > w.0 || strain.is_nan()) {
            worst = Some((strain, a[i].0, b[j].0, allowance));
        }
    }
    worst.map(|(_, x, y, allowance)| (x, y, allowance))
}

/// `x` with `f(x)` changing from true to false between `low` (true) and `high` (false).
///
/// # Errors
/// What `f` returns.
pub fn bisect(
    mut low: f64,
    mut high: f64,
    mut f: impl FnMut(f64) -> Result<bool, Obstacle>,
) -> Result<f64, Obstacle> {
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high || high - low <= 1e-13 * high.abs() {
            break;
        }
        if f(middle)? { low = middle } else { high = middle }
    }
    Ok(0.5 * (low + high))
}
