//! Equilibria by a damped Newton iteration from several starts.
//!
//! The iteration works on the reduced equation of a dynamics where there is one, else on
//! `f(y) = 0`, with the analytic Jacobian. Steps are damped by the natural monotonicity test
//! (Deuflhard, Newton Methods for Nonlinear Problems, 2011, section 3.3), which does not depend on
//! the units of states and equations. A point counts as an equilibrium when its residual is at
//! rounding level *and* the Newton step has become small: where `f` tends to zero only at infinity
//! the second never happens.

mod newton;

use nalgebra::{DMatrix, DVector};

use crate::dynamics::{Dynamics, ReducedEquilibrium};
use newton::{largest, newton};

/// Points closer than this, relative to their size, are the same equilibrium.
const SAME: f64 = 1e-6;

/// Where a search starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    /// Its name in messages: `initial`, `zero`, `drawn 3`.
    pub name: String,
    /// The full state of one target.
    pub state: Vec<f64>,
}

/// When Newton's iteration stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NewtonOptions {
    /// Residual, relative to the size of the terms of `f`, below which a point is an equilibrium.
    pub tolerance: f64,
    /// Cap on the iterations.
    pub iterations: usize,
}

impl Default for NewtonOptions {
    fn default() -> Self {
        Self { tolerance: 1e-12, iterations: 100 }
    }
}

/// A point where the right-hand side vanishes to rounding.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundEquilibrium {
    /// The full state of the target.
    pub state: Vec<f64>,
    /// Largest `|f_i|` there.
    pub residual: f64,
    /// Newton iterations from the first start that led here.
    pub iterations: usize,
    /// Names of all starts that led here.
    pub starts: Vec<String>,
}

/// Why a start led nowhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NewtonFailure {
    /// The state left every bound while the residual stopped falling: typical of a target that is
    /// out of reach without leak.
    Diverged {
        /// Largest component of the state when the search was given up.
        size: f64,
    },
    /// No damped step reduces the residual: a minimum of the residual that is not zero.
    Stalled,
    /// The cap on iterations was reached.
    Iterations {
        /// The cap.
        cap: usize,
    },
    /// The right-hand side or its Jacobian is not finite.
    NotFinite,
}

impl std::fmt::Display for NewtonFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Diverged { size } => {
                write!(f, "the search ran away (|y| = {size:.1e}) without the residual vanishing")
            }
            Self::Stalled => write!(f, "the residual has a minimum there that is not zero"),
            Self::Iterations { cap } => write!(f, "no convergence within {cap} iterations"),
            Self::NotFinite => write!(f, "the right-hand side is not finite there"),
        }
    }
}

/// A start that led to no equilibrium.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedStart {
    /// Its name.
    pub start: String,
    /// Smallest residual met, largest `|f_i|`.
    pub best_residual: f64,
    /// Why the search ended.
    pub reason: NewtonFailure,
}

/// Everything a search found for one target.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EquilibriumSearch {
    /// Distinct equilibria in the order in which they were found.
    pub equilibria: Vec<FoundEquilibrium>,
    /// Starts that led nowhere.
    pub failures: Vec<FailedStart>,
}

impl EquilibriumSearch {
    /// `none found ...` with the best residual and the reason, when there is no equilibrium.
    #[must_use]
    pub fn explanation(&self) -> Option<String> {
        if !self.equilibria.is_empty() {
            return None;
        }
        let best = self.failures.iter().min_by(|a, b| a.best_residual.total_cmp(&b.best_residual));
        Some(match best {
            None => "no equilibrium was searched for".to_owned(),
            Some(best) => format!(
                "no equilibrium found from {} starts; the smallest residual is {:.3e} (from {}): {}",
                self.failures.len(),
                best.best_residual,
                best.start,
                best.reason
            ),
        })
    }
}

/// Searches the equilibria of target `column` of an autonomous dynamics (evaluated at time `t`)
/// from every start in turn.
#[must_use]
pub fn find_equilibria(
    dynamics: &dyn Dynamics,
    column: usize,
    t: f64,
    starts: &[Start],
    options: NewtonOptions,
) -> EquilibriumSearch {
    let full = FullEquation::new(dynamics, column, t);
    let reduced = dynamics.reduced(column);
    let mut search = EquilibriumSearch::default();
    for start in starts {
        // The reduced unknowns of a start are not known, but its residual is smallest where they
        // are taken from the state: the caller's blocks hold them.
        let outcome = match &reduced {
            Some(equation) => {
                let z = unknowns(dynamics, equation.as_ref(), &start.state);
                newton(equation.as_ref(), z, options)
            }
            None => newton(&full, start.state.clone(), options),
        };
        match outcome {
            Ok((z, iterations)) => {
                let state =
                    reduced.as_ref().map_or_else(|| z.clone(), |equation| equation.lift(&z));
                let residual = full.largest_residual(&state);
                search.note(state, residual, iterations, &start.name);
            }
            Err((best_residual, reason)) => {
                search.failures.push(FailedStart {
                    start: start.name.clone(),
                    best_residual,
                    reason,
                });
            }
        }
    }
    search
}

