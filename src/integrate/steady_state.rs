//! Stopping at a steady state.

use std::ops::Range;

use super::scheme::Env;
use crate::dynamics::{ShiftedSolver, VectorField};

/// When a run counts as settled.
///
/// The test looks at the vector field only, never at the size of the state. The rate of a block is
/// the largest `|f_i|` in it, scaled by the largest rate the same block (of the same target) has
/// had in the run. The run is a candidate when every scaled rate has stayed at or below
/// `tolerance` for the time `dwell`. It is also a candidate when, over the same time, the state
/// moved by less than 100 error weights per step (in the error norm) and rates have stopped
/// falling: then the solver cannot resolve what is left. (At rest an explicit method takes the
/// longest steps that keep the error at the tolerance, which holds the motion at one to forty
/// weights per step: rates below that are out of its reach.)
///
/// A candidate is confirmed by a Newton iteration with the analytic Jacobian, which must converge
/// to a point near the state, and by a test that the point is not unstable. A start next to an
/// unstable rest point, where the vector field is tiny, therefore does not count.
#[derive(Debug, Clone, PartialEq)]
pub struct SteadyState {
    /// Rate, relative to the largest of the run, below which a block is at rest.
    pub tolerance: f64,
    /// Time for which it must stay there, s.
    pub dwell: f64,
    /// Blocks judged separately; the whole state when empty.
    pub blocks: Vec<Range<usize>>,
}

impl Default for SteadyState {
    fn default() -> Self {
        Self { tolerance: 1e-9, dwell: 5.0, blocks: Vec::new() }
    }
}

/// A confirmed steady state.
#[derive(Debug, Clone, PartialEq)]
pub struct Equilibrium {
    /// The polished equilibrium.
    pub y: Vec<f64>,
    /// Largest `|f_i|` there.
    pub residual: f64,
    /// Largest difference to the state of the run at the stop.
    pub distance: f64,
}

/// Why a candidate was refused.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// The Newton iteration did not converge or its matrix is singular.
    NoConvergence,
    /// The equilibrium found is not the state the run has reached.
    Elsewhere {
        /// Largest difference to the state.
        distance: f64,
    },
    /// The rest point is unstable: a perturbation grows at this rate or faster.
    Unstable {
        /// Growth rate per unit of time.
        rate: f64,
    },
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoConvergence => write!(f, "no equilibrium was found near the state"),
            Self::Elsewhere { distance } => {
                write!(f, "the nearest equilibrium found lies {distance:.1e} away")
            }
            Self::Unstable { rate } => {
                write!(f, "the rest point is unstable (growth rate {rate:.2e})")
            }
        }
    }
}

/// Components judged together: one block of one target.
struct Group {
    ranges: Vec<Range<usize>>,
    largest: f64,
}

/// Watches a run for a steady state.
pub(crate) struct SteadyWatch {
    options: SteadyState,
    groups: Vec<Group>,
    /// Since when every scaled rate has been small.
    small_since: Option<f64>,
    /// Since when the motion has been below the solver's resolution, with the largest scaled
    /// rates of the former and the present half of the dwell time.
    unresolved: Option<Unresolved>,
    /// No candidate is examined before this time; doubles after each refusal.
    not_before: f64,
    patience: f64,
    start: Vec<f64>,
}

struct Unresolved {
    since: f64,
    former: f64,
    present: f64,
}

/// What a candidate rests on.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Candidate {
    SmallRates,
    Unresolved,
}

/// Motion per step, in error weights, that may be the noise of a solver at its stability limit.
const UNRESOLVED: f64 = 100.0;

/// Rates count as no longer falling when they keep this share over half the dwell time.
const STALLED: f64 = 0.9;

impl SteadyWatch {
    pub(crate) fn new(
        options: &SteadyState,
        field: &dyn VectorField,
        t_start: f64,
        y0: &[f64],
    ) -> Self {
        Self {
            groups: groups(field, &options.blocks),
            small_since: None,
            unresolved: None,
            not_before: t_start,
            patience: options.dwell,
            start: y0.to_vec(),
            options: options.clone(),
        }
    }

