//! One training step of deep feedback control on 784-256-256-256-10 with 128 examples, per rule, and
//! how far its states are from the fixed point. `peers/control_peers.py` runs the same problem as 1000
//! Euler steps in NumPy.

use criterion::{Criterion, criterion_group, criterion_main};
use dynamic_inversion::dynamics::{ControlParameters, DeepFeedbackControl};
use dynamic_inversion::learning::rules::{Bp, Dfc, DfcFeedback, DfcRun, DfcSsa, DfcUpdate};
use dynamic_inversion::learning::{Batch, Learner, Options, Rule};
use dynamic_inversion::network::datasets::Dataset;
use dynamic_inversion::network::{Activation, Forward, Network, Output};
use nalgebra::{DMatrix, DVector};

const SIZES: [usize; 5] = [784, 256, 256, 256, 10];
const EXAMPLES: usize = 128;
const NUDGE: f64 = 0.1;
const LEAK: f64 = 0.1;

/// A number in (-1, 1) that NumPy computes alike.
fn hashed(i: usize, j: usize, k: usize) -> f64 {
    let x = (12.9898 * i as f64 + 78.233 * j as f64 + 37.719 * k as f64).sin() * 43758.5453;
    2.0 * (x - x.floor()) - 1.0
}

fn network() -> Network {
    let weights = |(l, n): (usize, &[usize])| {
        let scale = (3.0 / n[0] as f64).sqrt();
        DMatrix::from_fn(n[1], n[0], |i, j| scale * hashed(i, j, l + 1))
    };
    let weights = SIZES.windows(2).enumerate().map(weights).collect();
    let biases = SIZES[1..].iter().map(|&n| DVector::zeros(n)).collect();
    let mut activations = [Activation::Tanh; 4];
    activations[3] = Activation::Linear;
    Network::from_parameters(&SIZES, &activations, Output::Linear, weights, biases)
        .expect("shapes fit")
}

fn data() -> (DMatrix<f64>, DMatrix<f64>) {
    let inputs = DMatrix::from_fn(SIZES[0], EXAMPLES, |i, j| hashed(i, j, 11));
    let targets = DMatrix::from_fn(SIZES[4], EXAMPLES, |i, j| f64::from(u8::from(i == j % 10)));
    (inputs, targets)
}

fn rules(network: &Network) -> Vec<(&'static str, Box<dyn Rule>)> {
    let parameters = ControlParameters::with_leak(LEAK);
    let tied = DfcFeedback::JacobianTranspose { scale: 1.0, recomputed: false };
    let product = DfcFeedback::WeightProduct { scale: 1.0 };
    let rest = |feedback: &DfcFeedback| {
        let (feedback, run) = (feedback.clone(), DfcRun::Rest);
        Dfc::new(network, DfcUpdate::Last, feedback, parameters, NUDGE, run).expect("it fits")
    };
    let linear = DfcSsa::new(network, tied.clone(), parameters, NUDGE).expect("it fits");
    vec![
        ("bp", Box::new(Bp)),
        ("dfc-ssa", Box::new(linear)),
        ("dfc-ss, Q = J^T", Box::new(rest(&tied))),
        ("dfc-ss, Q = W^T .. W^T", Box::new(rest(&product))),
    ]
}

fn steps(criterion: &mut Criterion) {
    let network = network();
    let (inputs, targets) = data();
    let mut forward = Forward::new(&network, EXAMPLES);
    network.forward(inputs.as_slice(), &mut forward).expect("it fits");
    let error = (&targets - forward.output()) * NUDGE;
    let norms: Vec<f64> = error.column_iter().map(|e| e.norm()).collect();
    let parameters = ControlParameters::with_leak(LEAK);
    let aim = forward.output() + &error;
    let control = DeepFeedbackControl::tied(&network, &forward, aim, 1.0, parameters);
    let rest = control.expect("it fits").steady_state();
    let distance = rest.residuals.iter().zip(&norms).map(|(r, n)| r / n).fold(0.0, f64::max);
    println!("|e - leak u| / |e_0| at the end: {distance:.1e}, {} evaluations", rest.evaluations);
    println!("|u| of example 0: {:.10}", rest.control.column(0).norm());
    let data = Dataset::dense(inputs, targets).expect("finite");
    let batch = Batch::new(&data, &(0..EXAMPLES).collect::<Vec<_>>(), EXAMPLES);
    let mut group = criterion.benchmark_group("784-256-256-256-10, batch 128");
    group.sample_size(10);
    for (name, rule) in rules(&network) {
        // Too small a rate to change the problem while it is timed.
        let options = Options::with_rate(1e-9);
        let mut learner = Learner::new(name, network.clone(), rule, options);
        group.bench_function(name, |bencher| bencher.iter(|| learner.learn(&batch)));
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
