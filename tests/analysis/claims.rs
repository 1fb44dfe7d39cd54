//! The second-order links of dynamic inversion, deep feedback control and Gauss-Newton steps.

use std::sync::Arc;

use dynamic_inversion::analysis::geometry::{Geometry, GeometryBlocks, Weighting};
use dynamic_inversion::dynamics::{
    Dynamics, Feedback, LayerwiseInversion, LoopParameters, PredictiveCoding, Transfer, VectorField,
};
use dynamic_inversion::learning::angle;
use dynamic_inversion::linalg::svd::{pseudoinverse, singular_values};
use dynamic_inversion::network::random::generator;
use dynamic_inversion::network::{Activation, Forward, Network, Output};
use nalgebra::{DMatrix, DVector};
use rand::RngExt;

use super::geometry::{example, kind};
use crate::support::Golden;

const VOLTAGES: Weighting = Weighting::PreActivations;

fn draw(rows: usize, columns: usize, seed: u64) -> DMatrix<f64> {
    let mut generator = generator(seed, 1);
    DMatrix::from_fn(rows, columns, |_, _| generator.random_range(-1.0..1.0))
}

/// The state at rest of a loop with weights `w`, feedback `-w^T` and transfer `w r`.
fn rest(w: &DMatrix<f64>, delta: &DVector<f64>, leak: f64) -> DVector<f64> {
    let target = DMatrix::from_columns(std::slice::from_ref(delta));
    let parameters = LoopParameters::with_leak(leak);
    let feedback = Feedback::Tied { scale: 1.0 };
    let inversion =
        LayerwiseInversion::new(w.clone(), feedback, Transfer::Linear, target, parameters)
            .expect("shapes fit");
    let rest = inversion.closed_form_equilibrium().expect("a regular system");
    DVector::from_column_slice(&rest[..w.ncols()])
}

/// Claim 1: Tikhonov regularisation with damping `leak`, and the bound on its distance from the
/// pseudoinverse.
#[test]
fn tied_feedback_regularises_with_the_leak_as_damping() {
    for (seed, (rows, columns)) in [(4, 7), (6, 6), (7, 4)].into_iter().enumerate() {
        let w = draw(rows, columns, seed as u64);
        let delta = draw(rows, 1, 50 + seed as u64).column(0).into_owned();
        for leak in [1e-3, 0.1, 2.0] {
            let found = rest(&w, &delta, leak);
            let mut normal = w.transpose() * &w;
            for i in 0..columns {
                normal[(i, i)] += leak;
            }
            let expected = normal.cholesky().expect("damped").solve(&(w.transpose() * &delta));
            assert!((&found - &expected).norm() < 1e-11 * expected.norm());

            let inverse = pseudoinverse(&w, None).expect("finite").matrix * &delta;
            let smallest = *singular_values(&w).expect("finite").as_slice().last().expect("some");
            let bound = leak / (smallest * smallest + leak) * inverse.norm();
            assert!((&found - inverse).norm() <= bound * (1.0 + 1e-9), "leak {leak}");
        }
    }
}

/// Claim 2: with the tangent transfer the last hidden layer receives the Levenberg-Marquardt step.
#[test]
fn tangent_inversion_gives_the_levenberg_marquardt_step_of_the_last_hidden_layer() {
    let (network, forward, error) = example(&[5, 7, 6, 4], Activation::Tanh, Output::Linear, 2);
    let geometry = Geometry::new(&network, &forward, &error, 0..1);
    let weights = Arc::new(network.layers()[2].weights.clone());
    let (w, mut slopes) = (Arc::clone(&weights), DMatrix::zeros(6, 2));
    network.slopes(&forward, 1, slopes.as_mut_slice());
    let tangent = w.as_ref() * DMatrix::from_diagonal(&slopes.column(0).into_owned());
    for leak in [1e-3, 0.1, 1.0] {
        let inversion = LayerwiseInversion::new(
            Arc::clone(&weights),
            -tangent.transpose(),
            Transfer::Tangent {
                activation: Activation::Tanh,
                operating_point: forward.pre_activations[1].columns(0, 1).into_owned(),
            },
            error.columns(0, 1).into_owned(),
            LoopParameters::with_leak(leak),
        )
        .expect("shapes fit");
        let found = inversion.closed_form_equilibrium().expect("a regular system");
        let step = geometry.step(&kind(VOLTAGES, GeometryBlocks::Layer, leak)).expect("finite");
        let expected = &step.delta[1];
        let worst = (DVector::from_column_slice(&found[..6]) - expected.column(0)).norm();
        assert!(worst < 1e-13 * expected.norm(), "leak {leak}: {worst:e}");
    }
}

/// Errors of a linear chain's first layer: by one loop per layer, top first, and by `J_1^+ e`.
fn layerwise_and_whole(sizes: &[usize], leak: f64, seed: u64) -> (DVector<f64>, DVector<f64>) {
    let (network, forward, error) = example(sizes, Activation::Linear, Output::Linear, seed);
    let mut layerwise = error.column(0).into_owned();
    for layer in network.layers()[1..].iter().rev() {
        layerwise = rest(&layer.weights, &layerwise, leak);
    }
    let geometry = Geometry::new(&network, &forward, &error, 0..1);
    let step = geometry.step(&kind(VOLTAGES, GeometryBlocks::Layer, 0.0)).expect("finite");
    (layerwise, step.delta[0].column(0).into_owned())
}

