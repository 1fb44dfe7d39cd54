//! Rules of deep feedback control against closed forms and against each other.

use dynamic_inversion::dynamics::ControlParameters;
use dynamic_inversion::feedback::{Sleep, learn_feedback, random_controller, row_space_share};
use dynamic_inversion::integrate::{DOP853, DOPRI5, Options as Steps};
use dynamic_inversion::learning::rules::{Bp, Dfc, DfcFeedback, DfcRun, DfcSsa, DfcUpdate};
use dynamic_inversion::learning::{
    Batch, Errors, Learner, LearningError, Options, Rule, condition_1, row_space,
};
use dynamic_inversion::network::datasets::Dataset;
use dynamic_inversion::network::{Activation, Forward, Initialiser, Network, Output, random};
use nalgebra::{DMatrix, DVector};
use rand::RngExt;

const SIZES: [usize; 4] = [5, 7, 6, 3];
const TIED: DfcFeedback = DfcFeedback::JacobianTranspose { scale: 1.0, recomputed: false };

fn network(hidden: Activation, output: Output) -> Network {
    let weights = Initialiser::Normal { scale: 1.0 }.weights(&SIZES, 8).unwrap();
    let biases = SIZES[1..].iter().map(|&n| DVector::from_element(n, 0.05)).collect();
    let activations = [hidden, hidden, Activation::Linear];
    Network::from_parameters(&SIZES, &activations, output, weights, biases).unwrap()
}

fn inputs(count: usize) -> DMatrix<f64> {
    let mut generator = random::generator(3, 0);
    DMatrix::from_fn(SIZES[0], count, |_, _| generator.random_range(-1.0..1.0))
}

fn forward(network: &Network, inputs: &DMatrix<f64>) -> Forward {
    let mut forward = Forward::new(network, inputs.ncols());
    network.forward(inputs.as_slice(), &mut forward).unwrap();
    forward
}

/// Examples whose targets lie `size` away from the output.
fn batch(network: &Network, size: f64, together: usize) -> Batch {
    let inputs = inputs(4);
    let mut generator = random::generator(4, 0);
    let output = forward(network, &inputs).output().clone();
    let targets = output.map(|y| y + size * generator.random_range(-1.0..1.0));
    Batch::new(&Dataset::dense(inputs, targets).unwrap(), &[0, 1, 2, 3], together)
}

fn errors(network: &Network, rule: &mut dyn Rule, batch: &Batch) -> Errors {
    let learner = Learner::new("probe", network.clone(), Box::new(Bp), Options::with_rate(1.0));
    learner.errors_by(rule, batch).expect("the rule applies")
}

fn distance(a: &Errors, b: &Errors) -> f64 {
    let difference: f64 = a.delta.iter().zip(&b.delta).map(|(a, b)| (a - b).norm_squared()).sum();
    let size: f64 = b.delta.iter().map(|b| b.norm_squared()).sum();
    (difference / size).sqrt()
}

fn at_rest(network: &Network, update: DfcUpdate, feedback: DfcFeedback) -> Dfc {
    let parameters = ControlParameters::with_leak(0.1);
    Dfc::new(network, update, feedback, parameters, 1.0, DfcRun::Rest).unwrap()
}

#[test]
fn the_linearised_rule_is_its_formula() {
    for output in [Output::Linear, Output::Softmax] {
        let network = network(Activation::Tanh, output);
        let batch = batch(&network, 0.2, 4);
        let parameters = ControlParameters::with_leak(0.1);
        let mut rule = DfcSsa::new(&network, TIED, parameters, 0.5).unwrap();
        let found = errors(&network, &mut rule, &batch);
        let plain = errors(&network, &mut Bp, &batch);
        let forward = forward(&network, &inputs(4));
        for c in 0..4 {
            let blocks = network.output_jacobian_blocks(&forward, c);
            let gram =
                blocks.iter().fold(DMatrix::identity(3, 3) * 0.1, |g, j| g + j * j.transpose());
            let e = plain.delta[2].column(c) * 0.5;
            let u = gram.lu().solve(&e).unwrap();
            for (l, block) in blocks.iter().enumerate() {
                let mut slope = vec![0.0; SIZES[l + 1] * 4];
                network.slopes(&forward, l, &mut slope);
                let slope = DVector::from_column_slice(&slope[c * SIZES[l + 1]..][..SIZES[l + 1]]);
                let expected = (block.transpose() * &u).component_mul(&slope);
                assert!((found.delta[l].column(c) - expected).norm() < 1e-13, "{output:?} {l}");
            }
        }
    }
}

