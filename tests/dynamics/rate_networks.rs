//! Rate networks and affine systems against closed forms and published hard cases.

use dynamic_inversion::dynamics::{
    CONTROLLERS, Controller, Dynamics, DynamicsError, LinearDynamics, NoClosedForm, RateNetwork,
    RateParameters,
};
use dynamic_inversion::network::Activation;
use nalgebra::{DMatrix, dmatrix};

use crate::catalogue::{generator, matrix, max_difference, vector};

fn right_hand_side(dynamics: &dyn Dynamics, y: &[f64]) -> Vec<f64> {
    let mut f = vec![f64::NAN; y.len()];
    dynamics.eval(0.0, y, &mut f);
    f
}

fn jacobian(dynamics: &dyn Dynamics, y: &[f64]) -> DMatrix<f64> {
    let mut jac = DMatrix::from_element(y.len(), y.len(), f64::NAN);
    dynamics.jacobian(0.0, y, &mut jac);
    jac
}

/// `v' = -v + u`, `u' = 1.5 - tanh v - leak u`: the readout cannot reach its target.
fn unreachable_target(leak: f64) -> RateNetwork {
    let unit = RateParameters::new(dmatrix![0.0], Activation::Tanh);
    let controller = Controller::LeakyIntegral { leak, tau: 1.0, k_i: 1.0 };
    let network = RateNetwork::new(unit).unwrap();
    network.with_controller(dmatrix![1.0], vec![1.5], controller, dmatrix![1.0]).unwrap()
}

#[test]
fn an_unreachable_target_is_met_up_to_the_leak() {
    let network = unreachable_target(0.1);
    let rest = 5.00090631315184;
    let f = right_hand_side(&network, &[rest, rest]);
    assert!(max_difference(&f, &[0.0, 0.0]) < 1e-14, "{f:?}");
    let jac = jacobian(&network, &[rest, rest]);
    let (fast, slow) = (-0.999798561117827, -0.100201438882173);
    assert!((jac.trace() - (fast + slow)).abs() < 1e-14);
    assert!((jac.determinant() - fast * slow).abs() < 1e-14);
    let mut observed = [0.0; 2];
    network.observe(0.0, &[rest, rest], &mut observed);
    assert!(observed[0] < 1e-14);
    assert!((observed[1] - 0.500090631315184).abs() < 1e-14);
    assert_eq!(network.observables()[1].name, "target_error");
    assert!(matches!(network.closed_form_equilibrium(), Err(NoClosedForm::Nonlinear { .. })));
    // Without leak the controller winds up at rate 1/2 where the readout saturates.
    let f = right_hand_side(&unreachable_target(0.0), &[500.70748258, 501.20748258]);
    assert!(max_difference(&f, &[0.5, 0.5]) < 1e-12, "{f:?}");
}

#[test]
fn a_gain_inside_the_activation_makes_a_pitchfork() {
    // x' = -x + tanh(2 x).
    let unit = RateParameters { gain: 2.0, ..RateParameters::new(dmatrix![1.0], Activation::Tanh) };
    let network = RateNetwork::new(unit).unwrap();
    let rest = 0.957504024077269;
    assert!(right_hand_side(&network, &[rest])[0].abs() < 1e-15);
    assert!((jacobian(&network, &[rest])[(0, 0)] + 0.833627912248326).abs() < 1e-14);
    assert_eq!(jacobian(&network, &[0.0])[(0, 0)], 1.0);
}

#[test]
fn units_may_differ_in_activation_and_leak() {
    // x' = -x + relu(u), u' = 1 - x.
    let parameters = RateParameters {
        w: dmatrix![0.0, 1.0; -1.0, 0.0],
        activation: vec![Activation::Linear, Activation::Relu],
        gain: 1.0,
        leak: vec![1.0, 0.0],
        tau: vec![1.0],
        input: vec![0.0, 1.0],
    };
    let network = RateNetwork::new(parameters).unwrap();
    assert_eq!(right_hand_side(&network, &[0.25, -1.0]), [-0.25, 0.75]);
    assert_eq!(right_hand_side(&network, &[0.25, 2.0]), [1.75, 0.75]);
    assert_eq!(jacobian(&network, &[0.0, -1.0]), dmatrix![-1.0, 0.0; -1.0, 0.0]);
    assert_eq!(jacobian(&network, &[1.0, 1.0]), dmatrix![-1.0, 1.0; -1.0, 0.0]);
}

#[test]
fn controllers_follow_their_equations() {
    // One unit with slope 1, written out by hand.
    let (x, z, s) = (0.3, -0.7, 0.2);
    let (target, readout, q, leak, tau) = (1.1, 0.9, 0.6, 0.05, 0.4);
    let unit = RateParameters {
        leak: vec![0.8],
        tau: vec![2.0],
        input: vec![0.25],
        ..RateParameters::new(dmatrix![0.5], Activation::Linear)
    };
    let e = target - readout * x;
    let (k_p, k_i, k_d, tau_derivative) = (1.5, 0.7, 0.3, 0.02);
    let x_rate = |c: f64| (-0.8 * x + 0.5 * x + 0.25 + q * c) / 2.0;
    let z_rate = (k_i * e - leak * z) / tau;
    let cases = [
        (Controller::LeakyIntegral { leak, tau, k_i }, vec![x, z], vec![x_rate(z), z_rate]),
        (
            Controller::ProportionalIntegral { k_p, k_i, leak, tau },
            vec![x, z],
            vec![x_rate(z + k_p * e), z_rate],
        ),
        (
            Controller::Pid { k_p, k_i, k_d, leak, tau, tau_derivative },
            vec![x, z, s],
            vec![
                x_rate(z + k_p * e + k_d * (e - s) / tau_derivative),
                z_rate,
                (e - s) / tau_derivative,
            ],
        ),
    ];
    assert_eq!(cases.len(), CONTROLLERS.len());
    for (controller, y, expected) in cases {
        let network = RateNetwork::new(unit.clone()).unwrap();
        let network = network
            .with_controller(dmatrix![readout], vec![target], controller, dmatrix![q])
            .unwrap();
        let found = right_hand_side(&network, &y);
        assert!(max_difference(&found, &expected) < 1e-13, "{controller:?}: {found:?}");
    }
}

