//! Rules of second order, predictive coding and the baselines against closed forms, against the
//! equations they replace and against enumeration.

use std::sync::Arc;

use dynamic_inversion::analysis::geometry::GeometryBlocks;
use dynamic_inversion::dynamics::{PredictiveCoding as Coding, VectorField};
use dynamic_inversion::integrate::{DOP853, Options as Steps};
use dynamic_inversion::learning::rules::{
    Bp, GaussNewton, Hindsight, MinimumNorm, PredictiveCoding, VectorBroadcasting,
};
use dynamic_inversion::learning::{Batch, Errors, Learner, Options, Rule, Run};
use dynamic_inversion::network::datasets::Dataset;
use dynamic_inversion::network::{Activation, Forward, Initialiser, Network, Output, random};
use nalgebra::{DMatrix, DVector};
use rand::RngExt;

const SIZES: [usize; 4] = [6, 7, 4, 5];

fn network(sizes: &[usize], hidden: Activation, output: Output) -> Network {
    let weights = Initialiser::Normal { scale: 1.0 }.weights(sizes, 11).unwrap();
    let biases = sizes[1..].iter().map(|&n| DVector::from_element(n, 0.1)).collect();
    let mut activations = vec![hidden; sizes.len() - 1];
    activations[sizes.len() - 2] = Activation::Linear;
    Network::from_parameters(sizes, &activations, output, weights, biases).unwrap()
}

/// Three examples whose targets lie `size` away from the outputs, or are classes.
fn batch(network: &Network, size: f64) -> Batch {
    let sizes = network.sizes();
    let mut generator = random::generator(2, 0);
    let inputs = DMatrix::from_fn(sizes[0], 3, |_, _| generator.random_range(-1.0..1.0));
    let mut forward = Forward::new(network, 3);
    network.forward(inputs.as_slice(), &mut forward).unwrap();
    let mut targets = forward.output().clone();
    match network.output() {
        Output::Linear => {
            targets.iter_mut().for_each(|t| *t += size * generator.random_range(-1.0..1.0));
        }
        Output::Softmax => targets.column_iter_mut().enumerate().for_each(|(c, mut t)| {
            t.iter_mut().enumerate().for_each(|(i, t)| *t = f64::from(u8::from(i == c)))
        }),
    }
    Batch::new(&Dataset::dense(inputs, targets).unwrap(), &[0, 1, 2], 3)
}

fn errors(network: &Network, rule: &mut dyn Rule, batch: &Batch) -> Errors {
    let learner = Learner::new("probe", network.clone(), Box::new(Bp), Options::with_rate(1.0));
    learner.errors_by(rule, batch).expect("the rule applies")
}

fn distance(a: &Errors, b: &Errors) -> f64 {
    let pairs = a.delta.iter().zip(&b.delta);
    pairs.map(|(a, b)| (a - b).norm() / b.norm()).fold(0.0, f64::max)
}

/// The output error after one full step on one example, relative to the one before.
fn left_after_one_step(rule: Box<dyn Rule>, sizes: &[usize], size: f64) -> f64 {
    let start = network(sizes, Activation::Tanh, Output::Linear);
    let mut generator = random::generator(7, 0);
    let inputs = DMatrix::from_fn(sizes[0], 1, |_, _| generator.random_range(-1.0..1.0));
    let mut forward = Forward::new(&start, 1);
    start.forward(inputs.as_slice(), &mut forward).unwrap();
    let shift = DMatrix::from_fn(sizes[3], 1, |i, _| size * (1.0 + i as f64));
    let targets = forward.output() + &shift;
    let batch = Batch::new(&Dataset::dense(inputs, targets.clone()).unwrap(), &[0], 1);
    let mut learner = Learner::new("one", start, rule, Options::with_rate(1.0));
    learner.learn(&batch);
    let input = forward.inputs.clone();
    learner.network().forward(input.as_slice(), &mut forward).unwrap();
    (targets - forward.output()).norm() / shift.norm()
}

