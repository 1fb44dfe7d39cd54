//! Gauss-Newton geometry against NumPy, against the parameter Jacobian itself, and its rank.

use dynamic_inversion::analysis::geometry::{
    Geometry, GeometryBlocks, OutputJacobians, Step, StepKind, Weighting,
};
use dynamic_inversion::linalg::svd::{pseudoinverse, singular_values};
use dynamic_inversion::network::random::generator;
use dynamic_inversion::network::{Activation, Forward, Network, Output};
use nalgebra::{DMatrix, DVector};
use rand::RngExt;

use crate::support::Golden;

const PARAMETERS: Weighting = Weighting::Parameters { biases: true };

pub fn kind(weighting: Weighting, blocks: GeometryBlocks, damping: f64) -> StepKind {
    StepKind { weighting, blocks, damping, cutoff: 1e-12 }
}

/// A network with every parameter drawn, its forward pass of two examples and their errors.
pub fn example(
    sizes: &[usize],
    hidden: Activation,
    output: Output,
    seed: u64,
) -> (Network, Forward, DMatrix<f64>) {
    let mut draw = generator(seed, 0);
    let mut uniform = |rows, columns, scale: f64| {
        DMatrix::from_fn(rows, columns, |_, _| draw.random_range(-scale..scale))
    };
    let layers = sizes.len() - 1;
    let scale = |n: usize| 1.5 / (n as f64).sqrt();
    let weights = sizes.windows(2).map(|n| uniform(n[1], n[0], scale(n[0]))).collect();
    let biases = sizes[1..].iter().map(|&n| uniform(n, 1, 0.3).column(0).into_owned()).collect();
    let mut activations = vec![hidden; layers];
    activations[layers - 1] = Activation::Linear;
    let network =
        Network::from_parameters(sizes, &activations, output, weights, biases).expect("shapes fit");
    let mut forward = Forward::new(&network, 2);
    network.forward(uniform(sizes[0], 2, 1.0).as_slice(), &mut forward).expect("lengths fit");
    let mut target = uniform(sizes[layers], 2, 1.0);
    if output == Output::Softmax {
        target.fill(0.0);
        target[(1, 0)] = 1.0;
        target[(0, 1)] = 1.0;
    }
    let error = target - forward.output();
    (network, forward, error)
}

/// The parameters of every layer's step at one example: weights row by row, then biases.
fn parameters(step: &Step, forward: &Forward, column: usize) -> Vec<f64> {
    let mut all = Vec::new();
    for (k, delta) in step.delta.iter().enumerate() {
        let input = forward.layer_input(k).column(column);
        for d in delta.column(column).iter() {
            all.extend(input.iter().map(|h| d * h));
        }
        all.extend(delta.column(column).iter());
    }
    all
}

/// `dh_L / d(parameters)` in the same order.
fn parameter_jacobian(network: &Network, forward: &Forward, column: usize) -> DMatrix<f64> {
    let blocks = network.logit_jacobian_blocks(forward, column);
    let mut columns = Vec::new();
    for (k, block) in blocks.iter().enumerate() {
        let input = forward.layer_input(k).column(column);
        for j in block.column_iter() {
            columns.extend(input.iter().map(|h| j * *h));
        }
        columns.extend(block.column_iter().map(|j| j.into_owned()));
    }
    DMatrix::from_columns(&columns)
}

fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let worst = found.iter().zip(expected).fold(0.0, |m: f64, (a, b)| m.max((a - b).abs()));
    assert!(worst <= tolerance * scale, "{what}: off by {:e} of the largest entry", worst / scale);
}

