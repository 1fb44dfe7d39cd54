//! Claim 2: the last hidden layer receives the Levenberg-Marquardt step.

use nalgebra::{DMatrix, DVector};

use crate::dynamics::{Dynamics, Feedback, LayerwiseInversion, LoopParameters, Transfer};
use crate::linalg::lu::Lu;
use crate::network::{Forward, Network};
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::tanh_network;
use crate::theory::measure::{SOLVE, solve_error};
use crate::theory::model_text::ModelText;

/// The claim.
pub const CHECK: Check = Check {
    id: "tangent-lm",
    claim: "with the tangent transfer the last hidden layer receives the Levenberg-Marquardt step",
    equation: r"r^* = J^T (J J^T + \alpha I)^{-1} e, \quad J = W_L D_{L-1}",
    source: "docs/theory.md, claim 2; Levenberg 1944, Marquardt 1963",
    method: "random tanh networks at random inputs; rest state of the loop with B = -(W_L D)^T against \
             the step from J, whose entries are checked against differences of the forward pass",
    instances: Instances { usual: 250, thorough: 8000 },
    measure: |draw| measure(draw, step),
    model: |draw| {
        let case = Case::draw(draw)?;
        let (m, layer) = (case.slope_weights()?, case.network.layers().len());
        Ok(ModelText::new(CHECK.id)
            .network(&case.network)
            .feedback(&[&-m.transpose()])
            .layerwise(Some(layer), LoopParameters::with_leak(case.leak), "tangent", None)
            .delta(case.error.as_slice(), Some(&case.input))
            .run("exact", "", 100.0, 101))
    },
};

/// The step on the pre-activation: from `J`, damping and error, with the reciprocal condition.
pub type Formula = fn(&Case, f64, &DVector<f64>) -> Result<(DVector<f64>, f64), Obstacle>;

/// The formula under test.
///
/// # Errors
/// When the system is singular.
pub fn step(case: &Case, leak: f64, error: &DVector<f64>) -> Result<(DVector<f64>, f64), Obstacle> {
    levenberg_marquardt(&case.slope_weights()?, leak, error)
}

/// `J^T (J J^T + leak I)^{-1} e`.
///
/// # Errors
/// When the system is singular.
pub fn levenberg_marquardt(
    j: &DMatrix<f64>,
    leak: f64,
    error: &DVector<f64>,
) -> Result<(DVector<f64>, f64), Obstacle> {
    let m = j.nrows();
    let lu = Lu::new(&(j * j.transpose() + DMatrix::identity(m, m) * leak))?;
    Ok((j.transpose() * lu.solve(error), lu.rcond()))
}

/// A network with an input, an output error and a leak.
pub struct Case {
    /// The network, tanh layers below a linear output.
    pub network: Network,
    /// Its input.
    pub input: Vec<f64>,
    /// `e`.
    pub error: DVector<f64>,
    /// The leak.
    pub leak: f64,
}

impl Case {
    fn draw(draw: &mut Draw) -> Result<Self, Obstacle> {
        let depth = draw.integer(2, 4);
        let sizes: Vec<usize> = (0..=depth).map(|_| draw.units(8, 20)).collect();
        let (network, input) = tanh_network(draw, &sizes)?;
        let error = draw.vector(sizes[depth], 1.0);
        Ok(Self { network, input, error, leak: draw.log_uniform(0.01, 1.0) })
    }

    fn forward(&self) -> Result<Forward, Obstacle> {
        let mut forward = Forward::new(&self.network, 1);
        self.network.forward(&self.input, &mut forward)?;
        Ok(forward)
    }

    /// `g'(a)` of the last hidden layer.
    ///
    /// # Errors
    /// When the network is not finite.
    pub fn slopes(&self) -> Result<Vec<f64>, Obstacle> {
        // Counted from 0.
        let hidden = self.network.layers().len() - 2;
        let mut slopes = vec![0.0; self.network.layers()[hidden].units()];
        self.network.slopes(&self.forward()?, hidden, &mut slopes);
        Ok(slopes)
    }

    /// `W_L D_{L-1}`.
    ///
    /// # Errors
    /// When the network is not finite.
    pub fn slope_weights(&self) -> Result<DMatrix<f64>, Obstacle> {
        let mut w = self.network.layers()[self.network.layers().len() - 1].weights.clone();
        for (mut column, slope) in w.column_iter_mut().zip(self.slopes()?) {
            column *= slope;
        }
        Ok(w)
    }

    /// The last hidden layer's pre-activation and the output for it moved by `shift`.
    fn output(&self, a: &DVector<f64>, shift: &DVector<f64>) -> DVector<f64> {
        let layers = self.network.layers();
        let (hidden, output) = (&layers[layers.len() - 2], &layers[layers.len() - 1]);
        let h = (a + shift).map(|x| hidden.activation.value(x));
        &output.weights * h + &output.biases
    }
}

/// Step of the central differences: the cube root of the rounding unit.
const DIFFERENCE: f64 = 6e-6;

/// Draws an instance and measures it.
///
/// # Errors
/// When a computation the measurement rests on fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let case = Case::draw(draw)?;
    let layers = case.network.layers();
    let last = layers.len() - 1;
    let forward = case.forward()?;
    let (predicted, rcond) = formula(&case, case.leak, &case.error)?;
    let a = forward.pre_activations[last - 1].clone();
    let feedback = Feedback::from(-case.slope_weights()?.transpose());
    let target = DMatrix::from_column_slice(case.error.len(), 1, case.error.as_slice());
    let transfer = Transfer::Tangent {
        activation: layers[last - 1].activation,
        operating_point: DMatrix::from_column_slice(a.len(), 1, a.as_slice()),
    };
    let parameters = LoopParameters::with_leak(case.leak);
    let dynamics = LayerwiseInversion::new(
        layers[last].weights.clone(),
        feedback,
        transfer,
        target,
        parameters,
    )?;
    let rest = dynamics.closed_form_equilibrium()?;
    let n = a.len();
    let j = case.slope_weights()?;
    let size = j.norm() * case.error.norm() / case.leak;
    let error = solve_error(n.max(case.error.len()), rcond, size * rcond.max(case.leak));
    let mut all = vec![Measurement::vectors(
        "step",
        predicted.as_slice(),
        &rest[..n],
        Tolerance::rounding(error, SOLVE),
    )];

    // J itself, in a random direction, from the forward pass.
    let direction = draw.vector(n, 1.0);
    let a = DVector::from_column_slice(a.as_slice());
    let difference = |h: f64| {
        let shift = &direction * h;
        (case.output(&a, &shift) - case.output(&a, &-&shift)) / (2.0 * h)
    };
    let (coarse, fine) = (difference(2.0 * DIFFERENCE), difference(DIFFERENCE));
    let truncation = (&coarse - &fine).amax();
    let outputs = case.output(&a, &DVector::zeros(n));
    let terms = layers[last].weights.norm() * (n as f64).sqrt() + outputs.norm();
    let rounding = 4.0 * n as f64 * f64::EPSILON * terms / DIFFERENCE;
    all.push(Measurement::vectors(
        "slope",
        (&j * &direction).as_slice(),
        fine.as_slice(),
        Tolerance::truncation(
            truncation + rounding,
            "difference to twice the step, and rounding divided by the step",
        ),
    ));
    Ok(all.into())
}