#[test]
fn a_gauss_newton_step_leaves_an_error_of_second_order() {
    let left = |size| {
        let rule = GaussNewton::new(GeometryBlocks::Full, 0.0, true);
        left_after_one_step(Box::new(rule), &SIZES, size)
    };
    let (coarse, fine) = (left(2e-3), left(1e-3));
    assert!(fine < 1e-2, "{fine:e}");
    assert!((coarse / fine - 2.0).abs() < 0.05, "{coarse:e} {fine:e}");
    // Layers no narrower than the output each correct the whole error: three overshoot by two.
    let rule = GaussNewton::new(GeometryBlocks::Layer, 0.0, true);
    let overshot = left_after_one_step(Box::new(rule), &[6, 7, 8, 5], 1e-6);
    assert!((overshot - 2.0).abs() < 1e-3, "{overshot}");
}

/// More examples than are stacked at a time, against one at a time.
#[test]
fn batches_are_carried_like_single_examples() {
    let network = network(&SIZES, Activation::Tanh, Output::Softmax);
    let count = 200;
    let mut generator = random::generator(3, 0);
    let inputs = DMatrix::from_fn(SIZES[0], count, |_, _| generator.random_range(-1.0..1.0));
    let class = |i: usize, c: usize| f64::from(u8::from(i == c % SIZES[3]));
    let data = Dataset::dense(inputs, DMatrix::from_fn(SIZES[3], count, class)).unwrap();
    let indices: Vec<usize> = (0..count).collect();
    let rules: Vec<Box<dyn Rule>> = vec![
        Box::new(GaussNewton::new(GeometryBlocks::Full, 0.1, true)),
        Box::new(GaussNewton::new(GeometryBlocks::Layer, 0.0, true)),
        Box::new(MinimumNorm::new(0.01)),
        Box::new(PredictiveCoding::new(1.0, 0.5, Run::Equilibrium)),
    ];
    for mut rule in rules {
        let together = errors(&network, rule.as_mut(), &Batch::new(&data, &indices, count));
        assert!(together.converged.iter().all(|c| *c), "{}", rule.name());
        for column in [0, 127, 128, 199] {
            let alone = errors(&network, rule.as_mut(), &Batch::new(&data, &[column], 1));
            for (all, one) in together.delta.iter().zip(&alone.delta) {
                let apart = (all.column(column) - one.column(0)).norm();
                assert!(apart < 1e-10 * one.norm(), "{}: {apart:e}", rule.name());
            }
        }
    }
}

#[test]
fn predictive_coding_is_minimum_norm_on_linear_networks() {
    let network = network(&SIZES, Activation::Linear, Output::Linear);
    let batch = batch(&network, 0.7);
    let coding = errors(&network, &mut PredictiveCoding::new(1.0, 1.0, Run::Equilibrium), &batch);
    let norm = errors(&network, &mut MinimumNorm::new(0.0), &batch);
    assert!(distance(&coding, &norm) < 1e-12, "{:e}", distance(&coding, &norm));
    let run = Run::Exact { time: 200.0 };
    let exact = errors(&network, &mut PredictiveCoding::new(1.0, 1.0, run), &batch);
    assert!(distance(&exact, &norm) < 1e-11, "{:e}", distance(&exact, &norm));
}

#[test]
fn predictive_coding_finds_the_rest_state_of_its_equation() {
    for (hidden, output) in [
        (Activation::Tanh, Output::Linear),
        (Activation::Softplus, Output::Softmax),
        (Activation::Sigmoid, Output::Linear),
    ] {
        let network = network(&SIZES, hidden, output);
        let batch = batch(&network, 0.5);
        let mut at_rest = PredictiveCoding::new(0.8, 0.9, Run::Equilibrium);
        let found = errors(&network, &mut at_rest, &batch);
        assert!(found.converged.iter().all(|c| *c));
        let options = Steps::with_tolerances(1e-11, 1e-13);
        let run = Run::Steps { time: 60.0, method: &DOP853, options };
        let run_down = errors(&network, &mut PredictiveCoding::new(0.8, 0.9, run), &batch);
        let apart = distance(&run_down, &found);
        assert!(apart < 1e-9, "{hidden:?} {output:?}: {apart:e}");
    }
}

