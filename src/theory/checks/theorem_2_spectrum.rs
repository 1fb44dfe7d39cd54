//! Theorem 2: the spectrum of a single loop through several stages.

use nalgebra::{Complex, DMatrix};

use crate::analysis::spectrum::full_spectrum;
use crate::dynamics::{ChainLayer, Dynamics, LoopParameters, SingleLoop, Transfer, VectorField};
use crate::linalg::eigen::eigenvalues_with_conditions;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::measure::{EIGENVALUE_FACTOR, match_spectra};
use crate::theory::model_text::ModelText;

/// The claim.
pub const CHECK: Check = Check {
    id: "theorem-2-spectrum",
    claim: "the eigenvalues of a single loop through n stages solve one polynomial per eigenvalue of the loop",
    equation: r"(1 + \tau_r x)^n (\tau_u x + \alpha) = \mu, \quad \mu \in \mathrm{spec}(W_L \cdots W_2 B)",
    source: "docs/theory.md, theorem 2",
    method: "random loops through one to four stages of equal width; the polynomial at every \
             eigenvalue of the full Jacobian against the spectrum of the product, one to one",
    instances: Instances { usual: 300, thorough: 8000 },
    measure: |draw| measure(draw, polynomial),
    model: |draw| {
        let chain = Chain::draw(draw)?;
        Ok(chain.model(CHECK.id).run("dop853", "rtol = 1e-9\natol = 1e-11", 20.0, 101))
    },
};

/// The `mu` that belongs to an eigenvalue `x` of a loop through `n` stages.
pub type Formula = fn(LoopParameters, usize, Complex<f64>) -> Complex<f64>;

/// The formula under test.
#[must_use]
pub fn polynomial(p: LoopParameters, n: usize, x: Complex<f64>) -> Complex<f64> {
    let one = Complex::new(1.0, 0.0);
    (one + x * p.tau_state).powu(n as u32) * (x * p.tau_controller + p.leak)
}

/// A linear single loop.
pub struct Chain {
    /// `W_2 .. W_L`.
    pub weights: Vec<DMatrix<f64>>,
    /// `B`.
    pub feedback: DMatrix<f64>,
    /// `delta`.
    pub delta: Vec<f64>,
    /// Leak and time constants.
    pub parameters: LoopParameters,
}

impl Chain {
    fn draw(draw: &mut Draw) -> Result<Self, Obstacle> {
        let stages = draw.integer(1, 4);
        let units = draw.units(4, 10);
        let weights: Vec<_> = (0..stages).map(|_| draw.weights(units, units)).collect();
        let feedback = draw.matrix(units, units, 1.0 / (units as f64).sqrt());
        let parameters = LoopParameters {
            leak: draw.uniform(0.0, 1.0),
            tau_state: draw.log_uniform(0.3, 3.0),
            tau_controller: draw.log_uniform(0.3, 3.0),
        };
        let delta = draw.vector(units, 1.0).as_slice().to_vec();
        Ok(Self { weights, feedback, delta, parameters })
    }

    /// For solvers.
    ///
    /// # Errors
    /// When the parts do not fit.
    pub fn dynamics(&self) -> Result<SingleLoop, Obstacle> {
        let layer =
            |w: &DMatrix<f64>| ChainLayer { weights: w.clone().into(), transfer: Transfer::Linear };
        let target = DMatrix::from_column_slice(self.delta.len(), 1, &self.delta);
        let layers = self.weights.iter().map(layer).collect();
        Ok(SingleLoop::new(layers, self.feedback.clone(), target, self.parameters)?)
    }

    /// The Jacobian.
    ///
    /// # Errors
    /// When the parts do not fit.
    pub fn jacobian(&self) -> Result<DMatrix<f64>, Obstacle> {
        let dynamics = self.dynamics()?;
        let mut j = DMatrix::zeros(dynamics.dim(), dynamics.dim());
        dynamics.jacobian(0.0, &dynamics.initial_state(), &mut j);
        Ok(j)
    }

    /// `W_L .. W_2 B`.
    #[must_use]
    pub fn product(&self) -> DMatrix<f64> {
        self.weights.iter().fold(self.feedback.clone(), |product, w| w * product)
    }

    /// As a model file, up to the solver; the first layer does not matter.
    pub(crate) fn model(&self, title: &str) -> ModelText {
        let first = DMatrix::identity(self.feedback.nrows(), self.feedback.nrows());
        let weights: Vec<_> = std::iter::once(&first).chain(&self.weights).collect();
        ModelText::new(title)
            .linear_network(&weights)
            .feedback(&[&self.feedback])
            .loops("single-loop", self.parameters)
            .delta(&self.delta, None)
    }
}

/// Draws an instance and measures it.
///
/// # Errors
/// When eigenvalues are not found.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let chain = Chain::draw(draw)?;
    let stages = chain.weights.len();
    let full = full_spectrum(&chain.jacobian()?)?;
    let image = |x: Complex<f64>| formula(chain.parameters, stages, x);
    let measured: Vec<(Complex<f64>, f64)> = full
        .values
        .iter()
        .zip(&full.errors)
        .map(|(&x, &error)| (image(x), spread(&image, x, EIGENVALUE_FACTOR * error)))
        .collect();
    let small = eigenvalues_with_conditions(&chain.product())?;
    let errors = small.errors.unwrap_or_default();
    let predicted: Vec<(Complex<f64>, f64)> = small
        .values
        .iter()
        .zip(errors)
        .flat_map(|(&mu, error)| std::iter::repeat_n((mu, EIGENVALUE_FACTOR * error), stages + 1))
        .collect();
    let pair = match_spectra(&predicted, &measured);
    let (mu, found, allowance) =
        pair.ok_or_else(|| Obstacle::new("the spectra differ in length"))?;
    let why = "10 x estimated rounding error of the eigenvalues, carried through the polynomial";
    let tolerance = Tolerance::rounding(allowance, why);
    Ok(vec![
        Measurement::equal("real_part", mu.re, found.re, tolerance),
        Measurement::equal("imaginary_part", mu.im, found.im, tolerance),
    ]
    .into())
}

/// Largest change of `f` on a circle around `x`, and its own rounding.
fn spread(f: &dyn Fn(Complex<f64>) -> Complex<f64>, x: Complex<f64>, radius: f64) -> f64 {
    let centre = f(x);
    let around = (0..8).map(|k| {
        let angle = std::f64::consts::TAU * f64::from(k) / 8.0;
        (f(x + Complex::from_polar(radius, angle)) - centre).norm()
    });
    around.fold(16.0 * f64::EPSILON * (centre.norm() + 1.0), f64::max)
}
