//! Where stability is lost or gained along one parameter, in closed form.

use nalgebra::Complex;

use super::{LoopModes, LoopParameter, LoopPoint};

/// Cap on Newton's method for the critical leak, which falls monotonically to the root.
const NEWTON: usize = 200;

impl LoopModes {
    /// The values of `parameter` strictly between `low` and `high` at which the loop turns from
    /// stable to not stable or back, in increasing order; everything else is as in `point`.
    ///
    /// Every mode lies on its parabola at the roots of an equation of degree two (gain, ratio of
    /// time constants) or at one critical leak; those roots are kept where no other mode is
    /// unstable. A loop with more controllers than states is marginal without leak and a leak of 0
    /// is then no crossing, as it is an end of the axis.
    #[must_use]
    pub fn crossings(
        &self,
        point: &LoopPoint,
        parameter: LoopParameter,
        low: f64,
        high: f64,
    ) -> Vec<f64> {
        let mut roots: Vec<f64> = Vec::new();
        for mode in &self.modes {
            let found = match parameter {
                LoopParameter::Gain => critical_gains(mode.mu, point),
                LoopParameter::Leak => [critical_leak(mode.mu, point), f64::NAN],
                LoopParameter::TauRatio => critical_ratios(mode.mu, point),
            };
            // Adding 0 makes a negative zero positive.
            let found = found.into_iter().map(|root| root + 0.0);
            roots.extend(found.filter(|root| *root > low && *root < high));
        }
        roots.sort_by(f64::total_cmp);
        roots.dedup();
        // Between neighbouring roots nothing changes.
        let mut edges = vec![low];
        edges.extend(&roots);
        edges.push(high);
        let inside: Vec<bool> = edges
            .windows(2)
            .map(|pair| self.is_stable(&point.with(parameter, 0.5 * (pair[0] + pair[1]))))
            .collect();
        let changes = roots.iter().zip(inside.windows(2));
        changes.filter(|(_, sides)| sides[0] != sides[1]).map(|(root, _)| *root).collect()
    }
}

/// Gains with `bend b^2 gain^2 + a gain - leak = 0`; NaN where there is none.
fn critical_gains(mu: Complex<f64>, point: &LoopPoint) -> [f64; 2] {
    let LoopPoint { leak, tau_state, tau_controller, .. } = *point;
    let rate = tau_controller + leak * tau_state;
    let square = tau_state * tau_controller / (rate * rate) * mu.im * mu.im;
    if square == 0.0 {
        return [if mu.re == 0.0 { f64::NAN } else { leak / mu.re }, f64::NAN];
    }
    let q = -0.5 * (mu.re + (mu.re.hypot(2.0 * (square * leak).sqrt())).copysign(mu.re));
    let other = if q == 0.0 { f64::NAN } else { -leak / q };
    [q / square, other]
}

/// The least leak from which on the mode is stable: the root of
/// `(leak - a)(1 + leak ratio)^2 = ratio b^2` beyond both `a` and 0, with `mu` times the gain;
/// NaN where the mode is stable without leak.
fn critical_leak(mu: Complex<f64>, point: &LoopPoint) -> f64 {
    let ratio = point.tau_state / point.tau_controller;
    let (a, b) = (point.gain * mu.re, point.gain * mu.im);
    let bend = ratio * b * b;
    let least = a.max(0.0);
    let value = |leak: f64| (leak - a) * (1.0 + leak * ratio).powi(2) - bend;
    if value(least) > 0.0 {
        return f64::NAN;
    }
    // The left side is convex and increasing here, so Newton's method falls onto the root.
    let mut leak = a + bend;
    for _ in 0..NEWTON {
        let grown = 1.0 + leak * ratio;
        let slope = grown * grown + 2.0 * ratio * (leak - a) * grown;
        let next = leak - value(leak) / slope;
        if next >= leak || next.is_nan() {
            break;
        }
        leak = next.max(least);
    }
    leak
}

/// Ratios with `ratio b^2 = c (1 + leak ratio)^2`, `c = leak - a`, with `mu` times the gain; NaN
/// where there is none.
fn critical_ratios(mu: Complex<f64>, point: &LoopPoint) -> [f64; 2] {
    let leak = point.leak;
    let (c, square) = (leak - point.gain * mu.re, (point.gain * mu.im).powi(2));
    if c <= 0.0 || square == 0.0 {
        return [f64::NAN; 2];
    }
    if leak == 0.0 {
        return [c / square, f64::NAN];
    }
    let discriminant = square * (square - 4.0 * c * leak);
    if discriminant < 0.0 {
        return [f64::NAN; 2];
    }
    let large = (square - 2.0 * c * leak + discriminant.sqrt()) / (2.0 * c * leak * leak);
    [large, 1.0 / (leak * leak * large)]
}
