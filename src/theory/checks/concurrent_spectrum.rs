//! Concurrent loops do not change each other's spectra.

use nalgebra::{Complex, DMatrix};

use super::theorem_1_spectrum::{Known, roots, spectrum};
use crate::analysis::spectrum::full_spectrum;
use crate::dynamics::{
    ConcurrentInversion, Dynamics, Feedback, InvertedLayer, LayerLoop, LoopParameters, Transfer,
    VectorField,
};
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::measure::{EIGENVALUE_FACTOR, EIGENVALUES, match_spectra};
use crate::theory::model_text::ModelText;

/// The claim.
pub const CHECK: Check = Check {
    id: "concurrent-spectrum",
    claim: "loops that run at once have the union of the loops' spectra",
    equation: r"\mathrm{spec}(J) = \bigcup_l \mathrm{spec}(J_l)",
    source: "docs/theory.md, concurrent loops",
    method: "random chains of two to four loops, each fed by the moving state of the one above; \
             eigenvalues of the joint Jacobian against those of the single loops, one to one",
    instances: Instances { usual: 300, thorough: 6400 },
    measure: |draw| measure(draw, union),
    model: |draw| {
        let case = Case::draw(draw);
        let first = DMatrix::identity(case.weights[0].ncols(), case.weights[0].ncols());
        let all: Vec<_> = std::iter::once(&first).chain(&case.weights).collect();
        let feedback: Vec<_> = case.feedback.iter().collect();
        Ok(ModelText::new(CHECK.id)
            .linear_network(&all)
            .feedback(&feedback)
            .loops("concurrent-inversion", case.parameters)
            .delta(&case.delta, None)
            .run("dop853", "rtol = 1e-9\natol = 1e-11", 20.0, 101))
    },
};

/// The spectrum of the whole from its loops.
pub type Formula = fn(&[LayerLoop]) -> Result<Known, Obstacle>;

/// The formula under test.
///
/// # Errors
/// When eigenvalues are not found.
pub fn union(loops: &[LayerLoop]) -> Result<Known, Obstacle> {
    let mut all = Vec::new();
    for layer in loops {
        all.extend(spectrum(layer, roots)?);
    }
    Ok(all)
}

struct Case {
    weights: Vec<DMatrix<f64>>,
    feedback: Vec<DMatrix<f64>>,
    delta: Vec<f64>,
    parameters: LoopParameters,
}

impl Case {
    fn draw(draw: &mut Draw) -> Self {
        let depth = draw.integer(2, 4);
        let sizes: Vec<usize> = (0..=depth).map(|_| draw.units(5, 10)).collect();
        let weights: Vec<_> = (0..depth).map(|l| draw.weights(sizes[l + 1], sizes[l])).collect();
        let feedback = weights
            .iter()
            .map(|w| draw.matrix(w.ncols(), w.nrows(), 0.3) - w.transpose())
            .collect();
        let parameters = LoopParameters {
            leak: draw.log_uniform(0.05, 1.0),
            tau_state: draw.log_uniform(0.2, 5.0),
            tau_controller: draw.log_uniform(0.2, 5.0),
        };
        let delta = draw.vector(sizes[depth], 1.0).as_slice().to_vec();
        Self { weights, feedback, delta, parameters }
    }

    fn layers(&self) -> impl Iterator<Item = (&DMatrix<f64>, &DMatrix<f64>)> {
        self.weights.iter().zip(&self.feedback)
    }
}

/// Draws an instance and measures it.
///
/// # Errors
/// When eigenvalues are not found.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let case = Case::draw(draw);
    let loops: Vec<LayerLoop> = case
        .layers()
        .map(|(w, b)| LayerLoop {
            forward: w.clone(),
            feedback: b.clone(),
            leak: case.parameters.leak,
            tau_state: case.parameters.tau_state,
            tau_controller: case.parameters.tau_controller,
        })
        .collect();
    let layers = case
        .layers()
        .map(|(w, b)| InvertedLayer {
            weights: w.clone().into(),
            feedback: Feedback::from(b.clone()),
            transfer: Transfer::Linear,
        })
        .collect();
    let target = DMatrix::from_column_slice(case.delta.len(), 1, &case.delta);
    let dynamics = ConcurrentInversion::new(layers, target, case.parameters)?;
    let mut j = DMatrix::zeros(dynamics.dim(), dynamics.dim());
    dynamics.jacobian(0.0, &dynamics.initial_state(), &mut j);
    let full = full_spectrum(&j)?;
    let measured: Vec<(Complex<f64>, f64)> =
        full.values.iter().copied().zip(full.errors.iter().copied()).collect();
    let pair = match_spectra(&formula(&loops)?, &measured);
    let Some((x, y, allowance)) = pair else {
        // A spectrum of another length is a refutation, not an obstacle.
        return Ok(vec![Measurement::verdict("same_count", true, false)].into());
    };
    let tolerance = Tolerance::rounding(EIGENVALUE_FACTOR * allowance, EIGENVALUES);
    Ok(vec![
        Measurement::verdict("same_count", true, true),
        Measurement::equal("real_part", x.re, y.re, tolerance),
        Measurement::equal("imaginary_part", x.im, y.im, tolerance),
    ]
    .into())
}
