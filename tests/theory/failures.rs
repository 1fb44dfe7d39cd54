//! Checks that can fail do: each is given a wrong formula and must say so.
//!
//! Every check of the list has an entry here; the last test compares the two lists.

use std::f64::consts::PI;

use dynamic_inversion::dynamics::{LayerLoop, LoopParameters};
use dynamic_inversion::linalg::lu::Lu;
use dynamic_inversion::linalg::svd::pseudoinverse;
use dynamic_inversion::network::Activation;
use dynamic_inversion::theory::checks::*;
use dynamic_inversion::theory::instances::{LoopInstance, loop_jacobian};
use dynamic_inversion::theory::{CHECKS, Check, Instances, RunOptions, Verdict};
use nalgebra::{Complex, DMatrix, DVector};

/// A check with a wrong formula, and what is wrong with it.
struct Wrong {
    check: Check,
    what: &'static str,
}

macro_rules! wrong {
    ($module:ident, $what:literal, $formula:expr) => {
        Wrong {
            check: Check { measure: |draw| $module::measure(draw, $formula), ..$module::CHECK },
            what: $what,
        }
    };
}

type Solved = Result<(DVector<f64>, f64), dynamic_inversion::theory::Obstacle>;

fn identity(n: usize) -> DMatrix<f64> {
    DMatrix::identity(n, n)
}

/// `m b + leak I` instead of `m b - leak I`.
fn leak_of_other_sign(
    m: &DMatrix<f64>,
    b: &DMatrix<f64>,
    leak: f64,
    delta: &DVector<f64>,
) -> Solved {
    let lu = Lu::new(&(m * b + identity(m.nrows()) * leak))?;
    Ok((b * lu.solve(delta), lu.rcond()))
}

fn feedback_of_other_sign(
    m: &DMatrix<f64>,
    b: &DMatrix<f64>,
    leak: f64,
    delta: &DVector<f64>,
) -> Solved {
    layer_steady_state::steady_state(m, &-b, leak, delta)
}

fn slope_twice(case: &tangent_lm::Case, leak: f64, error: &DVector<f64>) -> Solved {
    let mut j = case.slope_weights()?;
    j.column_iter_mut().zip(case.slopes()?).for_each(|(mut column, d)| column *= d);
    tangent_lm::levenberg_marquardt(&j, leak, error)
}

fn slope_never(case: &tangent_lm::Case, leak: f64, error: &DVector<f64>) -> Solved {
    let layers = case.network.layers();
    tangent_lm::levenberg_marquardt(&layers[layers.len() - 1].weights, leak, error)
}

fn without_damping(j: &DMatrix<f64>, leak: f64, error: &DVector<f64>) -> Solved {
    tangent_lm::levenberg_marquardt(j, 0.9 * leak, error)
}

/// The leak on the state instead of the controller.
fn leak_on_the_state(layer: &LayerLoop) -> DMatrix<f64> {
    let mut j = loop_jacobian(layer);
    let (m, n) = layer.forward.shape();
    for k in 0..n {
        j[(k, k)] = -layer.leak / layer.tau_state;
    }
    for k in n..n + m {
        j[(k, k)] = -1.0 / layer.tau_controller;
    }
    j
}

fn feedback_flipped(layer: &LayerLoop) -> DMatrix<f64> {
    loop_jacobian(&LayerLoop { feedback: -&layer.feedback, ..layer.clone() })
}

fn parabola_with_factor(layer: &LayerLoop, mu: Complex<f64>) -> f64 {
    let sum = layer.tau_controller + layer.leak * layer.tau_state;
    layer.leak - 4.0 * layer.tau_state * layer.tau_controller * (mu.im / sum).powi(2) - mu.re
}

fn leak_with_the_wrong_time(layer: &LayerLoop, mu: Complex<f64>) -> f64 {
    let sum = layer.tau_state + layer.leak * layer.tau_controller;
    layer.leak - layer.tau_state * layer.tau_controller * (mu.im / sum).powi(2) - mu.re
}

fn no_parabola(layer: &LayerLoop, mu: Complex<f64>) -> f64 {
    layer.leak - mu.re
}

fn roots_with_the_wrong_sign(layer: &LayerLoop, mu: Complex<f64>) -> [Complex<f64>; 2] {
    theorem_1_spectrum::roots(layer, -mu)
}