#[test]
fn the_steady_state_rule_tends_to_the_linearised_one_with_the_error() {
    for feedback in [TIED, DfcFeedback::WeightProduct { scale: 1.0 }] {
        let network = network(Activation::Tanh, Output::Linear);
        let gap = |size: f64| {
            let batch = batch(&network, size, 4);
            let mut full = at_rest(&network, DfcUpdate::Last, feedback.clone());
            let parameters = ControlParameters::with_leak(0.1);
            let mut first = DfcSsa::new(&network, feedback.clone(), parameters, 1.0).unwrap();
            let (a, b) =
                (errors(&network, &mut full, &batch), errors(&network, &mut first, &batch));
            assert!(a.converged.iter().all(|c| *c));
            distance(&a, &b)
        };
        let gaps = [0.1, 0.05, 0.025].map(gap);
        for pair in gaps.windows(2) {
            assert!((pair[0] / pair[1] - 2.0).abs() < 0.2, "{feedback:?} {gaps:?}");
        }
    }
}

#[test]
fn long_runs_end_at_rest_and_their_means_approach_it() {
    let network = network(Activation::Tanh, Output::Linear);
    let batch = batch(&network, 0.3, 4);
    let parameters = ControlParameters { tau_v: 0.2, ..ControlParameters::with_leak(0.1) };
    let run = |time: f64| DfcRun::Time {
        time,
        method: &DOP853,
        options: Steps::with_tolerances(1e-9, 1e-11),
    };
    let rule = |update, time| Dfc::new(&network, update, TIED, parameters, 1.0, run(time)).unwrap();
    let rest = errors(&network, &mut at_rest(&network, DfcUpdate::Last, TIED), &batch);
    let last = errors(&network, &mut rule(DfcUpdate::Last, 100.0), &batch);
    assert!(distance(&last, &rest) < 1e-7, "{:e}", distance(&last, &rest));
    // Transients weigh as the inverse of the time.
    let mean = |time| distance(&errors(&network, &mut rule(DfcUpdate::Mean, time), &batch), &rest);
    let (short, long) = (mean(50.0), mean(100.0));
    assert!((short / long - 2.0).abs() < 0.05, "{short} {long}");
}

#[test]
fn means_do_not_depend_on_the_steps() {
    let network = network(Activation::Tanh, Output::Linear);
    let batch = batch(&network, 0.3, 4);
    let rule = |options: Steps| {
        let run = DfcRun::Time { time: 3.0, method: &DOPRI5, options };
        let parameters = ControlParameters::with_leak(0.1);
        Dfc::new(&network, DfcUpdate::Mean, TIED, parameters, 1.0, run).unwrap()
    };
    let coarse = errors(&network, &mut rule(Steps::with_tolerances(1e-6, 1e-8)), &batch);
    let fine = errors(&network, &mut rule(Steps::with_tolerances(1e-11, 1e-13)), &batch);
    assert!(distance(&coarse, &fine) < 1e-4, "{:e}", distance(&coarse, &fine));
}

#[test]
fn updates_use_the_controlled_rates() {
    for together in [1, 4] {
        let network = network(Activation::Tanh, Output::Linear);
        let mut options = Options::with_rate(0.1);
        options.reduce = dynamic_inversion::learning::Reduce::Sum;
        let rule = at_rest(&network, DfcUpdate::Strong, TIED);
        let mut learner = Learner::new("strong", network.clone(), Box::new(rule), options);
        let one = Batch::new(
            &Dataset::dense(inputs(1), DMatrix::from_element(3, 1, 0.3)).unwrap(),
            &[0],
            together,
        );
        let mut probe = at_rest(&network, DfcUpdate::Strong, TIED);
        let errors = errors(&network, &mut probe, &one);
        learner.learn(&one);
        let rates = probe.presynaptic(2).unwrap();
        let expected = &errors.delta[2] * rates.transpose() * 0.1;
        let found = &learner.network().layers()[2].weights - &network.layers()[2].weights;
        assert!((found - expected).norm() < 1e-14);
        let plain = forward(&network, &inputs(1));
        assert!((rates - &plain.activations[1]).norm() > 1e-3);
    }
}