/// Far from the target Gauss-Newton steps alone come to rest slowly or not at all.
#[test]
fn predictive_coding_comes_to_rest_far_from_the_target() {
    let sizes = [6, 10, 10, 5];
    let weights = Initialiser::Normal { scale: 2.0 }.weights(&sizes, 4).unwrap();
    let biases = sizes[1..].iter().map(|&n| DVector::zeros(n)).collect();
    let activations = [Activation::Tanh, Activation::Tanh, Activation::Linear];
    let network =
        Network::from_parameters(&sizes, &activations, Output::Linear, weights, biases).unwrap();
    let mut generator = random::generator(1, 0);
    let mut draw = |rows, size: f64| {
        DMatrix::from_fn(rows, 200, |_, _| size * generator.random_range(-1.0..1.0))
    };
    let (inputs, targets) = (draw(6, 1.0), draw(5, 10.0));
    let data = Dataset::dense(inputs.clone(), targets.clone()).unwrap();
    let all: Vec<usize> = (0..200).collect();
    let mut rule = PredictiveCoding::new(1.0, 1.0, Run::Equilibrium);
    let found = errors(&network, &mut rule, &Batch::new(&data, &all, 200));
    assert!(found.converged.iter().all(|c| *c), "{:?}", found.converged);
    for c in 0..200 {
        let mut forward = Forward::new(&network, 1);
        network.forward(inputs.column(c).as_slice(), &mut forward).unwrap();
        // The state, from the errors up.
        let mut state: Vec<f64> = Vec::new();
        let mut below = inputs.column(c).into_owned();
        for (layer, delta) in network.layers()[..2].iter().zip(&found.delta) {
            let z = &layer.weights * below + &layer.biases + delta.column(c);
            state.extend(z.iter());
            below = z.map(|z| layer.activation.value(z));
        }
        let target = targets.columns(c, 1).into_owned();
        let coding = Coding::new(Arc::new(network.clone()), &forward, target, 1.0).unwrap();
        let mut rate = vec![0.0; coding.dim()];
        coding.eval(0.0, &state, &mut rate);
        assert!(rate.iter().all(|r| r.abs() < 1e-7), "{c}: {rate:?}");
    }
}

#[test]
fn relaxation_lowers_the_energy() {
    let network = network(&SIZES, Activation::Tanh, Output::Linear);
    let mut forward = Forward::new(&network, 1);
    network.forward(&[0.3, -0.2, 0.5, 0.1, 0.9, -0.7], &mut forward).unwrap();
    let target = forward.output().add_scalar(0.8);
    let coding = Coding::new(Arc::new(network), &forward, target, 1.0).unwrap();
    use dynamic_inversion::dynamics::Dynamics;
    let mut state = coding.initial_state();
    let energy = |y: &[f64]| {
        let mut out = [0.0; 3];
        coding.observe(0.0, y, &mut out);
        out[2]
    };
    let (mut before, mut rate) = (energy(&state), vec![0.0; coding.dim()]);
    for _ in 0..50 {
        coding.eval(0.0, &state, &mut rate);
        state.iter_mut().zip(&rate).for_each(|(y, r)| *y += 0.05 * r);
        let now = energy(&state);
        assert!(now < before, "{now} {before}");
        before = now;
    }
}

/// The expected loss of the stochastic network with two hidden layers of two tanh units, as a
/// function of `a_1`, by enumeration.
fn expected_reward(network: &Network, first: &[f64], target: &[f64]) -> f64 {
    let p = |a: f64, h: f64| 0.5 * (1.0 + h * a.tanh());
    let states = [[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]];
    let layers = network.layers();
    let mut expected = 0.0;
    for one in states {
        let weight = p(first[0], one[0]) * p(first[1], one[1]);
        let mut a = [0.0; 2];
        layers[1].pre_activation(&one, &mut a);
        for two in states {
            let weight = weight * p(a[0], two[0]) * p(a[1], two[1]);
            let mut y = vec![0.0; target.len()];
            layers[2].pre_activation(&two, &mut y);
            let loss: f64 = y.iter().zip(target).map(|(y, t)| 0.5 * (t - y) * (t - y)).sum();
            expected -= weight * loss;
        }
    }
    expected
}

