//! What is measured of rules beside each other: angles of whole updates, the linearised direction,
//! the leading eigenvalue of controlled networks.

use std::path::Path;

use dynamic_inversion::analysis::geometry::GeometryBlocks;
use dynamic_inversion::analysis::spectrum::full_spectrum;
use dynamic_inversion::dynamics::{
    ControlFeedback, ControlParameters, DeepFeedbackControl, Dynamics, VectorField,
};
use dynamic_inversion::integrate::{DOP853, Options as Steps, Run as Integration};
use dynamic_inversion::learning::rules::{
    Bp, Dfc, DfcFeedback, DfcRun, DfcSsa, DfcUpdate, Fa, GaussNewton, MinimumNorm,
};
use dynamic_inversion::learning::{
    Batch, Learner, Options, Proposed, Rule, angle, control_abscissa, update_angle,
};
use dynamic_inversion::model::Model;
use dynamic_inversion::network::datasets::Dataset;
use dynamic_inversion::network::{Activation, Forward, Initialiser, Network, Output, random};
use dynamic_inversion::results::ResultReader;
use nalgebra::{DMatrix, DVector};
use rand::RngExt;

use crate::training::run;

const SIZES: [usize; 4] = [5, 7, 6, 3];
const COUNT: usize = 4;

fn network(hidden: Activation, output: Output) -> Network {
    let weights = Initialiser::Normal { scale: 1.0 }.weights(&SIZES, 8).unwrap();
    let biases = SIZES[1..].iter().map(|&n| DVector::from_element(n, 0.05)).collect();
    let activations = [hidden, hidden, Activation::Linear];
    Network::from_parameters(&SIZES, &activations, output, weights, biases).unwrap()
}

/// Inputs, and targets 0.4 at most away from the outputs.
fn examples(network: &Network) -> (DMatrix<f64>, DMatrix<f64>) {
    let mut generator = random::generator(3, 0);
    let inputs = DMatrix::from_fn(SIZES[0], COUNT, |_, _| generator.random_range(-1.0..1.0));
    let output = forward(network, &inputs).output().clone();
    let targets = output.map(|y| y + generator.random_range(-0.4..0.4));
    (inputs, targets)
}

fn forward(network: &Network, inputs: &DMatrix<f64>) -> Forward {
    let mut forward = Forward::new(network, inputs.ncols());
    network.forward(inputs.as_slice(), &mut forward).unwrap();
    forward
}

fn batch(network: &Network) -> Batch {
    let (inputs, targets) = examples(network);
    Batch::new(&Dataset::dense(inputs, targets).unwrap(), &[0, 1, 2, 3], 1)
}

fn learner(network: &Network, rule: Box<dyn Rule>) -> Learner {
    Learner::new("probe", network.clone(), rule, Options::with_rate(1.0))
}

fn proposed(network: &Network, rule: &mut dyn Rule) -> Proposed {
    learner(network, Box::new(Bp)).proposed_by(rule, &batch(network)).expect("the rule applies")
}

fn controlled(network: &Network, feedback: DfcFeedback, parameters: ControlParameters) -> Dfc {
    Dfc::new(network, DfcUpdate::Last, feedback, parameters, 1.0, DfcRun::Rest).unwrap()
}

fn tied(recomputed: bool) -> DfcFeedback {
    DfcFeedback::JacobianTranspose { scale: 1.0, recomputed }
}

/// The update of all parameters by one example, entry by entry.
fn parameters(proposed: &Proposed, example: usize, biases: bool) -> Vec<f64> {
    let mut all = Vec::new();
    for (delta, input) in proposed.errors.delta.iter().zip(&proposed.inputs) {
        let (delta, input) = (delta.column(example), input.column(example));
        all.extend((delta * input.transpose()).iter());
        if biases {
            all.extend(delta.iter());
        }
    }
    all
}

