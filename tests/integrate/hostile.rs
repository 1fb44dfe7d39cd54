//! Inputs that broke neighbouring tools.

use dynamic_inversion::integrate::{
    DOP853, DOPRI5, FailureReason, IMPLICIT, IntegrateError, InvalidRun, METHODS, MIN_RTOL, Method,
    Options, Run, SaveAt, Status, TSIT5, Tolerances, Trajectory, Warning,
};
use nalgebra::DMatrix;

use crate::fields::{Custom, Linear};

fn refusal(field: &Linear, y0: &[f64], span: (f64, f64), options: Options) -> InvalidRun {
    match Run::new(field, &DOPRI5, span, y0).options(options).trajectory().unwrap_err() {
        IntegrateError::Invalid(e) => e,
        other => panic!("{other}"),
    }
}

#[test]
fn starts_that_are_not_finite_are_refused_by_name() {
    let field = Linear::rows(&[&[-1.0, 0.0], &[0.0, -1.0]]);
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let e = refusal(&field, &[1.0, bad], (0.0, 1.0), Options::default());
        assert!(e.to_string().contains("y[1]"), "{e}");
        let e = refusal(&field, &[1.0, 1.0], (0.0, bad), Options::default());
        assert!(e.to_string().contains("t_end"), "{e}");
        let e = refusal(&field, &[1.0, 1.0], (bad, 1.0), Options::default());
        assert!(e.to_string().contains("t_start"), "{e}");
    }
    let broken = Linear::rows(&[&[-1.0, f64::NAN], &[0.0, -1.0]]);
    let e = refusal(&broken, &[1.0, 1.0], (0.0, 1.0), Options::default());
    assert!(matches!(&e, InvalidRun::InitialDerivative { component, .. } if component == "y[0]"));
    let e = refusal(&field, &[1.0], (0.0, 1.0), Options::default());
    assert!(matches!(e, InvalidRun::Length { expected: 2, found: 1, .. }));
}

#[test]
fn tolerances_below_precision_are_raised_with_a_warning() {
    let field = Linear::decay();
    for method in [&DOPRI5, &TSIT5, &DOP853, &IMPLICIT] {
        let run = Run::new(&field, method, (0.0, 1.0), &[1.0])
            .options(Options::with_tolerances(1e-20, 0.0));
        let (_, outcome) = run.trajectory().unwrap();
        assert!((outcome.y[0] - 0.367_879_441_171_442_3).abs() < 1e-12, "{}", method.name);
        let raised = Warning::RtolRaised { requested: 1e-20, used: MIN_RTOL };
        assert_eq!(outcome.warnings, [raised]);
    }
}

#[test]
fn tolerances_that_cannot_work_are_refused() {
    let field = Linear::rows(&[&[-1.0, 0.0], &[0.0, 0.0]]);
    let refuse =
        |rtol, atol| refusal(&field, &[1.0, 0.0], (0.0, 1.0), Options::with_tolerances(rtol, atol));
    assert_eq!(refuse(0.0, 0.0), InvalidRun::ZeroTolerances);
    let zero_scale = refuse(1e-6, 0.0);
    assert_eq!(zero_scale, InvalidRun::ZeroScale { component: "y[1]".to_owned() });
    assert!(matches!(refuse(-1.0, 1e-6), InvalidRun::Tolerance { .. }));
    assert!(matches!(refuse(1e-6, f64::NAN), InvalidRun::Tolerance { .. }));
    let options = Options {
        tolerances: Tolerances::per_component(1e-6, vec![1e-6, -1.0]),
        ..Options::default()
    };
    let e = refusal(&field, &[1.0, 0.0], (0.0, 1.0), options);
    assert!(e.to_string().contains("y[1]"), "{e}");
    let short =
        Options { tolerances: Tolerances::per_component(1e-6, vec![1e-6]), ..Options::default() };
    assert!(matches!(
        refusal(&field, &[1.0, 0.0], (0.0, 1.0), short),
        InvalidRun::Length { what: "atol", .. }
    ));
}

#[test]
fn a_start_below_the_tolerance_is_called_unresolved() {
    let field = Linear::rows(&[&[-1.0, 0.0], &[0.0, -1.0]]);
    let run = |y0: [f64; 2], atol: f64| {
        let run = Run::new(&field, &DOPRI5, (0.0, 1.0), &y0)
            .options(Options::with_tolerances(1e-8, atol));
        run.trajectory().unwrap().1.warnings
    };
    assert!(matches!(run([0.0, 1e-12], 1e-8)[..], [Warning::UnresolvedStart { .. }]));
    assert!(run([0.0, 1e-12], 1e-18).is_empty());
    assert!(run([0.0, 0.0], 1e-8).is_empty(), "a start at zero is the normal case");
    assert!(run([1.0, 1e-12], 1e-8).is_empty());
}

/// Eigenvalues -1 and -1e6.
fn stiff() -> Linear {
    Linear::rows(&[&[999_998.0, 1_999_998.0], &[-999_999.0, -1_999_999.0]])
}

#[test]
fn explicit_methods_stop_on_stiff_equations_with_advice() {
    let field = stiff();
    for method in [&DOPRI5, &TSIT5, &DOP853] {
        let mut rows = Trajectory::default();
        let error = Run::new(&field, method, (0.0, 10.0), &[1.0, 0.0])
            .save_at(SaveAt::Times(vec![1.0, 10.0]))
            .integrate(&mut rows)
            .unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("stiff at t = ") && text.contains("implicit"), "{text}");
        let IntegrateError::Failed { reason, outcome } = error else { panic!("{text}") };
        let FailureReason::Stiff { t, steps_needed, .. } = reason else { panic!("{text}") };
        assert!(t < 0.01 && steps_needed > 1e6, "{text}");
        assert_eq!((outcome.status, outcome.t), (Status::Failed, t));
        assert!(outcome.statistics.n_steps < 1000);
        assert!(rows.is_empty(), "no row was reached");
    }
}

