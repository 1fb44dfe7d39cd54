use dynamic_inversion::analysis::certificates::contraction::{
    ContractionNorm, contraction_certificate,
};
use dynamic_inversion::analysis::certificates::covariance::stationary_covariance;
use dynamic_inversion::analysis::certificates::global::{
    global_certificate, global_lyapunov_value,
};
use dynamic_inversion::analysis::certificates::lyapunov::lyapunov_certificate;
use dynamic_inversion::analysis::equilibria::{NewtonOptions, Start, find_equilibria};
use dynamic_inversion::analysis::spectrum::full_spectrum;
use dynamic_inversion::analysis::{AnalysisError, Judgement};
use dynamic_inversion::dynamics::{
    Dynamics, Feedback, LayerLoop, LayerwiseInversion, LoopParameters, RateNetwork, RateParameters,
    SlopeForm, SlopeUnit, Transfer, VectorField,
};
use dynamic_inversion::integrate::{DOPRI5, Options, Run, SaveAt};
use dynamic_inversion::network::Activation;
use nalgebra::{DMatrix, DVector, dmatrix};

use crate::loops::Draw;
use crate::support::Golden;

fn judged(j: &DMatrix<f64>) -> Judgement {
    Judgement::of(&full_spectrum(j).expect("eigenvalues"))
}

#[test]
fn lyapunov_certificates_prove_stable_matrices_only() {
    for name in ["stability_jordan", "stability_nonnormal", "stability_oscillatory"] {
        let golden = Golden::load(name);
        let proof = lyapunov_certificate(&golden.matrix("A"));
        let proof = proof.proof().unwrap_or_else(|| panic!("{name}: {proof:?}"));
        let expected = golden.matrix("lyapunov_P");
        assert!((&proof.p - &expected).norm() < 1e-10 * expected.norm(), "{name}");
        // The rate cannot exceed the spectral abscissa.
        assert!(proof.rate > 0.0 && proof.rate <= -golden.scalar("spectral_abscissa"));
    }
    for j in [
        Golden::load("stability_unstable_spiral").matrix("A"),
        dmatrix![0.0, 1.0; -1.0, 0.0],
        dmatrix![1.0, 0.0; 0.0, -1.0],
        dmatrix![-1.0, 0.0, -2.0; 2.0, -1.0, 0.0; 0.0, 2.0, -1.0],
        dmatrix![1e-18],
    ] {
        assert!(lyapunov_certificate(&j).reason().is_some(), "{j}");
    }
    // The defective matrix that eigenvalues cannot decide.
    let defective = dmatrix![
        -3.00390625, -1.0, 2.0, 3.0, -1.0, 1.0;
        4.0, 0.99609375, -1.0, -3.0, 1.0, -1.0;
        -9.0, -4.0, -0.00390625, 3.0, -2.0, 1.0;
        0.0, 0.0, 2.0, 1.99609375, 0.0, 1.0;
        1.0, 0.0, -2.0, -2.0, 0.99609375, 0.0;
        6.0, 2.0, 0.0, -3.0, 1.0, -1.00390625
    ];
    // Within rounding of an unstable matrix: no proof is possible in double precision.
    assert!(lyapunov_certificate(&defective).reason().is_some());
    assert!(lyapunov_certificate(&(defective - DMatrix::identity(6, 6))).proof().is_some());
}

#[test]
fn covariances_exist_for_stable_systems_only() {
    let ring = dmatrix![-1.0, 0.0, -1.5; 1.5, -1.0, 0.0; 0.0, 1.5, -1.0];
    let x = stationary_covariance(&ring, &judged(&ring), &[1.0; 3]).expect("regular");
    let expected = dmatrix![1.4, 0.6, -0.6; 0.6, 1.4, 0.6; -0.6, 0.6, 1.4];
    assert!((x - expected).amax() < 1e-12);
    for j in [dmatrix![1.0, 0.0; 0.0, -1.0], dmatrix![0.0, 1.0; -1.0, 0.0]] {
        let error = stationary_covariance(&j, &judged(&j), &[1.0; 2]).expect_err("refused");
        assert!(matches!(error, AnalysisError::NotStable { .. }), "{error}");
    }
    // The solution of the equation of an unstable system is no covariance.
    let unstable = dmatrix![2.0, 1.0; 0.0, 3.0];
    assert!(stationary_covariance(&unstable, &judged(&unstable), &[1.0; 2]).is_err());
}

