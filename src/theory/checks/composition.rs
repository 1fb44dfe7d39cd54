//! Claim 3: what layerwise inversion composes to.

use nalgebra::{DMatrix, DVector};

use crate::dynamics::{Dynamics, Feedback, LayerwiseInversion, LoopParameters, Transfer};
use crate::learning::angle;
use crate::linalg::svd::pseudoinverse;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::model_text::ModelText;

/// The claim.
pub const CHECK: Check = Check {
    id: "composition",
    claim: "layer by layer the loops reach the pseudoinverse of the whole if layers are square, not if they contract",
    equation: r"W_2^+ W_3^+ \cdots W_L^+ \delta = (W_L \cdots W_2)^+ \delta \quad \mathrm{if} \; W_l \; \mathrm{are} \; \mathrm{square}",
    source: "docs/theory.md, claim 3",
    method: "random linear networks of two to four inverted layers, loops one after the other at \
             leak 1e-9: the result against both sides, and the angle between them",
    instances: Instances { usual: 250, thorough: 6400 },
    measure: |draw| measure(draw, composed),
    model: |draw| {
        let (weights, delta) = draw_network(draw)?;
        let first = DMatrix::identity(weights[0].ncols(), weights[0].ncols());
        let all: Vec<_> = std::iter::once(&first).chain(&weights).collect();
        let parameters = LoopParameters::with_leak(LEAK);
        Ok(ModelText::new(CHECK.id)
            .linear_network(&all)
            .section("feedback.negative-transpose", &[])
            .layerwise(None, parameters, "linear", None)
            .delta(delta.as_slice(), None)
            .run("exact", "", 1000.0, 2))
    },
};

/// What the loops deliver in the limit, from `W_2 .. W_L` and `delta`.
pub type Formula = fn(&[DMatrix<f64>], &DVector<f64>) -> Result<DVector<f64>, Obstacle>;

/// The formula under test: the product of the pseudoinverses.
///
/// # Errors
/// When a factorisation fails.
pub fn composed(weights: &[DMatrix<f64>], delta: &DVector<f64>) -> Result<DVector<f64>, Obstacle> {
    let mut r = delta.clone();
    for w in weights.iter().rev() {
        r = pseudoinverse(w, None)?.matrix * r;
    }
    Ok(r)
}

/// The pseudoinverse of the product: what Gauss-Newton asks for.
fn whole(weights: &[DMatrix<f64>], delta: &DVector<f64>) -> Result<DVector<f64>, Obstacle> {
    let product = weights.iter().skip(1).fold(weights[0].clone(), |product, w| w * product);
    Ok(pseudoinverse(&product, None)?.matrix * delta)
}

const LEAK: f64 = 1e-9;
const LEAST: f64 = 0.5;

/// Square networks for even instances, contracting ones for odd.
fn draw_network(draw: &mut Draw) -> Result<(Vec<DMatrix<f64>>, DVector<f64>), Obstacle> {
    let contracts = draw.index % 2 == 1;
    let depth = draw.integer(2, 4);
    let top = draw.integer(2, 5);
    let mut weights = Vec::new();
    let mut above = top;
    for _ in 0..depth {
        let below = if contracts { above + draw.integer(1, 3) } else { above };
        let s: Vec<f64> = (0..above).map(|_| draw.log_uniform(LEAST, 2.0)).collect();
        weights.insert(0, draw.with_singular_values(above, below, &s)?);
        above = below;
    }
    Ok((weights, draw.vector(top, 1.0)))
}

/// Draws an instance and measures it.
///
/// # Errors
/// When a factorisation fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let contracts = draw.index % 2 == 1;
    let (weights, delta) = draw_network(draw)?;
    let mut r = delta.clone();
    for w in weights.iter().rev() {
        let target = DMatrix::from_column_slice(r.len(), 1, r.as_slice());
        let tied = Feedback::Tied { scale: 1.0 };
        let parameters = LoopParameters::with_leak(LEAK);
        let dynamics =
            LayerwiseInversion::new(w.clone(), tied, Transfer::Linear, target, parameters)?;
        let rest = dynamics.closed_form_equilibrium()?;
        r = DVector::from_column_slice(&rest[..w.ncols()]);
    }
    let predicted = formula(&weights, &delta)?;
    let whole = whole(&weights, &delta)?;
    // Every layer errs by at most leak/sigma^2 of its result and rounds with condition (2/0.5)^2;
    // the layers below amplify by at most 1/sigma each.
    let depth = weights.len() as i32;
    let largest = weights.iter().map(DMatrix::ncols).max().unwrap_or(1) as f64;
    let one = LEAK / (LEAST * LEAST) + 8.0 * largest * f64::EPSILON * (2.0 / LEAST).powi(2);
    let error = f64::from(depth) * one * LEAST.powi(-depth) * delta.norm();
    let why =
        "per layer leak/sigma^2 and 8 n eps cond(W)^2, amplified by 1/sigma by every layer below";
    let tolerance = Tolerance::truncation(error, why);
    let name = if contracts { "contracting" } else { "square" };
    let mut all = vec![Measurement::vectors(name, predicted.as_slice(), r.as_slice(), tolerance)];
    let spread = 2.0 * (error / whole.norm()).to_degrees();
    let tolerance = Tolerance::truncation(spread, "2 x relative error of the result, in degrees");
    let between = angle(r.as_slice(), whole.as_slice());
    if contracts {
        let claimed = angle(predicted.as_slice(), whole.as_slice());
        all.push(Measurement::equal("angle_contracting", claimed, between, tolerance));
        all.push(Measurement::verdict("is_not_gauss_newton", true, between > spread));
    } else {
        all.push(Measurement::equal("angle_square", 0.0, between, tolerance));
    }
    Ok(all.into())
}
