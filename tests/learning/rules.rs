//! Each rule against closed forms and against the simulation it replaces.

use dynamic_inversion::dynamics::LoopParameters;
use dynamic_inversion::integrate::{DOP853, EULER, Options as Steps, SEMI_IMPLICIT_EULER};
use dynamic_inversion::learning::rules::{Bp, Di, Ndi, Pbp, Sdi};
use dynamic_inversion::learning::{
    Batch, Clip, ClippedLayers, Errors, Learner, LoopFeedback, LoopOptions, Options, RULES, Rule,
    Run, TransferKind, angle,
};
use dynamic_inversion::network::datasets::Dataset;
use dynamic_inversion::network::{Activation, Initialiser, Network, Output, random};
use nalgebra::{DMatrix, DVector};
use rand::RngExt;

/// A contracting layer, then an expanding one.
const SIZES: [usize; 4] = [6, 7, 4, 5];

fn network(hidden: Activation) -> Network {
    let weights = Initialiser::Normal { scale: 1.0 }.weights(&SIZES, 11).unwrap();
    let biases = SIZES[1..].iter().map(|&n| DVector::from_element(n, 0.1)).collect();
    let activations = [hidden, hidden, Activation::Linear];
    Network::from_parameters(&SIZES, &activations, Output::Linear, weights, biases).unwrap()
}

fn dataset(size: f64) -> Dataset {
    let mut generator = random::generator(2, 0);
    let inputs = DMatrix::from_fn(SIZES[0], 3, |_, _| generator.random_range(-1.0..1.0));
    let targets = DMatrix::from_fn(SIZES[3], 3, |_, _| generator.random_range(-size..size));
    Dataset::dense(inputs, targets).unwrap()
}

fn batch(size: f64) -> Batch {
    Batch::new(&dataset(size), &[0, 1, 2], 1)
}

fn fixed(network: &Network) -> Vec<LoopFeedback> {
    let upper = network.layers()[1..].iter();
    upper.map(|l| LoopFeedback::Fixed(-0.8 * l.weights.transpose())).collect()
}

fn errors(network: &Network, rule: &mut dyn Rule, batch: &Batch) -> Errors {
    let options = Options::with_rate(1.0);
    let learner = Learner::new("probe", network.clone(), Box::new(Bp), options);
    learner.errors_by(rule, batch).expect("the rule applies")
}

fn distance(a: &Errors, b: &Errors) -> f64 {
    let hidden = a.delta.len() - 1;
    let pairs = a.delta[..hidden].iter().zip(&b.delta);
    pairs.map(|(a, b)| (a - b).norm() / b.norm()).fold(0.0, f64::max)
}

fn di(network: &Network, transfer: TransferKind, run: Run) -> Di {
    let parameters = LoopParameters { leak: 0.05, tau_state: 0.8, tau_controller: 1.3 };
    Di::new(network, fixed(network), LoopOptions { parameters, transfer, run }).unwrap()
}

fn stepped(time: f64, step: f64) -> Run {
    Run::Steps { time, method: &SEMI_IMPLICIT_EULER, options: Steps::with_step(step) }
}

fn accurate(time: f64) -> Run {
    Run::Steps { time, method: &DOP853, options: Steps::with_tolerances(1e-12, 1e-14) }
}

#[test]
fn exact_runs_are_those_of_a_solver() {
    let network = network(Activation::Tanh);
    let batch = batch(1.0);
    for time in [0.3, 5.0, 60.0] {
        let mut exact = di(&network, TransferKind::Linear, Run::Exact { time });
        let mut solved = di(&network, TransferKind::Linear, accurate(time));
        let (a, b) = (errors(&network, &mut exact, &batch), errors(&network, &mut solved, &batch));
        assert!(distance(&a, &b) < 1e-9, "t = {time}: {:e}", distance(&a, &b));
    }
}