#[test]
fn small_batches_equal_single_examples() {
    let network = network(Activation::Tanh, Output::Softmax);
    let batch = batch(&network, 0.2, 4);
    let all = errors(&network, &mut at_rest(&network, DfcUpdate::Last, TIED), &batch);
    assert!(all.converged.iter().all(|c| *c));
    let inputs = inputs(4);
    for c in 0..4 {
        let dataset = Dataset::dense(
            inputs.columns(c, 1).into_owned(),
            forward(&network, &inputs.columns(c, 1).into_owned()).output().clone()
                + errors(&network, &mut Bp, &batch).delta[2].columns(c, 1),
        );
        let single = Batch::new(&dataset.unwrap(), &[0], 1);
        let one = errors(&network, &mut at_rest(&network, DfcUpdate::Last, TIED), &single);
        for (all, one) in all.delta.iter().zip(&one.delta) {
            assert!((all.column(c) - one.column(0)).norm() < 1e-9 * one.norm().max(1.0));
        }
    }
}

#[test]
fn targets_out_of_range_are_marked() {
    // tanh outputs cannot reach 5, and without leak nothing else is an equilibrium.
    let mut network = network(Activation::Tanh, Output::Linear);
    network.layers_mut()[2].activation = Activation::Tanh;
    let targets = DMatrix::from_fn(3, 2, |_, c| if c == 0 { 0.1 } else { 5.0 });
    let batch = Batch::new(&Dataset::dense(inputs(2), targets).unwrap(), &[0, 1], 2);
    let parameters = ControlParameters::with_leak(0.0);
    let mut rule =
        Dfc::new(&network, DfcUpdate::Last, TIED, parameters, 1.0, DfcRun::Rest).unwrap();
    let found = errors(&network, &mut rule, &batch);
    assert_eq!(found.converged, [true, false]);
    assert!(found.delta.iter().all(|d| d.column(1).norm() == 0.0 && d.column(0).norm() > 0.0));
}

#[test]
fn means_need_an_end() {
    let network = network(Activation::Tanh, Output::Linear);
    let parameters = ControlParameters::with_leak(0.1);
    let built = Dfc::new(&network, DfcUpdate::Mean, TIED, parameters, 1.0, DfcRun::Rest);
    assert!(matches!(built, Err(LearningError::Incompatible { .. })));
    let short = DfcFeedback::Fixed(vec![DMatrix::zeros(7, 3)]);
    let built = Dfc::new(&network, DfcUpdate::Last, short, parameters, 1.0, DfcRun::Rest);
    assert!(matches!(built, Err(LearningError::FeedbackCount { found: 1, expected: 3, .. })));
}

#[test]
fn sleep_draws_the_feedback_to_the_row_space() {
    let network = network(Activation::Tanh, Output::Linear);
    let inputs = inputs(1);
    let start = random_controller(&SIZES, 1.0, 5, 0);
    let parameters = ControlParameters { tau_v: 0.05, ..ControlParameters::with_leak(0.1) };
    let sleep = Sleep {
        steps: 320,
        rate: 0.01,
        decay: 1.0,
        leak: 2.0,
        noise_std: 0.05,
        time: 20.0,
        step: 0.02,
        seed: 1,
    };
    let learned = learn_feedback(&network, &inputs, start.clone(), &parameters, &sleep).unwrap();
    let blocks = network.output_jacobian_blocks(&forward(&network, &inputs), 0);
    let (before, after) =
        (row_space_share(&blocks, &start).unwrap(), row_space_share(&blocks, &learned).unwrap());
    assert!(before < 0.7 && after > 0.95, "{before} {after}");
    let again = learn_feedback(&network, &inputs, start, &parameters, &sleep).unwrap();
    assert_eq!(learned, again);
}

