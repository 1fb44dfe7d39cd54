//! The step iterator, observers, interruption, counters.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use dynamic_inversion::integrate::{
    AUTO, DOP853, DOPRI5, EULER, Flow, IMPLICIT, Integrator, METHODS, Method, Observer, Options,
    RK4, Run, SEMI_IMPLICIT_EULER, SaveAt, Statistics, Status, Step, StepSizes, TSIT5, Trajectory,
};

use dynamic_inversion::dynamics::VectorField;
use nalgebra::DMatrix;

use crate::fields::Linear;
use crate::goldens;

fn options(method: &Method) -> Options {
    if method.is_fixed_step() { Options::with_step(0.05) } else { Options::default() }
}

#[test]
fn the_iterator_takes_the_steps_of_a_run() {
    let (field, _, reference) = goldens::load("tanh_contracting");
    let y0 = vec![0.0; reference.ncols()];
    for method in METHODS {
        let mut sizes = StepSizes::default();
        let run = Run::new(&field, method, (0.0, 12.0), &y0).options(options(method));
        let outcome = run.integrate(&mut sizes).unwrap();
        let mut integrator =
            Integrator::new(&field, method, &options(method), (0.0, 12.0), &y0).unwrap();
        let mut ends = Vec::new();
        let mut previous = y0.clone();
        while let Some(step) = integrator.step().unwrap() {
            assert_eq!(step.y0(), previous, "steps join up");
            previous = step.y1().to_vec();
            ends.push(step.t1());
        }
        assert!(integrator.is_finished() && integrator.step().unwrap().is_none());
        assert_eq!(ends, sizes.times, "{}", method.name);
        assert_eq!(integrator.state(), outcome.y);
        assert_eq!(integrator.statistics(), outcome.statistics);
        assert_eq!(integrator.time(), 12.0);
    }
}

#[test]
fn ends_of_steps_carry_the_derivative() {
    let field = Linear::rotation(2.0);
    for method in METHODS {
        let mut integrator =
            Integrator::new(&field, method, &options(method), (0.0, 3.0), &[1.0, 0.0]).unwrap();
        while let Some(mut step) = integrator.step().unwrap() {
            let y1 = step.y1().to_vec();
            let f1 = step.f1();
            assert!((f1[0] - 2.0 * y1[1]).abs() < 1e-6, "{}", method.name);
            assert!((f1[1] + 2.0 * y1[0]).abs() < 1e-6, "{}", method.name);
        }
    }
}

#[test]
fn fixed_steps_end_on_the_grid_and_the_last_one_is_shortened() {
    let field = Linear::decay();
    for method in [&RK4, &EULER, &SEMI_IMPLICIT_EULER] {
        let mut sizes = StepSizes::default();
        let run = Run::new(&field, method, (0.0, 1.0), &[1.0]).options(Options::with_step(0.3));
        run.integrate(&mut sizes).unwrap();
        assert_eq!(sizes.times, [0.3, 0.6, 3.0 * 0.3, 1.0]);
        let mut whole = StepSizes::default();
        let run = Run::new(&field, method, (0.0, 1.0), &[1.0]).options(Options::with_step(0.1));
        run.integrate(&mut whole).unwrap();
        assert_eq!(whole.times.len(), 10);
        assert_eq!(whole.sizes, [0.1; 10]);
    }
}

#[test]
fn the_record_of_step_sizes_of_a_long_run_stays_small() {
    let field = Linear::decay();
    let mut sizes = StepSizes::default();
    let steps = 5 * StepSizes::MOST / 2;
    let mut options = Options::with_step(1.0 / 64.0);
    options.max_steps = steps as u64;
    let run = Run::new(&field, &EULER, (0.0, steps as f64 / 64.0), &[1.0]).options(options);
    run.integrate(&mut sizes).unwrap();
    assert_eq!(sizes.stride(), 4);
    let lengths = [sizes.times.len(), sizes.sizes.len(), sizes.errors.len()];
    assert_eq!(lengths, [20_480; 3]);
    assert!(sizes.times.iter().enumerate().all(|(k, t)| *t == (4 * k + 1) as f64 / 64.0));
}

/// The published scheme: controller first, then the state with the new controller.
#[test]
fn semi_implicit_euler_reproduces_the_published_update() {
    let (field, _, reference) = goldens::load("linear_contracting");
    let n = reference.ncols();
    let states = field.offsets()[1];
    let h = 0.5;
    let mut integrator = Integrator::new(
        &field,
        &SEMI_IMPLICIT_EULER,
        &Options::with_step(h),
        (0.0, 499.5),
        &vec![0.0; n],
    )
    .unwrap();
    let mut r = nalgebra::DVector::zeros(states);
    let mut u = nalgebra::DVector::zeros(n - states);
    while integrator.step().unwrap().is_some() {
        u += h * (&field.weights[0] * &r - field.leak * &u - &field.delta);
        r = &r + h * (&field.feedback * &u - &r);
    }
    assert_eq!(integrator.statistics().n_steps, 999);
    let expected = r.iter().chain(u.iter());
    for (y, e) in integrator.state().iter().zip(expected) {
        assert!((y - e).abs() < 1e-12, "{y} {e}");
    }
}

struct StopAfter(u32);