#[test]
fn the_published_scheme_needs_no_stepping() {
    let network = network(Activation::Tanh);
    let batch = batch(1.0);
    for updates in [1, 2, 3, 10, 87, 999] {
        let time = 0.5 * f64::from(updates);
        let mut doubled = di(&network, TransferKind::Linear, stepped(time, 0.5));
        let fast = errors(&network, &mut doubled, &batch);
        // A linear activation makes the nonlinear transfer linear, yet it is stepped.
        let linear = self::network(Activation::Linear);
        let mut stepping = di(&linear, TransferKind::Nonlinear, stepped(time, 0.5));
        let mut reference = di(&linear, TransferKind::Linear, stepped(time, 0.5));
        let slow = errors(&linear, &mut stepping, &batch);
        let same = errors(&linear, &mut reference, &batch);
        assert!(distance(&same, &slow) < 1e-12, "{updates}: {:e}", distance(&same, &slow));
        assert!(fast.delta[0].norm() > 0.0);
    }
}

#[test]
fn long_runs_end_at_the_equilibrium() {
    let network = network(Activation::Tanh);
    let batch = batch(0.3);
    for transfer in [TransferKind::Linear, TransferKind::Nonlinear, TransferKind::Deviation] {
        let mut rest = di(&network, transfer, Run::Equilibrium);
        let mut run = di(&network, transfer, accurate(2000.0));
        let (a, b) = (errors(&network, &mut rest, &batch), errors(&network, &mut run, &batch));
        assert!(a.converged.iter().all(|c| *c), "{transfer:?}");
        assert!(distance(&a, &b) < 1e-8, "{transfer:?}: {:e}", distance(&a, &b));
    }
}

#[test]
fn tied_equilibria_are_regularised_inverses() {
    let network = network(Activation::Linear);
    let batch = batch(1.0);
    let feedback = vec![LoopFeedback::Retied { scale: 1.0 }; 2];
    let leak = 0.01;
    let mut ndi = Ndi::new(&network, feedback, LoopOptions::at_rest(leak)).unwrap();
    let found = errors(&network, &mut ndi, &batch);
    let mut delta = found.delta[2].clone();
    for k in [2, 1] {
        let w = &network.layers()[k].weights;
        let gram = w * w.transpose() + DMatrix::identity(w.nrows(), w.nrows()) * leak;
        delta = w.transpose() * gram.try_inverse().expect("regularised") * delta;
        let worst = (&delta - &found.delta[k - 1]).norm() / delta.norm();
        assert!(worst < 1e-10, "layer {k}: {worst:e}");
    }
}

#[test]
fn pseudobackpropagation_is_the_limit_of_small_leaks() {
    let network = network(Activation::Tanh);
    let batch = batch(1.0);
    let feedback = vec![LoopFeedback::Retied { scale: 1.0 }; 2];
    let mut ndi = Ndi::new(&network, feedback, LoopOptions::at_rest(1e-9)).unwrap();
    let limit = errors(&network, &mut ndi, &batch);
    let pbp = errors(&network, &mut Pbp::new(&network, 1e-12), &batch);
    assert!(distance(&limit, &pbp) < 1e-5, "{:e}", distance(&limit, &pbp));
}

#[test]
fn a_single_loop_over_one_layer_is_that_layers_loop() {
    let sizes = [6, 5, 3];
    let weights = Initialiser::Normal { scale: 1.0 }.weights(&sizes, 4).unwrap();
    let biases = sizes[1..].iter().map(|&n| DVector::zeros(n)).collect();
    let activations = [Activation::Tanh, Activation::Linear];
    let network =
        Network::from_parameters(&sizes, &activations, Output::Linear, weights, biases).unwrap();
    let data = Dataset::dense(DMatrix::from_element(6, 1, 0.3), DMatrix::from_element(3, 1, 0.2));
    let batch = Batch::new(&data.unwrap(), &[0], 1);
    let b = -network.layers()[1].weights.transpose();
    for transfer in [TransferKind::Linear, TransferKind::Nonlinear] {
        let runs = [Run::Equilibrium, accurate(4.0), stepped(20.0, 0.5)];
        for run in runs {
            let options = LoopOptions { run, transfer, ..LoopOptions::at_rest(0.02) };
            let feedback = vec![LoopFeedback::Fixed(b.clone())];
            let mut di = Di::new(&network, feedback, options.clone()).unwrap();
            let mut sdi = Sdi::new(&network, b.clone(), options).unwrap();
            let (a, b) = (errors(&network, &mut di, &batch), errors(&network, &mut sdi, &batch));
            assert!(distance(&a, &b) < 1e-10, "{transfer:?}: {:e}", distance(&a, &b));
        }
    }
}