fn reproduces(name: &str, tolerance: f64) {
    let golden = Golden::load(name);
    let weights = golden.matrices("weights");
    let sizes: Vec<usize> =
        std::iter::once(weights[0].ncols()).chain(weights.iter().map(DMatrix::nrows)).collect();
    let hidden = golden.value("hidden_activation").as_str().and_then(Activation::parse);
    let mut activations = vec![hidden.expect("a known activation"); weights.len()];
    activations[weights.len() - 1] = Activation::Linear;
    let biases = golden.value("biases").as_array().expect("a list");
    let biases = biases.iter().map(crate::support::vector).collect();
    let network = Network::from_parameters(&sizes, &activations, Output::Linear, weights, biases)
        .expect("a golden network fits");
    let mut forward = Forward::new(&network, 1);
    network.forward(golden.vector("input").as_slice(), &mut forward).expect("lengths fit");
    let error = golden.vector("target") - forward.output().column(0);
    let error = DMatrix::from_columns(&[error]);
    let geometry = Geometry::new(&network, &forward, &error, 0..1);

    let damping = golden.scalar("damping");
    for (field, blocks) in
        [("full_step", GeometryBlocks::Full), ("block_diagonal_step", GeometryBlocks::Layer)]
    {
        let step = geometry.step(&kind(PARAMETERS, blocks, damping)).expect("finite values");
        let found = parameters(&step, &forward, 0);
        close(&found, golden.vector(field).as_slice(), tolerance, field);
    }
    let found = parameters(&geometry.gradient(), &forward, 0);
    let expected = golden.vector("gradient_descent_direction");
    let (scale, n) = (expected.norm() / DVector::from_vec(found.clone()).norm(), found.len());
    assert_eq!(n, expected.len());
    let found: Vec<f64> = found.iter().map(|x| x * scale).collect();
    close(&found, expected.as_slice(), 1e-13, "gradient_descent_direction");
}

/// The golden solves a system of 39 unknowns of condition 1e4.
#[test]
fn tanh_steps_match_numpy() {
    reproduces("gauss_newton_tanh", 1e-11);
}

/// The golden solves a system of 40 unknowns of condition 1e7.
#[test]
fn linear_steps_match_numpy() {
    reproduces("gauss_newton_linear", 1e-8);
}

#[test]
fn blocks_are_those_of_the_network() {
    let (network, forward, _) = example(&[4, 6, 5, 3], Activation::Tanh, Output::Linear, 1);
    let all = OutputJacobians::new(&network, &forward, 0..2);
    for column in 0..2 {
        let expected = network.logit_jacobian_blocks(&forward, column);
        for (k, block) in expected.iter().enumerate() {
            let worst = (all.transposed(k, column).transpose() - block).amax();
            assert!(worst < 1e-15, "layer {k}, example {column}: {worst:e}");
        }
    }
}

#[test]
fn undamped_steps_are_the_pseudoinverse_of_the_parameter_jacobian() {
    for seed in 0..5 {
        let (network, forward, error) =
            example(&[4, 6, 5, 3], Activation::Tanh, Output::Linear, seed);
        let geometry = Geometry::new(&network, &forward, &error, 0..2);
        let step = geometry.step(&kind(PARAMETERS, GeometryBlocks::Full, 0.0)).expect("finite");
        for column in 0..2 {
            let jacobian = parameter_jacobian(&network, &forward, column);
            let inverse = pseudoinverse(&jacobian, None).expect("finite").matrix;
            let expected = inverse * error.column(column);
            let found = parameters(&step, &forward, column);
            close(&found, expected.as_slice(), 1e-12, "pseudoinverse");
        }
    }
}

