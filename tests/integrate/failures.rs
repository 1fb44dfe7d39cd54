//! Solutions that end: blow-up, undefined regions, overflow.

use dynamic_inversion::integrate::{
    EULER, FailureReason, IntegrateError, Kind, METHODS, Options, RK4, Run, SEMI_IMPLICIT_EULER,
    SaveAt, Status, Trajectory,
};

use crate::fields::{Custom, Linear};

fn failure(error: IntegrateError) -> (FailureReason, f64) {
    match error {
        IntegrateError::Failed { reason, outcome } => {
            assert_eq!(outcome.status, Status::Failed);
            assert!(outcome.y.iter().all(|y| y.is_finite()));
            (reason, outcome.t)
        }
        IntegrateError::Invalid(e) => panic!("{e}"),
    }
}

#[test]
fn blow_up_ends_at_the_singularity_with_the_rows_before_it() {
    // y' = y^2 from 1 is 1 / (1 - t).
    let field = Custom::scalar(|_, y| y * y, |_, y| 2.0 * y);
    for method in METHODS.iter().filter(|m| !m.is_fixed_step()) {
        let mut rows = Trajectory::default();
        let error = Run::new(&field, method, (0.0, 2.0), &[1.0])
            .save_at(SaveAt::Every(0.25))
            .integrate(&mut rows)
            .unwrap_err();
        let text = error.to_string();
        let (_, t) = failure(error);
        assert!((t - 1.0).abs() < 1e-6, "{}: {text}", method.name);
        assert!(text.contains("x[0]"), "{text}");
        assert_eq!(rows.times[..4], [0.0, 0.25, 0.5, 0.75]);
        assert!(rows.times[4..].iter().all(|&t| t < 1.0 + 1e-6));
    }
}

#[test]
fn stages_that_are_not_finite_shrink_the_step_before_they_fail_the_run() {
    // Defined up to y = 1, reached at t = 1 with a finite slope.
    let field = Custom::new(
        2,
        |_, y, dy| {
            dy[0] = 0.0;
            dy[1] = if y[1] > 1.0 { f64::NAN } else { 1.0 };
        },
        |_, _, j| j.fill(0.0),
    );
    for method in METHODS.iter().filter(|m| !m.is_fixed_step()) {
        let error = Run::new(&field, method, (0.0, 2.0), &[0.0, 0.0]).trajectory().unwrap_err();
        let (reason, t) = failure(error);
        assert!((t - 1.0).abs() < 1e-9, "{}: {reason}", method.name);
        let named = match &reason {
            FailureReason::NonFinite { component, .. }
            | FailureReason::Newton { component, .. } => component,
            other => panic!("{}: {other}", method.name),
        };
        assert_eq!(named, "x[1]", "{}", method.name);
    }
}

#[test]
fn a_region_the_solution_avoids_does_not_fail_the_run() {
    // log y is undefined for y <= 0, where a long first step would land.
    let field = Custom::scalar(|_, y| -20.0 * y * (1.0 + 0.0 * y.ln()), |_, _| -20.0);
    for method in METHODS.iter().filter(|m| !m.is_fixed_step()) {
        let options = Options { initial_step: Some(1.0), ..Options::default() };
        let run = Run::new(&field, method, (0.0, 0.5), &[1.0]).options(options);
        let (_, outcome) = run.trajectory().unwrap();
        assert!((outcome.y[0] - (-10.0f64).exp()).abs() < 1e-7, "{}", method.name);
        assert!(outcome.statistics.n_rejected > 0);
    }
}

#[test]
fn fixed_steps_that_overflow_are_failures_not_results() {
    let field = Linear::rows(&[&[1e3, 0.0], &[0.0, -1.0]]);
    for method in [&RK4, &EULER, &SEMI_IMPLICIT_EULER] {
        let error = Run::new(&field, method, (0.0, 1e3), &[1.0, 1.0])
            .options(Options::with_step(1.0))
            .trajectory()
            .unwrap_err();
        let (reason, t) = failure(error);
        let FailureReason::NonFinite { component, .. } = reason else { panic!("{reason}") };
        assert_eq!(component, "y[0]", "{}", method.name);
        assert!(t > 10.0);
    }
}

#[test]
fn every_error_says_what_to_do() {
    for method in METHODS.iter().filter(|m| m.kind == Kind::FixedStep) {
        let field = Linear::decay();
        let error = Run::new(&field, method, (0.0, 1.0), &[1.0]).trajectory().unwrap_err();
        assert!(error.to_string().contains("set `step`"), "{error}");
    }
}
