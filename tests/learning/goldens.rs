//! Whole training runs against NumPy.

use dynamic_inversion::dynamics::LoopParameters;
use dynamic_inversion::integrate::{Options as Steps, SEMI_IMPLICIT_EULER};
use dynamic_inversion::learning::rules::{Bp, Di, Fa, Ndi, Pbp};
use dynamic_inversion::learning::{
    Batch, Clip, ClippedLayers, Learner, LoopFeedback, LoopOptions, Options, Rule, Run,
    TransferKind,
};
use dynamic_inversion::network::datasets::Dataset;
use dynamic_inversion::network::{Activation, Network, Output};
use nalgebra::{DMatrix, DVector};

use crate::support::{Golden, matrix, vector};

fn network(golden: &Golden) -> Network {
    let weights = golden.matrices("initial_weights");
    let sizes: Vec<usize> =
        std::iter::once(weights[0].ncols()).chain(weights.iter().map(DMatrix::nrows)).collect();
    let hidden = golden.value("hidden_activation").as_str().and_then(Activation::parse);
    let mut activations = vec![hidden.expect("a known activation"); weights.len()];
    activations[weights.len() - 1] = Activation::Linear;
    let biases = sizes[1..].iter().map(|&n| DVector::zeros(n)).collect();
    Network::from_parameters(&sizes, &activations, Output::Linear, weights, biases)
        .expect("a golden network fits")
}

fn tied(network: &Network) -> Vec<LoopFeedback> {
    let upper = network.layers()[1..].iter();
    upper.map(|l| LoopFeedback::Fixed(-l.weights.transpose())).collect()
}

fn rule(name: &str, golden: &Golden, network: &Network) -> Box<dyn Rule> {
    let leak = name.rsplit('_').next().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    let time = 500.0;
    let run = match name.split('_').next() {
        Some("di-euler") => {
            Run::Steps { time: 499.5, method: &SEMI_IMPLICIT_EULER, options: Steps::with_step(0.5) }
        }
        _ => Run::Exact { time },
    };
    let parameters = LoopParameters::with_leak(leak);
    let options = LoopOptions { parameters, transfer: TransferKind::Linear, run };
    match name.split('_').next() {
        Some("bp") => Box::new(Bp),
        Some("fa") => {
            let feedback = golden.matrices("fa_feedback");
            let expected = network.layers().len() - 1;
            let skip = feedback.len() - expected;
            Box::new(Fa::new(network, feedback[skip..].to_vec()).expect("feedback fits"))
        }
        Some("pbp") => Box::new(Pbp::new(network, 1e-12)),
        Some("ndi") => Box::new(Ndi::new(network, tied(network), options).expect("it fits")),
        Some("di-euler" | "di-exact-t500") => {
            Box::new(Di::new(network, tied(network), options).expect("it fits"))
        }
        other => panic!("unknown rule {other:?}"),
    }
}

fn close(found: f64, expected: f64, scale: f64) -> bool {
    (found - expected).abs() <= 1e-9 * scale
}

fn reproduces(file: &str) {
    let golden = Golden::load(file);
    let inputs = golden.matrix("inputs").transpose();
    let targets = golden.matrix("targets").transpose();
    let data = Dataset::dense(inputs, targets).expect("finite data");
    let examples: Vec<usize> = (0..data.len()).collect();
    let options = Options {
        clip: Some(Clip { norm: golden.scalar("delta_clip_norm"), layers: ClippedLayers::All }),
        learn_biases: golden.value("biases").as_bool().expect("a flag"),
        ..Options::with_rate(golden.scalar("learning_rate"))
    };
    let runs = golden.value("runs").as_object().expect("runs by name");
    for (name, run) in runs {
        let start = network(&golden);
        let rule = rule(name, &golden, &start);
        let mut learner = Learner::new(name, start, rule, options.clone());
        learner.learn(&Batch::new(&data, &examples, 1));
        assert_eq!(learner.progress().stopped, None);
        let losses = vector(&run["loss"]);
        for (k, (found, expected)) in learner.losses().iter().zip(losses.iter()).enumerate() {
            assert!(close(*found, *expected, *expected), "{name}, loss {k}: {found} {expected}");
        }
        let layers = learner.network().layers();
        for (l, layer) in layers.iter().enumerate() {
            let expected = matrix(&run["final_weights"][l]);
            let worst = (&layer.weights - &expected).amax();
            assert!(worst <= 1e-9 * expected.amax(), "{name}, layer {l}: {worst}");
            if options.learn_biases {
                let expected = vector(&run["final_biases"][l]);
                let worst = (&layer.biases - &expected).amax();
                assert!(worst <= 1e-9 * expected.amax(), "{name}, biases {l}: {worst}");
            }
        }
    }
}

#[test]
fn linear_training_matches_numpy() {
    reproduces("training_linear");
}

#[test]
fn tanh_training_matches_numpy() {
    reproduces("training_tanh");
}
