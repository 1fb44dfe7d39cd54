//! Analytic Jacobians and directional derivatives against central differences.

use nalgebra::{DMatrix, DVector};

use crate::catalogue::{self, Instance, generator, max_difference, vector};

/// Step of the central differences: the error is about `step^2` plus rounding over `step`.
const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 1e-8;

fn differences(instance: &Instance, y: &[f64]) -> DMatrix<f64> {
    let n = y.len();
    let (mut ahead, mut behind) = (vec![0.0; n], vec![0.0; n]);
    let mut jac = DMatrix::zeros(n, n);
    let mut point = y.to_vec();
    for j in 0..n {
        point[j] = y[j] + STEP;
        instance.dynamics.eval(0.3, &point, &mut ahead);
        point[j] = y[j] - STEP;
        instance.dynamics.eval(0.3, &point, &mut behind);
        point[j] = y[j];
        for i in 0..n {
            jac[(i, j)] = (ahead[i] - behind[i]) / (2.0 * STEP);
        }
    }
    jac
}

#[test]
fn jacobians_agree_with_central_differences() {
    for instance in catalogue::all() {
        for stream in 0..2 {
            let y = catalogue::state(&instance, stream);
            let mut jac = DMatrix::from_element(y.len(), y.len(), f64::NAN);
            instance.dynamics.jacobian(0.3, &y, &mut jac);
            let error = max_difference(jac.as_slice(), differences(&instance, &y).as_slice());
            assert!(error < TOLERANCE, "{}: {error:e}", instance.name);
        }
    }
}

#[test]
fn directional_derivatives_agree_with_the_jacobian() {
    for instance in catalogue::all() {
        let y = catalogue::state(&instance, 0);
        let v = vector(&mut generator(77), y.len(), 1.0);
        let mut jac = DMatrix::zeros(y.len(), y.len());
        instance.dynamics.jacobian(0.3, &y, &mut jac);
        let expected = jac * DVector::from_column_slice(&v);
        let mut found = vec![f64::NAN; y.len()];
        instance.dynamics.jvp(0.3, &y, &v, &mut found);
        let error = max_difference(&found, expected.as_slice());
        assert!(error < 1e-13, "{}: {error:e}", instance.name);
    }
}
