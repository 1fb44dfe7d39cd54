//! Equilibria and spectra against reference values.

use dynamic_inversion::dynamics::{
    ChainLayer, ConcurrentInversion, Dynamics, Feedback, InvertedLayer, LayerwiseInversion,
    LoopParameters, NoClosedForm, SingleLoop, StateLayout, Transfer,
};
use dynamic_inversion::network::Activation;
use nalgebra::{DMatrix, DVector, dmatrix};

use crate::catalogue::{PARAMETERS, generator, inverted_layers, matrix, max_difference};
use crate::support::Golden;

fn parameters(golden: &Golden) -> LoopParameters {
    LoopParameters {
        leak: golden.scalar("leak"),
        tau_state: golden.scalar("tau_state"),
        tau_controller: golden.scalar("tau_controller"),
    }
}

fn column(vector: DVector<f64>) -> DMatrix<f64> {
    DMatrix::from_column_slice(vector.len(), 1, vector.as_slice())
}

fn layer_loop(golden: &Golden, transfer: Transfer) -> LayerwiseInversion {
    LayerwiseInversion::new(
        golden.matrix("W"),
        golden.matrix("B"),
        transfer,
        column(golden.vector("delta")),
        parameters(golden),
    )
    .unwrap()
}

fn rest_of(golden: &Golden) -> Vec<f64> {
    let mut rest = golden.vector("steady_state").as_slice().to_vec();
    rest.extend_from_slice(golden.vector("steady_controller").as_slice());
    rest
}

fn residual(dynamics: &dyn Dynamics, y: &[f64]) -> f64 {
    let mut f = vec![0.0; y.len()];
    dynamics.eval(0.0, y, &mut f);
    f.iter().fold(0.0, |worst, x| f64::max(worst, x.abs()))
}

/// Power sums of the Jacobian's eigenvalues, which need no eigenvalue solver: `trace J^k`.
fn assert_spectrum(dynamics: &dyn Dynamics, y: &[f64], golden: &Golden, name: &str) {
    let eigenvalues = golden.matrix("jacobian_eigenvalues");
    let mut jac = DMatrix::zeros(y.len(), y.len());
    dynamics.jacobian(0.0, y, &mut jac);
    let mut power = DMatrix::identity(y.len(), y.len());
    for k in 1..=y.len() as i32 {
        power *= &jac;
        let (mut expected, mut size) = (0.0, 0.0);
        for row in eigenvalues.row_iter() {
            let (modulus, angle) = (row[0].hypot(row[1]), row[1].atan2(row[0]));
            expected += modulus.powi(k) * (f64::from(k) * angle).cos();
            size += modulus.powi(k);
        }
        let error = (power.trace() - expected).abs();
        assert!(error < 1e-11 * size.max(1.0), "{name}: trace J^{k} off by {error:e}");
    }
}

#[test]
fn linear_loops_rest_at_the_reference() {
    for name in
        ["linear_contracting", "linear_square", "linear_expanding", "linear_perturbed_feedback"]
    {
        let golden = Golden::load(name);
        let dynamics = layer_loop(&golden, Transfer::Linear);
        let rest = dynamics.closed_form_equilibrium().unwrap();
        let error = max_difference(&rest, &rest_of(&golden));
        assert!(error < 1e-12, "{name}: {error:e}");
        assert!(residual(&dynamics, &rest) < 1e-14, "{name}: {:e}", residual(&dynamics, &rest));
        assert_spectrum(&dynamics, &rest, &golden, name);
    }
}

fn single_loop(golden: &Golden, transfer: &Transfer) -> SingleLoop {
    let layer =
        |weights: DMatrix<f64>| ChainLayer { weights: weights.into(), transfer: transfer.clone() };
    let layers = golden.matrices("weights").into_iter().map(layer).collect();
    SingleLoop::new(layers, golden.matrix("B"), column(golden.vector("delta")), parameters(golden))
        .unwrap()
}

fn rest_of_chain(golden: &Golden) -> Vec<f64> {
    let stages = golden.value("steady_stages").as_array().unwrap();
    let mut rest: Vec<f64> =
        stages.iter().flat_map(|s| crate::support::vector(s).as_slice().to_vec()).collect();
    rest.extend_from_slice(golden.vector("steady_controller").as_slice());
    rest
}