fn roots_without_leak_in_the_middle(layer: &LayerLoop, mu: Complex<f64>) -> [Complex<f64>; 2] {
    let a = layer.tau_state * layer.tau_controller;
    let b = Complex::new(layer.tau_controller, 0.0);
    let root = (b * b - (Complex::new(layer.leak, 0.0) - mu) * (4.0 * a)).sqrt();
    [(root - b) / (2.0 * a), (-root - b) / (2.0 * a)]
}

fn one_stage_too_many(p: LoopParameters, n: usize, x: Complex<f64>) -> Complex<f64> {
    theorem_2_spectrum::polynomial(p, n + 1, x)
}

fn all_gains_by_one_formula(n: usize, leak: f64) -> Option<f64> {
    let angle = PI / (2.0 * n as f64);
    // The power of the cosine is missing.
    theorem_2_limits::limit(n, leak).map(|_| angle.tan() * if n == 2 { 2.0 } else { 1.0 })
}

fn dissipation_without_leak(case: &theorem_3_decrease::Case, y: &[f64]) -> f64 {
    -case.loss(y)
}

fn dissipation_of_half_the_leak(case: &theorem_3_decrease::Case, y: &[f64]) -> f64 {
    let du = case.controller(y);
    -case.loss(y) - 0.5 * case.instance.parameters.leak * du.dot(&(&case.r * &du))
}

fn symmetric_after_all(r: &DMatrix<f64>, _: &DMatrix<f64>) -> DMatrix<f64> {
    r.clone()
}

fn explicit_for_published(h: f64, leak: f64) -> f64 {
    theorem_4_limits::explicit(h, leak)
}

fn published_without_leak(h: f64, _: f64) -> f64 {
    theorem_4_limits::published(h, 0.0)
}

/// The state with the old controller: plain explicit Euler.
fn both_at_once(sigma: f64, leak: f64, h: f64, delta: f64, (r, u): (f64, f64)) -> (f64, f64) {
    (r - h * (r + sigma * u), u + h * (sigma * r - leak * u - delta))
}

fn damping_squared(sigma: f64, leak: f64) -> f64 {
    sigma / (sigma * sigma + leak * leak)
}

fn first_order_twice(w: &DMatrix<f64>, inverse: &DMatrix<f64>, d: &DVector<f64>) -> DVector<f64> {
    leak_to_zero::first_order(w, inverse, d) * 2.0
}

fn pseudoinverse_of_the_product(
    weights: &[DMatrix<f64>],
    delta: &DVector<f64>,
) -> Result<DVector<f64>, dynamic_inversion::theory::Obstacle> {
    let product = weights.iter().skip(1).fold(weights[0].clone(), |product, w| w * product);
    Ok(pseudoinverse(&product, None)?.matrix * delta)
}

fn top_loop_alone(
    loops: &[LayerLoop],
) -> Result<theorem_1_spectrum::Known, dynamic_inversion::theory::Obstacle> {
    let top = &loops[loops.len() - 1];
    concurrent_spectrum::union(&vec![top.clone(); loops.len()])
}

fn feedback_in_reverse(weights: &[DMatrix<f64>]) -> DMatrix<f64> {
    -single_loop_sequential::feedback(weights)
}

fn gradient_transposed(p: &DMatrix<f64>, q: &DMatrix<f64>) -> DMatrix<f64> {
    smoothed_abscissa::gradient(p, q).transpose()
}

fn leak_always_on_u(leak: f64, _: f64, _: dfc::LeakOn) -> f64 {
    leak
}

fn leak_always_on_w(leak: f64, k_p: f64, _: dfc::LeakOn) -> f64 {
    leak / (1.0 + leak * k_p)
}

fn control_without_proportional_part(instance: &dfc::DfcInstance) -> DMatrix<f64> {
    let without = dfc::DfcInstance { k_p: 0.0, ..instance.clone() };
    dfc_similarity::in_control_signal(&without)
}

fn errors_of_the_transpose(j: &DMatrix<f64>, d: &DVector<f64>) -> Solved {
    // Back-propagation instead of the minimum-norm solution.
    Ok((j.transpose() * d, 1.0))
}

fn wrong_target(instance: &LoopInstance, g: Activation, u: &DVector<f64>) -> DVector<f64> {
    // g is left out.
    let _ = g;
    &instance.w * (&instance.b * u) - u * instance.parameters.leak
}

