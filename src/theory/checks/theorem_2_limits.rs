//! Theorem 2: the largest gain of a single loop, which falls with its depth.

use std::f64::consts::PI;

use nalgebra::DMatrix;

use super::theorem_2_spectrum::Chain;
use crate::analysis::spectrum::full_spectrum;
use crate::dynamics::LoopParameters;
use crate::linalg::eigen::eigenvalues;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::measure::{EIGENVALUE_FACTOR, bisect};

/// The claim.
pub const CHECK: Check = Check {
    id: "theorem-2-limits",
    claim: "depth costs gain: a single loop through n stages is stable up to a gain that falls like pi/2n",
    equation: r"k < \frac{\tan(\pi / 2n)}{\cos(\pi / 2n)^n} \; (\alpha = 0), \quad k < 2 (1 + \alpha)^2 \; (n = 2)",
    source: "docs/theory.md, theorem 2",
    method: "single loops of random rotations whose product is -k I, n = 2 to 7; the gain at which \
             an eigenvalue of the full Jacobian crosses the axis",
    instances: Instances { usual: 120, thorough: 1920 },
    measure: |draw| measure(draw, limit),
    model: |draw| {
        let chain = draw_chain(draw, limit)?.0;
        Ok(chain.model(CHECK.id).run("dop853", "rtol = 1e-9\natol = 1e-11", 100.0, 201))
    },
};

/// The largest stable gain for `n` stages and a leak; `None` where no closed form is claimed.
pub type Formula = fn(usize, f64) -> Option<f64>;

/// The formula under test.
#[must_use]
pub fn limit(n: usize, leak: f64) -> Option<f64> {
    let angle = PI / (2.0 * n as f64);
    match n {
        2 => Some(2.0 * (1.0 + leak) * (1.0 + leak)),
        _ if leak == 0.0 => Some(angle.tan() / angle.cos().powi(n as i32)),
        _ => None,
    }
}

/// A loop at its largest gain.
fn draw_chain(draw: &mut Draw, formula: Formula) -> Result<(Chain, usize, f64), Obstacle> {
    let n = 2 + draw.index % 6;
    let leak = if n == 2 && draw.coin() { draw.log_uniform(0.01, 2.0) } else { 0.0 };
    let units = draw.units(3, 6);
    let mut weights = Vec::new();
    for _ in 0..n {
        weights.push(draw.rotation(units)?);
    }
    let product = weights.iter().fold(DMatrix::identity(units, units), |product, w| w * product);
    let gain = formula(n, leak).ok_or_else(|| Obstacle::new("no closed form is claimed"))?;
    let feedback = product.transpose() * -gain;
    let delta = draw.vector(units, 1.0).as_slice().to_vec();
    let parameters = LoopParameters::with_leak(leak);
    Ok((Chain { weights, feedback, delta, parameters }, n, gain))
}

/// Draws an instance and measures it.
///
/// # Errors
/// When eigenvalues are not found.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let (mut chain, n, predicted) = draw_chain(draw, formula)?;
    let unit = &chain.feedback / predicted;
    let mut at = |gain: f64| {
        chain.feedback = &unit * gain;
        chain.jacobian()
    };
    let mut high = 1e-2;
    while eigenvalues(&at(high)?)?.abscissa() < 0.0 {
        high *= 2.0;
        if high > 1e4 {
            return Err(Obstacle::new("the loop stays stable up to a gain of 1e4"));
        }
    }
    let measured = bisect(0.5 * high, high, |gain| Ok(eigenvalues(&at(gain)?)?.abscissa() < 0.0))?;
    let (low, high) = (measured * (1.0 - 1e-4), measured * (1.0 + 1e-4));
    let spread = full_spectrum(&at(high)?)?.abscissa() - full_spectrum(&at(low)?)?.abscissa();
    let speed = spread / (high - low);
    let crossing = full_spectrum(&at(measured)?)?;
    let worst = crossing.errors.iter().take(2).fold(0.0_f64, |m, e| m.max(*e));
    let why = "10 x eigenvalue error divided by the speed of the crossing; bisection to 1e-13";
    let error = EIGENVALUE_FACTOR * worst / speed.abs() + 1e-12 * measured;
    let name = ["limit_2", "limit_3", "limit_4", "limit_5", "limit_6", "limit_7"][n - 2];
    let tolerance = Tolerance::rounding(error, why);
    Ok(vec![Measurement::equal(name, predicted, measured, tolerance)].into())
}