#[test]
fn softmax_steps_are_generalised_gauss_newton() {
    let (network, forward, error) = example(&[4, 6, 3], Activation::Tanh, Output::Softmax, 3);
    let geometry = Geometry::new(&network, &forward, &error, 0..2);
    for damping in [1e-3, 1.0] {
        let step = geometry.step(&kind(PARAMETERS, GeometryBlocks::Full, damping)).expect("finite");
        for column in 0..2 {
            let jacobian = parameter_jacobian(&network, &forward, column);
            let p = forward.output().column(column).into_owned();
            let curvature = DMatrix::from_diagonal(&p) - &p * p.transpose();
            let mut system = jacobian.transpose() * curvature * &jacobian;
            for i in 0..system.nrows() {
                system[(i, i)] += damping;
            }
            let gradient = jacobian.transpose() * error.column(column);
            let expected = system.lu().solve(&gradient).expect("damped");
            let found = parameters(&step, &forward, column);
            close(&found, expected.as_slice(), 1e-11, "generalised Gauss-Newton");
        }
    }
    // A tenfold smaller damping moves the step by less and less: the limit is the undamped one.
    let undamped = geometry.step(&kind(PARAMETERS, GeometryBlocks::Full, 0.0)).expect("finite");
    let small = geometry.step(&kind(PARAMETERS, GeometryBlocks::Full, 1e-9)).expect("finite");
    for (a, b) in undamped.delta.iter().zip(&small.delta) {
        assert!((a - b).norm() < 1e-6 * a.norm(), "{:e}", (a - b).norm() / a.norm());
    }
}

#[test]
fn saturated_softmax_stays_finite() {
    let (mut network, mut forward, _) = example(&[4, 6, 3], Activation::Tanh, Output::Softmax, 3);
    network.layers_mut()[1].biases[2] = 2000.0;
    network.propagate(&mut forward);
    let mut error = -forward.output();
    error.row_mut(0).add_scalar_mut(1.0);
    let geometry = Geometry::new(&network, &forward, &error, 0..2);
    for damping in [0.0, 1e-3] {
        let step = geometry.step(&kind(PARAMETERS, GeometryBlocks::Full, damping)).expect("finite");
        assert!(step.delta.iter().all(|d| d.iter().all(|x| x.is_finite())), "damping {damping}");
    }
}

#[test]
fn rank_and_cutoff_are_those_of_the_parameter_jacobian() {
    // A bottleneck of two units below five outputs: the blocks below it have rank two.
    let (network, forward, error) = example(&[4, 6, 2, 5], Activation::Tanh, Output::Linear, 5);
    let geometry = Geometry::new(&network, &forward, &error, 0..2);
    let layers = geometry.ranks(&kind(PARAMETERS, GeometryBlocks::Layer, 0.0), 1).expect("finite");
    assert_eq!(layers.iter().map(|r| r.rank).collect::<Vec<_>>(), [2, 2, 5]);

    let full = geometry.ranks(&kind(PARAMETERS, GeometryBlocks::Full, 0.0), 1).expect("finite")[0];
    let expected = singular_values(&parameter_jacobian(&network, &forward, 1)).expect("finite");
    assert_eq!(full.rank, 5);
    assert!((full.largest - expected[0]).abs() < 1e-13 * expected[0]);
    assert!((full.smallest - expected[4]).abs() < 1e-12 * expected[0]);
    // The Gram matrix knows singular values to sqrt(5 eps) of the largest, whatever is asked for.
    let floor = (5.0 * f64::EPSILON).sqrt() * full.largest;
    assert!((full.cutoff - floor).abs() < 1e-12 * floor);

    let coarse = StepKind { cutoff: 0.9, ..kind(PARAMETERS, GeometryBlocks::Full, 0.0) };
    let rank = geometry.ranks(&coarse, 1).expect("finite")[0];
    let kept = expected.iter().filter(|s| **s > 0.9 * expected[0]).count();
    assert_eq!((rank.rank, rank.cutoff), (kept, 0.9 * rank.largest));
}

#[test]
fn a_step_of_the_layer_is_that_of_the_network_with_one_layer() {
    let (network, forward, error) = example(&[4, 3], Activation::Tanh, Output::Linear, 8);
    let geometry = Geometry::new(&network, &forward, &error, 0..2);
    let one = |blocks| geometry.step(&kind(PARAMETERS, blocks, 0.01)).expect("finite");
    assert_eq!(one(GeometryBlocks::Full), one(GeometryBlocks::Layer));
}