    /// Notes the derivative `f` at the end of a step of size `h`.
    pub(crate) fn note(
        &mut self,
        env: &mut Env<'_>,
        t: f64,
        h: f64,
        y: &[f64],
        f: &[f64],
    ) -> Option<Candidate> {
        let mut scaled = 0.0_f64;
        for group in &mut self.groups {
            let components = group.ranges.iter().flat_map(|r| &f[r.clone()]);
            let rate = components.fold(0.0_f64, |m, f| m.max(f.abs()));
            group.largest = group.largest.max(rate);
            if rate > 0.0 {
                scaled = scaled.max(rate / group.largest);
            }
        }
        let dwelt = |since: f64| (t - since).abs() >= self.options.dwell;
        if scaled > self.options.tolerance {
            self.small_since = None;
        } else if dwelt(*self.small_since.get_or_insert(t)) && self.is_due(t) {
            return Some(Candidate::SmallRates);
        }
        if self.note_unresolved(env, t, h, y, f, scaled) && self.is_due(t) {
            return Some(Candidate::Unresolved);
        }
        None
    }

    fn is_due(&self, t: f64) -> bool {
        (t - self.not_before).abs() >= self.options.dwell || t == self.not_before
    }

    fn note_unresolved(
        &mut self,
        env: &mut Env<'_>,
        t: f64,
        h: f64,
        y: &[f64],
        f: &[f64],
        scaled: f64,
    ) -> bool {
        if env.norm.of(f, y, y) * h.abs() > UNRESOLVED {
            self.unresolved = None;
            return false;
        }
        let half = 0.5 * self.options.dwell;
        let window = self.unresolved.get_or_insert(Unresolved {
            since: t,
            former: f64::INFINITY,
            present: 0.0,
        });
        window.present = window.present.max(scaled);
        if (t - window.since).abs() < half {
            return false;
        }
        let stalled = window.present >= STALLED * window.former;
        *window = Unresolved { since: t, former: window.present, present: 0.0 };
        stalled
    }

    /// Confirms or refuses a candidate at `(t, y)`; `direction` is the sign of time.
    pub(crate) fn confirm(
        &mut self,
        env: &mut Env<'_>,
        candidate: Candidate,
        t: f64,
        y: &[f64],
        direction: f64,
    ) -> Result<Equilibrium, Refusal> {
        let verdict = self.examine(env, candidate, t, y, direction);
        if verdict.is_err() {
            self.small_since = None;
            self.unresolved = None;
            self.not_before = t + direction * (self.patience - self.options.dwell);
            self.patience *= 2.0;
        }
        verdict
    }

    fn examine(
        &self,
        env: &mut Env<'_>,
        candidate: Candidate,
        t: f64,
        y: &[f64],
        direction: f64,
    ) -> Result<Equilibrium, Refusal> {
        let field = env.field;
        let mut solver = field.shifted_solver();
        let horizon = self.options.dwell.max(f64::MIN_POSITIVE);
        let polished = polish(env, &mut *solver, t, y, direction * horizon)?;
        let distance = y.iter().zip(&polished.y).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
        let travelled = y.iter().zip(&self.start).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
        let gap: Vec<f64> = y.iter().zip(&polished.y).map(|(a, b)| a - b).collect();
        let resolved_gap = env.norm.of(&gap, y, y);
        /// Distance to the equilibrium that is near compared with the way the state has come.
        const NEAR: f64 = 1e-3;
        /// Distance to the equilibrium in error weights that the solver does not resolve.
        const RESOLUTION: f64 = 50.0;
        let is_near = resolved_gap <= RESOLUTION
            || candidate == Candidate::SmallRates && distance <= NEAR * travelled;
        if !is_near {
            return Err(Refusal::Elsewhere { distance });
        }
        let rate = growth_rate(env, &mut *solver, t, &polished.y, direction * horizon)?;
        if rate > 0.0 {
            return Err(Refusal::Unstable { rate });
        }
        Ok(Equilibrium { distance, ..polished })
    }
}

