//! Claim 1: the limit of a small leak.

use nalgebra::{DMatrix, DVector};

use crate::dynamics::Dynamics;
use crate::linalg::svd::pseudoinverse;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{FeedbackKind, LoopInstance};

/// The claim.
pub const CHECK: Check = Check {
    id: "leak-to-zero",
    claim: "as the leak vanishes the rest state tends to the pseudoinverse, at first order",
    equation: r"r^* = W^+ \delta - \alpha (W^T W)^+ W^+ \delta + O(\alpha^2)",
    source: "docs/theory.md, claim 1",
    method: "random W of all shapes with singular values from 0.3 to 3 and leaks from 1e-5 to 1e-3: \
             the difference to the pseudoinverse, divided by the leak",
    instances: Instances { usual: 500, thorough: 16000 },
    measure: |draw| measure(draw, first_order),
    model: |draw| {
        let instance = draw_loop(draw)?;
        Ok(instance.model(CHECK.id, None).run("exact", "", 100.0, 101))
    },
};

/// The coefficient of the leak, from `W`, `W^+` and `delta`.
pub type Formula = fn(&DMatrix<f64>, &DMatrix<f64>, &DVector<f64>) -> DVector<f64>;

/// The formula under test: `-(W^T W)^+ W^+ delta`, where `(W^T W)^+ = W^+ (W^+)^T`.
#[must_use]
pub fn first_order(_: &DMatrix<f64>, inverse: &DMatrix<f64>, delta: &DVector<f64>) -> DVector<f64> {
    -(inverse * (inverse.transpose() * (inverse * delta)))
}

const LEAST: f64 = 0.3;

fn draw_loop(draw: &mut Draw) -> Result<LoopInstance, Obstacle> {
    let mut instance = LoopInstance::draw(draw, &[FeedbackKind::Transpose])?;
    let (rows, columns) = instance.w.shape();
    let s: Vec<f64> = (0..rows.min(columns)).map(|_| draw.log_uniform(LEAST, 3.0)).collect();
    instance.w = draw.with_singular_values(rows, columns, &s)?;
    instance.b = -instance.w.transpose();
    instance.parameters.leak = draw.log_uniform(1e-5, 1e-3);
    Ok(instance)
}

/// Draws an instance and measures it.
///
/// # Errors
/// When a factorisation fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let instance = draw_loop(draw)?;
    let (rows, columns) = instance.w.shape();
    let leak = instance.parameters.leak;
    let inverse = pseudoinverse(&instance.w, None)?;
    let rest = instance.dynamics()?.closed_form_equilibrium()?;
    let rest = DVector::from_column_slice(&rest[..columns]);
    let full = &inverse.matrix * &instance.delta;
    let measured = (rest - &full) / leak;
    let predicted = formula(&instance.w, &inverse.matrix, &instance.delta);
    let sigma = inverse.singular_values[inverse.rank - 1];
    // sigma/(sigma^2 + a) - 1/sigma + a/sigma^3 = a^2 / (sigma^3 (sigma^2 + a)).
    let next = leak * full.norm() / sigma.powi(4);
    // With more rows than columns the rest state comes from the system of the columns; otherwise
    // from that of the rows. Both have condition at most (sigma_max / sigma_min)^2.
    let condition = (inverse.singular_values[0] / sigma).powi(2);
    let rounding =
        8.0 * rows.max(columns) as f64 * f64::EPSILON * condition * instance.delta.norm()
            / sigma
            / leak;
    let why =
        "next term of the series, leak |W^+ delta| / sigma_min^4, and rounding divided by the leak";
    let tolerance = Tolerance::truncation(next + rounding, why);
    let vectors = Measurement::vectors(
        "first_order_term",
        predicted.as_slice(),
        measured.as_slice(),
        tolerance,
    );
    Ok(vec![vectors].into())
}
