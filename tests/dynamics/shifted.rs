//! Structured solves of `(I - h J) x = b` against dense LU.

use dynamic_inversion::dynamics::{DenseShifted, ShiftedSolver};

use nalgebra::DMatrix;

use crate::catalogue::{self, generator, max_difference, vector};

#[test]
fn structured_solves_agree_with_dense_ones() {
    for instance in catalogue::all() {
        let dynamics = instance.dynamics.as_ref();
        let mut structured = dynamics.shifted_solver();
        let mut dense = DenseShifted::new(dynamics);
        for stream in 0..2 {
            let y = catalogue::state(&instance, stream);
            let b = vector(&mut generator(88 + stream), y.len(), 1.0);
            for (k, shift) in [0.05, 0.4, 30.0, -0.2].into_iter().enumerate() {
                // The first shift takes the Jacobian, the others keep it.
                for solver in [&mut *structured as &mut dyn ShiftedSolver, &mut dense] {
                    if k == 0 { solver.factor(0.0, &y, shift) } else { solver.reshift(shift) }
                        .unwrap();
                }
                let (mut x, mut expected) = (b.clone(), b.clone());
                structured.solve(&mut x);
                dense.solve(&mut expected);
                let error = max_difference(&x, &expected);
                assert!(error < 1e-11, "{} shift {shift}: {error:e}", instance.name);
            }
        }
    }
}

#[test]
fn a_state_that_is_not_finite_is_refused() {
    let mut refused_somewhere = false;
    for instance in catalogue::all() {
        let mut y = catalogue::state(&instance, 0);
        y[0] = f64::NAN;
        let mut jac = DMatrix::zeros(y.len(), y.len());
        instance.dynamics.jacobian(0.0, &y, &mut jac);
        if jac.iter().all(|x| x.is_finite()) {
            // A slope that is constant, at least piecewise, does not see the state.
            continue;
        }
        refused_somewhere = true;
        let refused = instance.dynamics.shifted_solver().factor(2.0, &y, 0.1);
        let error = refused.expect_err(&instance.name);
        assert_eq!((error.t, error.shift), (2.0, 0.1), "{}", instance.name);
    }
    assert!(refused_somewhere);
}

#[test]
fn a_shift_that_is_not_finite_is_refused() {
    for instance in catalogue::all() {
        let y = catalogue::state(&instance, 0);
        let mut solver = instance.dynamics.shifted_solver();
        assert!(solver.factor(0.0, &y, f64::NAN).is_err(), "{}", instance.name);
        assert!(solver.factor(0.0, &y, f64::INFINITY).is_err(), "{}", instance.name);
    }
}
