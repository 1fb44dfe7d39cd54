//! Equilibria and spectra against reference values.

use dynamic_inversion::dynamics::{
    Dynamics, Feedback, LayerwiseInversion, LoopParameters, NoClosedForm, Transfer,
};
use dynamic_inversion::network::Activation;
use nalgebra::{DMatrix, DVector, dmatrix};

use crate::catalogue::{generator, matrix, max_difference};
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
