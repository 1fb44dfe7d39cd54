//! Feedback matrices made stable: descent of a smoothed spectral abscissa.
//!
//! The spectral abscissa of a Jacobian is not smooth where eigenvalues meet, and that is where its
//! minimisers lie. For `eps > 0` the smoothed abscissa `s` of `J` is the number to the right of the
//! spectrum with `trace(P) = 1/eps`, where `(J - s I) P + P (J - s I)^T + 2 I = 0` (Vanbiervliet,
//! Vandereycken, Michiels, Vandewalle & Diehl, SIAM J. Optim. 20, 2009, doi:10.1137/070704034). It
//! is smooth in `J`, exceeds the abscissa by at least `eps` and tends to it as `eps -> 0`.

mod closed_loop;
mod descent;
mod error;
mod scheme;
mod smoothed;

use nalgebra::DMatrix;

use self::closed_loop::ClosedLoop;
use self::descent::Descent;
pub use self::error::{Limit, OptimizeError};
use self::scheme::Scheme;
pub use self::smoothed::{SmoothedAbscissa, smoothed_abscissa};
use crate::dynamics::{LayerLoop, SingleLoopChain};

/// States up to which the full Jacobian is used by [`Objective::Auto`]: a step then takes
/// milliseconds.
const SMALL: usize = 64;
/// Factor of the smoothing when the descent ends short of the margin.
const SHARPEN: f64 = 0.1;
/// Times the smoothing is reduced.
const SHARPENINGS: usize = 4;
/// The first step aims this share of the sum of decay rates beyond the margin, so that it is not
/// tiny when the loop is nearly there.
const HEADROOM: f64 = 0.1;

/// The spectrum whose smoothed abscissa is descended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Objective {
    /// [`Full`](Self::Full) up to 64 states, [`Reduced`](Self::Reduced) beyond.
    #[default]
    Auto,
    /// The Jacobian itself.
    Full,
    /// The companion matrix of `(1 + tau_state x)^n (tau_controller x + leak) = mu`, with `mu` the
    /// eigenvalues of `M B` or of `B M`, whichever is smaller. It has the eigenvalues of the
    /// Jacobian that `B` can move, so the cost does not depend on the larger dimension.
    Reduced,
}

/// How far and how long to descend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptimizeOptions {
    /// The descent ends when the spectral abscissa is at most `-margin`, 1/s.
    pub margin: f64,
    /// Smoothing `eps` of the abscissa at the start, 1/s. Where the descent ends short of the
    /// margin it is reduced tenfold, at most four times.
    pub smoothing: f64,
    /// Cap on the steps of the descent.
    pub max_iterations: usize,
    /// What is descended.
    pub objective: Objective,
}

impl Default for OptimizeOptions {
    fn default() -> Self {
        Self { margin: 0.1, smoothing: 0.01, max_iterations: 1000, objective: Objective::Auto }
    }
}

/// Result of an optimisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimized {
    /// The feedback matrix `B` with the smallest spectral abscissa met, state x controller units.
    pub feedback: DMatrix<f64>,
    /// Spectral abscissa of the Jacobian with it, 1/s.
    pub abscissa: f64,
    /// Smoothed abscissa of the objective with it, 1/s. The reduced objective leaves out eigenvalues
    /// that no feedback moves.
    pub smoothed_abscissa: f64,
    /// Smoothing at the end, 1/s.
    pub smoothing: f64,
    /// Steps taken.
    pub iterations: usize,
    /// Whether the abscissa is at most `-margin`.
    pub reached: bool,
}

/// Moves the feedback of a layer loop until its spectral abscissa is at most `-margin`.
///
/// The gradient of the smoothed abscissa with respect to the Jacobian is `Q P / trace(Q P)`, with
/// `Q` from the transposed Lyapunov equation; its block of `B` is followed by limited-memory
/// quasi-Newton steps with a backtracking line search, so the smoothed abscissa falls in every
/// step. The start is the loop's own `feedback`.
///
/// A run that ends short of the margin is no error: `reached` is false and the best matrix is
/// returned.
///
/// # Errors
/// Options out of range, parts that do not fit together, [`OptimizeError::Unreachable`] when no
/// `B` can reach the margin because eigenvalues that do not depend on it are in the way, and
/// failures of the linear algebra.
pub fn optimize(layer: &LayerLoop, options: &OptimizeOptions) -> Result<Optimized, OptimizeError> {
    let chain = SingleLoopChain {
        forward: vec![layer.forward.clone()],
        feedback: layer.feedback.clone(),
        leak: layer.leak,
        tau_state: layer.tau_state,
        tau_controller: layer.tau_controller,
    };
    optimize_single_loop(&chain, options)
}

/// As [`optimize`], for a single loop through several stages.
///
/// # Errors
/// As [`optimize`].
pub fn optimize_single_loop(
    chain: &SingleLoopChain,
    options: &OptimizeOptions,
) -> Result<Optimized, OptimizeError> {
    run(chain, None, options)
}

/// As [`optimize_single_loop`], for the loop as the published semi-implicit Euler scheme runs it
/// with `step` (controller first, then the stages, each with the new values of those before).
///
/// That scheme is a system of its own: it can diverge where the differential equation is stable.
/// What is descended is the smoothed spectral radius of its one-step matrix, stated as the rate
/// `ln(radius)/step` in 1/s; [`Optimized::abscissa`] and [`OptimizeOptions::margin`] are such rates.
///
/// # Errors
/// As [`optimize`], and a step that is not positive and finite.
pub fn optimize_semi_implicit(
    chain: &SingleLoopChain,
    step: f64,
    options: &OptimizeOptions,
) -> Result<Optimized, OptimizeError> {
    check_step(step)?;
    run(chain, Some(step), options)
}