/// A random loop with B = -P W^T R, and P and R.
fn special_loop(draw: &mut Draw, m: usize, n: usize, leak: f64) -> (LayerLoop, DVector<f64>) {
    let w = draw.matrix(m, n) / (n as f64).sqrt();
    let p = DVector::from_fn(n, |_, _| draw.scale(-1.0, 1.0));
    let root = draw.matrix(m, m);
    let r = &root * root.transpose() + DMatrix::identity(m, m) * 0.2;
    let feedback = -DMatrix::from_diagonal(&p) * w.transpose() * r;
    let layer = LayerLoop {
        forward: w,
        feedback,
        leak,
        tau_state: 0.5,
        tau_controller: draw.scale(-1.0, 1.0),
    };
    (layer, p)
}

fn tanh_units(n: usize) -> Vec<SlopeUnit> {
    vec![SlopeUnit { activation: Activation::Tanh, offset: 0.0, gain: 1.0 }; n]
}

#[test]
fn the_form_of_the_global_certificate_is_recovered() {
    for (index, (m, n)) in [(3, 6), (4, 4), (6, 3), (2, 30), (1, 3), (3, 1)].into_iter().enumerate()
    {
        let mut draw = Draw::new(60_000 + index as u64);
        let (layer, p) = special_loop(&mut draw, m, n, 0.1);
        let found = global_certificate(&layer, &tanh_units(n));
        let proof = found.proof().unwrap_or_else(|| panic!("{m} {n}: {found:?}"));
        assert!(proof.residual < 1e-11);
        // P is known up to a common factor where every unit is linked to every other.
        for i in 1..n {
            let ratio = (proof.p[i] / proof.p[0]) / (p[i] / p[0]);
            assert!((ratio - 1.0).abs() < 1e-8, "{m} {n}: {ratio}");
        }
        let rebuilt = DMatrix::from_diagonal(&proof.p) * layer.forward.transpose() * &proof.r;
        assert!((rebuilt + &layer.feedback).norm() < 1e-10 * layer.feedback.norm());
    }
    let mut tied = Draw::new(60_100).layer_loop(3, 7, 0.0);
    tied.feedback = -2.0 * tied.forward.transpose();
    let found = global_certificate(&tied, &tanh_units(7));
    assert_eq!(found.proof().expect("proven").residual, 0.0);
}

#[test]
fn other_feedback_is_refused_with_the_reason() {
    let mut draw = Draw::new(61_000);
    let reason = |layer: &LayerLoop, units: &[SlopeUnit]| {
        let found = global_certificate(layer, units);
        found.reason().unwrap_or_else(|| panic!("proven: {layer:?}")).to_owned()
    };
    let (layer, _) = special_loop(&mut draw, 3, 6, 0.1);
    let mut random = layer.clone();
    random.feedback = draw.matrix(6, 3);
    reason(&random, &tanh_units(6));
    let mut nearly = layer.clone();
    nearly.feedback[(2, 1)] *= 1.0 + 1e-6;
    assert!(reason(&nearly, &tanh_units(6)).contains("not of the form"));
    let mut positive = layer.clone();
    positive.feedback = positive.forward.transpose();
    reason(&positive, &tanh_units(6));
    let relu = SlopeUnit { activation: Activation::Relu, offset: 0.0, gain: 1.0 };
    assert!(reason(&layer, &[relu; 6]).contains("strictly increasing"));
    let mut leaking_up = layer.clone();
    leaking_up.leak = -0.1;
    assert!(reason(&leaking_up, &tanh_units(6)).contains("leak"));
    let (mut expanding, _) = special_loop(&mut draw, 6, 3, 0.1);
    expanding.leak = 0.0;
    assert!(reason(&expanding, &tanh_units(3)).contains("row rank"));
    let mut deaf = layer;
    deaf.forward.column_mut(4).fill(0.0);
    assert!(reason(&deaf, &tanh_units(6)).contains("unit 4"));
}

fn inversion(layer: &LayerLoop, transfer: Transfer, delta: &[f64]) -> LayerwiseInversion {
    LayerwiseInversion::new(
        layer.forward.clone(),
        Feedback::from(layer.feedback.clone()),
        transfer,
        DMatrix::from_column_slice(delta.len(), 1, delta),
        LoopParameters {
            leak: layer.leak,
            tau_state: layer.tau_state,
            tau_controller: layer.tau_controller,
        },
    )
    .expect("fits")
}