#[test]
fn single_loops_rest_at_the_reference() {
    for name in ["single_loop_linear_2stage", "single_loop_linear_4stage"] {
        let golden = Golden::load(name);
        let dynamics = single_loop(&golden, &Transfer::Linear);
        let rest = dynamics.closed_form_equilibrium().unwrap();
        let error = max_difference(&rest, &rest_of_chain(&golden));
        assert!(error < 1e-12, "{name}: {error:e}");
        assert_spectrum(&dynamics, &rest, &golden, name);
    }
    let golden = Golden::load("single_loop_tanh_2stage");
    let dynamics = single_loop(&golden, &Transfer::Nonlinear { activation: Activation::Tanh });
    let rest = rest_of_chain(&golden);
    assert!(residual(&dynamics, &rest) < 1e-14);
    assert_spectrum(&dynamics, &rest, &golden, "single_loop_tanh_2stage");
    assert!(matches!(dynamics.closed_form_equilibrium(), Err(NoClosedForm::Nonlinear { .. })));
}

/// Relative distance of the hidden states of a single loop from those of the layerwise loops, both
/// at rest without leak, with every feedback matrix a negative transpose.
fn single_against_layerwise(sizes: [usize; 3]) -> f64 {
    let mut rng = generator(40);
    let w2 = matrix(&mut rng, sizes[1], sizes[0], 0.5);
    let w3 = matrix(&mut rng, sizes[2], sizes[1], 0.5);
    let delta = matrix(&mut rng, sizes[2], 1, 1.0);
    let parameters = LoopParameters::with_leak(0.0);
    let layer =
        |w: &DMatrix<f64>| ChainLayer { weights: w.clone().into(), transfer: Transfer::Linear };
    // (-1)^{n-1} B_2 B_3 with n = 2 and B_l = -W_l^T.
    let b = -(w2.transpose() * w3.transpose());
    let single =
        SingleLoop::new(vec![layer(&w2), layer(&w3)], b, delta.clone(), parameters).unwrap();
    let inverted = |w: &DMatrix<f64>| InvertedLayer {
        weights: w.clone().into(),
        feedback: Feedback::Tied { scale: 1.0 },
        transfer: Transfer::Linear,
    };
    let layerwise =
        ConcurrentInversion::new(vec![inverted(&w2), inverted(&w3)], delta, parameters).unwrap();
    let single_rest = single.closed_form_equilibrium().unwrap();
    let layerwise_rest = layerwise.closed_form_equilibrium().unwrap();
    let r = |y: &[f64], name: &str, layout: &StateLayout| {
        y[layout.block(name).unwrap().range.clone()].to_vec()
    };
    let a = r(&single_rest, "stage_1", single.layout());
    let b = r(&layerwise_rest, "state_2", layerwise.layout());
    let size = b.iter().map(|b| b.abs()).fold(0.0, f64::max);
    max_difference(&a, &b) / size
}

#[test]
fn a_single_loop_equals_layerwise_loops_only_when_the_upper_layers_are_square() {
    let square = single_against_layerwise([8, 5, 5]);
    assert!(square < 1e-12, "{square:e}");
    let contracting = single_against_layerwise([8, 5, 3]);
    assert!(contracting > 0.1, "{contracting:e}");
}

#[test]
fn concurrent_loops_rest_where_the_loops_rest_one_after_the_other() {
    let mut rng = generator(41);
    let sizes = [7, 6, 5, 4];
    let transfers = vec![Transfer::Linear; 3];
    let layers = inverted_layers(&mut rng, &sizes, transfers);
    let delta = matrix(&mut rng, 4, 2, 1.0);
    let all = ConcurrentInversion::new(layers.clone(), delta.clone(), PARAMETERS).unwrap();
    let rest = all.closed_form_equilibrium().unwrap();
    let mut target = delta;
    let mut expected = Vec::new();
    for layer in layers.into_iter().rev() {
        let InvertedLayer { weights, feedback, transfer } = layer;
        let units = weights.ncols();
        let one = LayerwiseInversion::new(weights, feedback, transfer, target, PARAMETERS).unwrap();
        let part = one.closed_form_equilibrium().unwrap();
        target = DMatrix::from_column_slice(units, 2, &part[..2 * units]);
        expected.extend(part);
    }
    let size = expected.iter().map(|x| x.abs()).fold(1.0, f64::max);
    assert!(max_difference(&rest, &expected) < 1e-12 * size);
    assert!(residual(&all, &rest) < 1e-13 * size);
}