fn all() -> Vec<Wrong> {
    vec![
        wrong!(layer_steady_state, "sign of the leak", leak_of_other_sign),
        wrong!(layer_steady_state, "sign of B", feedback_of_other_sign),
        wrong!(nonlinear_steady_state, "no activation", wrong_target),
        wrong!(push_through, "sign of the leak", |m, b, leak| push_through::through_states(
            m, b, -leak
        )),
        wrong!(exact_trajectories, "leak on the wrong variable", leak_on_the_state),
        wrong!(exact_trajectories, "sign of B", feedback_flipped),
        wrong!(integrator_order, "one order less", |method| integrator_order::order(method) - 1.0),
        wrong!(convergence_rate, "the smallest real part", |all| {
            all.iter().fold(f64::INFINITY, |m, l| m.min(l.re))
        }),
        wrong!(theorem_1_spectrum, "sign of mu", roots_with_the_wrong_sign),
        wrong!(theorem_1_spectrum, "leak left out", roots_without_leak_in_the_middle),
        wrong!(theorem_1_boundary, "factor in the parabola", parabola_with_factor),
        wrong!(theorem_1_boundary, "time constants exchanged", leak_with_the_wrong_time),
        wrong!(theorem_1_growth, "no parabola", no_parabola),
        wrong!(concurrent_spectrum, "one loop for all", top_loop_alone),
        wrong!(theorem_2_spectrum, "one stage too many", one_stage_too_many),
        wrong!(theorem_2_limits, "no power of the cosine", all_gains_by_one_formula),
        wrong!(theorem_3_decrease, "no leak", dissipation_without_leak),
        wrong!(theorem_3_decrease, "half the leak", dissipation_of_half_the_leak),
        wrong!(theorem_3_form, "no skew part, so no counterexample", symmetric_after_all),
        wrong!(theorem_4_limits, "the other scheme", {
            [explicit_for_published, theorem_4_limits::published]
        }),
        wrong!(theorem_4_limits, "leak left out", {
            [published_without_leak, theorem_4_limits::explicit]
        }),
        wrong!(theorem_4_distance, "both variables at once", both_at_once),
        wrong!(smoothed_abscissa, "transposed", gradient_transposed),
        wrong!(tikhonov, "square of the damping", damping_squared),
        wrong!(leak_to_zero, "factor 2", first_order_twice),
        wrong!(tangent_lm, "g' twice", slope_twice),
        wrong!(tangent_lm, "no g'", slope_never),
        wrong!(composition, "pseudoinverse of the product", pseudoinverse_of_the_product),
        wrong!(single_loop_sequential, "sign of B", feedback_in_reverse),
        wrong!(dfc_steady_state, "leak on the wrong variable", leak_always_on_u),
        wrong!(dfc_steady_state, "leak on the wrong variable", leak_always_on_w),
        wrong!(dfc_gauss_newton, "a tenth of the damping missing", without_damping),
        wrong!(dfc_similarity, "no proportional part", control_without_proportional_part),
        wrong!(noise_covariance, "without the factor of one half", |a, s| {
            noise_covariance::stationary(a, &(s * 2.0))
        }),
        wrong!(noise_covariance, "covariance of the transpose", |a, s| {
            noise_covariance::stationary(&a.transpose(), s)
        }),
        wrong!(predictive_coding, "back-propagated errors", errors_of_the_transpose),
        wrong!(delayed_updates, "one power of the decay too many", |keep, k, j| {
            keep * delayed_updates::weight(keep, k, j)
        }),
    ]
}

#[test]
fn wrong_formulas_fail() {
    for Wrong { check, what } in all() {
        // A few instances suffice: a wrong formula is wrong nearly everywhere.
        let few = Instances { usual: check.instances.usual.min(12), thorough: 0 };
        let report =
            Check { instances: few, ..check }.run(&RunOptions { seed: 3, thorough: false });
        assert_eq!(report.verdict, Verdict::Fail, "{} ({what}): {:?}", check.id, report.reason);
    }
}

#[test]
fn every_check_is_shown_to_fail() {
    let covered: Vec<&str> = all().iter().map(|w| w.check.id).collect();
    for check in CHECKS {
        assert!(covered.contains(&check.id), "{} has no wrong formula", check.id);
    }
}
