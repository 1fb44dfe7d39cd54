//! Angles between errors and between matrices.

use nalgebra::DMatrix;

use super::rule::{Errors, Rule};
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
