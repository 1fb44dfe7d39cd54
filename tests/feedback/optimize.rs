//! Feedback made stable: the gradient, the margins reached and the honest failures.

use std::path::Path;

use approx::assert_relative_eq;
use dynamic_inversion::dynamics::{LayerLoop, SingleLoopChain};
use dynamic_inversion::feedback::{
    Limit, Objective, OptimizeError, OptimizeOptions, optimize, optimize_single_loop,
    smoothed_abscissa,
};
use dynamic_inversion::linalg::eigen::eigenvalues;
use dynamic_inversion::model::{Equations, Model};

use dynamic_inversion::network::random;
use nalgebra::DMatrix;
use rand::RngExt;

fn uniform(rows: usize, columns: usize, size: f64, stream: u64) -> DMatrix<f64> {
    let mut rng = random::generator(11, stream);
    DMatrix::from_fn(rows, columns, |_, _| rng.random_range(-size..size))
}

/// A loop with random weights and random, usually unstable, feedback.
fn random_loop(controller: usize, state: usize, leak: f64, stream: u64) -> LayerLoop {
    LayerLoop {
        forward: uniform(controller, state, 1.0, 2 * stream),
        feedback: uniform(state, controller, 1.0, 2 * stream + 1),
        leak,
        tau_state: 1.0,
        tau_controller: 1.0,
    }
}

/// The Jacobian written out, apart from the library's own.
fn jacobian(l: &LayerLoop, b: &DMatrix<f64>) -> DMatrix<f64> {
    let (controller, state) = l.forward.shape();
    DMatrix::from_fn(state + controller, state + controller, |i, j| match (i < state, j < state) {
        (true, true) => {
            if i == j {
                -1.0 / l.tau_state
            } else {
                0.0
            }
        }
        (true, false) => b[(i, j - state)] / l.tau_state,
        (false, true) => l.forward[(i - state, j)] / l.tau_controller,
        (false, false) => {
            if i == j {
                -l.leak / l.tau_controller
            } else {
                0.0
            }
        }
    })
}

fn abscissa(l: &LayerLoop, b: &DMatrix<f64>) -> f64 {
    eigenvalues(&jacobian(l, b)).unwrap().abscissa()
}

#[test]
fn smoothed_abscissa_has_its_closed_forms() {
    // diag(l_i): sum 1/(s - l_i) = 1/eps. Two equal eigenvalues: s = l + 2 eps.
    let j = DMatrix::from_diagonal_element(2, 2, -1.0);
    let found = smoothed_abscissa(&j, 0.1, None).unwrap();
    assert_relative_eq!(found.value, -0.8, epsilon = 1e-10);
    assert_relative_eq!(found.gradient, DMatrix::from_diagonal_element(2, 2, 0.5), epsilon = 1e-9);
    // diag(0, -1), eps = 1: 1/s + 1/(s + 1) = 1, so s = (1 + sqrt 5)/2.
    let j = DMatrix::from_row_slice(2, 2, &[0.0, 0.0, 0.0, -1.0]);
    let golden = (1.0 + 5f64.sqrt()) / 2.0;
    assert_relative_eq!(smoothed_abscissa(&j, 1.0, None).unwrap().value, golden, epsilon = 1e-9);
    // A Jordan block [[0, c], [0, 0]]: trace P = 2/s + c^2/(2 s^3).
    let j = DMatrix::from_row_slice(2, 2, &[0.0, 3.0, 0.0, 0.0]);
    let s = smoothed_abscissa(&j, 0.01, Some(5.0)).unwrap().value;
    assert_relative_eq!(2.0 / s + 4.5 / s.powi(3), 100.0, epsilon = 1e-6);
}

#[test]
fn smoothed_abscissa_lies_right_of_the_spectrum_and_tends_to_it() {
    for stream in 0..5 {
        let j = uniform(7, 7, 1.0, 900 + stream);
        let spectral = eigenvalues(&j).unwrap().abscissa();
        let mut last = f64::INFINITY;
        for smoothing in [1.0, 0.1, 1e-2, 1e-3, 1e-4] {
            let s = smoothed_abscissa(&j, smoothing, None).unwrap().value;
            assert!(s >= spectral + smoothing && s < last, "{s} {spectral} {smoothing}");
            last = s;
        }
        assert!(last - spectral < 0.02, "{last} against {spectral}");
    }
}

