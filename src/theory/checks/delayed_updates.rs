//! Single-example learning at the speed of matrix-matrix products.

use nalgebra::{DMatrix, DVector};

use crate::learning::rules::Bp;
use crate::learning::{Batch, Learner, Options};
use crate::linalg::norms::norm_frobenius;
use crate::network::datasets::Dataset;
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::instances::tanh_network;

/// The claim.
pub const CHECK: Check = Check {
    id: "delayed-updates",
    claim: "updates of the first layer may wait for the end of a block: the same numbers as plain SGD",
    equation: r"a_k = (1 - \lambda)^k A_k + \eta \sum_{j < k} (1 - \lambda)^{k-1-j} \delta_j G_{jk}, \quad A = W X, \; G = X^T X",
    source: "docs/theory.md, learning example by example",
    method: "a linear layer with decay learned by the plain loop and by the formula, response by \
             response; then two learners of the program on a deep tanh network, delayed and plain",
    instances: Instances { usual: 100, thorough: 2000 },
    measure: |draw| measure(draw, weight),
    model: |_| Err(Obstacle::new("this claim is about learning: no trajectory belongs to it")),
};

/// The weight of update `j` in response `k`: from `1 - lambda`, `k` and `j`.
pub type Formula = fn(f64, usize, usize) -> f64;

/// The formula under test.
#[must_use]
pub fn weight(keep: f64, k: usize, j: usize) -> f64 {
    keep.powi((k - 1 - j) as i32)
}

/// Draws an instance and measures it.
///
/// # Errors
/// When a learner cannot be built.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let mut all = layer(draw, formula);
    all.push(learners(draw)?);
    Ok(all.into())
}

/// One linear layer with squared error, by the plain loop and by the formula.
fn layer(draw: &mut Draw, formula: Formula) -> Vec<Measurement> {
    let (rows, columns) = (draw.units(8, 30), draw.units(20, 60));
    let count = draw.integer(2, 40);
    let (rate, keep) =
        (draw.log_uniform(1e-3, 0.1 / columns as f64 + 1e-3), 1.0 - draw.log_uniform(1e-6, 0.1));
    let start = draw.weights(rows, columns);
    let inputs = draw.matrix(columns, count, 1.0);
    let targets = draw.matrix(rows, count, 1.0);

    let mut w = start.clone();
    let mut plain = DMatrix::zeros(rows, count);
    let mut largest = norm_frobenius(&start);
    for k in 0..count {
        let response = &w * inputs.column(k);
        let delta = targets.column(k) - &response;
        plain.set_column(k, &response);
        w = &w * keep + delta * inputs.column(k).transpose() * rate;
        largest = largest.max(norm_frobenius(&w));
    }

    let responses = &start * &inputs;
    let gram = inputs.transpose() * &inputs;
    let mut deltas: Vec<DVector<f64>> = Vec::new();
    let mut delayed = DMatrix::zeros(rows, count);
    for k in 0..count {
        let mut response = responses.column(k) * keep.powi(k as i32);
        for (j, delta) in deltas.iter().enumerate() {
            response += delta * (rate * formula(keep, k, j) * gram[(j, k)]);
        }
        delayed.set_column(k, &response);
        deltas.push(targets.column(k) - response);
    }
    let size = largest * norm_frobenius(&inputs);
    let error = 8.0 * f64::EPSILON * (count * columns) as f64 * size;
    let why = "8 eps per update and summand, on the largest |W| |X| met";
    let tolerance = Tolerance::rounding(error, why);
    vec![Measurement::vectors("response", delayed.as_slice(), plain.as_slice(), tolerance)]
}

/// Two learners of the program: all parameters after the same examples.
fn learners(draw: &mut Draw) -> Result<Measurement, Obstacle> {
    let sizes = [draw.integer(5, 30), draw.integer(5, 30), draw.integer(2, 8), draw.integer(1, 5)];
    let (network, _) = tanh_network(draw, &sizes)?;
    let count = draw.integer(20, 60);
    let inputs = draw.matrix(sizes[0], count, 1.0);
    let targets = draw.matrix(sizes[3], count, 1.0);
    let data = Dataset::dense(inputs, targets)?;
    let examples: Vec<usize> = (0..count).collect();
    let options = Options { decay: draw.log_uniform(1e-6, 1e-3), ..Options::with_rate(0.02) };
    let trained = |delayed: bool| -> Result<Vec<f64>, Obstacle> {
        let options = Options { delayed: Some(delayed), ..options.clone() };
        let mut learner = Learner::new("bp", network.clone(), Box::new(Bp), options);
        learner.learn(&Batch::new(&data, &examples, 1));
        match &learner.progress().stopped {
            Some(stopped) => Err(Obstacle::new(stopped.to_string())),
            None => {
                let layers = learner.network().layers();
                Ok(layers
                    .iter()
                    .flat_map(|l| l.weights.iter().chain(l.biases.iter()).copied())
                    .collect())
            }
        }
    };
    let (plain, delayed) = (trained(false)?, trained(true)?);
    let size = plain.iter().map(|x| x * x).sum::<f64>().sqrt();
    let error = 8.0 * f64::EPSILON * (count * sizes[0]) as f64 * size;
    let why = "8 eps per update and summand, on all parameters";
    Ok(Measurement::vectors("parameter", &plain, &delayed, Tolerance::rounding(error, why)))
}
