//! Theorem 3: what happens when the form of the feedback is broken.

use nalgebra::{DMatrix, DVector};

use crate::analysis::spectrum::full_spectrum;
use crate::analysis::{Judgement, Verdict};
use crate::dynamics::Transfer;
use crate::integrate::{DOP853, SaveAt, Solver};
use crate::network::Activation;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{FeedbackKind, LoopInstance, loop_jacobian};
use crate::theory::measure::{norm, simulate};

/// The claim.
pub const CHECK: Check = Check {
    id: "theorem-3-form",
    claim: "R must be symmetric: a positive definite R with a skew part makes loops that never settle",
    equation: r"B = - P W^T (R + K), \; K = - K^T \; \Rightarrow \; \max_k \mathrm{Re} \lambda_k (J) > 0 \; \mathrm{is} \; \mathrm{possible}",
    source: "docs/theory.md, theorem 3",
    method: "tanh loops at rest at zero whose R gets a growing skew part until theorem 1 finds the \
             rest state unstable; a trajectory from 1e-3 beside it must leave",
    instances: Instances { usual: 100, thorough: 2400 },
    measure: |draw| measure(draw, broken),
    model: |draw| {
        let (instance, start, _) = draw_loop(draw, broken)?;
        let model = instance.model(CHECK.id, Some(Activation::Tanh)).initial(start.as_slice());
        Ok(model.run("dop853", "rtol = 1e-9\natol = 1e-11", 100.0, 201))
    },
};

/// What stands between `W^T` and the controller: from `R` and a skew matrix.
pub type Formula = fn(&DMatrix<f64>, &DMatrix<f64>) -> DMatrix<f64>;

/// The broken form: `R + K`. (With `R` alone no counterexample exists, and the check must fail.)
#[must_use]
pub fn broken(r: &DMatrix<f64>, skew: &DMatrix<f64>) -> DMatrix<f64> {
    r + skew
}

/// Sizes of the skew part that are tried.
const DOUBLINGS: i32 = 16;
/// Distance of the start from rest.
const NEAR: f64 = 1e-3;

fn draw_loop(
    draw: &mut Draw,
    formula: Formula,
) -> Result<(LoopInstance, DVector<f64>, f64), Obstacle> {
    let (rows, columns) = (draw.integer(2, 6), draw.integer(2, 6));
    let mut instance = LoopInstance::sized(draw, &[FeedbackKind::Transpose], rows, columns)?;
    // A direction that W hardly sees would hide the skew part.
    let s: Vec<f64> = (0..rows.min(columns)).map(|_| draw.log_uniform(0.3, 2.0)).collect();
    instance.w = draw.with_singular_values(rows, columns, &s)?;
    instance.delta.fill(0.0);
    let p = DVector::from_fn(columns, |_, _| draw.log_uniform(0.3, 3.0));
    let r = draw.positive_definite(rows, 0.3, 3.0)?;
    let skew = draw_skew(draw, &instance.w)?;
    let start = draw.vector(rows + columns, 1.0);
    let start = &start * (NEAR / start.norm());
    let mut abscissa = f64::NEG_INFINITY;
    for doubling in 0..DOUBLINGS {
        let product = instance.w.transpose() * formula(&r, &(&skew * 2.0f64.powi(doubling)));
        instance.b = DMatrix::from_fn(columns, rows, |i, j| -p[i] * product[(i, j)]);
        let judgement = Judgement::of(&full_spectrum(&loop_jacobian(&instance.layer()))?);
        abscissa = judgement.spectral_abscissa;
        // Growth too slow to be seen in the simulation does not count.
        if judgement.verdict == Verdict::Unstable && abscissa > 0.05 {
            break;
        }
    }
    Ok((instance, start, abscissa))
}

/// A skew matrix of norm 1 of which `W` sees at least a tenth.
fn draw_skew(draw: &mut Draw, w: &DMatrix<f64>) -> Result<DMatrix<f64>, Obstacle> {
    let n = w.nrows();
    for _ in 0..100 {
        let any = draw.matrix(n, n, 1.0);
        let skew = &any - any.transpose();
        let skew = &skew / skew.norm();
        if (w.transpose() * &skew * w).norm() >= 0.1 {
            return Ok(skew);
        }
    }
    Err(Obstacle::new("W sees no skew part"))
}

/// Draws an instance and measures it.
///
/// # Errors
/// When eigenvalues are not found or the integration fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let (instance, start, abscissa) = draw_loop(draw, formula)?;
    let spectrum = full_spectrum(&loop_jacobian(&instance.layer()))?;
    let tolerance = Tolerance::rounding(
        10.0 * spectrum.errors.first().copied().unwrap_or(0.0),
        "10 x estimated rounding error of the eigenvalue",
    );
    let dynamics = instance.with_transfer(Transfer::Nonlinear { activation: Activation::Tanh })?;
    // Long enough for any start with a visible part along the growing mode.
    let t_end = if abscissa > 0.0 { 15.0 / abscissa } else { 100.0 };
    let solver = Solver::Stepping(&DOP853);
    let run = simulate(&dynamics, solver, start.as_slice(), t_end, SaveAt::Count(40))?;
    let largest = (0..run.trajectory.len())
        .map(|k| norm(run.trajectory.state(k)))
        .skip(run.trajectory.len() / 2)
        .fold(0.0, f64::max);
    let distance = Tolerance::solver(
        2.0 * run.error,
        "2 x (difference to tolerances 100 times tighter + one local tolerance)",
    );
    Ok(vec![
        Measurement::at_least("abscissa", 0.05, abscissa, tolerance),
        Measurement::at_least("late_distance", 10.0 * NEAR, largest, distance),
    ]
    .into())
}
