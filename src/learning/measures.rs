//! What is measured of a rule: angles and the spectra of its loops.

use nalgebra::{Complex, DMatrix};

use super::LearningError;
use super::rule::{Errors, Rule};
use crate::dynamics::LoopParameters;
use crate::linalg::eigen::eigenvalues;
use crate::linalg::gemm::matmul;
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

/// Spectral abscissa of each linear loop, from the eigenvalues of `W B` or `B W`, whichever is
/// smaller; empty for rules that are no loops.
///
/// # Errors
/// [`LearningError::Linalg`] when an eigenvalue iteration fails.
pub fn abscissas(rule: &dyn Rule, network: &Network) -> Result<Vec<f64>, LearningError> {
    let Some(loops) = rule.loops() else { return Ok(Vec::new()) };
    let feedback = rule.feedback(network);
    if loops.single {
        let stages = network.layers().len() - 1;
        let jacobian = single_loop_jacobian(network, &feedback[0], &loops.parameters, stages);
        let spectrum = eigenvalues(&jacobian)
            .map_err(|source| LearningError::Linalg { layer: stages + 1, source })?;
        return Ok(vec![spectrum.abscissa()]);
    }
    let upper = network.layers()[1..].iter().zip(&feedback).enumerate();
    upper
        .map(|(k, (layer, b))| {
            layer_abscissa(&layer.weights, b, &loops.parameters)
                .map_err(|source| LearningError::Linalg { layer: k + 2, source })
        })
        .collect()
}

/// The largest real part among the roots of
/// `tau_r tau_u x^2 + (tau_u + leak tau_r) x + (leak - mu) = 0` over the eigenvalues `mu` of the
/// product, and the real modes of the larger layer.
fn layer_abscissa(
    w: &DMatrix<f64>,
    b: &DMatrix<f64>,
    p: &LoopParameters,
) -> Result<f64, crate::linalg::LinalgError> {
    let wide = w.nrows() <= w.ncols();
    let product = if wide { matmul(w, b) } else { matmul(b, w) };
    let extra = match w.nrows().cmp(&w.ncols()) {
        std::cmp::Ordering::Less => -1.0 / p.tau_state,
        std::cmp::Ordering::Greater => -p.leak / p.tau_controller,
        std::cmp::Ordering::Equal => f64::NEG_INFINITY,
    };
    let a = p.tau_state * p.tau_controller;
    let half = (p.tau_controller + p.leak * p.tau_state) / (2.0 * a);
    let root = |mu: &Complex<f64>| {
        let inner = Complex::new(half * half, 0.0) - (Complex::new(p.leak, 0.0) - mu) / a;
        inner.sqrt().re - half
    };
    let spectrum = eigenvalues(&product)?;
    Ok(spectrum.values.iter().map(root).fold(extra, f64::max))
}

/// `W_L .. W_2`.
fn weight_product(network: &Network) -> DMatrix<f64> {
    let upper = &network.layers()[1..];
    upper[1..].iter().fold(upper[0].weights.clone(), |p, l| matmul(&l.weights, &p))
}

/// The single loop in `n_L` unknowns per block: the stages follow `B u` through products of weights,
/// so that, up to modes at `-1/tau_state`, its spectrum is that of
/// `rho_1' = -rho_1 + u`, `rho_l' = -rho_l + rho_{l-1}`, `u' = -leak u + W_L .. W_2 B rho_{L-1}`.
fn single_loop_jacobian(
    network: &Network,
    b: &DMatrix<f64>,
    p: &LoopParameters,
    stages: usize,
) -> DMatrix<f64> {
    let n = network.output_size();
    let k = matmul(&weight_product(network), b);
    let mut j = DMatrix::zeros((stages + 1) * n, (stages + 1) * n);
    let controller = stages * n;
    for s in 0..stages {
        let source = if s == 0 { controller } else { (s - 1) * n };
        for i in 0..n {
            j[(s * n + i, s * n + i)] = -1.0 / p.tau_state;
            j[(s * n + i, source + i)] = 1.0 / p.tau_state;
        }
    }
    for i in 0..n {
        j[(controller + i, controller + i)] = -p.leak / p.tau_controller;
    }
    let last = (stages - 1) * n;
    j.view_mut((controller, last), (n, n)).copy_from(&(k / p.tau_controller));
    j
}