#[test]
fn the_conditions_are_their_definitions() {
    let network = network(Activation::Tanh, Output::Linear);
    let batch = batch(&network, 0.2, 4);
    let learner =
        |rule: Dfc| Learner::new("probe", network.clone(), Box::new(rule), Options::with_rate(1.0));
    let tied = learner(at_rest(&network, DfcUpdate::Last, TIED));
    assert!((row_space(&tied, &batch).unwrap() - 1.0).abs() < 1e-12);
    let fixed = DfcFeedback::Fixed(random_controller(&SIZES, 1.0, 5, 0));
    let random = learner(at_rest(&network, DfcUpdate::Last, fixed.clone()));
    let share = row_space(&random, &batch).unwrap();
    // By projection with a pseudoinverse.
    let DfcFeedback::Fixed(q) = fixed else { unreachable!() };
    let stack = |blocks: &[DMatrix<f64>]| {
        let rows: usize = blocks.iter().map(DMatrix::nrows).sum();
        let mut all = DMatrix::zeros(rows, 3);
        let mut at = 0;
        for block in blocks {
            all.rows_mut(at, block.nrows()).copy_from(block);
            at += block.nrows();
        }
        all
    };
    let q = stack(&q);
    let forward = forward(&network, &inputs(4));
    let mean: f64 = (0..4)
        .map(|c| {
            let blocks = network.output_jacobian_blocks(&forward, c);
            let jt = stack(&blocks.iter().map(DMatrix::transpose).collect::<Vec<_>>());
            let basis = jt.qr().q();
            (basis.tr_mul(&q)).norm() / q.norm()
        })
        .sum::<f64>()
        / 4.0;
    assert!((share - mean).abs() < 1e-12);
    let bp = Learner::new("bp", network.clone(), Box::new(Bp), Options::with_rate(1.0));
    assert_eq!(row_space(&bp, &batch), None);
    let variation = condition_1(&bp, &batch);
    let expected: f64 = (0..4)
        .map(|c| {
            let squares: Vec<f64> =
                (0..3).map(|l| forward.layer_input(l).column(c).norm_squared()).collect();
            let mean = squares.iter().sum::<f64>() / 3.0;
            (squares.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / 3.0).sqrt() / mean
        })
        .sum::<f64>()
        / 4.0;
    assert!((variation - expected).abs() < 1e-12);
}

/// A softmax has one output less than it seems, so the row space lacks a dimension.
#[test]
fn condition_2_holds_for_a_softmax_too() {
    let network = network(Activation::Tanh, Output::Softmax);
    let batch = batch(&network, 0.2, 4);
    let learner =
        |rule: Dfc| Learner::new("probe", network.clone(), Box::new(rule), Options::with_rate(1.0));
    let tied = learner(at_rest(&network, DfcUpdate::Last, TIED));
    assert!((row_space(&tied, &batch).unwrap() - 1.0).abs() < 1e-12);
    let q = random_controller(&SIZES, 1.0, 5, 0);
    let random = learner(at_rest(&network, DfcUpdate::Last, DfcFeedback::Fixed(q.clone())));
    let stacked = |blocks: &[DMatrix<f64>]| {
        let columns = blocks[0].ncols();
        let rows = blocks.iter().flat_map(|b| b.row_iter().map(|r| r.into_owned()));
        let rows: Vec<_> = rows.collect();
        DMatrix::from_fn(rows.len(), columns, |i, j| rows[i][j])
    };
    let q = stacked(&q);
    let forward = forward(&network, &inputs(4));
    let mean: f64 = (0..4)
        .map(|c| {
            let blocks = network.output_jacobian_blocks(&forward, c);
            let jt = stacked(&blocks.iter().map(DMatrix::transpose).collect::<Vec<_>>());
            let svd = jt.svd(true, false);
            let mut order: Vec<usize> = (0..3).collect();
            order.sort_by(|a, b| svd.singular_values[*b].total_cmp(&svd.singular_values[*a]));
            let u = svd.u.unwrap();
            let basis = DMatrix::from_fn(u.nrows(), 2, |i, j| u[(i, order[j])]);
            basis.tr_mul(&q).norm() / q.norm()
        })
        .sum::<f64>()
        / 4.0;
    let share = row_space(&random, &batch).unwrap();
    assert!((share - mean).abs() < 1e-10, "{share} {mean}");
}