#[test]
fn gradient_agrees_with_central_differences() {
    for (stream, smoothing) in [(0, 0.5), (1, 0.1), (2, 0.01)] {
        let j = uniform(6, 6, 1.0, 800 + stream);
        let gradient = smoothed_abscissa(&j, smoothing, None).unwrap().gradient;
        let h = 1e-5;
        let differences = DMatrix::from_fn(6, 6, |row, column| {
            let moved = |by: f64| {
                let mut j = j.clone();
                j[(row, column)] += by;
                smoothed_abscissa(&j, smoothing, None).unwrap().value
            };
            (moved(h) - moved(-h)) / (2.0 * h)
        });
        assert_relative_eq!(gradient, differences, epsilon = 2e-6, max_relative = 2e-6);
        // Moving J by the identity moves s by as much.
        assert_relative_eq!(gradient.trace(), 1.0, epsilon = 1e-12);
    }
}

#[test]
fn random_loops_of_every_shape_reach_their_margin() {
    let mut unstable = 0;
    for (controller, state, leak, margin) in [
        (5, 10, 0.01, 0.1),
        (6, 6, 0.0, 0.3),
        (6, 6, 0.1, 0.5),
        (8, 4, 0.2, 0.15),
        (10, 20, 0.01, 0.4),
    ] {
        for stream in 0..4 {
            let l = random_loop(controller, state, leak, stream);
            unstable += usize::from(abscissa(&l, &l.feedback) > 0.0);
            for objective in [Objective::Full, Objective::Reduced] {
                let options = OptimizeOptions { margin, objective, ..OptimizeOptions::default() };
                let found = optimize(&l, &options).unwrap();
                let label = format!("{controller} x {state}, {stream}, {objective:?}: {found:?}");
                assert!(found.reached && found.abscissa <= -margin, "{label}");
                // The reduced objective leaves out what the feedback cannot move.
                let above = found.smoothed_abscissa > found.abscissa;
                assert!(above || objective == Objective::Reduced, "{label}");
                assert!(found.iterations <= 200, "{label}");
                // The second opinion is the full spectrum of the matrix written out.
                assert_relative_eq!(abscissa(&l, &found.feedback), found.abscissa, epsilon = 1e-6);
            }
        }
    }
    assert!(unstable >= 12, "only {unstable} of 20 starts were unstable");
}

#[test]
fn tiny_feedback_of_the_published_start_is_enough_to_begin() {
    // Weights and feedback U(-.01, .01), 30-20-10: what training starts from.
    let l = LayerLoop {
        forward: uniform(10, 20, 0.01, 50),
        feedback: uniform(20, 10, 0.01, 51),
        leak: 0.01,
        tau_state: 1.0,
        tau_controller: 1.0,
    };
    let found = optimize(&l, &OptimizeOptions::default()).unwrap();
    assert!(found.reached && abscissa(&l, &found.feedback) <= -0.1, "{found:?}");
}

#[test]
fn wide_layers_are_optimised_through_the_small_matrix() {
    let mut l = random_loop(10, 784, 0.01, 60);
    l.tau_state = 0.5;
    l.tau_controller = 2.0;
    let options = OptimizeOptions { margin: 0.5, ..OptimizeOptions::default() };
    let found = optimize(&l, &options).unwrap();
    assert!(found.reached && found.abscissa <= -0.5, "{} {}", found.abscissa, found.iterations);
    assert!(abscissa(&l, &found.feedback) <= -0.5 + 1e-9);
}

#[test]
fn a_single_loop_reaches_its_margin() {
    let chain = SingleLoopChain {
        forward: vec![uniform(6, 8, 1.0, 70), uniform(4, 6, 1.0, 71)],
        feedback: uniform(8, 4, 1.0, 72),
        leak: 0.05,
        tau_state: 1.0,
        tau_controller: 1.0,
    };
    for objective in [Objective::Full, Objective::Reduced] {
        let options = OptimizeOptions { margin: 0.15, objective, ..OptimizeOptions::default() };
        let found = optimize_single_loop(&chain, &options).unwrap();
        assert!(found.reached && found.abscissa <= -0.15, "{found:?}");
    }
}

