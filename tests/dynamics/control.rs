//! Deep feedback control against reference values and first-order theory.

use dynamic_inversion::analysis::spectrum::{full_spectrum, reduced_spectrum};
use dynamic_inversion::analysis::verdict::{Judgement, Verdict};
use dynamic_inversion::dynamics::{
    ControlFeedback, ControlParameters, DeepFeedbackControl, Dynamics, LeakOn, VectorField,
};
use dynamic_inversion::integrate::{AUTO, DOP853, DOPRI5, Method, Options, Run, SaveAt};
use dynamic_inversion::network::{Activation, Forward, Layer, Network, Output};
use nalgebra::{DMatrix, DVector};

use crate::catalogue::{generator, matrix, max_difference};
use crate::controlled;
use crate::support::{self, Golden};

const GOLDENS: [&str; 3] =
    ["dfc_linear_jacobian_feedback", "dfc_linear_unstable", "dfc_tanh_jacobian_feedback"];

fn column(vector: &DVector<f64>) -> DMatrix<f64> {
    DMatrix::from_column_slice(vector.len(), 1, vector.as_slice())
}

fn network(golden: &Golden, name: &str) -> Network {
    let hidden = if name.contains("tanh") { Activation::Tanh } else { Activation::Linear };
    let weights = golden.matrices("weights");
    let last = weights.len() - 1;
    let biases = golden.value("biases").as_array().unwrap().iter().map(support::vector);
    let layer = |(l, (weights, biases))| Layer {
        weights,
        biases,
        activation: if l == last { Activation::Linear } else { hidden },
    };
    let layers = weights.into_iter().zip(biases).enumerate().map(layer).collect();
    Network::new(layers, Output::Linear).unwrap()
}

fn parameters(golden: &Golden) -> ControlParameters {
    ControlParameters {
        k_p: golden.scalar("k_p"),
        tau_v: golden.scalar("tau_v"),
        tau_u: golden.scalar("tau_u"),
        ..ControlParameters::with_leak(golden.scalar("leak"))
    }
}

fn control(golden: &Golden, name: &str, parameters: ControlParameters) -> DeepFeedbackControl {
    let network = network(golden, name);
    let forward = controlled::forward(&network, &column(&golden.vector("input")));
    let target = column(&golden.vector("target"));
    let feedback = ControlFeedback::Shared(golden.matrices("feedback"));
    DeepFeedbackControl::new(&network, &forward, target, feedback, parameters).unwrap()
}

/// The reference state: voltages, then the integral.
fn steady(golden: &Golden) -> Vec<f64> {
    let voltages = golden.value("steady_voltages").as_array().unwrap();
    let mut y: Vec<f64> =
        voltages.iter().flat_map(|v| support::vector(v).data.as_vec().clone()).collect();
    y.extend(golden.vector("steady_u_int").iter());
    y
}

fn newton(control: &DeepFeedbackControl, column: usize) -> Vec<f64> {
    let reduced = control.reduced(column).unwrap();
    let n = reduced.dim();
    let (mut z, mut f) = (DVector::zeros(n), DVector::zeros(n));
    let mut jacobian = DMatrix::zeros(n, n);
    for _ in 0..30 {
        reduced.residual(z.as_slice(), f.as_mut_slice());
        reduced.jacobian(z.as_slice(), &mut jacobian);
        z -= jacobian.clone().lu().solve(&f).unwrap();
    }
    reduced.lift(z.as_slice())
}

#[test]
fn trajectories_agree_with_references() {
    for name in GOLDENS {
        let golden = Golden::load(name);
        let control = control(&golden, name, parameters(&golden));
        let times: Vec<f64> = golden.vector("times").iter().copied().collect();
        for (method, rtol, tolerance) in [(&DOP853, 1e-11, 3e-9), (&AUTO, 1e-8, 1e-5)] {
            let span = (times[0], times[times.len() - 1]);
            let run = Run::new(&control, method as &Method, span, &control.initial_state())
                .options(Options::with_tolerances(rtol, rtol * 1e-2))
                .save_at(SaveAt::Times(times.clone()));
            let (trajectory, _) = run.trajectory().unwrap();
            for (k, row) in trajectory.states.chunks_exact(trajectory.dim).enumerate() {
                let mut expected: Vec<f64> = Vec::new();
                for voltages in golden.matrices("voltages") {
                    expected.extend(voltages.row(k).iter());
                }
                expected.extend(golden.matrix("u_int").row(k).iter());
                let error = max_difference(row, &expected);
                assert!(error < tolerance, "{name} {} row {k}: {error:e}", method.name);
            }
        }
    }
}

