//! Parts that do not fit are refused by name.

use dynamic_inversion::dynamics::{
    DynamicsError, Feedback, LayerwiseInversion, LoopParameters, Transfer,
};
use dynamic_inversion::network::Activation;
use nalgebra::{DMatrix, dmatrix};

fn build(
    w: DMatrix<f64>,
    feedback: Feedback,
    transfer: Transfer,
    target: DMatrix<f64>,
    parameters: LoopParameters,
) -> DynamicsError {
    LayerwiseInversion::new(w, feedback, transfer, target, parameters)
        .expect_err("the parts do not fit")
}

const TIED: Feedback = Feedback::Tied { scale: 1.0 };

fn w() -> DMatrix<f64> {
    dmatrix![1.0, 2.0, 3.0; 4.0, 5.0, 6.0]
}

fn delta() -> DMatrix<f64> {
    dmatrix![1.0; 2.0]
}

#[test]
fn shapes_are_named() {
    let leak = LoopParameters::with_leak(0.1);
    let error = build(w(), Feedback::from(w()), Transfer::Linear, delta(), leak);
    assert_eq!(error.to_string(), "feedback matrix has shape 2 x 3, expected 3 x 2");
    let error = build(w(), TIED, Transfer::Linear, dmatrix![1.0; 2.0; 3.0], leak);
    assert_eq!(error.to_string(), "target has shape 3 x 1, expected 2 x 1");
    let point = DMatrix::zeros(2, 1);
    let transfer = Transfer::Tangent { activation: Activation::Tanh, operating_point: point };
    let error = build(w(), TIED, transfer, delta(), leak);
    assert_eq!(error.to_string(), "operating point has shape 2 x 1, expected 3 x 1 or 3 x 1");
    let error = build(DMatrix::zeros(0, 3), TIED, Transfer::Linear, DMatrix::zeros(0, 1), leak);
    assert_eq!(error.to_string(), "weights is empty");
    let error = build(w(), TIED, Transfer::Linear, DMatrix::zeros(2, 0), leak);
    assert_eq!(error.to_string(), "target is empty");
}

#[test]
fn entries_that_are_not_finite_are_named() {
    let leak = LoopParameters::with_leak(0.1);
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut weights = w();
        weights[(1, 2)] = bad;
        let error = build(weights, TIED, Transfer::Linear, delta(), leak);
        assert!(error.to_string().starts_with(&format!("weights[1][2] is {bad}")), "{error}");
        let error = build(w(), TIED, Transfer::Linear, dmatrix![1.0; bad], leak);
        assert!(error.to_string().starts_with("target[1][0] is"), "{error}");
        let error = build(w(), Feedback::Tied { scale: bad }, Transfer::Linear, delta(), leak);
        assert!(error.to_string().starts_with("scale is"), "{error}");
        let error = build(w(), TIED, Transfer::Linear, delta(), LoopParameters::with_leak(bad));
        assert!(error.to_string().starts_with("leak is"), "{error}");
        let good = LayerwiseInversion::new(w(), TIED, Transfer::Linear, delta(), leak).unwrap();
        let error = good.with_initial_state(vec![0.0, 0.0, bad, 0.0, 0.0]).expect_err("not finite");
        assert!(error.to_string().starts_with("initial state[2][0] is"), "{error}");
    }
}

#[test]
fn time_constants_must_be_positive() {
    for tau in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        let parameters = LoopParameters { tau_controller: tau, ..LoopParameters::with_leak(0.1) };
        let error = build(w(), TIED, Transfer::Linear, delta(), parameters);
        assert!(
            matches!(&error, DynamicsError::Range { what, .. } if what == "tau_controller"),
            "{error}"
        );
    }
}

#[test]
fn the_inverse_slope_refuses_a_flat_unit() {
    let point = dmatrix![0.1, 0.2; 0.3, -1.0; 0.5, 0.6];
    let transfer = Transfer::InverseSlope { activation: Activation::Relu, operating_point: point };
    let target = DMatrix::zeros(2, 2);
    let error = build(w(), TIED, transfer, target.clone(), LoopParameters::with_leak(0.1));
    let expected =
        DynamicsError::ZeroSlope { activation: "relu", unit: 1, target: 1, operating_point: -1.0 };
    assert_eq!(error, expected);
    // The slope of tanh keeps its relative accuracy down to 1e-303 and is 0 beyond.
    let point = dmatrix![0.0; 0.0; 400.0];
    let transfer = Transfer::InverseSlope { activation: Activation::Tanh, operating_point: point };
    let error = build(w(), TIED, transfer, delta(), LoopParameters::with_leak(0.1));
    assert!(matches!(error, DynamicsError::ZeroSlope { unit: 2, target: 0, .. }), "{error}");
}
