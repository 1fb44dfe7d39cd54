//! The delayed first layer against the plain loop.

use dynamic_inversion::analysis::geometry::GeometryBlocks;
use dynamic_inversion::learning::rules::{
    Bp, Di, GaussNewton, MinimumNorm, Ndi, Pbp, PredictiveCoding,
};
use dynamic_inversion::learning::{
    Batch, Learner, LoopFeedback, LoopOptions, Options, Rule, Run, Schedule,
};
use dynamic_inversion::network::datasets::Dataset;
use dynamic_inversion::network::{Activation, Initialiser, Network, Output, random};
use nalgebra::{DMatrix, DVector};
use rand::RngExt;

const SIZES: [usize; 4] = [40, 70, 12, 5];

fn network() -> Network {
    let weights = Initialiser::Normal { scale: 1.0 }.weights(&SIZES, 3).unwrap();
    let biases = SIZES[1..].iter().map(|&n| DVector::from_element(n, 0.1)).collect();
    let activations = [Activation::Tanh, Activation::Tanh, Activation::Linear];
    Network::from_parameters(&SIZES, &activations, Output::Softmax, weights, biases).unwrap()
}

fn data(count: usize) -> Dataset {
    let mut generator = random::generator(5, 0);
    let inputs = DMatrix::from_fn(SIZES[0], count, |_, _| generator.random_range(-1.0..1.0));
    let targets = DMatrix::from_fn(SIZES[3], count, |i, j| if i == j % 5 { 1.0 } else { 0.0 });
    Dataset::dense(inputs, targets).unwrap()
}

fn rules(network: &Network) -> Vec<Box<dyn Rule>> {
    let feedback: Vec<_> =
        network.layers()[1..].iter().map(|l| LoopFeedback::Fixed(-l.weights.transpose())).collect();
    let retied = vec![LoopFeedback::Retied { scale: 1.0 }; 2];
    let exact = LoopOptions { run: Run::Exact { time: 3.0 }, ..LoopOptions::at_rest(0.1) };
    vec![
        Box::new(Bp),
        Box::new(Pbp::new(network, 1e-12)),
        Box::new(Ndi::new(network, feedback.clone(), LoopOptions::at_rest(0.1)).unwrap()),
        Box::new(Ndi::new(network, retied, LoopOptions::at_rest(0.1)).unwrap()),
        Box::new(Di::new(network, feedback, exact).unwrap()),
        // Looks at the inputs too.
        Box::new(GaussNewton::new(GeometryBlocks::Full, 0.1, true)),
        Box::new(MinimumNorm::new(0.1)),
        Box::new(PredictiveCoding::new(1.0, 1.0, Run::Equilibrium)),
    ]
}

/// Relative distance of all weights after the same examples, delayed in batches and one by one.
fn distance(options: &Options, which: usize) -> f64 {
    let data = data(150);
    let examples: Vec<usize> = (0..data.len()).collect();
    let trained = |delayed: bool, length: usize| {
        let start = network();
        let rule = rules(&start).swap_remove(which);
        let options = Options { delayed: Some(delayed), ..options.clone() };
        let mut learner = Learner::new("rule", start, rule, options);
        for chunk in examples.chunks(length) {
            learner.learn(&Batch::new(&data, chunk, 1));
        }
        assert_eq!(learner.progress().stopped, None);
        learner.state().network
    };
    let (delayed, plain) = (trained(true, 70), trained(false, 1));
    let pairs = delayed.layers().iter().zip(plain.layers());
    pairs
        .map(|(d, p)| {
            let weights = (&d.weights - &p.weights).norm() / p.weights.norm();
            weights.max((&d.biases - &p.biases).norm() / p.biases.norm())
        })
        .fold(0.0, f64::max)
}

#[test]
fn delayed_updates_are_those_of_the_plain_loop() {
    let base = Options::with_rate(0.05);
    let variants = [
        base.clone(),
        Options { decay: 1e-3, ..base.clone() },
        Options { normalize_updates: true, skip_first_update: true, ..base.clone() },
        Options { schedule: Schedule::Exponential { factor: 0.99 }, learn_biases: false, ..base },
    ];
    for options in &variants {
        for which in 0..rules(&network()).len() {
            let distance = distance(options, which);
            assert!(distance < 1e-12, "rule {which}, {options:?}: {distance:e}");
        }
    }
}

#[test]
fn learning_changes_the_weights() {
    let data = data(20);
    let examples: Vec<usize> = (0..20).collect();
    let start = network();
    let mut learner = Learner::new("bp", start.clone(), Box::new(Bp), Options::with_rate(0.05));
    learner.learn(&Batch::new(&data, &examples, 1));
    let moved = (&learner.network().layers()[0].weights - &start.layers()[0].weights).norm();
    assert!(moved > 0.01, "{moved}");
    assert!(learner.losses().iter().all(|loss| *loss > 0.0));
}
