//! Theorem 1: the parabola that separates stable from unstable loops.

use nalgebra::Complex;

use crate::analysis::spectrum::full_spectrum;
use crate::dynamics::LayerLoop;
use crate::linalg::eigen::{eigenvalues, eigenvalues_with_conditions};
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{FeedbackKind, LoopInstance, loop_jacobian};
use crate::theory::measure::{EIGENVALUE_FACTOR, bisect};

/// The claim.
pub const CHECK: Check = Check {
    id: "theorem-1-boundary",
    claim: "a layer loop is stable exactly when every eigenvalue of W G B lies left of a parabola",
    equation: r"\mathrm{Re} \mu < \alpha - \frac{\tau_r \tau_u (\mathrm{Im} \mu)^2}{(\tau_u + \alpha \tau_r)^2}",
    source: "docs/theory.md, theorem 1",
    method: "random loops whose gain is raised until they lose stability: where the parabola says, \
             against where an eigenvalue of the full Jacobian crosses the axis",
    instances: Instances { usual: 300, thorough: 6400 },
    measure: |draw| measure(draw, margin),
    model: |draw| {
        let (mut instance, gain) = draw_loop(draw, margin)?;
        instance.b *= gain;
        Ok(instance.model(CHECK.id, None).run("exact", "", 100.0, 201))
    },
};

/// Positive where `mu` lies on the stable side.
pub type Formula = fn(&LayerLoop, Complex<f64>) -> f64;

/// The formula under test: the distance to the parabola along the real axis.
#[must_use]
pub fn margin(layer: &LayerLoop, mu: Complex<f64>) -> f64 {
    let LayerLoop { leak, tau_state, tau_controller, .. } = *layer;
    let sum = tau_controller + leak * tau_state;
    leak - tau_state * tau_controller * mu.im * mu.im / (sum * sum) - mu.re
}

/// Gains up to which a loop is searched for its boundary.
const LARGEST_GAIN: f64 = 1e3;
/// Loops drawn in search of one that loses stability; most with random feedback do.
const ATTEMPTS: usize = 100;

/// A loop and the gain at which the parabola is reached: the least over all `mu`, as the margin
/// falls along every ray once it has begun to.
fn draw_loop(draw: &mut Draw, formula: Formula) -> Result<(LoopInstance, f64), Obstacle> {
    for _ in 0..ATTEMPTS {
        let kinds = [FeedbackKind::Random, FeedbackKind::Turned];
        let instance = LoopInstance::draw(draw, &kinds)?;
        let layer = instance.layer();
        let mu = eigenvalues(&(&layer.forward * &layer.feedback))?.values;
        let inside = |gain: f64| mu.iter().all(|mu| formula(&layer, mu * gain) > 0.0);
        let mut high = 1e-3;
        while high < LARGEST_GAIN && inside(high) {
            high *= 2.0;
        }
        if high < LARGEST_GAIN {
            let gain = bisect(0.5 * high, high, |gain| Ok(inside(gain)))?;
            return Ok((instance, gain));
        }
    }
    Err(Obstacle::new(format!("no loop of {ATTEMPTS} loses stability with its gain")))
}

/// Draws an instance and measures it.
///
/// # Errors
/// When no loop loses stability, or eigenvalues are not found.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let (instance, predicted) = draw_loop(draw, formula)?;
    let at = |gain: f64| {
        let mut layer = instance.layer();
        layer.feedback *= gain;
        loop_jacobian(&layer)
    };
    let is_stable =
        |gain: f64| -> Result<bool, Obstacle> { Ok(eigenvalues(&at(gain))?.abscissa() < 0.0) };
    let mut high = 1e-3;
    while high < LARGEST_GAIN && is_stable(high)? {
        high *= 2.0;
    }
    let measured = bisect(0.5 * high, high, is_stable)?;
    // How an error of the eigenvalue becomes one of the gain: through the speed of the crossing.
    let (below, above) = (measured * (1.0 - 1e-4), measured * (1.0 + 1e-4));
    let crossing = full_spectrum(&at(measured))?;
    let speed = (full_spectrum(&at(above))?.abscissa() - full_spectrum(&at(below))?.abscissa())
        / (above - below);
    let error = EIGENVALUE_FACTOR * crossing.errors[0] / speed.abs();
    let product = &instance.w * &instance.b;
    let small = eigenvalues_with_conditions(&product)?;
    let relative = small
        .values
        .iter()
        .zip(small.errors.unwrap_or_default())
        .filter(|(mu, _)| formula(&instance.layer(), *mu * predicted * (1.0 + 1e-9)) <= 0.0)
        .fold(0.0_f64, |m, (mu, error)| m.max(error / mu.norm()));
    let error = error + EIGENVALUE_FACTOR * relative * predicted + 1e-12 * predicted;
    let why = "10 x eigenvalue errors of both matrices, divided by the speed of the crossing; bisection to 1e-13";
    let tolerance = Tolerance::rounding(error, why);
    Ok(vec![
        Measurement::equal("critical_gain", predicted, measured, tolerance),
        Measurement::verdict("stable_below", true, is_stable(predicted * (1.0 - 1e-6))?),
        Measurement::verdict("unstable_above", true, !is_stable(predicted * (1.0 + 1e-6))?),
    ]
    .into())
}