#[test]
fn integral_control_without_leak_rests_at_the_target() {
    let mut rng = generator(50);
    let parameters = RateParameters::new(matrix(&mut rng, 4, 4, 0.3), Activation::Linear);
    let controller = Controller::ProportionalIntegral { k_p: 0.5, k_i: 1.0, leak: 0.0, tau: 1.0 };
    let readout = matrix(&mut rng, 2, 4, 1.0);
    let target = vec![0.7, -0.4];
    let q = readout.transpose();
    let network = RateNetwork::new(parameters).unwrap();
    let network = network.with_controller(readout.clone(), target.clone(), controller, q).unwrap();
    assert!(network.is_linear());
    let rest = network.closed_form_equilibrium().unwrap();
    let reached = readout * DMatrix::from_column_slice(4, 1, &rest[..4]);
    assert!(max_difference(reached.as_slice(), &target) < 1e-13);
    assert!(max_difference(&right_hand_side(&network, &rest), &[0.0; 6]) < 1e-13);
}

#[test]
fn affine_systems_rest_where_the_matrix_says() {
    let mut rng = generator(51);
    let a = matrix(&mut rng, 5, 5, 1.0) - 2.0 * DMatrix::identity(5, 5);
    let expected = vector(&mut rng, 5, 1.0);
    let b = &a * DMatrix::from_column_slice(5, 1, &expected) * -1.0;
    let system = LinearDynamics::new(a, b.data.into()).unwrap();
    let rest = system.closed_form_equilibrium().unwrap();
    assert!(max_difference(&rest, &expected) < 1e-14);
    let integrator = LinearDynamics::new(dmatrix![0.0, 1.0; 0.0, -1.0], vec![1.0, 0.0]).unwrap();
    match integrator.closed_form_equilibrium() {
        Err(NoClosedForm::Singular { system, reciprocal_condition }) => {
            assert_eq!((system.as_str(), reciprocal_condition), ("a", 0.0));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn parts_that_do_not_fit_are_named() {
    let unit = || RateParameters::new(DMatrix::identity(3, 3), Activation::Tanh);
    let refused = |parameters| RateNetwork::new(parameters).expect_err("refused").to_string();
    assert_eq!(
        refused(RateParameters { leak: vec![1.0, 2.0], ..unit() }),
        "leak has shape 2 x 1, expected 1 x 1 or 3 x 1"
    );
    assert!(
        refused(RateParameters { tau: vec![1.0, 0.0, 1.0], ..unit() }).starts_with("tau[1] is 0")
    );
    assert!(
        refused(RateParameters { input: vec![f64::NAN], ..unit() }).starts_with("input[0] is NaN")
    );
    let mut w = DMatrix::identity(3, 3);
    w[(2, 0)] = f64::INFINITY;
    assert!(refused(RateParameters { w, ..unit() }).starts_with("w[2][0] is inf"));
    let controller = Controller::LeakyIntegral { leak: 0.1, tau: 1.0, k_i: 1.0 };
    let close = |readout, target, q| {
        RateNetwork::new(unit())
            .unwrap()
            .with_controller(readout, target, controller, q)
            .expect_err("refused")
    };
    let error = close(DMatrix::zeros(2, 3), vec![1.0; 2], DMatrix::zeros(2, 3));
    assert_eq!(error.to_string(), "q has shape 2 x 3, expected 3 x 2");
    let error = close(DMatrix::zeros(2, 2), vec![1.0; 2], DMatrix::zeros(3, 2));
    assert_eq!(error.to_string(), "readout has shape 2 x 2, expected 2 x 3");
    let pid =
        Controller::Pid { k_p: 1.0, k_i: 1.0, k_d: 1.0, leak: 0.0, tau: 1.0, tau_derivative: 0.0 };
    let network = RateNetwork::new(unit()).unwrap();
    let error = network
        .with_controller(DMatrix::zeros(1, 3), vec![1.0], pid, DMatrix::zeros(3, 1))
        .expect_err("refused");
    assert!(matches!(error, DynamicsError::Range { what, .. } if what == "tau_derivative"));
    let error = LinearDynamics::new(DMatrix::zeros(2, 3), vec![0.0; 2]).expect_err("refused");
    assert_eq!(error.to_string(), "a has shape 2 x 3, expected 2 x 2");
    let error = LinearDynamics::new(DMatrix::zeros(2, 2), vec![0.0; 3]).expect_err("refused");
    assert_eq!(error.to_string(), "b has shape 3 x 1, expected 2 x 1");
}