fn groups(field: &dyn VectorField, blocks: &[Range<usize>]) -> Vec<Group> {
    let whole = 0..field.dim();
    let blocks = if blocks.is_empty() { std::slice::from_ref(&whole) } else { blocks };
    let mut groups = Vec::new();
    for block in blocks {
        let first = groups.len();
        groups.extend((0..field.columns()).map(|_| Group { ranges: Vec::new(), largest: 0.0 }));
        for i in block.clone() {
            let column = if field.columns() == 1 { 0 } else { field.column_of(i) };
            match groups[first + column].ranges.last_mut() {
                Some(range) if range.end == i => range.end += 1,
                _ => groups[first + column].ranges.push(i..i + 1),
            }
        }
    }
    groups
}

/// Newton's iteration for `f(t, y) = 0` from `y`.
///
/// The matrix is `I - s J` with `s` far beyond every time scale, which gives the Newton step
/// `-J^-1 f` to six digits and stays regular where `J` has a null space.
fn polish(
    env: &mut Env<'_>,
    solver: &mut dyn ShiftedSolver,
    t: f64,
    y: &[f64],
    horizon: f64,
) -> Result<Equilibrium, Refusal> {
    const MAX_ITERATIONS: u32 = 20;
    const FAR: f64 = 1e7;
    /// Error weights below which a Newton step is convergence.
    const CONVERGED: f64 = 1e-6;
    let shift = FAR * horizon;
    let mut y = y.to_vec();
    let mut f = vec![0.0; y.len()];
    env.eval(t, &y, &mut f);
    let mut last = f64::INFINITY;
    for _ in 0..MAX_ITERATIONS {
        env.statistics.n_jac += 1;
        env.statistics.n_factor += 1;
        env.statistics.n_newton += 1;
        solver.factor(t, &y, shift).map_err(|_| Refusal::NoConvergence)?;
        f.iter_mut().for_each(|f| *f *= shift);
        solver.solve(&mut f);
        let size = env.norm.of(&f, &y, &y);
        if !size.is_finite() {
            return Err(Refusal::NoConvergence);
        }
        y.iter_mut().zip(&f).for_each(|(y, step)| *y += step);
        env.eval(t, &y, &mut f);
        // Steps stop shrinking at the rounding level, which may lie above the tight bound.
        if size <= CONVERGED || size <= 1e-2 && size >= 0.5 * last {
            let residual = f.iter().fold(0.0_f64, |m, f| m.max(f.abs()));
            return Ok(Equilibrium { y, residual, distance: 0.0 });
        }
        last = size;
    }
    Err(Refusal::NoConvergence)
}

/// Growth rate of a perturbation of the equilibrium `y`, 0 when it does not grow.
///
/// Iterates the Cayley transform `(I - hJ/2)^-1 (I + hJ/2)`, which grows exactly in the directions
/// of eigenvalues with positive real part. Rates far below `1 / (100 h)` go unnoticed: they do not
/// matter over the dwell time.
fn growth_rate(
    env: &mut Env<'_>,
    solver: &mut dyn ShiftedSolver,
    t: f64,
    y: &[f64],
    h: f64,
) -> Result<f64, Refusal> {
    const SETTLING: u32 = 40;
    const MEASURED: u32 = 20;
    /// Growth over the measured iterations that is not rounding or a marginal direction.
    const GROWTH: f64 = 1.03;
    env.statistics.n_jac += 1;
    env.statistics.n_factor += 1;
    solver.factor(t, y, 0.5 * h).map_err(|_| Refusal::NoConvergence)?;
    // A fixed start that is not orthogonal to anything in particular.
    let mut v: Vec<f64> =
        (1..=y.len()).map(|i| (i as f64 * 0.618_033_988_749_895).fract() - 0.5 + 1e-3).collect();
    let mut image = v.clone();
    let mut growth = 1.0;
    for iteration in 0..SETTLING + MEASURED {
        image.copy_from_slice(&v);
        solver.solve(&mut image);
        let before = v.iter().map(|v| v * v).sum::<f64>().sqrt();
        v.iter_mut().zip(&image).for_each(|(v, image)| *v = 2.0 * image - *v);
        let after = v.iter().map(|v| v * v).sum::<f64>().sqrt();
        if after == 0.0 {
            return Ok(0.0);
        }
        if iteration >= SETTLING {
            growth *= after / before;
        }
        v.iter_mut().for_each(|v| *v /= after);
    }
    let time = f64::from(MEASURED) * h.abs();
    Ok(if growth > GROWTH { growth.ln() / time } else { 0.0 })
}