#[test]
fn a_deep_single_loop_ends_at_its_equilibrium() {
    let network = network(Activation::Tanh);
    let batch = batch(0.5);
    let upper: Vec<_> = network.layers()[1..].iter().map(|l| l.weights.clone()).collect();
    let b = -0.2 * (&upper[1] * &upper[0]).transpose();
    let rule = |run: Run| {
        let options = LoopOptions { run, ..LoopOptions::at_rest(0.05) };
        Sdi::new(&network, b.clone(), options).unwrap()
    };
    let rest = errors(&network, &mut rule(Run::Equilibrium), &batch);
    let run = errors(&network, &mut rule(accurate(2000.0)), &batch);
    let exact = errors(&network, &mut rule(Run::Exact { time: 2000.0 }), &batch);
    assert!(distance(&rest, &run) < 1e-8, "{:e}", distance(&rest, &run));
    assert!(distance(&rest, &exact) < 1e-8, "{:e}", distance(&rest, &exact));
}

#[test]
fn examples_run_side_by_side_as_they_do_alone() {
    let network = network(Activation::Tanh);
    let data = dataset(0.3);
    let product = (&network.layers()[2].weights * &network.layers()[1].weights).transpose();
    let explicit = Run::Steps { time: 5.0, method: &EULER, options: Steps::with_step(0.05) };
    for (run, tolerance) in [(stepped(20.0, 0.5), 1e-12), (explicit, 1e-12), (accurate(20.0), 1e-9)]
    {
        for transfer in [TransferKind::Nonlinear, TransferKind::Tangent, TransferKind::Deviation] {
            let options = LoopOptions { run: run.clone(), transfer, ..LoopOptions::at_rest(0.05) };
            let rules: [Box<dyn Rule>; 2] = [
                Box::new(di(&network, transfer, run.clone())),
                Box::new(Sdi::new(&network, -0.2 * &product, options).unwrap()),
            ];
            for mut rule in rules {
                let all = errors(&network, rule.as_mut(), &Batch::new(&data, &[0, 1, 2], 3));
                assert!(all.converged.iter().all(|c| *c));
                for c in 0..3 {
                    let one = errors(&network, rule.as_mut(), &Batch::new(&data, &[c], 1));
                    for (all, one) in all.delta.iter().zip(&one.delta) {
                        let apart = (all.column(c) - one.column(0)).norm();
                        assert!(apart < tolerance * one.norm(), "{transfer:?} {c}: {apart:e}");
                    }
                }
            }
        }
    }
}

#[test]
fn unreachable_errors_are_counted_and_teach_nothing() {
    let sizes = [6, 7, 5];
    let weights = Initialiser::Normal { scale: 1.0 }.weights(&sizes, 11).unwrap();
    let biases = sizes[1..].iter().map(|&n| DVector::zeros(n)).collect();
    let activations = [Activation::Tanh, Activation::Linear];
    let network =
        Network::from_parameters(&sizes, &activations, Output::Linear, weights, biases).unwrap();
    let batch = batch(1e4);
    // Without leak a saturating loop cannot reach errors beyond its range.
    let options = LoopOptions { transfer: TransferKind::Nonlinear, ..LoopOptions::at_rest(0.0) };
    let rule = Di::new(&network, fixed(&network), options).unwrap();
    let mut learner = Learner::new("di", network.clone(), Box::new(rule), Options::with_rate(0.1));
    learner.learn(&batch);
    assert_eq!(learner.progress().unconverged, 3);
    assert_eq!(learner.network(), &network);
}

