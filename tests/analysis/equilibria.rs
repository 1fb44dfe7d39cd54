use dynamic_inversion::analysis::equilibria::{
    EquilibriumSearch, NewtonFailure, NewtonOptions, Start, column_jacobian, find_equilibria,
};
use dynamic_inversion::analysis::spectrum::full_spectrum;
use dynamic_inversion::analysis::{Judgement, Verdict};
use dynamic_inversion::dynamics::{
    Controller, Dynamics, Feedback, LayerwiseInversion, LinearDynamics, LoopParameters,
    RateNetwork, RateParameters, Transfer,
};
use dynamic_inversion::network::Activation;
use nalgebra::{DMatrix, dmatrix};

use crate::loops::Draw;
use crate::support::Golden;

fn start(name: &str, state: &[f64]) -> Start {
    Start { name: name.to_owned(), state: state.to_vec() }
}

fn search(dynamics: &dyn Dynamics, starts: &[Start]) -> EquilibriumSearch {
    find_equilibria(dynamics, 0, 0.0, starts, NewtonOptions::default())
}

fn verdict(dynamics: &dyn Dynamics, state: &[f64]) -> Judgement {
    let j = column_jacobian(dynamics, 0.0, state, 0);
    Judgement::of(&full_spectrum(&j).expect("eigenvalues"))
}

/// x' = -x + tanh(2x).
fn bistable() -> RateNetwork {
    let mut parameters = RateParameters::new(dmatrix![1.0], Activation::Tanh);
    parameters.gain = 2.0;
    RateNetwork::new(parameters).expect("fits")
}

#[test]
fn a_bistable_unit_has_three_equilibria_and_zero_is_unstable() {
    let network = bistable();
    let starts =
        [start("initial", &[1e-12]), start("a", &[0.8]), start("b", &[-2.0]), start("c", &[0.9])];
    let found = search(&network, &starts).equilibria;
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].state, [0.0]);
    let at_zero = verdict(&network, &found[0].state);
    assert_eq!(at_zero.verdict, Verdict::Unstable);
    assert!((at_zero.spectral_abscissa - 1.0).abs() < 1e-14);
    assert!((found[1].state[0] - 0.957504024077269).abs() < 1e-14);
    assert_eq!(found[1].starts, ["a", "c"]);
    let at_rest = verdict(&network, &found[1].state);
    assert_eq!(at_rest.verdict, Verdict::Stable);
    assert!((at_rest.spectral_abscissa + 0.833627912248326).abs() < 1e-14);
    assert!((found[2].state[0] + 0.957504024077269).abs() < 1e-14);
}

/// v' = -v + u,  u' = 1.5 - tanh(v) - leak u.
fn out_of_reach(leak: f64) -> RateNetwork {
    let unit = RateParameters::new(dmatrix![0.0], Activation::Tanh);
    let controller = Controller::LeakyIntegral { leak, tau: 1.0, k_i: 1.0 };
    RateNetwork::new(unit)
        .and_then(|n| n.with_controller(dmatrix![1.0], vec![1.5], controller, dmatrix![1.0]))
        .expect("fits")
}

#[test]
fn a_target_out_of_reach_has_an_equilibrium_with_leak_and_none_without() {
    let starts =
        [start("initial", &[0.0, 0.0]), start("far", &[40.0, 41.0]), start("below", &[-3.0, 1.0])];
    let with_leak = out_of_reach(0.1);
    let found = search(&with_leak, &starts).equilibria;
    assert_eq!(found.len(), 1);
    for x in &found[0].state {
        assert!((x - 5.00090631315184).abs() < 1e-12, "{x}");
    }
    let spectrum =
        full_spectrum(&column_jacobian(&with_leak, 0.0, &found[0].state, 0)).expect("two");
    for (value, expected) in spectrum.values.iter().zip([-0.100201438882173, -0.999798561117827]) {
        assert!((value.re - expected).abs() < 1e-12 && value.im == 0.0);
    }

    let none = search(&out_of_reach(0.0), &starts);
    assert!(none.equilibria.is_empty(), "{none:?}");
    let explanation = none.explanation().expect("nothing found");
    assert!(explanation.starts_with("no equilibrium found from 3 starts"), "{explanation}");
    let best = none.failures.iter().map(|f| f.best_residual).fold(f64::INFINITY, f64::min);
    assert!((0.5..0.6).contains(&best), "{best}");
}

/// f(x) = e^-x has no zero although its residual falls below any tolerance at infinity.
#[test]
fn a_residual_that_vanishes_at_infinity_is_no_equilibrium() {
    // x' = softplus(-x): rate network with zero leak and gain -1.
    let mut parameters = RateParameters::new(dmatrix![1.0], Activation::Softplus);
    parameters.gain = -1.0;
    parameters.leak = vec![0.0];
    let network = RateNetwork::new(parameters).expect("fits");
    let found = search(&network, &[start("initial", &[0.0])]);
    assert!(found.equilibria.is_empty(), "{found:?}");
    assert!(matches!(
        found.failures[0].reason,
        NewtonFailure::Diverged { .. } | NewtonFailure::Iterations { .. }
    ));
}