/// The rate `ln(radius)/step`, 1/s, of the one-step matrix of the published semi-implicit Euler
/// scheme on a loop: the scheme converges iff it is negative.
///
/// # Errors
/// Parts that do not fit together, a step that is not positive and finite, failures of the linear
/// algebra.
pub fn semi_implicit_rate(chain: &SingleLoopChain, step: f64) -> Result<f64, OptimizeError> {
    check_step(step)?;
    let closed = ClosedLoop::new(chain)?;
    let loops = Objectives { closed: &closed, full: false, step: Some(step) };
    loops.rate(closed.start())
}

fn check_step(value: f64) -> Result<(), OptimizeError> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(OptimizeError::Option { option: "step", value, requirement: "finite and positive" })
}

fn run(
    chain: &SingleLoopChain,
    step: Option<f64>,
    options: &OptimizeOptions,
) -> Result<Optimized, OptimizeError> {
    check(options)?;
    let closed = ClosedLoop::new(chain)?;
    let (least, limit) = closed.least_rate(step);
    if options.margin >= -least {
        return Err(OptimizeError::Unreachable { margin: options.margin, below: -least, limit });
    }
    let full = match options.objective {
        Objective::Full => true,
        Objective::Reduced => false,
        Objective::Auto => closed.states() <= SMALL,
    };
    descend(&Objectives { closed: &closed, full, step }, options)
}

/// What is descended as a function of the feedback.
struct Objectives<'a> {
    closed: &'a ClosedLoop<'a>,
    /// Whether the full Jacobian is used rather than the companion matrix.
    full: bool,
    /// The step of the published scheme, or none for the differential equation.
    step: Option<f64>,
}

impl Objectives<'_> {
    fn scheme(&self, step: f64) -> Scheme {
        Scheme { order: self.closed.update_order(self.full), step }
    }

    /// The smoothed rate of growth and its gradient with respect to the feedback.
    fn smoothed(
        &self,
        b: &DMatrix<f64>,
        smoothing: f64,
        near: Option<f64>,
    ) -> Result<(f64, DMatrix<f64>), OptimizeError> {
        let matrix = self.closed.matrix(b, self.full);
        let (value, gradient) = match self.step {
            None => {
                let smoothed = smoothed_abscissa(&matrix, smoothing, near)?;
                (smoothed.value, smoothed.gradient)
            }
            Some(step) => self.scheme(step).smoothed(&matrix, smoothing, near)?,
        };
        Ok((value, self.closed.gradient(&gradient, self.full)))
    }

    /// The rate of growth itself.
    fn rate(&self, b: &DMatrix<f64>) -> Result<f64, OptimizeError> {
        let matrix = self.closed.matrix(b, self.full);
        let moved = match self.step {
            None => crate::linalg::eigen::eigenvalues(&matrix)?.abscissa(),
            Some(step) => self.scheme(step).rate(&matrix)?,
        };
        // The companion matrix holds only as many eigenvalues as the feedback can move.
        Ok(self.closed.fixed_rates(self.step).fold(moved, f64::max))
    }
}

fn check(options: &OptimizeOptions) -> Result<(), OptimizeError> {
    let refuse =
        |option, value, requirement| Err(OptimizeError::Option { option, value, requirement });
    if !(options.margin.is_finite() && options.margin >= 0.0) {
        return refuse("margin", options.margin, "finite and at least 0");
    }
    if !(options.smoothing.is_finite() && options.smoothing > 0.0) {
        return refuse("smoothing", options.smoothing, "finite and positive");
    }
    if options.max_iterations == 0 {
        return refuse("max_iterations", 0.0, "at least 1");
    }
    Ok(())
}

/// The best matrix met so far.
struct Best {
    feedback: DMatrix<f64>,
    abscissa: f64,
    smoothed: f64,
}

fn descend(
    objectives: &Objectives<'_>,
    options: &OptimizeOptions,
) -> Result<Optimized, OptimizeError> {
    let closed = objectives.closed;
    let target = -options.margin;
    let mut smoothing = options.smoothing;
    let evaluate = |b: &DMatrix<f64>, smoothing: f64, near: Option<f64>| {
        objectives.smoothed(b, smoothing, near)
    };
    let abscissa = |b: &DMatrix<f64>| objectives.rate(b);
    let start = closed.start().clone();
    let (value, gradient) = evaluate(&start, smoothing, None)?;
    let mut best = Best { abscissa: abscissa(&start)?, feedback: start.clone(), smoothed: value };
    let mut descent = Descent::new(start, value, gradient);
    let (mut iterations, mut sharpenings) = (0, 0);
    while best.abscissa > target && iterations < options.max_iterations {
        let near = descent.value;
        let aim = target - HEADROOM * closed.rate();
        if descent.step(aim, |b| evaluate(b, smoothing, Some(near))) {
            iterations += 1;
            let reached = abscissa(&descent.point)?;
            if reached < best.abscissa {
                best = Best {
                    feedback: descent.point.clone(),
                    abscissa: reached,
                    smoothed: descent.value,
                };
            }
            continue;
        }
        if sharpenings == SHARPENINGS {
            break;
        }
        sharpenings += 1;
        smoothing *= SHARPEN;
        let (value, gradient) = evaluate(&best.feedback, smoothing, None)?;
        best.smoothed = value;
        descent = Descent::new(best.feedback.clone(), value, gradient);
    }
    Ok(Optimized {
        reached: best.abscissa <= target,
        abscissa: best.abscissa,
        feedback: best.feedback,
        smoothed_abscissa: best.smoothed,
        smoothing,
        iterations,
    })
}
