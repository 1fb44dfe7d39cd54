//! The rate at which a loop approaches its rest state.

use nalgebra::Complex;

use crate::analysis::spectrum::full_spectrum;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::{FeedbackKind, LoopInstance, loop_jacobian};
use crate::theory::measure::{EIGENVALUE_FACTOR, measured_rate, windows};

/// Loops drawn in search of one with a separated mode; about one in three has.
const ATTEMPTS: usize = 100;

/// The claim.
pub const CHECK: Check = Check {
    id: "convergence-rate",
    claim: "the distance to rest falls at the rate of the spectral abscissa",
    equation: r"\lim_{t \to \infty} \frac{1}{t} \ln | x(t) - x^* | = \max_k \mathrm{Re} \lambda_k (J)",
    source: "docs/theory.md, stability; Hirsch, Smale & Devaney 2013, chapter 6",
    method: "random stable loops without target from random states, integrated until other modes \
             have fallen by 1e8; norms compared over a whole period",
    instances: Instances { usual: 150, thorough: 2400 },
    measure: |draw| measure(draw, abscissa),
    model: |draw| {
        let (instance, start) = draw_loop(draw)?;
        let model = instance.model(CHECK.id, None).initial(&start);
        Ok(model.run("dop853", "rtol = 1e-12\natol = 1e-280", 100.0, 201))
    },
};

/// The rate, from the eigenvalues.
pub type Formula = fn(&[Complex<f64>]) -> f64;

/// The formula under test: the largest real part.
#[must_use]
pub fn abscissa(eigenvalues: &[Complex<f64>]) -> f64 {
    eigenvalues.iter().fold(f64::NEG_INFINITY, |m, l| m.max(l.re))
}

/// Draws until the loop is stable and its slowest mode stands alone.
fn draw_loop(draw: &mut Draw) -> Result<(LoopInstance, Vec<f64>), Obstacle> {
    let kinds = [FeedbackKind::Transpose, FeedbackKind::Certified, FeedbackKind::Turned];
    for _ in 0..ATTEMPTS {
        // With many units the slowest modes crowd together and no finite time separates them.
        let (rows, columns) = (draw.integer(1, 5), draw.integer(1, 5));
        let mut instance = LoopInstance::sized(draw, &kinds, rows, columns)?;
        instance.delta.fill(0.0);
        let start = draw.vector(rows + columns, 1.0).as_slice().to_vec();
        let spectrum = full_spectrum(&loop_jacobian(&instance.layer()))?;
        if spectrum.abscissa() < 0.0 && windows(&spectrum).is_some() {
            return Ok((instance, start));
        }
    }
    Err(Obstacle::new(format!("no loop of {ATTEMPTS} has a slowest mode that stands alone")))
}

/// Draws an instance and measures it.
///
/// # Errors
/// When the integration fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let (instance, start) = draw_loop(draw)?;
    let jacobian = loop_jacobian(&instance.layer());
    let spectrum = full_spectrum(&jacobian)?;
    let windows = windows(&spectrum).ok_or_else(|| Obstacle::new("modes are not separated"))?;
    let rate = measured_rate(&instance.dynamics()?, &jacobian, windows, &start)?;
    let tolerance = Tolerance::solver(
        rate.error + EIGENVALUE_FACTOR * spectrum.errors[0],
        "other modes at the ends of the window, and 2 x difference of two tolerances, and 10 x error of the eigenvalue",
    );
    let predicted = formula(&spectrum.values);
    Ok(vec![Measurement::equal("rate", predicted, rate.value, tolerance)].into())
}
