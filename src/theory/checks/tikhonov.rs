//! Claim 1: the loop as a Tikhonov-regularised inverse.

use nalgebra::DVector;

use crate::dynamics::Dynamics;
use crate::linalg::svd::{pseudoinverse, svd};
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{FeedbackKind, LoopInstance};
use crate::theory::measure::{SOLVE, norm, solve_error};

/// The claim.
pub const CHECK: Check = Check {
    id: "tikhonov",
    claim: "with B = -W^T the leak is the damping of a Tikhonov-regularised inverse, and bounds its error",
    equation: r"r^* = \sum_k \frac{\sigma_k}{\sigma_k^2 + \alpha} v_k u_k^T \delta, \quad | r^* - W^+ \delta | \leq \frac{\alpha}{\sigma_{\mathrm{min}}^2 + \alpha} | W^+ \delta |",
    source: "docs/theory.md, claim 1; Tikhonov 1963",
    method: "random W of all shapes and ranks; the rest state of the loop against the singular value \
             decomposition, and the bound, which must be reached along the smallest singular direction",
    instances: Instances { usual: 500, thorough: 16000 },
    measure: |draw| measure(draw, filter),
    model: |draw| {
        let instance = draw_loop(draw)?;
        Ok(instance.model(CHECK.id, None).run("exact", "", 100.0, 101))
    },
};

/// What a direction of singular value `sigma` is multiplied with, at a leak.
pub type Formula = fn(f64, f64) -> f64;

/// The formula under test.
#[must_use]
pub fn filter(sigma: f64, leak: f64) -> f64 {
    sigma / (sigma * sigma + leak)
}

fn draw_loop(draw: &mut Draw) -> Result<LoopInstance, Obstacle> {
    let mut instance = LoopInstance::draw(draw, &[FeedbackKind::Transpose])?;
    let (rows, columns) = instance.w.shape();
    let rank = draw.integer(1, rows.min(columns));
    let s: Vec<f64> = (0..rank).map(|_| draw.log_uniform(0.1, 3.0)).collect();
    instance.w = draw.with_singular_values(rows, columns, &s)?;
    instance.b = -instance.w.transpose();
    instance.parameters.leak = draw.log_uniform(1e-4, 1.0);
    Ok(instance)
}

/// Draws an instance and measures it.
///
/// # Errors
/// When a factorisation fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let mut instance = draw_loop(draw)?;
    let (rows, columns) = instance.w.shape();
    let leak = instance.parameters.leak;
    let parts = svd(&instance.w)?;
    let inverse = pseudoinverse(&instance.w, None)?;
    let predict = |delta: &DVector<f64>| {
        let mut r = DVector::zeros(columns);
        for (k, &sigma) in parts.s.iter().enumerate() {
            r += parts.v.column(k) * (formula(sigma, leak) * parts.u.column(k).dot(delta));
        }
        r
    };
    // The system is W W^T + leak I; its error reaches the state through W^T.
    let rest = |instance: &LoopInstance| -> Result<(DVector<f64>, Tolerance), Obstacle> {
        let state = instance.dynamics()?.closed_form_equilibrium()?;
        let rcond = leak / (parts.s[0] * parts.s[0] + leak);
        let size = parts.s[0] * norm(&state[columns..]);
        let error = solve_error(rows.max(columns), rcond, size);
        Ok((DVector::from_column_slice(&state[..columns]), Tolerance::rounding(error, SOLVE)))
    };
    let (damped, rounding) = rest(&instance)?;
    let mut all = vec![Measurement::vectors(
        "rest_state",
        predict(&instance.delta).as_slice(),
        damped.as_slice(),
        rounding,
    )];
    let sigma = parts.s[inverse.rank - 1];
    let share = 1.0 - sigma * formula(sigma, leak);
    // The distance is a difference of two vectors: the pseudoinverse rounds as well.
    let condition = parts.s[0] / sigma;
    let distance = |state: DVector<f64>, rounding: Tolerance, delta: &DVector<f64>| {
        let full = &inverse.matrix * delta;
        let value = rounding.value + solve_error(rows.max(columns), 1.0 / condition, full.norm());
        let why = "8 n eps cond |x| of the rest state and of W^+ delta";
        (share * full.norm(), (state - full).norm(), Tolerance::rounding(value, why))
    };
    let (bound, found, tolerance) = distance(damped, rounding, &instance.delta);
    all.push(Measurement::at_most("bound", bound, found, tolerance));
    instance.delta = parts.u.column(inverse.rank - 1).into_owned();
    let (state, rounding) = rest(&instance)?;
    let (bound, found, tolerance) = distance(state, rounding, &instance.delta);
    all.push(Measurement::equal("bound_reached", bound, found, tolerance));
    Ok(all.into())
}
