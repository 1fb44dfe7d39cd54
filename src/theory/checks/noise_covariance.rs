//! The stationary covariance of a controlled network with white noise.

use nalgebra::{Complex, DMatrix, DVector};

use crate::dynamics::{
    ControlFeedback, ControlNoise, ControlParameters, DeepFeedbackControl, Dynamics, NoiseSite,
    VectorField,
};
use crate::integrate::{EULER_MARUYAMA, Integrator, Noise, Options};
use crate::linalg::eigen::eigenvalues;
use crate::linalg::lyapunov::lyapunov;
use crate::network::{Activation, Forward, Layer, Network, Output};
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::model_text::ModelText;

/// The claim.
pub const CHECK: Check = Check {
    id: "noise-covariance",
    claim: "white noise spreads a stable linear system by the solution of a Lyapunov equation",
    equation: r"dx = A x \; dt + S \; dB \; \Rightarrow \; A C + C A^T + S S^T = 0",
    source: "docs/theory.md; Gardiner 2009, Stochastic Methods, section 4.5.6",
    method: "random linear networks under control with noise in their voltages; Euler-Maruyama paths \
             of many independent copies, sampled when correlations have decayed: total variance and \
             that along a random direction",
    instances: Instances { usual: 24, thorough: 200 },
    measure: |draw| measure(draw, stationary),
    model: |draw| Instance::draw(draw)?.model(),
};

/// The covariance from `A` and `S S^T`.
pub type Formula = fn(&DMatrix<f64>, &DMatrix<f64>) -> Result<DMatrix<f64>, Obstacle>;

/// The formula under test.
///
/// # Errors
/// When the Lyapunov equation is singular.
pub fn stationary(a: &DMatrix<f64>, noise: &DMatrix<f64>) -> Result<DMatrix<f64>, Obstacle> {
    Ok(lyapunov(a, noise)?.x)
}

/// Independent copies that are simulated at once.
const COPIES: usize = 16;
/// Samples of every copy.
const SAMPLES: usize = 40;
/// Step times the largest modulus of an eigenvalue.
const STEP: f64 = 0.05;
/// Largest step as a share of what keeps each mode bounded, `-2 Re lambda / |lambda|^2`: the bias
/// of that mode's variance is at most a third.
const STABLE_SHARE: f64 = 0.25;
/// Time between samples in units of the slowest time constant.
const BETWEEN: f64 = 2.0;
/// Time before the first sample in the same units: what the start leaves is `e^-20`.
const BEFORE: f64 = 10.0;
/// Standard errors that a sample may be off: for normal errors once in 5e8 measurements, and the
/// tails of sums of squares are a little heavier.
const DEVIATIONS: f64 = 6.0;

struct Instance {
    network: Network,
    input: Vec<f64>,
    feedback: Vec<DMatrix<f64>>,
    parameters: ControlParameters,
    direction: DVector<f64>,
    seed: u64,
}

impl Instance {
    fn draw(draw: &mut Draw) -> Result<Self, Obstacle> {
        let sizes: Vec<usize> = (0..3).map(|_| draw.integer(2, 4)).collect();
        let mut layer = |l: usize| Layer {
            weights: draw.weights(sizes[l + 1], sizes[l]),
            biases: DVector::zeros(sizes[l + 1]),
            activation: Activation::Linear,
        };
        let layers = vec![layer(0), layer(1)];
        let upper = layers[1].weights.clone();
        let parameters = ControlParameters {
            k_p: draw.uniform(0.0, 1.0),
            tau_v: draw.log_uniform(0.5, 1.0),
            tau_u: draw.log_uniform(0.5, 2.0),
            noise: Some(ControlNoise::White {
                site: NoiseSite::Somatic,
                std: draw.log_uniform(0.1, 1.0),
            }),
            ..ControlParameters::with_leak(draw.log_uniform(0.2, 1.0))
        };
        // Q = J^T and a little more: stable, but not symmetric.
        let outputs = upper.nrows();
        let turn = draw.matrix(sizes[1], outputs, 0.2);
        let feedback = vec![upper.transpose() + turn, DMatrix::identity(outputs, outputs)];
        let units = sizes[1] + 2 * outputs;
        Ok(Self {
            network: Network::new(layers, Output::Linear)?,
            input: draw.vector(sizes[0], 1.0).as_slice().to_vec(),
            feedback,
            parameters,
            direction: draw.vector(units, 1.0),
            seed: draw.index as u64,
        })
    }

    fn copies(&self, count: usize) -> Result<DeepFeedbackControl, Obstacle> {
        let mut pass = Forward::new(&self.network, count);
        self.network.forward(&self.input.repeat(count), &mut pass)?;
        let target = pass.output().clone();
        let feedback = ControlFeedback::Shared(self.feedback.clone());
        Ok(DeepFeedbackControl::new(&self.network, &pass, target, feedback, self.parameters)?)
    }

    fn model(&self) -> Result<String, Obstacle> {
        let mut pass = Forward::new(&self.network, 1);
        self.network.forward(&self.input, &mut pass)?;
        let ControlParameters { leak, k_p, tau_v, tau_u, noise, .. } = self.parameters;
        let std = match noise {
            Some(ControlNoise::White { std, .. }) => std,
            _ => 0.0,
        };
        let lines = [
            format!("leak = {leak:?}"),
            format!("k_p = {k_p:?}"),
            format!("tau_v = {tau_v:?}"),
            format!("tau_u = {tau_u:?}"),
            format!("noise = {{ white = {{ location = \"somatic\", std = {std:?} }} }}"),
        ];
        let model = ModelText::new(CHECK.id)
            .network(&self.network)
            .feedback(&self.feedback.iter().collect::<Vec<_>>())
            .section("dynamics.deep-feedback-control", &lines)
            .output(pass.output().as_slice(), &self.input);
        Ok(model.run("euler-maruyama", "step = 0.01", 100.0, 1001))
    }
}

