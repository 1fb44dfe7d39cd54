//! Block structure against the dense Jacobian.

use dynamic_inversion::dynamics::{ControlParameter, LayerLoop, SingleLoopChain, Structure};
use nalgebra::{DMatrix, DVector};

use crate::catalogue;

/// `[[-I/tau_state, B/tau_state], [M/tau_controller, -leak I/tau_controller]]`.
fn dense_loop(l: &LayerLoop) -> DMatrix<f64> {
    let (m, n) = l.forward.shape();
    let mut jac = DMatrix::zeros(n + m, n + m);
    jac.view_mut((0, 0), (n, n)).fill_with_identity();
    jac.view_mut((n, n), (m, m)).fill_with_identity();
    let mut scale = |rows: std::ops::Range<usize>, factor: f64| {
        jac.rows_mut(rows.start, rows.len()).scale_mut(factor);
    };
    scale(0..n, -1.0 / l.tau_state);
    scale(n..n + m, -l.leak / l.tau_controller);
    jac.view_mut((0, n), (n, m)).copy_from(&(&l.feedback / l.tau_state));
    jac.view_mut((n, 0), (m, n)).copy_from(&(&l.forward / l.tau_controller));
    jac
}

/// Stages on the diagonal, each driven by the one before it, the first by the controller.
fn dense_chain(chain: &SingleLoopChain) -> DMatrix<f64> {
    let mut starts = vec![0];
    for forward in &chain.forward {
        starts.push(starts[starts.len() - 1] + forward.ncols());
    }
    let controller = starts[starts.len() - 1];
    let dim = controller + chain.feedback.ncols();
    let mut jac = DMatrix::zeros(dim, dim);
    for i in 0..dim {
        jac[(i, i)] = if i < controller {
            -1.0 / chain.tau_state
        } else {
            -chain.leak / chain.tau_controller
        };
    }
    for (k, forward) in chain.forward.iter().enumerate() {
        let last = k + 1 == chain.forward.len();
        let tau = if last { chain.tau_controller } else { chain.tau_state };
        jac.view_mut((starts[k + 1], starts[k]), forward.shape()).copy_from(&(forward / tau));
    }
    let feedback = &chain.feedback / chain.tau_state;
    jac.view_mut((0, controller), feedback.shape()).copy_from(&feedback);
    jac
}

/// The rows and columns of the dense Jacobian that belong to one target.
pub fn jacobian_of_column(
    dynamics: &dyn dynamic_inversion::dynamics::Dynamics,
    y: &[f64],
    column: usize,
) -> DMatrix<f64> {
    let mut full = DMatrix::zeros(y.len(), y.len());
    dynamics.jacobian(0.0, y, &mut full);
    let indices: Vec<usize> =
        dynamics.layout().blocks().iter().flat_map(|b| b.column_range(column)).collect();
    full.select_rows(&indices).select_columns(&indices)
}

#[test]
fn structures_reproduce_the_dense_jacobian() {
    for instance in catalogue::all() {
        let dynamics = instance.dynamics.as_ref();
        let y = catalogue::state(&instance, 0);
        for column in 0..dynamics.columns() {
            let dense = jacobian_of_column(dynamics, &y, column);
            match dynamics.structure(0.0, &y, column) {
                Structure::LayerLoops(loops) => {
                    let mut start = 0;
                    for block in loops.iter().map(dense_loop) {
                        let size = block.nrows();
                        let part = dense.view((start, start), (size, size));
                        assert!((part - block).amax() < 1e-15, "{}", instance.name);
                        // Nothing above the diagonal: the loop does not feel the loops below it.
                        let right = dense.ncols() - start - size;
                        assert_eq!(dense.view((start, start + size), (size, right)).sum(), 0.0);
                        start += size;
                    }
                    assert_eq!(start, dense.nrows(), "{}", instance.name);
                }
                Structure::SingleLoop(chain) => {
                    assert!((dense - dense_chain(&chain)).amax() < 1e-15, "{}", instance.name);
                }
                Structure::Control(control) => {
                    // Power sums of the reduced spectrum and of the known eigenvalues.
                    let reduced = power_sums(&control.jacobian, 8);
                    for (k, (sum, reduced)) in power_sums(&dense, 8).iter().zip(reduced).enumerate()
                    {
                        let power = |rate: f64| rate.powi(k as i32 + 1);
                        let known = control.known.iter();
                        let known: f64 = known.map(|(x, n)| power(*x) * *n as f64).sum();
                        let size = power(dense.norm()).abs();
                        let error = (sum - reduced - known).abs() / size;
                        assert!(error < 1e-13, "{} {k}: {error:e}", instance.name);
                    }
                    let count: usize = control.known.iter().map(|(_, n)| n).sum();
                    assert_eq!(count + control.jacobian.nrows(), dense.nrows());
                }
                Structure::Dense => {}
            }
        }
    }
}