/// V falls along trajectories at the stated rate, and its stated rate is its derivative along f.
#[test]
fn the_global_lyapunov_function_falls_along_trajectories() {
    for index in 0..6 {
        let mut draw = Draw::new(62_000 + index);
        let (layer, _) = special_loop(&mut draw, 3, 5, 0.2);
        let activation =
            [Activation::Tanh, Activation::Softplus, Activation::Sigmoid][index as usize % 3];
        let point = DMatrix::from_fn(5, 1, |_, _| draw.normal());
        let transfer = if index < 3 {
            Transfer::Nonlinear { activation }
        } else {
            Transfer::Deviation { activation, operating_point: point }
        };
        let delta: Vec<f64> = (0..3).map(|_| 0.1 * draw.normal()).collect();
        let dynamics = inversion(&layer, transfer, &delta);
        let form = dynamics.slope_form(0).expect("slopes");
        let found = global_certificate(&layer, &form.units);
        let proof = found.proof().expect("proven");
        let zero = Start { name: "zero".to_owned(), state: vec![0.0; 8] };
        let search = find_equilibria(&dynamics, 0, 0.0, &[zero], NewtonOptions::default());
        let rest = &search.equilibria[0].state;
        let start: Vec<f64> = (0..8).map(|_| 3.0 * draw.normal()).collect();
        let (trajectory, _) = Run::new(&dynamics, &DOPRI5, (0.0, 20.0), &start)
            .options(Options::with_tolerances(1e-10, 1e-12))
            .save_at(SaveAt::Count(200))
            .trajectory()
            .expect("runs");
        let at = |y: &[f64]| global_lyapunov_value(proof, &layer, &form.units, rest, y);
        let mut last = f64::INFINITY;
        for k in 0..trajectory.len() {
            let y = trajectory.state(k);
            let value = at(y);
            assert!(
                value.v <= last + 1e-9 && value.v >= 0.0 && value.rate <= 0.0,
                "{index}: {value:?}"
            );
            last = value.v;
            let mut f = vec![0.0; 8];
            dynamics.eval(0.0, y, &mut f);
            let h = 1e-5;
            let moved = |s: f64| -> Vec<f64> { y.iter().zip(&f).map(|(y, f)| y + s * f).collect() };
            let derivative = (at(&moved(h)).v - at(&moved(-h)).v) / (2.0 * h);
            let size = value.v.max(1e-3) + value.rate.abs();
            assert!(
                (derivative - value.rate).abs() < 1e-5 * size,
                "{index}: {derivative} {value:?}"
            );
        }
        assert!(last < 1e-2 * at(&start).v);
    }
}

/// The slope form reproduces the analytic Jacobian at random states.
#[test]
fn slope_forms_are_the_jacobian() {
    let mut draw = Draw::new(63_000);
    let (layer, _) = special_loop(&mut draw, 3, 4, 0.2);
    let point = DMatrix::from_fn(4, 1, |_, _| draw.normal());
    let mut parameters = RateParameters::new(draw.matrix(4, 4), Activation::Sigmoid);
    parameters.gain = -1.7;
    parameters.tau = vec![0.5, 1.0, 2.0, 3.0];
    let rate = RateNetwork::new(parameters).expect("fits");
    let nonlinear = Transfer::Nonlinear { activation: Activation::Softplus };
    let deviation =
        Transfer::Deviation { activation: Activation::Tanh, operating_point: point.clone() };
    let tangent = Transfer::Tangent { activation: Activation::Tanh, operating_point: point };
    let systems: Vec<Box<dyn Dynamics>> = vec![
        Box::new(inversion(&layer, nonlinear, &[0.1, 0.2, 0.3])),
        Box::new(inversion(&layer, deviation, &[0.1, 0.2, 0.3])),
        Box::new(inversion(&layer, tangent, &[0.1, 0.2, 0.3])),
        Box::new(rate),
    ];
    for dynamics in systems {
        let form = dynamics.slope_form(0).expect("slopes");
        let n = dynamics.dim();
        let y: Vec<f64> = (0..n).map(|_| draw.normal()).collect();
        let mut expected = DMatrix::zeros(n, n);
        dynamics.jacobian(0.0, &y, &mut expected);
        let arguments = &form.right * DVector::from_vec(y);
        let slopes = DVector::from_fn(form.units.len(), |k, _| {
            let unit = form.units[k];
            let slope =
                unit.gain * unit.activation.slope_at(unit.offset + unit.gain * arguments[k]);
            let (low, high) = unit.slope_bounds();
            assert!((low..=high).contains(&slope));
            slope
        });
        let found = &form.constant + &form.left * DMatrix::from_diagonal(&slopes) * &form.right;
        assert!((found - expected).amax() < 1e-13);
    }
}

