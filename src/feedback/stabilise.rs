//! Feedback made stable where the loop works: at its equilibrium, for its worst target.
//!
//! The Jacobian of a nonlinear loop depends on the state, and its equilibrium moves with the
//! feedback. So the feedback is optimised for the target with the largest spectral abscissa, each
//! target linearised at its own equilibrium, the equilibria are found anew, and so on until every
//! target has the margin.

use nalgebra::DMatrix;

use super::optimize::{OptimizeError, OptimizeOptions, Optimized, optimize, optimize_single_loop};
use crate::analysis::AnalysisError;
use crate::analysis::equilibria::{NewtonOptions, Start, find_equilibria};
use crate::analysis::spectrum::reduced_spectrum;
use crate::dynamics::{Dynamics, DynamicsError, Structure};

/// Times that equilibria are found anew; each round lowers the largest abscissa of one target.
const MAX_ROUNDS: usize = 20;

/// Where a loop was linearised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinearisedAt {
    /// Everywhere alike: the loop is linear.
    Linear,
    /// At the equilibrium of the target.
    Equilibrium,
    /// At the initial state: no equilibrium was found.
    InitialState,
}

impl LinearisedAt {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Linear => "the loop is linear",
            Self::Equilibrium => "linearised at the equilibrium",
            Self::InitialState => "linearised at the initial state, as no equilibrium was found",
        }
    }
}

/// Feedback of one loop after [`stabilise`].
#[derive(Debug, Clone, PartialEq)]
pub struct Stabilised {
    /// The matrix.
    pub feedback: DMatrix<f64>,
    /// Largest spectral abscissa of any target with the feedback at the start, 1/s.
    pub start_abscissa: f64,
    /// The same with `feedback`, 1/s.
    pub abscissa: f64,
    /// Steps of the descent, over all rounds.
    pub iterations: usize,
    /// Descents; more than one where the worst target or its equilibrium changed.
    pub rounds: usize,
    /// The target with the largest abscissa.
    pub target: usize,
    /// Where it was linearised.
    pub at: LinearisedAt,
    /// Whether every target has the margin.
    pub reached: bool,
}

/// Feedback could not be optimised where the loop works.
#[derive(Debug, thiserror::Error)]
pub enum StabiliseError {
    /// The descent failed.
    #[error(transparent)]
    Optimize(#[from] OptimizeError),
    /// The spectrum of a loop could not be found.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// A loop with the new feedback could not be built.
    #[error(transparent)]
    Dynamics(#[from] DynamicsError),
    /// The equation is no single loop.
    #[error("only layer loops and single loops have a feedback matrix to optimise")]
    NoLoop,
}

/// Moves the feedback of a loop until the spectral abscissa of every target is at most
/// `-options.margin`. `close` builds the loop with a feedback matrix, `start` is the first one.
///
/// A run that ends short of the margin is no error: `reached` is false and the best matrix is
/// returned.
///
/// # Errors
/// As [`optimize`], and what `close` returns.
pub fn stabilise(
    start: DMatrix<f64>,
    options: &OptimizeOptions,
    close: impl Fn(&DMatrix<f64>) -> Result<Box<dyn Dynamics>, DynamicsError>,
) -> Result<Stabilised, StabiliseError> {
    let worst = worst(close(&start)?.as_ref())?;
    let mut best = Stabilised {
        feedback: start.clone(),
        start_abscissa: worst.abscissa,
        abscissa: worst.abscissa,
        iterations: 0,
        rounds: 0,
        target: worst.target,
        at: worst.at,
        reached: worst.abscissa <= -options.margin,
    };
    let (mut now, mut left) = (worst, options.max_iterations);
    while best.rounds == 0
        || (now.abscissa > -options.margin && best.rounds < MAX_ROUNDS && left > 0)
    {
        let found =
            descend(&now.structure, &OptimizeOptions { max_iterations: left.max(1), ..*options })?;
        best.rounds += 1;
        best.iterations += found.iterations;
        left = left.saturating_sub(found.iterations);
        if found.iterations == 0 && best.rounds > 1 {
            break;
        }
        now = self::worst(close(&found.feedback)?.as_ref())?;
        if now.abscissa < best.abscissa || found.iterations == 0 {
            best.abscissa = now.abscissa;
            best.feedback = found.feedback;
            (best.target, best.at) = (now.target, now.at);
            best.reached = now.abscissa <= -options.margin;
        }
    }
    Ok(best)
}

fn descend(structure: &Structure, options: &OptimizeOptions) -> Result<Optimized, StabiliseError> {
    match structure {
        Structure::LayerLoops(loops) => match loops.as_slice() {
            [layer] => Ok(optimize(layer, options)?),
            _ => Err(StabiliseError::NoLoop),
        },
        Structure::SingleLoop(chain) => Ok(optimize_single_loop(chain, options)?),
        Structure::Dense | Structure::Control(_) => Err(StabiliseError::NoLoop),
    }
}

/// The target with the largest spectral abscissa.
struct Worst {
    target: usize,
    at: LinearisedAt,
    abscissa: f64,
    structure: Structure,
}

fn worst(dynamics: &dyn Dynamics) -> Result<Worst, StabiliseError> {
    let layout = dynamics.layout();
    // Targets of one Jacobian need one look.
    let columns = if dynamics.shares_jacobian() { 1 } else { layout.columns() };
    let initial = dynamics.initial_state();
    let mut worst: Option<Worst> = None;
    for target in 0..columns {
        let (at, state) = if dynamics.is_linear() {
            (LinearisedAt::Linear, initial.clone())
        } else {
            rest(dynamics, target, &initial)
        };
        let structure = dynamics.structure(0.0, &state, target);
        let spectrum = reduced_spectrum(&structure)?.ok_or(StabiliseError::NoLoop)?;
        let abscissa = spectrum.abscissa();
        if worst.as_ref().is_none_or(|known| abscissa > known.abscissa) {
            worst = Some(Worst { target, at, abscissa, structure });
        }
    }
    worst.ok_or(StabiliseError::NoLoop)
}

/// The equilibrium of one target, or the initial state where none is found.
fn rest(dynamics: &dyn Dynamics, target: usize, initial: &[f64]) -> (LinearisedAt, Vec<f64>) {
    let layout = dynamics.layout();
    let state = layout.column_state(target, initial);
    let zero = vec![0.0; state.len()];
    let starts = [("initial", state), ("zero", zero)]
        .map(|(name, state)| Start { name: name.to_owned(), state });
    let search = find_equilibria(dynamics, target, 0.0, &starts, NewtonOptions::default());
    let mut all = initial.to_vec();
    match search.equilibria.first() {
        Some(found) => {
            layout.set_column_state(target, &found.state, &mut all);
            (LinearisedAt::Equilibrium, all)
        }
        None => (LinearisedAt::InitialState, all),
    }
}
