//! The smoothed spectral abscissa and its gradient.

use nalgebra::DMatrix;

use crate::feedback::smoothed_abscissa;
use crate::linalg::eigen::eigenvalues;
use crate::linalg::lyapunov::lyapunov;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{KINDS, LoopInstance, loop_jacobian};

/// The claim.
pub const CHECK: Check = Check {
    id: "smoothed-abscissa",
    claim: "the gradient of the smoothed spectral abscissa is Q P / trace(Q P), and it lies above the abscissa",
    equation: r"\frac{\partial s}{\partial J} = \frac{Q P}{\mathrm{tr}(Q P)}, \quad (J - s I) P + P (J - s I)^T + 2 I = 0, \quad \mathrm{tr}(P) = 1 / \epsilon",
    source: "docs/theory.md, stabilising feedback; Vanbiervliet, Vandereycken, Michiels, Vandewalle & Diehl 2009, SIAM J. Optim. 20",
    method: "random loop Jacobians and random directions; the formula against central differences of \
             the value, extrapolated, and the gradient the program descends along",
    instances: Instances { usual: 150, thorough: 3200 },
    measure: |draw| measure(draw, gradient),
    model: |draw| {
        let instance = LoopInstance::draw(draw, &KINDS)?;
        Ok(instance.model(CHECK.id, None).run("exact", "", 20.0, 101))
    },
};

/// The gradient from `P` and `Q`.
pub type Formula = fn(&DMatrix<f64>, &DMatrix<f64>) -> DMatrix<f64>;

/// The formula under test.
#[must_use]
pub fn gradient(p: &DMatrix<f64>, q: &DMatrix<f64>) -> DMatrix<f64> {
    let product = q * p;
    let trace = product.trace();
    product / trace
}

/// Draws an instance and measures it.
///
/// # Errors
/// When a Lyapunov equation cannot be solved.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let j = loop_jacobian(&LoopInstance::draw(draw, &KINDS)?.layer());
    let n = j.nrows();
    let smoothing = draw.log_uniform(0.01, 0.3);
    let direction = draw.matrix(n, n, 1.0 / n as f64);
    let found = smoothed_abscissa(&j, smoothing, None)?;
    let shifted = &j - DMatrix::identity(n, n) * found.value;
    let forcing = DMatrix::from_diagonal_element(n, n, 2.0);
    let p = lyapunov(&shifted, &forcing)?.x;
    let q = lyapunov(&shifted.transpose(), &forcing)?.x;
    let own = formula(&p, &q);
    let predicted = own.dot(&direction);

    // Small against the distance from the spectrum, on whose scale the value bends.
    let step = 0.02 * smoothing;
    let difference = |h: f64| -> Result<f64, Obstacle> {
        let at = |h: f64| smoothed_abscissa(&(&j + &direction * h), smoothing, Some(found.value));
        Ok((at(h)?.value - at(-h)?.value) / (2.0 * h))
    };
    let (coarse, fine) = (difference(step)?, difference(0.5 * step)?);
    let extrapolated = fine + (fine - coarse) / 3.0;
    // 1/trace(P) is found to 1e-10 of the smoothing, and changes with s at the rate
    // trace(Q P) / trace(P)^2; extrapolation takes it in with at most 4 / step.
    let found_to = 1e-10 * smoothing * p.trace().powi(2) / (&q * &p).trace();
    let solver = 4.0 * found_to / step;
    let truncation = (extrapolated - fine).abs();
    let why = "last extrapolation, and 4 x the accuracy of the value (1e-10 of the smoothing in 1/trace(P)) over the step";
    let tolerance = Tolerance::truncation(truncation + solver, why);
    let abscissa = eigenvalues(&j)?.abscissa();
    let size = 1e3 * f64::EPSILON * n as f64 * p.norm() * q.norm() / (&q * &p).trace();
    let own_error = Tolerance::rounding(
        size + 1e-9,
        "1000 n eps |P| |Q| / trace(Q P), and 1e-10 of the smoothing in s",
    );
    let enough =
        Tolerance::solver(found_to, "1e-10 of the smoothing in 1/trace(P), to which s is found");
    Ok(vec![
        Measurement::equal("directional_derivative", predicted, extrapolated, tolerance),
        Measurement::vectors("gradient", own.as_slice(), found.gradient.as_slice(), own_error),
        Measurement::at_least("height", smoothing, found.value - abscissa, enough),
    ]
    .into())
}