#[test]
fn equilibria_agree_with_references() {
    for name in GOLDENS {
        let golden = Golden::load(name);
        let control = control(&golden, name, parameters(&golden));
        let expected = steady(&golden);
        let error = max_difference(&newton(&control, 0), &expected);
        assert!(error < 1e-12, "{name}: {error:e}");
        let rest = control.steady_state();
        assert!(rest.converged[0], "{name}");
        let voltages: Vec<f64> = rest.voltages.iter().flat_map(|v| v.iter().copied()).collect();
        let error = max_difference(&voltages, &expected[..voltages.len()]);
        assert!(error < 1e-8, "{name} quasi-Newton: {error:e}");
        if name.contains("linear") {
            let closed = control.closed_form_equilibrium().unwrap();
            assert!(max_difference(&closed, &expected) < 1e-12, "{name}");
        } else {
            assert!(control.closed_form_equilibrium().is_err());
        }
    }
}

#[test]
fn eigenvalues_agree_with_references() {
    for name in GOLDENS {
        let golden = Golden::load(name);
        let control = control(&golden, name, parameters(&golden));
        let points = [
            ("jacobian_eigenvalues_feedforward", control.initial_state()),
            ("jacobian_eigenvalues_steady", steady(&golden)),
        ];
        for (key, y) in points {
            let mut jacobian = DMatrix::zeros(y.len(), y.len());
            control.jacobian(0.0, &y, &mut jacobian);
            let found = full_spectrum(&jacobian).unwrap();
            let mut expected: Vec<_> =
                golden.matrix(key).row_iter().map(|r| (r[0], r[1])).collect();
            for value in &found.values {
                let distance = |(re, im): &(f64, f64)| (re - value.re).hypot(im - value.im);
                let nearest = (0..expected.len())
                    .min_by(|a, b| distance(&expected[*a]).total_cmp(&distance(&expected[*b])))
                    .unwrap();
                // Multiple eigenvalues at -1/tau_v are defective: errors grow as a root of rounding.
                let gap = distance(&expected.swap_remove(nearest));
                assert!(gap < 2e-4, "{name} {key} {value}: {gap:e}");
            }
            if key.ends_with("steady") {
                let abscissa = golden.scalar("spectral_abscissa_steady");
                assert!(
                    (found.abscissa() - abscissa).abs() < 1e-10,
                    "{name}: {}",
                    found.abscissa()
                );
            }
        }
    }
}

#[test]
fn verdicts_are_not_blurred_by_the_defective_eigenvalues() {
    for (name, verdict) in
        GOLDENS.into_iter().zip([Verdict::Stable, Verdict::Unstable, Verdict::Stable])
    {
        let golden = Golden::load(name);
        let control = control(&golden, name, parameters(&golden));
        let structure = control.structure(0.0, &steady(&golden), 0);
        let spectrum = reduced_spectrum(&structure).unwrap().unwrap();
        assert_eq!(spectrum.values.len(), control.dim());
        let judgement = Judgement::of(&spectrum);
        assert_eq!(judgement.verdict, verdict, "{name}: {}", judgement.reason);
        let abscissa = golden.scalar("spectral_abscissa_steady");
        assert!((judgement.spectral_abscissa - abscissa).abs() < 1e-10, "{name}");
        assert!(judgement.tolerance < 1e-8, "{name}: {}", judgement.tolerance);
    }
}

/// A tanh network whose target lies `delta` away from its output.
fn nudged(
    delta: f64,
    leak_on: LeakOn,
) -> (DeepFeedbackControl, DVector<f64>, DVector<f64>, DMatrix<f64>) {
    let name = "dfc_tanh_jacobian_feedback";
    let golden = Golden::load(name);
    let network = network(&golden, name);
    let forward = controlled::forward(&network, &column(&golden.vector("input")));
    let error = (golden.vector("target") - golden.vector("output")).normalize() * delta;
    let target = column(&(golden.vector("output") + &error));
    let feedback = ControlFeedback::Shared(golden.matrices("feedback"));
    let parameters = ControlParameters { leak_on, k_p: 0.5, ..ControlParameters::with_leak(0.1) };
    let control =
        DeepFeedbackControl::new(&network, &forward, target, feedback, parameters).unwrap();
    let jacobian = golden.matrix("network_jacobian");
    let q = golden.matrices("feedback");
    let rows: usize = q.iter().map(DMatrix::nrows).sum();
    let mut stacked = DMatrix::zeros(rows, error.len());
    let mut at = 0;
    for q in q {
        stacked.rows_mut(at, q.nrows()).copy_from(&q);
        at += q.nrows();
    }
    let damping = match leak_on {
        LeakOn::U => 0.1,
        LeakOn::W => 0.1 / 1.05,
    };
    let n = error.len();
    let system = jacobian * &stacked + DMatrix::identity(n, n) * damping;
    let u = system.lu().solve(&error).unwrap();
    let dv = &stacked * &u;
    (control, u, dv, stacked)
}