#[test]
fn hindsight_credit_is_unbiased() {
    let network = network(&[2, 2, 2, 2], Activation::Tanh, Output::Linear);
    let input = DMatrix::from_column_slice(2, 1, &[0.4, -0.7]);
    let target = [0.6, -0.3];
    let data = Dataset::dense(input.clone(), DMatrix::from_column_slice(2, 1, &target)).unwrap();
    let batch = Batch::new(&data, &[0], 1);
    let mut forward = Forward::new(&network, 1);
    network.forward(input.as_slice(), &mut forward).unwrap();
    let first = forward.pre_activations[0].as_slice().to_vec();
    let gradient: Vec<f64> = (0..2)
        .map(|i| {
            let at = |h: f64| {
                let mut a = first.clone();
                a[i] += h;
                expected_reward(&network, &a, &target)
            };
            (at(1e-5) - at(-1e-5)) / 2e-5
        })
        .collect();
    let mean = |samples: usize, seed: u64| {
        let mut rule = Hindsight::new(&network, samples, seed).unwrap();
        errors(&network, &mut rule, &batch).delta[0].as_slice().to_vec()
    };
    let runs: Vec<Vec<f64>> = (0..40).map(|seed| mean(2500, seed)).collect();
    for (i, expected) in gradient.iter().enumerate() {
        let average = runs.iter().map(|r| r[i]).sum::<f64>() / 40.0;
        let spread = runs.iter().map(|r| (r[i] - average).powi(2)).sum::<f64>() / 39.0;
        let standard_error = (spread / 40.0).sqrt();
        assert!(standard_error < 0.02 * expected.abs(), "{standard_error} {expected}");
        assert!((average - expected).abs() < 4.0 * standard_error, "{average} {expected}");
    }
    assert_eq!(mean(3, 1), mean(3, 1));
    assert_ne!(mean(3, 1), mean(3, 2));
}

#[test]
fn hindsight_needs_units_with_discrete_values() {
    let network = network(&SIZES, Activation::Softplus, Output::Linear);
    let message = Hindsight::new(&network, 1, 0).unwrap_err().to_string();
    assert!(message.contains("softplus"), "{message}");
}

#[test]
fn broadcast_errors_have_the_sign_of_the_gradient_and_keep_the_network_vectorised() {
    let start = network(&[4, 6, 9, 3], Activation::Relu, Output::Linear);
    let rule = Box::new(VectorBroadcasting::new(&start).unwrap());
    let mut options = Options::with_rate(0.02);
    options.decay = 1e-3;
    let mut learner = Learner::new("vector-broadcasting", start.clone(), rule, options);
    let batch = batch(&start, 2.0);
    let loss = |learner: &mut Learner| {
        learner.learn(&batch);
        learner.losses()[0]
    };
    let before = loss(&mut learner);
    for _ in 0..200 {
        loss(&mut learner);
    }
    assert_eq!(learner.progress().stopped, None);
    assert!(loss(&mut learner) < 0.7 * before);
    for layer in &learner.network().layers()[1..] {
        for (j, column) in layer.weights.column_iter().enumerate() {
            for (i, w) in column.iter().enumerate() {
                let tied = layer.weights[(i / 3 * 3, j / 3 * 3)];
                assert_eq!(*w, if i % 3 == j % 3 { tied } else { 0.0 });
                assert!(*w >= 0.0);
            }
        }
    }
    let mut rule = VectorBroadcasting::new(&start).unwrap();
    let broadcast = learner.errors_by(&mut rule, &batch).unwrap();
    let gradient = learner.errors_by(&mut Bp, &batch).unwrap();
    for (a, b) in broadcast.delta.iter().zip(&gradient.delta) {
        assert!(a.iter().zip(b.iter()).all(|(a, b)| a * b >= 0.0));
    }
}

#[test]
fn vectorised_networks_need_whole_vectors() {
    let start = network(&[4, 7, 3], Activation::Relu, Output::Linear);
    let message = VectorBroadcasting::new(&start).unwrap_err().to_string();
    assert!(message.contains("7 units in layer 1"), "{message}");
}
