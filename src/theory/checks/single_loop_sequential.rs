//! When one loop through all layers does what sequential loops do.

use nalgebra::{DMatrix, DVector};

use super::theorem_2_spectrum::Chain;
use crate::dynamics::{Dynamics, Feedback, LayerwiseInversion, LoopParameters, Transfer};
use crate::linalg::eigen::eigenvalues;
use crate::linalg::svd::condition_number;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;

/// The claim.
pub const CHECK: Check = Check {
    id: "single-loop-sequential",
    claim: "without leak one loop equals the sequential loops if all layers above the first are square, else not",
    equation: r"B = (-1)^{n-1} B_2 B_3 \cdots B_L, \; \alpha = 0, \; W_3, \ldots, W_L \; \mathrm{square} \; \Rightarrow \; r_1 = B_2 (W_2 B_2)^{-1} \cdots B_L (W_L B_L)^{-1} \delta",
    source: "docs/theory.md, single loop",
    method: "20-10-10 shapes and others for even instances, 20-10-5 and others for odd ones, \
             B_l = -W_l^T: rest state of the single loop against that of the loops one after the other, and the \
             sign of the eigenvalues around the loop",
    instances: Instances { usual: 250, thorough: 6400 },
    measure: |draw| measure(draw, feedback),
    model: |draw| {
        let (weights, delta) = draw_network(draw)?;
        let chain = chain(&weights, &delta, feedback);
        Ok(chain.model(CHECK.id).run("dop853", "rtol = 1e-9\natol = 1e-11", 100.0, 101))
    },
};

/// The feedback of the single loop, from `W_2 .. W_L`.
pub type Formula = fn(&[DMatrix<f64>]) -> DMatrix<f64>;

/// The formula under test: the product of the layers' `B_l = -W_l^T`, with the sign that keeps the
/// loop negative.
#[must_use]
pub fn feedback(weights: &[DMatrix<f64>]) -> DMatrix<f64> {
    let sign = if weights.len() % 2 == 1 { 1.0 } else { -1.0 };
    let mut product = -weights[0].transpose();
    for w in &weights[1..] {
        product *= -w.transpose();
    }
    product * sign
}

fn chain(weights: &[DMatrix<f64>], delta: &DVector<f64>, formula: Formula) -> Chain {
    Chain {
        weights: weights.to_vec(),
        feedback: formula(weights),
        delta: delta.as_slice().to_vec(),
        parameters: LoopParameters::with_leak(0.0),
    }
}

fn draw_network(draw: &mut Draw) -> Result<(Vec<DMatrix<f64>>, DVector<f64>), Obstacle> {
    let contracts = draw.index % 2 == 1;
    let depth = draw.integer(2, 3);
    let narrow = if draw.coin() { 10 } else { draw.integer(3, 8) };
    let mut sizes = vec![2 * narrow];
    sizes.extend(std::iter::repeat_n(narrow, depth - 1));
    sizes.push(if contracts { (narrow / 2).max(1) } else { narrow });
    let mut weights = Vec::new();
    for pair in sizes.windows(2) {
        let s: Vec<f64> = (0..pair[1].min(pair[0])).map(|_| draw.log_uniform(0.4, 2.0)).collect();
        weights.push(draw.with_singular_values(pair[1], pair[0], &s)?);
    }
    Ok((weights, draw.vector(sizes[depth], 1.0)))
}

/// Draws an instance and measures it.
///
/// # Errors
/// When there is no rest state.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let contracts = draw.index % 2 == 1;
    let (weights, delta) = draw_network(draw)?;
    let single = chain(&weights, &delta, formula);
    let rest = single.dynamics()?.closed_form_equilibrium()?;
    let mut sequential = delta.clone();
    let mut condition = 1.0;
    for w in weights.iter().rev() {
        let target = DMatrix::from_column_slice(sequential.len(), 1, sequential.as_slice());
        let tied = Feedback::Tied { scale: 1.0 };
        let parameters = LoopParameters::with_leak(0.0);
        let dynamics =
            LayerwiseInversion::new(w.clone(), tied, Transfer::Linear, target, parameters)?;
        sequential = DVector::from_column_slice(&dynamics.closed_form_equilibrium()?[..w.ncols()]);
        condition *= condition_number(w)?.powi(2);
    }
    let n = weights[0].ncols();
    let error = 8.0 * n as f64 * f64::EPSILON * condition * sequential.norm();
    let why = "8 n eps |x| times the product of cond(W_l)^2";
    let tolerance = Tolerance::rounding(error, why);
    // Any B_2 X has the same range, so the rest state does not see the sign; stability does.
    let slowest = eigenvalues(&single.product())?.abscissa();
    let negative = Measurement::verdict("loop_is_negative", true, slowest < 0.0);
    if contracts {
        let distance = (DVector::from_column_slice(&rest[..n]) - &sequential).norm();
        let differs = Measurement::verdict("differs_when_contracting", true, distance > error);
        return Ok(vec![differs, negative].into());
    }
    let square = Measurement::vectors("square", sequential.as_slice(), &rest[..n], tolerance);
    Ok(vec![square, negative].into())
}
