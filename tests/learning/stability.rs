//! Stability of loops as rules run them.

use dynamic_inversion::integrate::{EULER, Options as Steps, RK4, SEMI_IMPLICIT_EULER};
use dynamic_inversion::learning::rules::{Bp, Di, Sdi};
use dynamic_inversion::learning::{
    Batch, Errors, Learner, LoopFeedback, LoopOptions, Options, Rule, Run, abscissas, growth_rates,
};
use dynamic_inversion::network::datasets::Dataset;
use dynamic_inversion::network::{Activation, Initialiser, Network, Output};
use nalgebra::{DMatrix, DVector};

fn stepped(method: &'static dynamic_inversion::integrate::Method, updates: f64, step: f64) -> Run {
    Run::Steps { time: updates * step, method, options: Steps::with_step(step) }
}

/// `4-sizes` linear network whose upper layers have these weights.
fn network(upper: Vec<DMatrix<f64>>) -> Network {
    let mut weights = vec![DMatrix::from_element(upper[0].ncols(), 3, 0.1)];
    weights.extend(upper);
    let sizes: Vec<usize> = std::iter::once(3).chain(weights.iter().map(DMatrix::nrows)).collect();
    let biases = sizes[1..].iter().map(|&n| DVector::zeros(n)).collect();
    let activations = vec![Activation::Linear; weights.len()];
    Network::from_parameters(&sizes, &activations, Output::Linear, weights, biases).unwrap()
}

fn tied(network: &Network, run: Run, leak: f64) -> Di {
    let w = &network.layers()[1].weights;
    let feedback = vec![LoopFeedback::Fixed(-w.transpose())];
    Di::new(network, feedback, LoopOptions { run, ..LoopOptions::at_rest(leak) }).unwrap()
}

/// Singular values `s` and `s/2`.
fn layer(s: f64) -> Network {
    network(vec![DMatrix::from_row_slice(2, 3, &[s, 0.0, 0.0, 0.0, 0.5 * s, 0.0])])
}

#[test]
fn schemes_turn_unstable_where_the_theorem_says() {
    // Largest singular value of W for B = -W^T, unit time constants, step h and leak a:
    // s^2 < (4 - 2h(1 + a) + h^2 a)/h^2 semi-implicit, s^2 < (1 + a - h a)/h explicit.
    for (h, a) in [(0.5f64, 0.0f64), (0.5, 0.01), (0.3, 0.2)] {
        let semi = ((4.0 - 2.0 * h * (1.0 + a) + h * h * a) / (h * h)).sqrt();
        let explicit = ((1.0 + a - h * a) / h).sqrt();
        for (method, bound) in [(&SEMI_IMPLICIT_EULER, semi), (&EULER, explicit)] {
            for (factor, stable) in [(0.99, true), (1.01, false)] {
                let network = layer(factor * bound);
                let rule = tied(&network, stepped(method, 10.0, h), a);
                let rate = growth_rates(&rule, &network).unwrap()[0];
                assert_eq!(rate < 0.0, stable, "h {h}, leak {a}, s {}: {rate}", factor * bound);
                // The equation itself is stable for every W.
                assert!(abscissas(&rule, &network).unwrap()[0] < 0.0);
            }
        }
    }
}

fn errors(network: &Network, rule: &mut dyn Rule, scale: f64) -> Errors {
    let outputs = network.output_size();
    let targets = DMatrix::from_fn(outputs, 1, |i, _| scale * (1.0 + i as f64));
    let data = Dataset::dense(DMatrix::zeros(3, 1), targets).unwrap();
    let learner = Learner::new("probe", network.clone(), Box::new(Bp), Options::with_rate(1.0));
    learner.errors_by(rule, &Batch::new(&data, &[0], 1)).unwrap()
}

/// The growth of the distance between runs of `n` and `n + 1` updates is that of the slowest mode.
fn measured(network: &Network, mut rule: impl FnMut(f64) -> Box<dyn Rule>, h: f64) -> f64 {
    let mut at = |n: f64| {
        let errors = errors(network, rule(n).as_mut(), 1.0);
        let hidden = errors.delta.len() - 1;
        errors.delta[hidden - 1].clone()
    };
    let mut change = |n: f64| (at(n + 1.0) - at(n)).norm();
    // Over a whole number of rotations or many of them the phase hardly matters.
    let (first, last) = (100.0, 400.0);
    (change(last) / change(first)).ln() / ((last - first) * h)
}

#[test]
fn rates_of_growth_are_those_of_runs() {
    let h = 0.5;
    for s in [0.6, 3.5] {
        let network = layer(s);
        let rule = |n: f64| -> Box<dyn Rule> {
            Box::new(tied(&network, stepped(&SEMI_IMPLICIT_EULER, n, h), 0.01))
        };
        let expected = growth_rates(rule(1.0).as_ref(), &network).unwrap()[0];
        let found = measured(&network, rule, h);
        assert!((found - expected).abs() < 2e-2 * expected.abs().max(0.1), "{found} {expected}");
    }
}

#[test]
fn a_single_loop_is_judged_with_its_stages() {
    let h = 0.2;
    let weights = Initialiser::Normal { scale: 0.8 }.weights(&[3, 4, 3, 2], 3).unwrap();
    let network = network(weights[1..].to_vec());
    let (w2, w3) = (&network.layers()[1].weights, &network.layers()[2].weights);
    let b = -0.9 * (w3 * w2).transpose();
    for method in [&SEMI_IMPLICIT_EULER, &EULER, &RK4] {
        let rule = |n: f64| -> Box<dyn Rule> {
            let run = stepped(method, n, h);
            let options = LoopOptions { run, ..LoopOptions::at_rest(0.02) };
            Box::new(Sdi::new(&network, b.clone(), options).unwrap())
        };
        let expected = growth_rates(rule(1.0).as_ref(), &network).unwrap()[0];
        let found = measured(&network, rule, h);
        assert!((found - expected).abs() < 2e-2, "{}: {found} {expected}", method.name);
    }
}