#[test]
fn the_first_order_steady_state_is_off_by_the_square_of_the_error() {
    for leak_on in [LeakOn::U, LeakOn::W] {
        let relative = |delta: f64| {
            let (control, u, _, _) = nudged(delta, leak_on);
            let rest = control.steady_state();
            (rest.control.column(0) - &u).norm() / u.norm()
        };
        let errors = [1e-1, 5e-2, 2.5e-2, 1.25e-2].map(relative);
        for pair in errors.windows(2) {
            let ratio = pair[0] / pair[1];
            assert!((ratio - 2.0).abs() < 0.15, "{leak_on:?}: {errors:?}");
        }
    }
}

#[test]
fn the_golden_first_order_step_is_the_damped_gauss_newton_step() {
    for name in GOLDENS {
        let golden = Golden::load(name);
        let error = golden.vector("linearised_steady_delta_v");
        let jacobian = golden.matrix("network_jacobian");
        let delta = golden.vector("target") - golden.vector("output");
        let n = delta.len();
        let gram =
            &jacobian * jacobian.transpose() + DMatrix::identity(n, n) * golden.scalar("leak");
        let step = jacobian.transpose() * gram.lu().solve(&delta).unwrap();
        assert!((step - error).norm() < 1e-12, "{name}");
    }
}

#[test]
fn fast_voltages_make_auto_ten_times_cheaper_than_explicit_steps() {
    let name = "dfc_tanh_jacobian_feedback";
    let golden = Golden::load(name);
    let stiff = ControlParameters { tau_v: 0.005, ..parameters(&golden) };
    let control = control(&golden, name, stiff);
    let count = |method: &'static Method| {
        let run = Run::new(&control, method, (0.0, 30.0), &control.initial_state())
            .options(Options::with_tolerances(1e-6, 1e-8));
        let (_, outcome) = run.trajectory().unwrap();
        (outcome.statistics.n_rhs, outcome.y)
    };
    let ((explicit, y), (auto, z)) = (count(&DOPRI5), count(&AUTO));
    assert!(max_difference(&y, &z) < 1e-5);
    assert!(auto * 10 <= explicit, "{auto} against {explicit}");
}

#[test]
fn both_forms_of_the_jacobian_are_similar() {
    // An apical compartment as fast as the voltages are slow adds rates near -1/tau_apical and
    // leaves the others; time measured in other units scales all of them.
    let name = "dfc_tanh_jacobian_feedback";
    let golden = Golden::load(name);
    let abscissa = |parameters: ControlParameters| {
        let control = control(&golden, name, parameters);
        let y = newton(&control, 0);
        let mut jacobian = DMatrix::zeros(y.len(), y.len());
        control.jacobian(0.0, &y, &mut jacobian);
        full_spectrum(&jacobian).unwrap().abscissa()
    };
    let base = parameters(&golden);
    let apical = ControlParameters { tau_apical: Some(1e-7), ..base };
    assert!((abscissa(base) - abscissa(apical)).abs() < 1e-5);
    let slow = ControlParameters { tau_v: 3.0 * base.tau_v, tau_u: 3.0 * base.tau_u, ..base };
    assert!((abscissa(base) - 3.0 * abscissa(slow)).abs() < 1e-10);
}

/// The coordinates `(v, u)` with `u = w + k_p e` turn the stability matrix of `(v, w)` into another
/// one with the same eigenvalues: the form in which the paper states it.
#[test]
fn the_stability_matrix_in_the_control_signal_is_similar() {
    let name = "dfc_tanh_jacobian_feedback";
    let golden = Golden::load(name);
    let parameters = parameters(&golden);
    let control = control(&golden, name, parameters);
    let y = steady(&golden);
    let (n, m) = (y.len(), golden.vector("target").len());
    let mut jacobian = DMatrix::zeros(n, n);
    control.jacobian(0.0, &y, &mut jacobian);
    // u = w - k_p (0 .. 0 D_L) v, D_L = I for the linear output.
    let mut change = DMatrix::<f64>::identity(n, n);
    for i in 0..m {
        change[(n - m + i, n - 2 * m + i)] = -parameters.k_p;
    }
    let inverse = change.clone().try_inverse().unwrap();
    let similar = &change * &jacobian * inverse;
    // In (v, u): v' sees u through Q alone, and u' = w' - k_p v_L'.
    let (leak, tau_u, k_p) = (parameters.leak, parameters.tau_u, parameters.k_p);
    for i in 0..m {
        for j in 0..n {
            let error_part = if j == n - 2 * m + i { -1.0 / tau_u } else { 0.0 };
            let leak_part = if j == n - m + i { -leak / tau_u } else { 0.0 };
            let expected = error_part + leak_part - k_p * similar[(n - 2 * m + i, j)];
            assert!((similar[(n - m + i, j)] - expected).abs() < 1e-12);
        }
    }
    let (a, b) = (full_spectrum(&jacobian).unwrap(), full_spectrum(&similar).unwrap());
    assert!((a.abscissa() - b.abscissa()).abs() < 1e-10);
}

