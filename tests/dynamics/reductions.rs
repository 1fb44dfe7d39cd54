//! Reduced equilibrium equations against the full right-hand side.

use nalgebra::DMatrix;

use crate::catalogue::{self, generator, max_difference, vector};

#[test]
fn reduced_jacobians_agree_with_central_differences() {
    let mut covered = 0;
    for instance in catalogue::all() {
        for column in 0..instance.dynamics.columns() {
            let Some(reduced) = instance.dynamics.reduced(column) else { continue };
            covered += 1;
            let n = reduced.dim();
            let z = vector(&mut generator(61), n, 0.7);
            let mut jac = DMatrix::from_element(n, n, f64::NAN);
            reduced.jacobian(&z, &mut jac);
            let (mut ahead, mut behind) = (vec![f64::NAN; n], vec![f64::NAN; n]);
            let step = 1e-5;
            for j in 0..n {
                let mut point = z.clone();
                point[j] += step;
                reduced.residual(&point, &mut ahead);
                point[j] -= 2.0 * step;
                reduced.residual(&point, &mut behind);
                for i in 0..n {
                    let difference = (ahead[i] - behind[i]) / (2.0 * step);
                    let error = (jac[(i, j)] - difference).abs();
                    assert!(error < 1e-8, "{} ({i}, {j}): {error:e}", instance.name);
                }
            }
        }
    }
    assert!(covered > 100);
}

/// Newton's method on the reduced equation, from zero, without damping: enough for these sizes.
fn newton(reduced: &dyn dynamic_inversion::dynamics::ReducedEquilibrium) -> Option<Vec<f64>> {
    let n = reduced.dim();
    let (mut z, mut m) = (vec![0.0; n], vec![0.0; n]);
    let mut jac = DMatrix::zeros(n, n);
    for _ in 0..50 {
        reduced.residual(&z, &mut m);
        if m.iter().all(|m| m.abs() < 1e-14) {
            return Some(z);
        }
        reduced.jacobian(&z, &mut jac);
        let step = jac.clone().lu().solve(&DMatrix::from_column_slice(n, 1, &m))?;
        z.iter_mut().zip(step.iter()).for_each(|(z, s)| *z -= s);
    }
    None
}

#[test]
fn zeros_of_the_reduced_equation_are_equilibria() {
    let mut solved = 0;
    for instance in catalogue::all() {
        let dynamics = &instance.dynamics;
        let mut y = vec![f64::NAN; dynamics.dim()];
        for column in 0..dynamics.columns() {
            let Some(z) = dynamics.reduced(column).and_then(|reduced| newton(reduced.as_ref()))
            else {
                continue;
            };
            solved += 1;
            let lifted = dynamics.reduced(column).unwrap().lift(&z);
            dynamics.layout().set_column_state(column, &lifted, &mut y);
            // The other targets rest at zero, which is no equilibrium but finite.
            let mut full = vec![0.0; dynamics.dim()];
            dynamics.layout().set_column_state(column, &lifted, &mut full);
            let mut f = vec![f64::NAN; dynamics.dim()];
            dynamics.eval(0.0, &full, &mut f);
            let rest = dynamics.layout().column_state(column, &f);
            assert!(
                max_difference(&rest, &vec![0.0; rest.len()]) < 1e-12,
                "{}: {rest:?}",
                instance.name
            );
        }
        if let (Ok(closed), true) =
            (dynamics.closed_form_equilibrium(), y.iter().all(|y| y.is_finite()))
        {
            let size = y.iter().fold(1.0, |size, y| f64::max(size, y.abs()));
            let error = max_difference(&closed, &y);
            assert!(error < 1e-11 * size, "{}: {error:e} of {size:e}", instance.name);
        }
    }
    assert!(solved > 100, "only {solved} instances were solved");
}