/// x' = -x + relu(u), u' = 1 - x: at the start the slope is 0, at rest 1.
#[test]
fn a_kink_does_not_stop_the_search() {
    let network = |_: ()| {
        let mut parameters = RateParameters::new(dmatrix![0.0, 1.0; -1.0, 0.0], Activation::Relu);
        parameters.activation = vec![Activation::Linear, Activation::Relu];
        parameters.leak = vec![1.0, 0.0];
        parameters.input = vec![0.0, 1.0];
        RateNetwork::new(parameters).expect("fits")
    };
    let network = network(());
    let at_start = column_jacobian(&network, 0.0, &[0.0, -1.0], 0);
    assert_eq!(at_start, dmatrix![-1.0, 0.0; -1.0, 0.0]);
    let found = search(&network, &[start("initial", &[0.0, -1.0]), start("zero", &[0.0, 0.5])]);
    assert_eq!(found.equilibria.len(), 1, "{found:?}");
    let rest = &found.equilibria[0].state;
    assert!((rest[0] - 1.0).abs() < 1e-14 && (rest[1] - 1.0).abs() < 1e-14, "{rest:?}");
    assert_eq!(column_jacobian(&network, 0.0, rest, 0), dmatrix![-1.0, 1.0; -1.0, 0.0]);
    assert_eq!(verdict(&network, rest).verdict, Verdict::Stable);
}

#[test]
fn golden_loops_come_to_their_steady_states() {
    for (name, activation) in [
        ("tanh_contracting", Activation::Tanh),
        ("tanh_expanding", Activation::Tanh),
        ("relu_contracting", Activation::Relu),
        ("softplus_contracting", Activation::Softplus),
    ] {
        let golden = Golden::load(name);
        let delta = golden.vector("delta");
        let dynamics = LayerwiseInversion::new(
            golden.matrix("W"),
            Feedback::from(golden.matrix("B")),
            Transfer::Nonlinear { activation },
            DMatrix::from_column_slice(delta.len(), 1, delta.as_slice()),
            LoopParameters {
                leak: golden.scalar("leak"),
                tau_state: golden.scalar("tau_state"),
                tau_controller: golden.scalar("tau_controller"),
            },
        )
        .expect("fits");
        let size = dynamics.initial_state().len();
        let mut draw = Draw::new(40_000);
        let drawn: Vec<f64> = (0..size).map(|_| draw.normal()).collect();
        let found = search(&dynamics, &[start("zero", &vec![0.0; size]), start("drawn", &drawn)]);
        assert_eq!(found.equilibria.len(), 1, "{name}: {found:?}");
        let equilibrium = &found.equilibria[0];
        assert!(equilibrium.residual < 1e-13, "{name}");
        let expected: Vec<f64> = golden
            .vector("steady_state")
            .iter()
            .chain(golden.vector("steady_controller").iter())
            .copied()
            .collect();
        for (x, e) in equilibrium.state.iter().zip(&expected) {
            assert!((x - e).abs() < 1e-11, "{name}: {x} {e}");
        }
        let abscissa = verdict(&dynamics, &equilibrium.state).spectral_abscissa;
        assert!((abscissa - golden.scalar("spectral_abscissa")).abs() < 1e-11, "{name}");
    }
}

/// Rescaling the states changes neither the equilibria found nor the verdicts.
#[test]
fn units_do_not_matter() {
    for index in 0..20 {
        let mut draw = Draw::new(41_000 + index);
        let a = draw.matrix(4, 4) - DMatrix::identity(4, 4) * 3.0;
        let b: Vec<f64> = (0..4).map(|_| draw.normal()).collect();
        let scale: Vec<f64> = (0..4).map(|i| 2f64.powi(14 * i - 20)).collect();
        let scaled = DMatrix::from_fn(4, 4, |i, j| a[(i, j)] * scale[i] / scale[j]);
        let scaled_b = b.iter().zip(&scale).map(|(b, s)| b * s).collect();
        let plain = LinearDynamics::new(a, b).expect("fits");
        let other = LinearDynamics::new(scaled, scaled_b).expect("fits");
        let zero = [start("zero", &[0.0; 4])];
        let (x, y) = (search(&plain, &zero), search(&other, &zero));
        let (x, y) = (&x.equilibria[0].state, &y.equilibria[0].state);
        for ((x, y), s) in x.iter().zip(y).zip(&scale) {
            assert!((x * s - y).abs() <= 1e-12 * (x * s).abs(), "{x} {y}");
        }
    }
}