#[test]
fn angles_of_updates_are_those_of_the_matrices() {
    let network = network(Activation::Tanh, Output::Linear);
    let mut generator = random::generator(5, 0);
    let mut draw =
        |rows, columns| DMatrix::from_fn(rows, columns, |_, _| generator.random_range(-1.0..1.0));
    let feedback = vec![draw(7, 6), draw(6, 3)];
    let rules: Vec<Box<dyn Rule>> = vec![
        Box::new(Bp),
        Box::new(Fa::new(&network, feedback).unwrap()),
        Box::new(GaussNewton::new(GeometryBlocks::Full, 0.0, true)),
        // Learns from controlled rates, so that inputs differ as well.
        Box::new(controlled(&network, tied(false), ControlParameters::with_leak(0.1))),
    ];
    let all: Vec<_> = rules.into_iter().map(|mut r| proposed(&network, r.as_mut())).collect();
    for biases in [false, true] {
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                let one = |c| angle(&parameters(a, c, biases), &parameters(b, c, biases));
                let expected = (0..COUNT).map(one).sum::<f64>() / COUNT as f64;
                let found = update_angle(a, b, biases);
                assert!((found - expected).abs() < 1e-9, "{i} {j} {biases}: {found} {expected}");
                assert_eq!(found < 1e-9, i == j);
            }
        }
    }
}

#[test]
fn small_angles_between_updates_are_not_lost_in_rounding() {
    let network = network(Activation::Tanh, Output::Linear);
    let a = proposed(&network, &mut Bp);
    let turned = |size: f64| {
        let mut b = a.clone();
        // A change of the first layer's errors orthogonal to them.
        for c in 0..COUNT {
            let mut column = b.errors.delta[0].column_mut(c);
            let (x, y) = (column[0], column[1]);
            (column[0], column[1]) = (x - size * y, y + size * x);
        }
        update_angle(&a, &b, true)
    };
    let ratio = turned(1e-6) / turned(1e-9);
    assert!((ratio / 1e3 - 1.0).abs() < 1e-5, "{ratio}");
}

#[test]
fn without_leak_linearised_control_is_the_minimum_norm_step() {
    for output in [Output::Linear, Output::Softmax] {
        for hidden in [Activation::Linear, Activation::Tanh] {
            let network = network(hidden, output);
            let parameters = ControlParameters::with_leak(0.0);
            let mut rule = DfcSsa::new(&network, tied(false), parameters, 1.0).unwrap();
            let (inputs, mut targets) = examples(&network);
            if output == Output::Softmax {
                targets = DMatrix::from_fn(3, COUNT, |i, c| f64::from(u8::from(i == c % 3)));
            }
            let data = Dataset::dense(inputs.clone(), targets).unwrap();
            let batch = Batch::new(&data, &[0, 1, 2, 3], 1);
            let learner = learner(&network, Box::new(Bp));
            let found = learner.errors_by(&mut rule, &batch).unwrap();
            let norm = learner.errors_by(&mut MinimumNorm::new(0.0), &batch).unwrap();
            assert!(found.converged.iter().all(|c| *c));
            let forward = forward(&network, &inputs);
            for (l, (found, step)) in found.delta.iter().zip(&norm.delta).enumerate() {
                let mut slopes = step.clone();
                network.slopes(&forward, l, slopes.as_mut_slice());
                let expected = step.component_mul(&slopes);
                let apart = (found - &expected).norm();
                assert!(apart < 1e-12 * expected.norm(), "{output:?} {hidden:?} {l}: {apart:e}");
            }
        }
    }
}

/// The largest real part over the examples, each run to rest, from all entries of the Jacobian.
fn expected_abscissa(network: &Network, recomputed: bool, parameters: ControlParameters) -> f64 {
    let (inputs, targets) = examples(network);
    let mut largest = f64::NEG_INFINITY;
    for c in 0..COUNT {
        let forward = forward(network, &inputs.columns(c, 1).into_owned());
        let target = targets.columns(c, 1).into_owned();
        let control = if recomputed {
            let feedback = ControlFeedback::Recomputed { scale: 1.0 };
            DeepFeedbackControl::new(network, &forward, target, feedback, parameters).unwrap()
        } else {
            DeepFeedbackControl::tied(network, &forward, target, 1.0, parameters).unwrap()
        };
        let run = Integration::new(&control, &DOP853, (0.0, 300.0), &control.initial_state());
        let (_, outcome) = run.options(Steps::with_tolerances(1e-10, 1e-12)).trajectory().unwrap();
        let mut jacobian = DMatrix::zeros(control.dim(), control.dim());
        control.jacobian(0.0, &outcome.y, &mut jacobian);
        largest = largest.max(full_spectrum(&jacobian).unwrap().abscissa());
    }
    largest
}