#[test]
fn targets_do_not_mix() {
    for instance in catalogue::all() {
        let dynamics = instance.dynamics.as_ref();
        let y = catalogue::state(&instance, 0);
        let mut jac = DMatrix::zeros(y.len(), y.len());
        dynamics.jacobian(0.0, &y, &mut jac);
        for i in 0..y.len() {
            for j in 0..y.len() {
                if dynamics.column_of(i) != dynamics.column_of(j) {
                    assert_eq!(jac[(i, j)], 0.0, "{} ({i}, {j})", instance.name);
                }
            }
        }
    }
}

/// `trace J^k` for `k = 1..=count`: the power sums of the eigenvalues, without computing them.
fn power_sums(jac: &DMatrix<f64>, count: usize) -> Vec<f64> {
    let mut power = DMatrix::identity(jac.nrows(), jac.nrows());
    let next = |_| {
        power *= jac;
        power.trace()
    };
    (0..count).map(next).collect()
}

#[test]
fn the_spectrum_of_concurrent_loops_is_the_union_of_the_loops_spectra() {
    for instance in catalogue::concurrent_inversions() {
        let dynamics = instance.dynamics.as_ref();
        let y = catalogue::state(&instance, 0);
        let dense = jacobian_of_column(dynamics, &y, 0);
        let Structure::LayerLoops(loops) = dynamics.structure(0.0, &y, 0) else {
            panic!("{}: loops expected", instance.name)
        };
        // Equal power sums up to the dimension mean equal spectra.
        let mut union = vec![0.0; dense.nrows()];
        for block in loops.iter().map(dense_loop) {
            let sums = power_sums(&block, dense.nrows());
            union.iter_mut().zip(sums).for_each(|(union, sum)| *union += sum);
        }
        for (found, expected) in power_sums(&dense, dense.nrows()).iter().zip(&union) {
            assert!(
                (found - expected).abs() < 1e-12 * expected.abs().max(1.0),
                "{}",
                instance.name
            );
        }
    }
}

#[test]
fn slope_forms_reproduce_the_dense_jacobian_of_every_loop() {
    let mut nonlinear = 0;
    for instance in catalogue::all() {
        let dynamics = instance.dynamics.as_ref();
        let y = catalogue::state(&instance, 0);
        for column in 0..dynamics.columns() {
            let Some(form) = dynamics.slope_form(column) else { continue };
            let own = DVector::from_vec(dynamics.layout().column_state(column, &y));
            let arguments = &form.right * own;
            let slopes = DVector::from_fn(form.units.len(), |k, _| {
                let unit = form.units[k];
                unit.gain * unit.activation.slope_at(unit.offset + unit.gain * arguments[k])
            });
            let found = &form.constant + &form.left * DMatrix::from_diagonal(&slopes) * &form.right;
            let dense = jacobian_of_column(dynamics, &y, column);
            assert!((found - dense).amax() < 1e-13, "{} column {column}", instance.name);
            nonlinear += usize::from(!form.units.is_empty());
        }
    }
    for family in [catalogue::concurrent_inversions(), catalogue::single_loops()] {
        assert!(family.iter().all(|one| one.dynamics.slope_form(0).is_some()));
    }
    assert!(nonlinear > 20, "{nonlinear}");
}

/// The parameter of a control loop changes what its name says and nothing else.
#[test]
fn control_parameters_are_where_they_are_said_to_be() {
    for instance in catalogue::rate_networks().into_iter().chain(catalogue::linear_systems()) {
        let dynamics = instance.dynamics.as_ref();
        let y = catalogue::state(&instance, 0);
        let present = jacobian_of_column(dynamics, &y, 0);
        for parameter in
            [ControlParameter::Leak, ControlParameter::Gain, ControlParameter::TauRatio]
        {
            let at = |value: f64| {
                let changed = dynamics.with_control_parameter(parameter, value)?;
                let read = changed.control_parameter(parameter)?;
                Some((jacobian_of_column(changed.as_ref(), &y, 0), read))
            };
            let Some(value) = dynamics.control_parameter(parameter) else {
                assert!(at(1.5).is_none(), "{} {parameter:?}", instance.name);
                continue;
            };
            let (same, _) = at(value).expect("offered");
            assert!((same - &present).amax() < 1e-14, "{} {parameter:?}", instance.name);
            let (other, read) = at(value + 0.5).expect("offered");
            let moved = (other - &present).amax();
            let is_factor_of_nothing = parameter == ControlParameter::Gain;
            assert!(moved > 1e-3 || is_factor_of_nothing, "{} {parameter:?}", instance.name);
            // A factor, and the extra decay of a linear system, count from the changed equation.
            let is_relative = is_factor_of_nothing || instance.name.contains("linear");
            assert!(is_relative || (read - value - 0.5).abs() < 1e-12, "{}", instance.name);
        }
    }
}