/// Draws an instance and measures it.
///
/// # Errors
/// When the controlled network is unstable.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let instance = Instance::draw(draw)?;
    let single = instance.copies(1)?;
    let n = single.dim();
    let mut a = DMatrix::zeros(n, n);
    single.jacobian(0.0, &single.initial_state(), &mut a);
    let spectrum = eigenvalues(&a)?;
    let abscissa = spectrum.abscissa();
    if abscissa > -0.02 {
        return Err(Obstacle::new("the controlled network is not stable enough to be sampled"));
    }
    let mut noise = DMatrix::zeros(n, n);
    for input in single.noise() {
        input.range.for_each(|i| noise[(i, i)] = input.intensity * input.intensity);
    }
    let predicted = formula(&a, &noise)?;
    let largest =
        |z: &Complex<f64>| (STEP / z.norm()).min(STABLE_SHARE * -2.0 * z.re / z.norm_sqr());
    let step = spectrum.values.iter().map(largest).fold(f64::INFINITY, f64::min);
    let steps = |time: f64| (time / -abscissa / step).ceil() as usize;
    let (between, before) = (steps(BETWEEN), steps(BEFORE));
    let found = covariance(&instance, step, between, before)?;
    let chain = Chain::new(&a, &noise, step, between);
    let v = instance.direction.normalize();
    let along = |c: &DMatrix<f64>| (v.transpose() * c * &v)[(0, 0)];
    let why =
        "6 standard errors from the exact correlations of the samples, and the bias of the step";
    // The bias is of first order in the step: twice what half the step changes.
    let finer = Chain::new(&a, &noise, 0.5 * step, 2 * between);
    let tolerance = |whole: f64, half: f64, standard_error: f64| {
        Tolerance::sampling(2.0 * (whole - half).abs() + DEVIATIONS * standard_error, why)
    };
    let [whole, half] = [&chain.covariance, &finer.covariance];
    let total = tolerance(whole.trace(), half.trace(), chain.error_of_trace());
    let along_v = tolerance(along(whole), along(half), chain.error_along(&v));
    Ok(vec![
        Measurement::equal("total_variance", predicted.trace(), found.trace(), total),
        Measurement::equal("variance_along", along(&predicted), along(&found), along_v),
    ]
    .into())
}

/// The mean of `x x^T` over copies and samples, `x` the distance to rest.
fn covariance(
    instance: &Instance,
    step: f64,
    between: usize,
    before: usize,
) -> Result<DMatrix<f64>, Obstacle> {
    let copies = instance.copies(COPIES)?;
    let rest = copies.closed_form_equilibrium()?;
    let mut options = Options::with_step(step);
    options.noise = Some(Noise::of(&copies, instance.seed));
    let count = before + between * SAMPLES;
    let t_end = step * (count + 1) as f64;
    let mut run = Integrator::new(&copies, &EULER_MARUYAMA, &options, (0.0, t_end), &rest)?;
    let n = copies.dim() / COPIES;
    let mut sum = DMatrix::zeros(n, n);
    for k in 1..=count {
        run.step()?;
        if k <= before || !(k - before).is_multiple_of(between) {
            continue;
        }
        let x: Vec<f64> = run.state().iter().zip(&rest).map(|(y, r)| y - r).collect();
        for c in 0..COPIES {
            let x = DVector::from_vec(copies.layout().column_state(c, &x));
            sum.ger(1.0, &x, &x, 1.0);
        }
    }
    Ok(sum / (COPIES * SAMPLES) as f64)
}

/// The stationary law of the discrete path `x <- F x + sqrt(h) S xi`, `F = I + h A`, looked at every
/// so many steps.
struct Chain {
    covariance: DMatrix<f64>,
    /// `F` to the power of the steps between two samples.
    between: DMatrix<f64>,
}

impl Chain {
    fn new(a: &DMatrix<f64>, noise: &DMatrix<f64>, step: f64, between: usize) -> Self {
        let factor = DMatrix::identity(a.nrows(), a.ncols()) + a * step;
        // The sum of F^k h S S^T F^kT, doubled until the rest is below rounding.
        let (mut covariance, mut power) = (noise * step, factor.clone());
        for _ in 0..64 {
            let more = &power * &covariance * power.transpose();
            let done = more.norm() <= f64::EPSILON * covariance.norm();
            covariance += more;
            power = &power * &power;
            if done {
                break;
            }
        }
        Self { covariance, between: factor.pow(between as u32) }
    }

    /// Standard error of the mean of `|x|^2`: the covariance of two such squares is twice the
    /// squared Frobenius norm of the covariance of the two states.
    fn error_of_trace(&self) -> f64 {
        self.error(|lagged| lagged.norm_squared())
    }

    /// Standard error of the mean of `(v . x)^2`.
    fn error_along(&self, v: &DVector<f64>) -> f64 {
        self.error(|lagged| (v.transpose() * lagged * v)[(0, 0)].powi(2))
    }

    fn error(&self, square: impl Fn(&DMatrix<f64>) -> f64) -> f64 {
        let mut lagged = self.covariance.clone();
        let mut sum = square(&lagged);
        for lag in 1..SAMPLES {
            lagged = &self.between * lagged;
            sum += 2.0 * (1.0 - lag as f64 / SAMPLES as f64) * square(&lagged);
        }
        (2.0 * sum / (COPIES * SAMPLES) as f64).sqrt()
    }
}