#[test]
fn the_leading_eigenvalue_is_that_of_the_jacobian_at_rest() {
    let network = network(Activation::Tanh, Output::Linear);
    let parameters =
        ControlParameters { tau_v: 0.05, k_p: 0.3, ..ControlParameters::with_leak(0.1) };
    for recomputed in [false, true] {
        let learner =
            learner(&network, Box::new(controlled(&network, tied(recomputed), parameters)));
        let found = control_abscissa(&learner, &batch(&network)).unwrap().unwrap();
        let expected = expected_abscissa(&network, recomputed, parameters);
        assert!(found < 0.0 && (found - expected).abs() < 1e-7, "{found} {expected}");
    }
    assert_eq!(control_abscissa(&learner(&network, Box::new(Bp)), &batch(&network)), Ok(None));
}

const TEXT: &str = r#"
schema_version = 1
seed = 2
[network]
sizes = [6, 5, 4, 3]
activation = "linear"
weights = { normal = { scale = 1 } }
[training]
steps = 40
rate = 0.05
[training.data.teacher]
weights = { normal = { scale = 1 } }
train_count = 40
[[training.rules]]
bp = {}
[[training.rules]]
predictive-coding = {}
[[training.rules]]
minimum-norm = { name = "MN" }
[[training.rules]]
gauss-newton = { name = "GN" }
[[training.rules]]
[training.rules.dfc-ss]
leak = 0.2
tau_v = 0.01
feedback = "weight-product"
[[training.metrics]]
update-angle = { to = "minimum-norm", every = 20 }
[[training.metrics]]
update-angle = { to = "dfc-ssa", every = 20 }
[[training.metrics]]
angle = { to = "dfc-ssa", every = 20 }
[[training.metrics]]
update-angle = { to = "gauss-newton", every = 20 }
[[training.metrics]]
update-angle = { rule = "bp", to = "GN", every = 20 }
[[training.metrics]]
abscissa = { every = 20 }
"#;

/// On linear networks predictive coding, the minimum-norm step and linearised control are one.
#[test]
fn the_curves_show_the_identities_of_linear_networks() {
    let model = Model::parse("aligned.toml", TEXT, Path::new("."), &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("aligned.h5");
    run(&model, &file, false).unwrap();
    let reader = ResultReader::open(&file).unwrap();
    let rows = |name: &str, width: usize| -> Vec<Vec<f64>> {
        let values = reader.f64s(&format!("training/{name}")).unwrap();
        values.chunks_exact(width).map(<[f64]>::to_vec).collect()
    };
    for row in rows("update_angle_to_minimum_norm", 5) {
        assert!(row[1] < 1e-7 && row[2] < 1e-7 && row[0] > 1.0 && row[3] > 1.0, "{row:?}");
    }
    for row in rows("update_angle_to_dfc_ssa", 5) {
        assert!(row[1] < 1e-7 && row[2] < 1e-7 && row[0] > 1.0, "{row:?}");
        // A controlled network learns from its rates under control.
        assert!(row[4] > 1e-3, "{row:?}");
    }
    // At rest its errors are those of the linearised one, with its own Q and leak.
    for row in rows("angle_to_dfc_ssa", 10) {
        assert!(row[8] < 1e-6 && row[9] < 1e-6 && row[0] > 1.0, "{row:?}");
    }
    for row in rows("update_angle_to_gauss_newton", 5) {
        assert!(row[3] < 1e-7 && row[0] > 1.0, "{row:?}");
    }
    let to_gn = rows("update_angle_bp_to_gn", 5);
    assert!(to_gn.iter().all(|row| row[0] > 1.0 && row[1..].iter().all(|x| x.is_nan())));
    for row in rows("abscissa", 10) {
        assert!(row[8] < 0.0 && row[9].is_nan() && row[..8].iter().all(|x| x.is_nan()), "{row:?}");
    }
}