impl Observer for StopAfter {
    fn on_step(&mut self, _step: &mut Step<'_, '_>) -> Flow {
        self.0 -= 1;
        if self.0 == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

#[test]
fn observers_can_stop_the_run() {
    let field = Linear::decay();
    let mut observer = (StopAfter(3), Trajectory::default());
    let outcome = Run::new(&field, &DOPRI5, (0.0, 100.0), &[1.0])
        .save_at(SaveAt::Every(1.0))
        .integrate(&mut observer)
        .unwrap();
    assert_eq!((outcome.status, outcome.statistics.n_steps), (Status::Stopped, 3));
    assert_eq!(*observer.1.times.last().unwrap(), outcome.t);
    assert_eq!(observer.1.last().unwrap(), outcome.y);
}

struct RaiseAfter<'a>(u32, &'a AtomicBool);

impl Observer for RaiseAfter<'_> {
    fn on_step(&mut self, _step: &mut Step<'_, '_>) -> Flow {
        self.0 -= 1;
        if self.0 == 0 {
            self.1.store(true, Ordering::Relaxed);
        }
        ControlFlow::Continue(())
    }
}

#[test]
fn an_interrupted_run_ends_after_its_step_with_a_row() {
    let field = Linear::decay();
    let flag = AtomicBool::new(false);
    let mut observer = (RaiseAfter(4, &flag), Trajectory::default());
    let outcome = Run::new(&field, &DOP853, (0.0, 100.0), &[1.0])
        .save_at(SaveAt::Every(10.0))
        .interrupt(&flag)
        .integrate(&mut observer)
        .unwrap();
    assert_eq!((outcome.status, outcome.statistics.n_steps), (Status::Interrupted, 4));
    assert_eq!(*observer.1.times.last().unwrap(), outcome.t);
}

#[test]
fn names_are_unique_and_everything_is_described() {
    for (i, method) in METHODS.iter().enumerate() {
        assert_eq!(Method::named(method.name).unwrap(), *method);
        assert!(METHODS[..i].iter().all(|m| m.name != method.name));
        assert!(
            method.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        );
        assert!(!method.summary.is_empty() && !method.reference.is_empty());
    }
    let error = Method::named("dopri4").unwrap_err();
    assert!(error.to_string().contains("dopri5, tsit5"), "{error}");
}

fn work(method: &'static Method, golden: &str, rtol: f64, t_end: f64) -> Statistics {
    let (field, _, reference) = goldens::load(golden);
    let y0 = vec![0.0; reference.ncols()];
    let mut options = Options::with_tolerances(rtol, rtol * 1e-2);
    options.step = Some(0.05);
    let run = Run::new(&field, method, (0.0, t_end), &y0).options(options);
    run.integrate(&mut ()).unwrap().statistics
}

/// Steps, rejections and evaluations are part of the contract: a change here is a change of the
/// step controller, to be made on purpose.
#[test]
fn work_is_pinned() {
    let steps = |s: Statistics| (s.n_steps, s.n_rejected, s.n_rhs);
    let tanh = |method, rtol| steps(work(method, "tanh_contracting", rtol, 100.0));
    assert_eq!(tanh(&DOPRI5, 1e-6), (96, 5, 614));
    assert_eq!(tanh(&DOPRI5, 1e-9), (276, 1, 1664));
    assert_eq!(tanh(&TSIT5, 1e-6), (93, 5, 596));
    assert_eq!(tanh(&TSIT5, 1e-9), (266, 1, 1604));
    assert_eq!(tanh(&DOP853, 1e-6), (38, 4, 508));
    assert_eq!(tanh(&DOP853, 1e-9), (67, 3, 845));
    assert_eq!(tanh(&AUTO, 1e-6), tanh(&TSIT5, 1e-6), "not stiff: no switch");
    assert_eq!(tanh(&AUTO, 1e-9), tanh(&DOP853, 1e-9), "not stiff: no switch");
    for (method, evaluations) in [(&RK4, 8001), (&EULER, 2001), (&SEMI_IMPLICIT_EULER, 2001)] {
        assert_eq!(tanh(method, 1e-6), (2000, 0, evaluations));
    }
    let implicit = work(&IMPLICIT, "tanh_contracting", 1e-6, 100.0);
    assert_eq!(steps(implicit), (57, 0, 593));
    assert_eq!((implicit.n_jac, implicit.n_factor, implicit.n_newton), (1, 24, 648));
}

/// One rotation and many targets at rest, stacked as columns.
struct Columns(usize);

impl VectorField for Columns {
    fn dim(&self) -> usize {
        2 * self.0
    }

    fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) {
        dy.fill(0.0);
        (dy[0], dy[1]) = (3.0 * y[1], -3.0 * y[0]);
    }

    fn jacobian(&self, _t: f64, _y: &[f64], jac: &mut DMatrix<f64>) {
        jac.fill(0.0);
        (jac[(0, 1)], jac[(1, 0)]) = (3.0, -3.0);
    }

    fn columns(&self) -> usize {
        self.0
    }

    fn column_of(&self, index: usize) -> usize {
        index / 2
    }
}

#[test]
fn targets_at_rest_do_not_hide_the_error_of_one_that_moves() {
    for method in METHODS.iter().filter(|m| !m.is_fixed_step()) {
        let sizes = |targets: usize| {
            let field = Columns(targets);
            let mut y0 = vec![0.0; field.dim()];
            y0[0] = 1.0;
            let mut sizes = StepSizes::default();
            Run::new(&field, method, (0.0, 5.0), &y0).integrate(&mut sizes).unwrap();
            sizes.sizes
        };
        assert_eq!(sizes(1), sizes(40), "{}", method.name);
    }
}
