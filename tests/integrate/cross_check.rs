//! Error estimates and comparisons of solvers.

use dynamic_inversion::integrate::{
    AUTO, CrossCheck, DOP853, DOPRI5, EULER, IMPLICIT, InvalidRun, METHODS, Method, Options, RK4,
    Run, SEMI_IMPLICIT_EULER, SaveAt, SteadyState, TSIT5,
};

use crate::fields::{Custom, Linear};
use crate::goldens;

/// Estimated and true largest errors of a run over the rows of a golden trajectory.
fn estimate(name: &str, method: &'static Method, options: Options) -> (f64, f64) {
    let (field, times, reference) = goldens::load(name);
    let y0 = vec![0.0; reference.ncols()];
    let run = Run::new(&field, method, (times[0], times[times.len() - 1]), &y0)
        .options(options)
        .save_at(SaveAt::Times(times.clone()));
    let mut check = CrossCheck::by_finer_run(&run).unwrap();
    run.integrate(&mut check).unwrap();
    let (trajectory, _) = run.trajectory().unwrap();
    let mut truth = 0.0_f64;
    for (k, row) in reference.row_iter().enumerate() {
        for (x, y) in row.iter().zip(trajectory.state(k)) {
            truth = truth.max((x - y).abs());
        }
    }
    let comparison = check.comparison();
    assert_eq!(comparison.rows, times.len() as u64);
    (comparison.absolute, truth)
}

#[test]
fn error_estimates_are_honest() {
    for name in ["linear_contracting", "tanh_contracting", "single_loop_tanh_2stage"] {
        for method in [&DOPRI5, &TSIT5, &DOP853, &IMPLICIT, &AUTO] {
            for rtol in [1e-5, 1e-7, 1e-9] {
                let options = Options::with_tolerances(rtol, rtol * 1e-2);
                let (estimated, truth) = estimate(name, method, options);
                println!("{name} {} {rtol:e}: {estimated:.1e} for {truth:.1e}", method.name);
                assert!(truth < 2.0 * estimated, "{name} {}: {estimated:e} {truth:e}", method.name);
                assert!(estimated < 3.0 * truth, "{name} {}: {estimated:e} {truth:e}", method.name);
            }
        }
        for (method, h) in [(&RK4, 0.1), (&EULER, 0.02), (&SEMI_IMPLICIT_EULER, 0.02)] {
            let (estimated, truth) = estimate(name, method, Options::with_step(h));
            let ratio = estimated / truth;
            assert!((0.8..1.3).contains(&ratio), "{name} {}: {ratio}", method.name);
        }
    }
}

#[test]
fn solvers_agree_with_each_other_within_their_tolerances() {
    let (field, _, reference) = goldens::load("softplus_contracting");
    let y0 = vec![0.0; reference.ncols()];
    let adaptive = || METHODS.iter().filter(|m| !m.is_fixed_step());
    for first in adaptive() {
        for second in adaptive() {
            let run = Run::new(&field, first, (0.0, 30.0), &y0).save_at(SaveAt::Count(61));
            let mut check = CrossCheck::by_method(&run, second).unwrap();
            run.integrate(&mut check).unwrap();
            let comparison = check.comparison();
            assert!(comparison.rows == 61 && comparison.failure.is_none());
            assert!(
                comparison.in_tolerances < 30.0,
                "{} {}: {comparison:?}",
                first.name,
                second.name
            );
            if first == second {
                assert_eq!(comparison.absolute, 0.0, "the same steps give the same rows");
            }
        }
    }
}

#[test]
fn a_wrong_solution_is_found_with_place_and_time() {
    // The second solution starts from a slightly different state.
    let field = Linear::rows(&[&[-1.0, 0.0], &[0.0, -1.0]]);
    let run = Run::new(&field, &DOPRI5, (0.0, 2.0), &[1.0, 1.0]).save_at(SaveAt::Every(1.0));
    let other = Run::new(&field, &DOPRI5, (0.0, 2.0), &[1.0, 1.001]);
    let integrator = dynamic_inversion::integrate::Integrator::new(
        other.field(),
        &DOPRI5,
        other.chosen_options(),
        other.t_span(),
        other.initial_state(),
    )
    .unwrap();
    let mut check = CrossCheck::against(&run, Box::new(integrator));
    run.integrate(&mut check).unwrap();
    let comparison = check.comparison();
    assert_eq!((comparison.component.as_str(), comparison.t), ("y[1]", 0.0));
    assert!((comparison.absolute - 1e-3).abs() < 1e-15);
    assert!(comparison.in_tolerances > 9e4);
}

#[test]
fn checks_follow_runs_that_stop_early_and_report_their_own_failures() {
    let field = Linear::decay();
    let run = Run::new(&field, &DOPRI5, (0.0, 1e3), &[1.0])
        .save_at(SaveAt::Every(1.0))
        .stop_at_steady_state(SteadyState::default());
    let mut check = CrossCheck::by_method(&run, &IMPLICIT).unwrap();
    let outcome = run.integrate(&mut check).unwrap();
    assert!(outcome.t < 100.0);
    assert_eq!(check.comparison().rows, outcome.t.ceil() as u64 + 1);

    // Euler's method overflows where the implicit method does not.
    let fast = Custom::scalar(|_, y| -1e3 * y, |_, _| -1e3);
    let run = Run::new(&fast, &IMPLICIT, (0.0, 1e3), &[1.0])
        .options(Options { step: Some(1.0), ..Options::default() })
        .save_at(SaveAt::Every(1.0));
    let mut check = CrossCheck::by_method(&run, &EULER).unwrap();
    run.integrate(&mut check).unwrap();
    let comparison = check.comparison();
    assert!(comparison.failure.is_some() && comparison.rows < 200);
}

#[test]
fn tolerances_next_to_precision_cannot_be_refined() {
    let field = Linear::decay();
    let run = Run::new(&field, &DOPRI5, (0.0, 1.0), &[1.0])
        .options(Options::with_tolerances(1e-13, 1e-15));
    let refused = CrossCheck::by_finer_run(&run).err().unwrap();
    assert!(matches!(refused, InvalidRun::NoFinerTolerance { .. }));
}