#[test]
fn tied_feedback_is_the_negative_transpose() {
    let golden = Golden::load("linear_contracting");
    let w = golden.matrix("W");
    let scale = -golden.matrix("B")[(3, 2)] / w[(2, 3)];
    assert!((golden.matrix("B") + scale * w.transpose()).amax() < 1e-15);
    let tied = LayerwiseInversion::new(
        w,
        Feedback::Tied { scale },
        Transfer::Linear,
        column(golden.vector("delta")),
        parameters(&golden),
    )
    .unwrap();
    let rest = tied.closed_form_equilibrium().unwrap();
    assert!(max_difference(&rest, &rest_of(&golden)) < 1e-12);
}

#[test]
fn nonlinear_loops_rest_at_the_reference() {
    for (name, activation) in [
        ("tanh_contracting", Activation::Tanh),
        ("tanh_expanding", Activation::Tanh),
        ("softplus_contracting", Activation::Softplus),
        ("relu_contracting", Activation::Relu),
    ] {
        let golden = Golden::load(name);
        let dynamics = layer_loop(&golden, Transfer::Nonlinear { activation });
        let rest = rest_of(&golden);
        assert!(residual(&dynamics, &rest) < 1e-14, "{name}: {:e}", residual(&dynamics, &rest));
        assert_spectrum(&dynamics, &rest, &golden, name);
        let refused = dynamics.closed_form_equilibrium().unwrap_err();
        assert!(matches!(refused, NoClosedForm::Nonlinear { .. }), "{name}: {refused:?}");
    }
}

#[test]
fn a_tangent_loop_rests_at_the_levenberg_marquardt_step() {
    // B = -M^T with M = W diag(g'(a)) gives r* = M^T (M M^T + leak I)^{-1} delta.
    let mut rng = generator(30);
    let w = matrix(&mut rng, 4, 7, 1.0);
    let a = matrix(&mut rng, 7, 1, 1.5);
    let delta = matrix(&mut rng, 4, 1, 1.0);
    let leak = 0.03;
    let slope = a.map(|a| 1.0 - a.tanh().powi(2));
    let m = DMatrix::from_fn(4, 7, |i, j| w[(i, j)] * slope[j]);
    let transfer = Transfer::Tangent { activation: Activation::Tanh, operating_point: a };
    let parameters = LoopParameters::with_leak(leak);
    let dynamics =
        LayerwiseInversion::new(w, -m.transpose(), transfer, delta.clone(), parameters).unwrap();
    let gram = &m * m.transpose() + leak * DMatrix::identity(4, 4);
    let expected = m.transpose() * gram.try_inverse().unwrap() * delta;
    let rest = dynamics.closed_form_equilibrium().unwrap();
    assert!(max_difference(&rest[..7], expected.as_slice()) < 1e-13);
}

#[test]
fn a_loop_without_leak_onto_a_wider_layer_has_no_equilibrium() {
    let mut rng = generator(31);
    for (rows, units) in [(5, 3), (4, 4)] {
        let mut w = matrix(&mut rng, rows, units, 1.0);
        if rows == units {
            // A square layer of rank 3.
            let copy = w.column(0) + w.column(1);
            w.set_column(3, &copy);
        }
        let delta = matrix(&mut rng, rows, 1, 1.0);
        let tied = Feedback::Tied { scale: 1.0 };
        let parameters = LoopParameters::with_leak(0.0);
        let dynamics =
            LayerwiseInversion::new(w, tied, Transfer::Linear, delta, parameters).unwrap();
        match dynamics.closed_form_equilibrium().unwrap_err() {
            NoClosedForm::Singular { reciprocal_condition, system } => {
                assert!(reciprocal_condition < 1e-15, "{reciprocal_condition:e}");
                assert_eq!(system, if rows > units { "B M - leak I" } else { "M B - leak I" });
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn two_by_three_loop_rests_where_arithmetic_by_hand_says() {
    // W W^T = diag(5, 1), so u* = -(0.2, 0.5) without leak and r* = W^T (0.2, 0.5).
    let dynamics = LayerwiseInversion::new(
        dmatrix![2.0, 0.0, 1.0; 0.0, 1.0, 0.0],
        Feedback::Tied { scale: 1.0 },
        Transfer::Linear,
        dmatrix![1.0; 0.5],
        LoopParameters::with_leak(0.0),
    )
    .unwrap();
    let rest = dynamics.closed_form_equilibrium().unwrap();
    assert!(max_difference(&rest, &[0.4, 0.5, 0.2, -0.2, -0.5]) < 1e-15);
}
