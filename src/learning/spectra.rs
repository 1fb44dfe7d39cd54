//! Spectra of a rule's loops, as differential equations and as the scheme that runs them.

use nalgebra::{Complex, DMatrix};

use super::LearningError;
use super::rule::Rule;
use super::scheme::{Scheme, stage_step};
use crate::dynamics::LoopParameters;
use crate::linalg::LinalgError;
use crate::linalg::eigen::eigenvalues;
use crate::linalg::gemm::matmul;
use crate::network::Network;

/// Spectral abscissa of each linear loop, 1/s, from the eigenvalues of `W B` or `B W`, whichever is
/// smaller; empty for rules that are no loops.
///
/// # Errors
/// [`LearningError::Linalg`] when an eigenvalue iteration fails.
pub fn abscissas(rule: &dyn Rule, network: &Network) -> Result<Vec<f64>, LearningError> {
    growths(rule, network, Scheme::Exact)
}

/// How fast each linear loop grows as the rule runs it, 1/s: `ln(rho)/h` with the spectral radius
/// `rho` of one step of a scheme with the fixed step `h`, otherwise the spectral abscissa. A loop
/// inverts only where this is negative: a scheme can be unstable on a stable equation (with
/// `B = -W^T`, unit time constants and no leak the published one is for singular values of `W` from
/// `sqrt(4 - 2 h)/h` on).
///
/// # Errors
/// [`LearningError::Linalg`] when an eigenvalue iteration fails.
pub fn growth_rates(rule: &dyn Rule, network: &Network) -> Result<Vec<f64>, LearningError> {
    growths(rule, network, rule.run().map_or(Scheme::Exact, Scheme::of))
}

fn growths(rule: &dyn Rule, network: &Network, scheme: Scheme) -> Result<Vec<f64>, LearningError> {
    let Some(loops) = rule.loops() else { return Ok(Vec::new()) };
    let feedback = rule.feedback(network);
    let failed = |layer: usize| move |source| LearningError::Linalg { layer, source };
    if loops.single {
        let stages = network.layers().len() - 1;
        let k = matmul(&weight_product(network), &feedback[0]);
        return Ok(vec![
            single(&k, &loops.parameters, stages, scheme).map_err(failed(stages + 1))?,
        ]);
    }
    let upper = network.layers()[1..].iter().zip(&feedback).enumerate();
    upper
        .map(|(k, (l, b))| layer(&l.weights, b, &loops.parameters, scheme).map_err(failed(k + 2)))
        .collect()
}

/// The loop of one layer: two modes per eigenvalue `mu` of the product, and the real modes of the
/// larger layer.
fn layer(
    w: &DMatrix<f64>,
    b: &DMatrix<f64>,
    p: &LoopParameters,
    scheme: Scheme,
) -> Result<f64, LinalgError> {
    let wide = w.nrows() <= w.ncols();
    let product = if wide { matmul(w, b) } else { matmul(b, w) };
    let extra = match w.nrows().cmp(&w.ncols()) {
        std::cmp::Ordering::Less => scheme.growth(-1.0 / p.tau_state),
        std::cmp::Ordering::Greater => scheme.growth(-p.leak / p.tau_controller),
        std::cmp::Ordering::Equal => f64::NEG_INFINITY,
    };
    let spectrum = eigenvalues(&product)?;
    let growth = |mu: &Complex<f64>| match scheme {
        Scheme::SemiImplicit { step } => semi_implicit_growth(*mu, p, step),
        _ => roots(*mu, p).map(|x| scheme.growth_of(x)).into_iter().fold(extra, f64::max),
    };
    Ok(spectrum.values.iter().map(growth).fold(extra, f64::max))
}

/// The roots of `tau_r tau_u x^2 + (tau_u + leak tau_r) x + (leak - mu) = 0`.
fn roots(mu: Complex<f64>, p: &LoopParameters) -> [Complex<f64>; 2] {
    let a = p.tau_state * p.tau_controller;
    let half = (p.tau_controller + p.leak * p.tau_state) / (2.0 * a);
    let inner = Complex::new(half * half, 0.0) - (Complex::new(p.leak, 0.0) - mu) / a;
    let root = inner.sqrt();
    [root - half, -root - half]
}

/// The larger root of `z^2 - T z + det = 0` with `T = 2 - p - q leak + p q mu`,
/// `det = (1 - p)(1 - q leak)`, `p = step/tau_r`, `q = step/tau_u`, as a rate.
fn semi_implicit_growth(mu: Complex<f64>, params: &LoopParameters, step: f64) -> f64 {
    let (p, q) = (step / params.tau_state, step / params.tau_controller);
    let half = (mu * (p * q) + (2.0 - p - q * params.leak)) * 0.5;
    let det = (1.0 - p) * (1.0 - q * params.leak);
    let root = (half * half - det).sqrt();
    let radius = (half + root).norm().max((half - root).norm());
    radius.ln() / step
}

/// The single loop in `n_L` unknowns per block: the stages follow `B u` through products of weights,
/// so that, up to modes at `-1/tau_state`, its spectrum is that of
/// `rho_1' = -rho_1 + u`, `rho_l' = -rho_l + rho_{l-1}`, `u' = -leak u + W_L .. W_2 B rho_{L-1}`.
fn single(
    k: &DMatrix<f64>,
    p: &LoopParameters,
    stages: usize,
    scheme: Scheme,
) -> Result<f64, LinalgError> {
    let jacobian = single_loop_jacobian(k, p, stages);
    let Scheme::SemiImplicit { step } = scheme else {
        let spectrum = eigenvalues(&jacobian)?;
        let rates = spectrum.values.iter().map(|x| scheme.growth_of(*x));
        return Ok(rates.fold(scheme.growth(-1.0 / p.tau_state), f64::max));
    };
    let spectrum = eigenvalues(&stage_step(&jacobian, stages, step))?;
    let radius = spectrum.values.iter().map(|z| z.norm()).fold(0.0, f64::max);
    Ok((radius.ln() / step).max(scheme.growth(-1.0 / p.tau_state)))
}

/// `W_L .. W_2`.
pub(super) fn weight_product(network: &Network) -> DMatrix<f64> {
    let upper = &network.layers()[1..];
    upper[1..].iter().fold(upper[0].weights.clone(), |p, l| matmul(&l.weights, &p))
}

fn single_loop_jacobian(k: &DMatrix<f64>, p: &LoopParameters, stages: usize) -> DMatrix<f64> {
    let n = k.nrows();
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
