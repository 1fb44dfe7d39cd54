//! Angles between errors, updates and matrices.

use nalgebra::DMatrix;

use super::rule::{Errors, Proposed, Rule};
use super::spectra::weight_product;
use crate::network::Network;

/// Angle between two lists of numbers of equal length, degrees; NaN when one is zero.
#[must_use]
pub fn angle(a: &[f64], b: &[f64]) -> f64 {
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (na, nb) = (norm(a), norm(b));
    if na == 0.0 || nb == 0.0 {
        return f64::NAN;
    }
    // Twice the half angle: accurate near 0 and 180 degrees, where the arc cosine is not (Kahan).
    let (mut minus, mut plus) = (0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (x, y) = (a / na, b / nb);
        minus += (x - y) * (x - y);
        plus += (x + y) * (x + y);
    }
    2.0 * minus.sqrt().atan2(plus.sqrt()).to_degrees()
}

/// Angle between the hidden errors of two rules, degrees, one per hidden layer: the mean over the
/// examples that both inverted, NaN when there is none.
#[must_use]
pub fn layer_angles(a: &Errors, b: &Errors) -> Vec<f64> {
    let hidden = a.delta.len() - 1;
    let one = |(a_l, b_l): (&DMatrix<f64>, &DMatrix<f64>)| {
        let (mut sum, mut count) = (0.0, 0.0);
        for c in 0..a_l.ncols() {
            let found = angle(a_l.column(c).as_slice(), b_l.column(c).as_slice());
            if a.converged[c] && b.converged[c] && found.is_finite() {
                sum += found;
                count += 1.0;
            }
        }
        sum / count
    };
    a.delta[..hidden].iter().zip(&b.delta).map(one).collect()
}

/// Angle between the updates of all parameters that two rules propose for one example, degrees: the
/// mean over the examples that both inverted, NaN when there is none. Biases count where they learn.
///
/// Updates are outer products, so the matrices themselves are never formed.
#[must_use]
pub fn update_angle(a: &Proposed, b: &Proposed, biases: bool) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for c in 0..a.errors.converged.len() {
        let (na, nb) = (update_norm(a, biases, c), update_norm(b, biases, c));
        let usable = a.errors.converged[c] && b.errors.converged[c] && na > 0.0 && nb > 0.0;
        // As for `angle`: half of it from the sum and the difference of the unit vectors.
        let apart = |sign: f64| added_norm((a, 1.0 / na), (b, sign / nb), biases, c);
        let found = 2.0 * apart(-1.0).atan2(apart(1.0)).to_degrees();
        if usable && found.is_finite() {
            sum += found;
            count += 1.0;
        }
    }
    sum / count
}

/// Norm of what a rule proposes for the example `c`.
fn update_norm(a: &Proposed, biases: bool, c: usize) -> f64 {
    let layers = a.errors.delta.iter().zip(&a.inputs);
    layers.map(|(delta, p)| squared_update_norm((delta, p), biases, c)).sum::<f64>().sqrt()
}

/// `|delta p^T|^2`, and `|delta|^2` where biases learn: the update of one layer by the example `c`.
pub(crate) fn squared_update_norm(
    (delta, p): (&DMatrix<f64>, &DMatrix<f64>),
    biases: bool,
    c: usize,
) -> f64 {
    let inputs = p.column(c).norm_squared() + f64::from(u8::from(biases));
    delta.column(c).norm_squared() * inputs
}

/// Norm of the sum of two multiples of proposals for the example `c`. With `x p^T + y q^T =
/// (x + y) p^T + y (q - p)^T` little is lost where the two nearly cancel.
fn added_norm(
    (a, of_a): (&Proposed, f64),
    (b, of_b): (&Proposed, f64),
    biases: bool,
    c: usize,
) -> f64 {
    let mut squares = 0.0;
    for k in 0..a.inputs.len() {
        let (p, q) = (a.inputs[k].column(c), b.inputs[k].column(c));
        let y = b.errors.delta[k].column(c) * of_b;
        let sum = a.errors.delta[k].column(c) * of_a + &y;
        let change = q - p;
        squares += sum.norm_squared() * (p.norm_squared() + f64::from(u8::from(biases)))
            + 2.0 * sum.dot(&y) * p.dot(&change)
            + y.norm_squared() * change.norm_squared();
    }
    squares.max(0.0).sqrt()
}

/// Angle between each feedback matrix and minus the transpose of the weights it inverts, degrees;
/// for a single loop, of the product of the weights. Empty for rules that are no loops.
#[must_use]
pub fn feedback_angles(rule: &dyn Rule, network: &Network) -> Vec<f64> {
    let Some(loops) = rule.loops() else { return Vec::new() };
    let targets = if loops.single {
        vec![weight_product(network)]
    } else {
        network.layers()[1..].iter().map(|l| l.weights.clone()).collect()
    };
    let feedback = rule.feedback(network);
    let one =
        |(b, w): (&DMatrix<f64>, &DMatrix<f64>)| angle(b.as_slice(), (-w.transpose()).as_slice());
    feedback.iter().zip(&targets).map(one).collect()
}