#[test]
fn examples_whose_loop_diverges_are_counted_and_left_out() {
    let network = network(Activation::Linear);
    let run = Run::Steps { time: 5e3, method: &EULER, options: Steps::with_step(1.9) };
    let rule = di(&network, TransferKind::Linear, run);
    let before: Vec<_> = network.layers().iter().map(|l| l.weights.clone()).collect();
    let mut learner = Learner::new("di", network, Box::new(rule), Options::with_rate(1.0));
    learner.learn(&batch(1.0));
    learner.learn(&batch(1.0));
    // Explicit Euler at this step is unstable for every weight matrix, so no example converges.
    assert_eq!(learner.progress().unconverged, 6);
    assert_eq!(learner.progress().stopped, None);
    let after: Vec<_> = learner.network().layers().iter().map(|l| l.weights.clone()).collect();
    assert_eq!(after, before);
}

#[test]
fn divergence_stops_a_learner_and_is_named() {
    let network = network(Activation::Linear);
    let mut learner = Learner::new("bp", network, Box::new(Bp), Options::with_rate(1e180));
    for _ in 0..3 {
        learner.learn(&batch(1.0));
    }
    let stopped = learner.progress().stopped.clone().expect("it diverges");
    assert!(stopped.to_string().contains("layer"), "{stopped}");
}

#[test]
fn clipping_limits_each_layer_before_the_next() {
    let network = network(Activation::Linear);
    let clip = Clip { norm: 0.01, layers: ClippedLayers::All };
    let options = Options { clip: Some(clip), ..Options::with_rate(1.0) };
    let learner = Learner::new("bp", network.clone(), Box::new(Bp), options);
    let found = learner.errors_by(&mut Bp, &batch(1.0)).unwrap();
    let second = found.delta[1].column(0).into_owned();
    assert!((second.norm() - 0.01).abs() < 1e-15);
    let below = network.layers()[1].weights.transpose() * second;
    let expected = &below * (0.01 / below.norm()).min(1.0);
    assert!((found.delta[0].column(0) - expected).norm() < 1e-15);
}

#[test]
fn rules_have_unique_kebab_case_names() {
    for (k, entry) in RULES.iter().enumerate() {
        assert!(RULES[..k].iter().all(|other| other.name != entry.name));
        assert!(entry.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
        assert!(!entry.summary.is_empty() && !entry.reference.is_empty());
    }
}

#[test]
fn angles_are_accurate_at_both_ends() {
    assert!((angle(&[1.0, 1e-9], &[1.0, 0.0]) - 1e-9f64.to_degrees()).abs() < 1e-20);
    assert!((angle(&[1.0, 1.0], &[-1.0, -1.0]) - 180.0).abs() < 1e-12);
    assert!(angle(&[0.0], &[1.0]).is_nan());
}

#[test]
fn expanding_loops_without_leak_are_refused_but_have_a_limit() {
    let network = network(Activation::Linear);
    let error = Di::new(&network, fixed(&network), LoopOptions::at_rest(0.0)).err().unwrap();
    let text = error.to_string();
    assert!(text.contains("layer 3") && text.contains("5 controllers for 4 states"), "{text}");
    let b = DMatrix::from_element(7, 5, 0.1);
    let text = Sdi::new(&network, b, LoopOptions::at_rest(0.0)).err().unwrap().to_string();
    assert!(text.contains("leak"), "{text}");
    let mut limit = Ndi::new(&network, fixed(&network), LoopOptions::at_rest(0.0)).unwrap();
    let mut small = Ndi::new(&network, fixed(&network), LoopOptions::at_rest(1e-8)).unwrap();
    let batch = batch(1.0);
    let (a, b) = (errors(&network, &mut limit, &batch), errors(&network, &mut small, &batch));
    assert!(distance(&a, &b) < 1e-5, "{:e}", distance(&a, &b));
}
