//! Dynamics shared by the tests of this suite.

use dynamic_inversion::dynamics::{
    Dynamics, Feedback, LayerwiseInversion, LinearDynamics, LoopParameters, Transfer,
};
use dynamic_inversion::network::Activation;
use nalgebra::{DMatrix, DVector, dmatrix};

/// A matrix of reproducible entries in (-0.5, 0.5) without structure.
pub fn noise(rows: usize, columns: usize, seed: usize) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |i, j| {
        let k = (seed * 7919 + i * 104_729 + j * 1_299_709 + i * j * 31 + 1) as f64;
        (k * 0.618_033_988_749_894_9).fract() - 0.5
    })
}

pub fn linear(a: DMatrix<f64>, b: Vec<f64>, x0: Vec<f64>) -> LinearDynamics {
    LinearDynamics::new(a, b).unwrap().with_initial_state(x0).unwrap()
}

pub fn decay() -> LinearDynamics {
    linear(dmatrix![-1.0], vec![0.0], vec![1.0])
}

/// `x_0 = cos t` from (1, 0).
pub fn rotation() -> LinearDynamics {
    linear(dmatrix![0.0, 1.0; -1.0, 0.0], vec![0.0, 0.0], vec![1.0, 0.0])
}

/// Eigenvalues -1 and -1e6.
pub fn stiff() -> LinearDynamics {
    let a = dmatrix![999_998.0, 1_999_998.0; -999_999.0, -1_999_999.0];
    linear(a, vec![0.0, 0.0], vec![1.0, 0.0])
}

/// One Jordan block of size six with eigenvalue -1/256, integer-similar to its normal form.
pub fn defective() -> DMatrix<f64> {
    dmatrix![
        -3.00390625, -1.0, 2.0, 3.0, -1.0, 1.0;
        4.0, 0.99609375, -1.0, -3.0, 1.0, -1.0;
        -9.0, -4.0, -0.00390625, 3.0, -2.0, 1.0;
        0.0, 0.0, 2.0, 1.99609375, 0.0, 1.0;
        1.0, 0.0, -2.0, -2.0, 0.99609375, 0.0;
        6.0, 2.0, 0.0, -3.0, 1.0, -1.00390625
    ]
}

/// A layer loop from a start that is not zero.
pub fn layer(
    w: DMatrix<f64>,
    feedback: impl Into<Feedback>,
    transfer: Transfer,
    targets: usize,
    parameters: LoopParameters,
) -> LayerwiseInversion {
    let delta = noise(w.nrows(), targets, 3);
    let dim = (w.nrows() + w.ncols()) * targets;
    LayerwiseInversion::new(w, feedback, transfer, delta, parameters)
        .unwrap()
        .with_initial_state(noise(dim, 1, 4).as_slice().to_vec())
        .unwrap()
}

pub fn parameters(leak: f64) -> LoopParameters {
    LoopParameters { leak, tau_state: 0.7, tau_controller: 1.9 }
}

pub fn tangent(units: usize, columns: usize) -> Transfer {
    let operating_point = noise(units, columns, 9) * 4.0;
    Transfer::Tangent { activation: Activation::Tanh, operating_point }
}

/// The state at `t` from one exponential of the whole Jacobian.
pub fn by_expm(dynamics: &dyn Dynamics, t: f64) -> Vec<f64> {
    let n = dynamics.dim();
    let mut jacobian = DMatrix::zeros(n, n);
    let mut constant = vec![0.0; n];
    dynamics.jacobian(0.0, &vec![0.0; n], &mut jacobian);
    dynamics.eval(0.0, &vec![0.0; n], &mut constant);
    let constant = DVector::from_vec(constant);
    let (e, d) = dynamic_inversion::linalg::expm::affine_flow(&jacobian, &constant, t).unwrap();
    let x0 = DVector::from_vec(dynamics.initial_state());
    (e * x0 + d).as_slice().to_vec()
}

/// Largest difference relative to the largest entry of `b`, or to 1.
pub fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let scale = b.iter().fold(1.0_f64, |m, b| m.max(b.abs()));
    let nan_is_far = |d: f64| if d.is_nan() { f64::INFINITY } else { d };
    a.iter().zip(b).fold(0.0_f64, |m, (a, b)| m.max(nan_is_far((a - b).abs()))) / scale
}