impl EquilibriumSearch {
    fn note(&mut self, state: Vec<f64>, residual: f64, iterations: usize, start: &str) {
        let known = self.equilibria.iter_mut().find(|known| is_same(&known.state, &state));
        match known {
            Some(known) => {
                known.starts.push(start.to_owned());
                if residual < known.residual {
                    (known.state, known.residual) = (state, residual);
                }
            }
            None => self.equilibria.push(FoundEquilibrium {
                state,
                residual,
                iterations,
                starts: vec![start.to_owned()],
            }),
        }
    }
}

fn is_same(a: &[f64], b: &[f64]) -> bool {
    let size = largest(a).max(largest(b));
    let distance = a.iter().zip(b).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
    distance <= SAME * size
}

/// The part of a full state that the reduced equation works with: the block with as many rows as
/// there are unknowns (the controller before others, as it lies last in every loop).
fn unknowns(dynamics: &dyn Dynamics, equation: &dyn ReducedEquilibrium, state: &[f64]) -> Vec<f64> {
    let size = equation.dim();
    let (mut start, mut found) = (0, None);
    for block in dynamics.layout().blocks() {
        if block.rows == size {
            found = Some(start);
        }
        start += block.rows;
    }
    // Several loops keep their controllers together; zero is where such a search starts.
    found.map_or_else(|| vec![0.0; size], |start| state[start..start + size].to_vec())
}

/// `f(y) = 0` of one target of a dynamics.
struct FullEquation<'a> {
    dynamics: &'a dyn Dynamics,
    column: usize,
    t: f64,
    size: usize,
}

impl<'a> FullEquation<'a> {
    fn new(dynamics: &'a dyn Dynamics, column: usize, t: f64) -> Self {
        let size = dynamics.layout().blocks().iter().map(|b| b.rows).sum();
        Self { dynamics, column, t, size }
    }

    fn largest_residual(&self, y: &[f64]) -> f64 {
        let mut f = vec![0.0; self.size];
        self.residual(y, &mut f);
        largest(&f)
    }
}

impl ReducedEquilibrium for FullEquation<'_> {
    fn dim(&self) -> usize {
        self.size
    }

    fn residual(&self, y: &[f64], out: &mut [f64]) {
        let layout = self.dynamics.layout();
        let mut all = vec![0.0; self.dynamics.dim()];
        layout.set_column_state(self.column, y, &mut all);
        let mut f = vec![0.0; all.len()];
        self.dynamics.eval(self.t, &all, &mut f);
        out.copy_from_slice(&layout.column_state(self.column, &f));
    }

    fn jacobian(&self, y: &[f64], out: &mut DMatrix<f64>) {
        let mut all = vec![0.0; self.dynamics.dim()];
        self.dynamics.layout().set_column_state(self.column, y, &mut all);
        out.copy_from(&column_jacobian(self.dynamics, self.t, &all, self.column));
    }

    fn lift(&self, y: &[f64]) -> Vec<f64> {
        y.to_vec()
    }
}

/// The Jacobian of target `column` alone at the full state `y`: targets do not act on each other.
#[must_use]
pub fn column_jacobian(dynamics: &dyn Dynamics, t: f64, y: &[f64], column: usize) -> DMatrix<f64> {
    let layout = dynamics.layout();
    let size: usize = layout.blocks().iter().map(|b| b.rows).sum();
    let mut jacobian = DMatrix::zeros(size, size);
    if layout.columns() == 1 {
        dynamics.jacobian(t, y, &mut jacobian);
        return jacobian;
    }
    let mut direction = vec![0.0; y.len()];
    let mut image = vec![0.0; y.len()];
    let places: Vec<usize> = layout.blocks().iter().flat_map(|b| b.column_range(column)).collect();
    for (k, place) in places.iter().enumerate() {
        direction[*place] = 1.0;
        dynamics.jvp(t, y, &direction, &mut image);
        direction[*place] = 0.0;
        jacobian.set_column(k, &DVector::from_vec(layout.column_state(column, &image)));
    }
    jacobian
}
