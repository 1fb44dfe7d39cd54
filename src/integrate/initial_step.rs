//! The size of the first step.

use super::scheme::Env;

/// Estimates a first step from the sizes of the first two derivatives (Hairer, Nørsett & Wanner,
/// Solving ODEs I, II.4), one evaluation of the vector field.
///
/// Their bound of 100 probing steps assumes that `|y0| / |f0|` is a time scale. A loop that starts
/// at zero has none, so there the bound is left out: the error test still guards the step.
pub(crate) fn initial_step(
    env: &mut Env<'_>,
    t0: f64,
    y0: &[f64],
    f0: &[f64],
    span: f64,
    exponent: f64,
) -> f64 {
    /// Norms below this say nothing about time scales.
    const NEGLIGIBLE: f64 = 1e-5;
    let d0 = env.norm.of(y0, y0, y0);
    let d1 = env.norm.of(f0, y0, y0);
    let has_scale = d0 >= NEGLIGIBLE && d1 >= NEGLIGIBLE;
    let probe = if has_scale { 0.01 * d0 / d1 } else { 1e-6 * span.abs().min(1.0) };
    let probe = probe.min(span.abs()).copysign(span);

    let mut y1 = vec![0.0; y0.len()];
    let mut f1 = vec![0.0; y0.len()];
    for ((y1, y0), f0) in y1.iter_mut().zip(y0).zip(f0) {
        *y1 = y0 + probe * f0;
    }
    env.eval(t0 + probe, &y1, &mut f1);
    for (f1, f0) in f1.iter_mut().zip(f0) {
        *f1 -= f0;
    }
    let d2 = env.norm.of(&f1, y0, y0) / probe.abs();
    if !d2.is_finite() {
        return probe;
    }
    let steepest = d1.max(d2);
    let by_order = if steepest <= 1e-15 {
        (probe.abs() * 1e-3).max(1e-6 * span.abs())
    } else {
        (0.01 / steepest).powf(exponent)
    };
    let bound = if has_scale { 100.0 * probe.abs() } else { f64::INFINITY };
    by_order.min(bound).min(span.abs()).copysign(span)
}
