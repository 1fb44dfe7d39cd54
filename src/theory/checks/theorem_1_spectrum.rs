//! Theorem 1: the spectrum of a layer loop from a small matrix.

use nalgebra::Complex;

use crate::analysis::spectrum::full_spectrum;
use crate::analysis::{Judgement, Verdict};
use crate::dynamics::LayerLoop;
use crate::linalg::eigen::eigenvalues_with_conditions;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{KINDS, LoopInstance, loop_jacobian};
use crate::theory::measure::{EIGENVALUE_FACTOR, EIGENVALUES, match_spectra};

/// The claim.
pub const CHECK: Check = Check {
    id: "theorem-1-spectrum",
    claim: "every eigenvalue of a layer loop comes from one of W G B, or is -1/tau or -leak/tau",
    equation: r"\tau_r \tau_u x^2 + (\tau_u + \alpha \tau_r) x + \alpha - \mu = 0, \quad \mu \in \mathrm{spec}(W G B)",
    source: "docs/theory.md, theorem 1",
    method: "random loops of all shapes; roots against the eigenvalues of the full Jacobian, paired \
             one to one, and the verdict",
    instances: Instances { usual: 1000, thorough: 32000 },
    measure: |draw| measure(draw, roots),
    model: |draw| {
        let instance = LoopInstance::draw(draw, &KINDS)?;
        Ok(instance.model(CHECK.id, None).run("exact", "", 20.0, 101))
    },
};

/// The two eigenvalues that belong to `mu`.
pub type Formula = fn(&LayerLoop, Complex<f64>) -> [Complex<f64>; 2];

/// The formula under test: the roots of the quadratic.
#[must_use]
pub fn roots(layer: &LayerLoop, mu: Complex<f64>) -> [Complex<f64>; 2] {
    let LayerLoop { leak, tau_state, tau_controller, .. } = *layer;
    let a = tau_state * tau_controller;
    let b = Complex::new(tau_controller + leak * tau_state, 0.0);
    let root = (b * b - (Complex::new(leak, 0.0) - mu) * (4.0 * a)).sqrt();
    [(root - b) / (2.0 * a), (-root - b) / (2.0 * a)]
}

/// Eigenvalues with their errors.
pub type Known = Vec<(Complex<f64>, f64)>;

/// The whole spectrum by the formula.
///
/// # Errors
/// When the eigenvalues of the small matrix are not found.
pub fn spectrum(layer: &LayerLoop, formula: Formula) -> Result<Known, Obstacle> {
    let (m, n) = layer.forward.shape();
    let small = match m <= n {
        true => &layer.forward * &layer.feedback,
        false => &layer.feedback * &layer.forward,
    };
    let found = eigenvalues_with_conditions(&small)?;
    let errors = found.errors.unwrap_or_default();
    let scale = layer.tau_state * layer.tau_controller;
    let mut all = Vec::new();
    for (mu, error) in found.values.iter().zip(errors) {
        let pair = formula(layer, *mu);
        // A change e of the constant coefficient moves a root by d with d (d + split) = e / scale.
        let split = (pair[0] - pair[1]).norm();
        let size = layer.leak + mu.norm() + scale * pair[0].norm().max(pair[1].norm()).powi(2);
        let change = (error + 8.0 * f64::EPSILON * size) / scale;
        let moved = change.sqrt().min(2.0 * change / split);
        all.extend(pair.map(|x| (x, moved)));
    }
    let known = |count: usize, x: f64| std::iter::repeat_n((Complex::new(x, 0.0), 0.0), count);
    all.extend(known(n.saturating_sub(m), -1.0 / layer.tau_state));
    all.extend(known(m.saturating_sub(n), -layer.leak / layer.tau_controller));
    Ok(all)
}

/// Draws an instance and measures it.
///
/// # Errors
/// When eigenvalues are not found.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let layer = LoopInstance::draw(draw, &KINDS)?.layer();
    let predicted = spectrum(&layer, formula)?;
    let full = full_spectrum(&loop_jacobian(&layer))?;
    let measured: Known = full.values.iter().copied().zip(full.errors.iter().copied()).collect();
    let pair = match_spectra(&predicted, &measured);
    let (x, y, allowance) = pair.ok_or_else(|| Obstacle::new("the spectra differ in length"))?;
    let tolerance = Tolerance::rounding(EIGENVALUE_FACTOR * allowance, EIGENVALUES);
    let abscissa = predicted.iter().fold(f64::NEG_INFINITY, |m, (x, _)| m.max(x.re));
    let mut all = vec![
        Measurement::equal("real_part", x.re, y.re, tolerance),
        Measurement::equal("imaginary_part", x.im, y.im, tolerance),
    ];
    let judgement = Judgement::of(&full);
    if judgement.verdict != Verdict::Marginal {
        let is_stable = judgement.verdict == Verdict::Stable;
        all.push(Measurement::verdict("stable", abscissa < 0.0, is_stable));
    }
    Ok(all.into())
}
