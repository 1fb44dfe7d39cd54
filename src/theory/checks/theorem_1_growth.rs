//! Theorem 1 against simulations on both sides of the boundary.

use nalgebra::Complex;

use super::theorem_1_boundary::margin;
use crate::analysis::margins::critical::{CriticalParameter, critical_of_loop};
use crate::analysis::spectrum::{full_spectrum, loop_eigenvalues};
use crate::dynamics::LayerLoop;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{FeedbackKind, LoopInstance, loop_jacobian};
use crate::theory::measure::{measured_rate, windows};

/// The claim.
pub const CHECK: Check = Check {
    id: "theorem-1-growth",
    claim: "simulated loops decay on one side of the parabola and grow on the other",
    equation: r"| x(t) | \to 0 \quad \mathrm{if} \quad \mathrm{Re} \mu + \frac{\tau_r \tau_u (\mathrm{Im} \mu)^2}{(\tau_u + \alpha \tau_r)^2} < \alpha \quad \mathrm{for} \; \mathrm{all} \; \mu",
    source: "docs/theory.md, theorem 1",
    method: "random loops with the gain 1 to 30 % below or above the boundary; the growth rate of an \
             adaptive integration",
    instances: Instances { usual: 120, thorough: 2400 },
    measure: |draw| measure(draw, margin),
    model: |draw| {
        let (instance, start) = draw_loop(draw)?;
        let model = instance.model(CHECK.id, None).initial(&start);
        Ok(model.run("dop853", "rtol = 1e-12\natol = 1e-280", 100.0, 201))
    },
};

/// Positive where `mu` lies on the stable side.
pub type Formula = fn(&LayerLoop, Complex<f64>) -> f64;

/// Loops drawn in search of one with a boundary and a dominant mode that stands alone.
const ATTEMPTS: usize = 200;

fn draw_loop(draw: &mut Draw) -> Result<(LoopInstance, Vec<f64>), Obstacle> {
    let is_below = draw.index.is_multiple_of(2);
    for _ in 0..ATTEMPTS {
        let (rows, columns) = (draw.integer(2, 5), draw.integer(2, 5));
        let kinds = [FeedbackKind::Random, FeedbackKind::Turned];
        let mut instance = LoopInstance::sized(draw, &kinds, rows, columns)?;
        instance.delta.fill(0.0);
        let start = draw.vector(rows + columns, 1.0).as_slice().to_vec();
        let distance = draw.log_uniform(0.01, 0.3);
        let mu = loop_eigenvalues(&instance.layer())?;
        let critical = critical_of_loop(&instance.layer(), &mu, CriticalParameter::Gain);
        let Some(&boundary) = critical.boundaries.first() else { continue };
        instance.b *= boundary * if is_below { 1.0 - distance } else { 1.0 + distance };
        if windows(&full_spectrum(&loop_jacobian(&instance.layer()))?).is_some() {
            return Ok((instance, start));
        }
    }
    Err(Obstacle::new(format!("no loop of {ATTEMPTS} has a boundary and a mode that stands alone")))
}

/// Draws an instance and measures it.
///
/// # Errors
/// When the integration fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let (instance, start) = draw_loop(draw)?;
    let layer = instance.layer();
    let mu = loop_eigenvalues(&layer)?;
    let is_stable = mu.iter().all(|mu| formula(&layer, *mu) > 0.0);
    let jacobian = loop_jacobian(&layer);
    let spectrum = full_spectrum(&jacobian)?;
    let windows = windows(&spectrum).ok_or_else(|| Obstacle::new("modes are not separated"))?;
    let rate = measured_rate(&instance.dynamics()?, &jacobian, windows, &start)?;
    let tolerance = Tolerance::solver(
        rate.error,
        "other modes at the ends of the window, and 2 x difference of two tolerances",
    );
    let growth = if is_stable {
        Measurement::at_most("growth_rate_inside", 0.0, rate.value, tolerance)
    } else {
        Measurement::at_least("growth_rate_outside", 0.0, rate.value, tolerance)
    };
    Ok(vec![growth].into())
}