#[test]
fn margins_beyond_what_feedback_can_do_are_refused_with_the_reason() {
    let refused = |l: &LayerLoop, margin| {
        let options = OptimizeOptions { margin, ..OptimizeOptions::default() };
        match optimize(l, &options) {
            Err(OptimizeError::Unreachable { below, limit, .. }) => (below, limit),
            other => panic!("{other:?}"),
        }
    };
    // More controllers than states: some of them are only held by the leak.
    assert_eq!(refused(&random_loop(6, 4, 0.02, 0), 0.1), (0.02, Limit::ControllerLeak));
    // Square: pairs of eigenvalues sum to -(1 + leak).
    let (below, limit) = refused(&random_loop(4, 4, 0.5, 0), 0.8);
    assert_eq!((below, limit), (0.75, Limit::MeanRate));
    // Fast controllers: states out of reach keep their own time constant.
    let slow = LayerLoop { tau_state: 2.0, leak: 3.0, ..random_loop(3, 5, 0.0, 0) };
    assert_eq!(refused(&slow, 0.6), (0.5, Limit::StateDecay));
    // Weights of deficient rank leave a controller alone.
    let mut deficient = random_loop(3, 5, 0.02, 0);
    let twice = deficient.forward.row(0) * 2.0;
    deficient.forward.set_row(1, &twice);
    assert_eq!(refused(&deficient, 0.1), (0.02, Limit::ControllerLeak));
}

#[test]
fn a_short_descent_says_that_it_fell_short() {
    let l = random_loop(10, 20, 0.01, 3);
    let options = OptimizeOptions { margin: 0.45, max_iterations: 1, ..OptimizeOptions::default() };
    let found = optimize(&l, &options).unwrap();
    assert!(!found.reached && found.iterations == 1 && found.abscissa > -0.45, "{found:?}");
    assert!(found.abscissa < abscissa(&l, &l.feedback));
}

#[test]
fn unusable_options_and_shapes_are_refused_by_name() {
    let l = random_loop(2, 3, 0.1, 0);
    let options = OptimizeOptions { smoothing: 0.0, ..OptimizeOptions::default() };
    let message = optimize(&l, &options).unwrap_err().to_string();
    assert_eq!(message, "smoothing = 0 is not allowed; it must be finite and positive");
    let wrong = LayerLoop { feedback: DMatrix::zeros(2, 3), ..l };
    let message = optimize(&wrong, &OptimizeOptions::default()).unwrap_err().to_string();
    assert!(
        message.contains("the feedback matrix is 2 x 3, but the loop needs 3 x 2"),
        "{message}"
    );
}

#[test]
fn model_files_build_the_optimised_feedback() {
    let text = "schema_version = 1\nseed = 4\n\
        [network]\nsizes = [12, 8, 5]\nactivation = \"tanh\"\nbiases = \"zero\"\n\
        [network.weights]\nnormal = {}\n\
        [dynamics.layerwise-inversion]\nlayer = 2\nleak = 0.01\ntransfer = \"nonlinear\"\n\
        [target]\ndelta = [[0.1, 0.0, 0.0, 0.1, 0.2]]\n\
        [feedback.optimized]\nmargin = 0.3\n";
    let build = |text: &str| {
        let model = Model::parse("model.toml", text, Path::new(""), &[]).expect("a valid model");
        model.system()
    };
    let system = build(text).expect("the loop can be stabilised");
    let Equations::One(dynamics) = &system.equations else { panic!("one loop") };
    let mut j = DMatrix::zeros(13, 13);
    dynamics.jacobian(0.0, &[0.0; 13], &mut j);
    let found = eigenvalues(&j).unwrap().abscissa();
    assert!(found <= -0.3, "{found}");
    let Err(error) = build(&text.replace("margin = 0.3", "margin = 0.6")) else { panic!() };
    assert_eq!(error.location().key, "feedback.optimized.margin", "{error}");
    assert!(error.to_string().contains("keeps it below 0.505"), "{error}");
}