#[test]
fn recomputed_feedback_rests_where_voltages_and_feedback_agree() {
    let mut rng = generator(900);
    let network = controlled::networks(&mut rng).remove(0);
    let forward = controlled::forward(&network, &matrix(&mut rng, 3, 2, 1.0));
    let target = forward.output() + matrix(&mut rng, 3, 2, 0.05);
    let control = DeepFeedbackControl::new(
        &network,
        &forward,
        target,
        ControlFeedback::Recomputed { scale: 1.0 },
        ControlParameters::with_leak(0.1),
    )
    .unwrap();
    let rest = control.steady_state();
    assert_eq!(rest.converged, [true, true]);
    let parts = rest.voltages.iter().chain([&rest.control]);
    let y: Vec<f64> = parts.flat_map(|m| m.iter().copied()).collect();
    let mut f = vec![0.0; y.len()];
    control.eval(0.0, &y, &mut f);
    // w = u without proportional part, so this is the whole state.
    assert!(f.iter().all(|f| f.abs() < 1e-9), "{f:?}");
}

#[test]
fn a_batch_equals_its_targets_one_by_one() {
    let mut rng = generator(901);
    let network = controlled::networks(&mut rng).remove(1);
    let inputs = matrix(&mut rng, 3, 3, 1.0);
    let target = matrix(&mut rng, 3, 3, 0.4);
    for feedback in controlled::feedbacks(&mut rng, 3) {
        let parameters = ControlParameters { k_p: 0.4, ..ControlParameters::with_leak(0.2) };
        let build = |range: std::ops::Range<usize>| {
            let forward =
                controlled::forward(&network, &inputs.columns_range(range.clone()).into());
            let feedback = match &feedback {
                ControlFeedback::PerTarget(q) => ControlFeedback::PerTarget(
                    q.iter().map(|q| q.columns(3 * range.start, 3 * range.len()).into()).collect(),
                ),
                other => other.clone(),
            };
            let target = target.columns_range(range).into();
            DeepFeedbackControl::new(&network, &forward, target, feedback, parameters).unwrap()
        };
        let batch = build(0..3);
        let y = matrix(&mut rng, batch.dim(), 1, 1.0);
        let mut whole = vec![0.0; batch.dim()];
        batch.eval(0.0, y.as_slice(), &mut whole);
        for c in 0..3 {
            let single = build(c..c + 1);
            let mut alone = vec![0.0; single.dim()];
            single.eval(0.0, &batch.layout().column_state(c, y.as_slice()), &mut alone);
            let part = batch.layout().column_state(c, &whole);
            assert!(max_difference(&part, &alone) < 1e-13);
            let start = batch.layout().column_state(c, &batch.initial_state());
            assert!(max_difference(&start, &single.initial_state()) < 1e-14);
        }
    }
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let mut rng = generator(902);
    let network = controlled::networks(&mut rng).remove(1);
    let forward: Forward = controlled::forward(&network, &matrix(&mut rng, 3, 1, 1.0));
    let feedback = controlled::feedbacks(&mut rng, 1).remove(0);
    let build = |target: DMatrix<f64>, feedback: &ControlFeedback, parameters| {
        DeepFeedbackControl::new(&network, &forward, target, feedback.clone(), parameters)
            .map(|_| ())
            .map_err(|e| e.to_string())
    };
    let good = ControlParameters::with_leak(0.1);
    let target = DMatrix::zeros(3, 1);
    assert!(build(DMatrix::zeros(2, 1), &feedback, good).unwrap_err().contains("target"));
    let ControlFeedback::Shared(mut matrices) = feedback.clone() else { unreachable!() };
    matrices.pop();
    let short = ControlFeedback::Shared(matrices);
    assert!(build(target.clone(), &short, good).unwrap_err().contains("list of feedback"));
    let fast = ControlParameters { instantaneous: true, ..good };
    let recomputed = ControlFeedback::Recomputed { scale: 1.0 };
    assert!(build(target.clone(), &recomputed, fast).unwrap_err().contains("tau_apical"));
    let negative = ControlParameters { leak: -1.0, ..good };
    assert!(build(target.clone(), &feedback, negative).unwrap_err().contains("leak is -1"));
    let stopped = ControlParameters { tau_v: 0.0, ..good };
    assert!(build(target, &feedback, stopped).unwrap_err().contains("tau_v is 0"));
}