/// Claim 3: the composition of loops tends to the Gauss-Newton step of the layer alone in square
/// networks, linearly in the leak, and to something else in contracting ones.
#[test]
fn composed_loops_reach_gauss_newton_in_square_networks_only() {
    let distance = |leak: f64| {
        let (found, expected) = layerwise_and_whole(&[4, 5, 5, 5], leak, 4);
        (found - &expected).norm() / expected.norm()
    };
    let (coarse, fine) = (distance(1e-7), distance(1e-8));
    assert!(fine < 1e-4, "{fine:e}");
    assert!((coarse / fine - 10.0).abs() < 0.1, "error of first order in the leak: {coarse:e}");

    let (found, expected) = layerwise_and_whole(&[4, 8, 5, 3], 1e-10, 4);
    let apart = angle(found.as_slice(), expected.as_slice());
    assert!((2.0..60.0).contains(&apart), "{apart} degrees");
}

/// `J_1^T .. J_L^T`, one above the other.
fn stacked(network: &Network, forward: &Forward) -> DMatrix<f64> {
    let blocks = network.output_jacobian_blocks(forward, 0);
    let rows: usize = blocks.iter().map(DMatrix::ncols).sum();
    let mut all = DMatrix::zeros(rows, network.output_size());
    let mut from = 0;
    for block in &blocks {
        all.rows_mut(from, block.ncols()).copy_from(&block.transpose());
        from += block.ncols();
    }
    all
}

/// Claim 4: deep feedback control with `Q = J^T` comes to rest, to first order, at the damped
/// minimum-norm step.
#[test]
fn deep_feedback_control_rests_at_the_minimum_norm_step() {
    for seed in 0..3 {
        let (network, forward, error) =
            example(&[5, 7, 6, 4], Activation::Tanh, Output::Linear, seed);
        let q = stacked(&network, &forward);
        let geometry = Geometry::new(&network, &forward, &error, 0..1);
        for damping in [1e-3, 0.1, 1.0] {
            let mut system = q.transpose() * &q;
            for i in 0..4 {
                system[(i, i)] += damping;
            }
            let controller = system.lu().solve(&error.column(0)).expect("damped");
            let expected = &q * controller;
            let step = geometry.step(&kind(VOLTAGES, GeometryBlocks::Full, damping));
            let found: Vec<f64> =
                step.expect("finite").delta.iter().flat_map(|d| d.iter().copied()).collect();
            let worst = (DVector::from_vec(found) - &expected).norm();
            assert!(worst < 1e-12 * expected.norm(), "damping {damping}: {worst:e}");
        }
    }
}

/// The same against linearised steady states computed with NumPy.
#[test]
fn minimum_norm_steps_match_linearised_steady_states() {
    for (name, hidden) in [
        ("dfc_linear_jacobian_feedback", Activation::Linear),
        ("dfc_tanh_jacobian_feedback", Activation::Tanh),
    ] {
        let golden = Golden::load(name);
        let weights = golden.matrices("weights");
        let sizes: Vec<usize> =
            std::iter::once(weights[0].ncols()).chain(weights.iter().map(DMatrix::nrows)).collect();
        let mut activations = vec![hidden; weights.len()];
        activations[weights.len() - 1] = Activation::Linear;
        let biases = golden.value("biases").as_array().expect("a list");
        let biases = biases.iter().map(crate::support::vector).collect();
        let network =
            Network::from_parameters(&sizes, &activations, Output::Linear, weights, biases)
                .expect("a golden network fits");
        let mut forward = Forward::new(&network, 1);
        network.forward(golden.vector("input").as_slice(), &mut forward).expect("lengths fit");
        let error = golden.vector("target") - forward.output().column(0);
        let error = DMatrix::from_columns(&[error]);
        let geometry = Geometry::new(&network, &forward, &error, 0..1);
        let damping = golden.scalar("leak");
        let step = geometry.step(&kind(VOLTAGES, GeometryBlocks::Full, damping)).expect("finite");
        let found: Vec<f64> = step.delta.iter().flat_map(|d| d.iter().copied()).collect();
        for field in ["linearised_steady_delta_v", "levenberg_marquardt_delta_v"] {
            let expected = golden.vector(field);
            let worst = (DVector::from_column_slice(&found) - &expected).norm();
            assert!(worst < 1e-12 * expected.norm(), "{name}, {field}: {worst:e}");
        }
    }
}

/// Claim 5: on linear networks the errors of predictive coding at rest are the undamped
/// minimum-norm step, which is where deep feedback control without leak rests.
#[test]
fn predictive_coding_rests_at_the_minimum_norm_step() {
    for (seed, sizes) in [&[5, 7, 6, 4][..], &[4, 3, 5], &[3, 6, 2, 4, 3]].into_iter().enumerate() {
        let (network, forward, error) =
            example(sizes, Activation::Linear, Output::Linear, seed as u64);
        let target = forward.output() + &error;
        let shared = Arc::new(network.clone());
        let coding = PredictiveCoding::new(shared, &forward, target, 1.7).expect("shapes fit");
        let rest = coding.closed_form_equilibrium().expect("linear");
        let mut rate = vec![f64::NAN; coding.dim()];
        coding.eval(0.0, &rest, &mut rate);
        assert!(rate.iter().all(|r| r.abs() < 1e-14), "{rate:?}");

        let geometry = Geometry::new(&network, &forward, &error, 0..2);
        let step = geometry.step(&kind(VOLTAGES, GeometryBlocks::Full, 0.0)).expect("finite");
        let q = stacked(&network, &forward);
        let system = (q.transpose() * &q).lu();
        let found = coding.prediction_errors(&rest);
        for column in 0..2 {
            let control = &q * system.solve(&error.column(column)).expect("full rank");
            let mut from = 0;
            for (found, expected) in found.iter().zip(&step.delta) {
                let (found, expected) = (found.column(column), expected.column(column));
                assert!((found - expected).norm() < 1e-13 * control.norm());
                let control = control.rows(from, expected.len());
                assert!((found - control).norm() < 1e-13 * control.norm());
                from += expected.len();
            }
        }
    }
}