/// Whatever slopes are drawn, the measure of a certified system is at most minus the rate.
fn check_measure(form: &SlopeForm, norm: ContractionNorm, draw: &mut Draw) -> bool {
    let found = contraction_certificate(form, norm);
    let Some(proof) = found.proof() else { return false };
    let n = form.constant.nrows();
    for _ in 0..50 {
        let slopes = DVector::from_fn(form.units.len(), |k, _| {
            let (low, high) = form.units[k].slope_bounds();
            // Often at a vertex of the box, where the measure is largest.
            low + (high - low) * (0.5 + draw.normal()).clamp(0.0, 1.0)
        });
        let j = &form.constant + &form.left * DMatrix::from_diagonal(&slopes) * &form.right;
        let weight = |i: usize| proof.weights[(i, 0)];
        let measure = match norm {
            ContractionNorm::Infinity => (0..n)
                .map(|i| {
                    let off = (0..n).filter(|&k| k != i);
                    j[(i, i)] + off.map(|k| j[(i, k)].abs() * weight(i) / weight(k)).sum::<f64>()
                })
                .fold(f64::NEG_INFINITY, f64::max),
            ContractionNorm::One => (0..n)
                .map(|k| {
                    let off = (0..n).filter(|&i| i != k);
                    j[(k, k)] + off.map(|i| j[(i, k)].abs() * weight(i) / weight(k)).sum::<f64>()
                })
                .fold(f64::NEG_INFINITY, f64::max),
            ContractionNorm::Two => {
                let l =
                    dynamic_inversion::linalg::chol::cholesky(&proof.weights).expect("definite");
                let inverse = l.clone().try_inverse().expect("regular");
                // |x|_P = |L^T x|.
                let similar = l.transpose() * &j * inverse.transpose();
                dynamic_inversion::linalg::symmetric::numerical_abscissa(&similar).expect("finite")
            }
        };
        assert!(measure <= -proof.rate * (1.0 - 1e-9), "{norm:?}: {measure} {}", proof.rate);
    }
    true
}

#[test]
fn contraction_rates_hold_for_all_slopes() {
    let norms = [ContractionNorm::One, ContractionNorm::Two, ContractionNorm::Infinity];
    let mut proven = [0; 3];
    for index in 0..20 {
        let mut draw = Draw::new(64_000 + index);
        // Weak recurrence contracts in every norm, stronger recurrence in some or none.
        let strength = [0.3, 0.6, 1.0, 2.5][index as usize % 4];
        let w = draw.matrix(5, 5) * (strength / 5f64.sqrt());
        let network = RateNetwork::new(RateParameters::new(w, Activation::Tanh)).expect("fits");
        let form = network.slope_form(0).expect("slopes");
        for (k, norm) in norms.into_iter().enumerate() {
            proven[k] += usize::from(check_measure(&form, norm, &mut draw));
        }
    }
    assert!(proven.iter().all(|n| (4..20).contains(n)), "{proven:?}");
    // A bistable network cannot contract.
    let mut parameters = RateParameters::new(dmatrix![1.0], Activation::Tanh);
    parameters.gain = 2.0;
    let form = RateNetwork::new(parameters).expect("fits").slope_form(0).expect("slopes");
    for norm in norms {
        assert!(contraction_certificate(&form, norm).reason().is_some());
    }
    // A tied loop with slopes bounded away from zero contracts in a 2-norm, although neither the
    // 1-norm nor the infinity norm shows it.
    let mut layer = Draw::new(64_500).layer_loop(2, 3, 0.5);
    layer.feedback = -layer.forward.transpose();
    let leaky = Transfer::Nonlinear { activation: Activation::LeakyRelu };
    let form = inversion(&layer, leaky, &[0.1, 0.2]).slope_form(0).expect("slopes");
    assert!(check_measure(&form, ContractionNorm::Two, &mut Draw::new(64_501)));
}
