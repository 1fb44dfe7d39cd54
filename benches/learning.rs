//! Training speed: one block of single-example updates of the MNIST network, per rule.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dynamic_inversion::learning::rules::{Bp, Di, Ndi, Pbp};
use dynamic_inversion::learning::{Batch, Learner, LoopFeedback, LoopOptions, Options, Rule, Run};
use dynamic_inversion::network::datasets::Dataset;
use dynamic_inversion::network::{Activation, Initialiser, Network, Output, random};
use nalgebra::{DMatrix, DVector};
use rand::RngExt;

const SIZES: [usize; 3] = [784, 1000, 10];
const EXAMPLES: usize = 256;

fn network() -> Network {
    let initialiser = Initialiser::Uniform { low: -0.01, high: 0.01 };
    let weights = initialiser.weights(&SIZES, 1).expect("sizes are sound");
    let biases = SIZES[1..].iter().map(|&n| DVector::zeros(n)).collect();
    let activations = [Activation::Tanh, Activation::Linear];
    Network::from_parameters(&SIZES, &activations, Output::Softmax, weights, biases)
        .expect("shapes fit")
}

fn batch() -> Batch {
    let mut generator = random::generator(1, 0);
    let inputs = DMatrix::from_fn(SIZES[0], EXAMPLES, |_, _| generator.random_range(-1.0..1.0));
    let targets = DMatrix::from_fn(SIZES[2], EXAMPLES, |i, j| f64::from(u8::from(i == j % 10)));
    let data = Dataset::dense(inputs, targets).expect("finite");
    Batch::new(&data, &(0..EXAMPLES).collect::<Vec<_>>(), 1)
}

fn rules(network: &Network) -> Vec<(&'static str, Box<dyn Rule>)> {
    let tied = vec![LoopFeedback::Fixed(-network.layers()[1].weights.transpose())];
    let exact = LoopOptions { run: Run::Exact { time: 499.5 }, ..LoopOptions::at_rest(0.01) };
    let ndi = Ndi::new(network, tied.clone(), LoopOptions::at_rest(0.01)).expect("it fits");
    let di = Di::new(network, tied, exact).expect("it fits");
    vec![
        ("bp", Box::new(Bp)),
        ("pbp", Box::new(Pbp::new(network, 1e-12))),
        ("ndi", Box::new(ndi)),
        ("di exact", Box::new(di)),
    ]
}

fn blocks(criterion: &mut Criterion) {
    let batch = batch();
    let mut group = criterion.benchmark_group("784-1000-10, batch 1");
    group.throughput(Throughput::Elements(EXAMPLES as u64)).sample_size(10);
    for (name, rule) in rules(&network()) {
        let mut learner = Learner::new(name, network(), rule, Options::with_rate(1e-3));
        group.bench_function(name, |bencher| bencher.iter(|| learner.learn(&batch)));
    }
    group.finish();
}

criterion_group!(benches, blocks);
criterion_main!(benches);