#[test]
fn long_rests_are_not_called_stiff() {
    let field = Linear::decay();
    for method in METHODS {
        let options =
            if method.is_fixed_step() { Options::with_step(0.5) } else { Options::default() };
        let run = Run::new(&field, method, (0.0, 1e4), &[1.0])
            .options(options)
            .save_at(SaveAt::Every(1000.0));
        let (rows, outcome) = run.trajectory().unwrap();
        assert_eq!((rows.len(), outcome.status), (11, Status::Complete), "{}", method.name);
        assert!(outcome.y[0].abs() < 1e-8, "{}: {:e}", method.name, outcome.y[0]);
    }
}

#[test]
fn a_spent_step_budget_is_an_error_with_the_rows_so_far() {
    let field = Linear::rotation(1000.0);
    for method in METHODS {
        let options = Options { max_steps: 50, step: Some(1e-3), ..Options::default() };
        let mut rows = Trajectory::default();
        let error = Run::new(&field, method, (0.0, 1000.0), &[1.0, 0.0])
            .options(options)
            .save_at(SaveAt::Every(100.0))
            .integrate(&mut rows)
            .unwrap_err();
        let text = error.to_string();
        let IntegrateError::Failed { reason, outcome } = error else { panic!("{text}") };
        assert!(matches!(reason, FailureReason::MaxSteps { max_steps: 50, .. }), "{text}");
        assert_eq!(outcome.status, Status::MaxSteps);
        assert_eq!(outcome.statistics.attempts(), 50);
        assert!(outcome.t > 0.0 && outcome.t < 1.0, "{}", method.name);
        assert_eq!(rows.times, [0.0, outcome.t], "no padding, and the state reached is kept");
        assert_eq!(rows.state(1), outcome.y);
    }
}

#[test]
fn a_long_rotation_keeps_its_phase() {
    let field = Linear::rotation(1000.0);
    let run = Run::new(&field, &DOP853, (0.0, 1000.0), &[1.0, 0.0])
        .options(Options { max_steps: 10_000_000, ..Options::with_tolerances(1e-11, 1e-11) });
    let (_, outcome) = run.trajectory().unwrap();
    let error = (outcome.y[0] - 0.936_752_127_533_144_7).abs();
    assert!(error < 1e-5, "{error:e}");
}

/// `x' = -x + relu(u), u' = 1 - x`: a kink at t = 1 from (0, -1).
pub fn kinked() -> Custom {
    Custom::new(
        2,
        |_, y, dy| {
            dy[0] = -y[0] + y[1].max(0.0);
            dy[1] = 1.0 - y[0];
        },
        |_, y, j: &mut DMatrix<f64>| {
            j.copy_from_slice(&[-1.0, -1.0, if y[1] > 0.0 { 1.0 } else { 0.0 }, 0.0]);
        },
    )
}

pub fn check_kink(method: &'static Method) {
    let field = kinked();
    let times = vec![0.5, 1.0, 1.5, 2.0, 5.0, 10.0];
    let expected = [
        [0.0, -0.5],
        [0.0, 0.0],
        [0.104_405_473_455_079_4, 0.481_750_676_929_986_2],
        [0.340_299_846_608_298_3, 0.873_807_041_722_991_3],
        [1.153_122_768_414_049_3, 1.103_592_888_672_134_5],
        [0.992_934_263_463_490_2, 1.005_738_934_662_324_7],
    ];
    let run =
        Run::new(&field, method, (0.0, 10.0), &[0.0, -1.0]).save_at(SaveAt::Times(times.clone()));
    let (rows, outcome) = run.trajectory().unwrap();
    assert_eq!(rows.times, times);
    for (k, expected) in expected.iter().enumerate() {
        for (x, e) in rows.state(k).iter().zip(expected) {
            assert!((x - e).abs() < 1e-6, "{} at {}: {x} for {e}", method.name, times[k]);
        }
    }
    assert!(outcome.statistics.attempts() < 1000, "{}", method.name);
}

#[test]
fn the_corner_of_a_relu_costs_few_steps() {
    for method in METHODS.iter().filter(|m| !m.is_fixed_step()) {
        check_kink(method);
    }
}

#[test]
fn implicit_steps_ignore_the_fast_scale_of_a_stiff_equation() {
    let field = stiff();
    let run = Run::new(&field, &IMPLICIT, (0.0, 10.0), &[1.0, 0.0])
        .options(Options::with_tolerances(1e-8, 1e-10))
        .save_at(SaveAt::Times(vec![1.0, 10.0]));
    let (rows, outcome) = run.trajectory().unwrap();
    let expected = [
        [0.735_758_882_342_884_6, -0.367_879_441_171_442_3],
        [9.079_985_952_496_97e-5, -4.539_992_976_248_485e-5],
    ];
    for (k, expected) in expected.iter().enumerate() {
        for (x, e) in rows.state(k).iter().zip(expected) {
            assert!((x - e).abs() < 1e-7 * e.abs() + 1e-9, "{x} for {e}");
        }
    }
    assert!(outcome.statistics.attempts() < 2000, "{:?}", outcome.statistics);
    println!("{:?}", outcome.statistics);
}
