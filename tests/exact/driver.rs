//! Rows, events and endings of exact runs.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;

use dynamic_inversion::dynamics::{Feedback, Transfer};
use dynamic_inversion::integrate::{
    Direction, Event, ExactError, FailureReason, Flow, IntegrateError, InvalidRun, Observer,
    Problem, SaveAt, Solver, Status, SteadyState, Stretch, Trajectory, solve,
};
use nalgebra::dmatrix;

use crate::systems::{by_expm, decay, distance, layer, linear, parameters, rotation};

#[test]
fn long_grids_come_in_order_and_in_full() {
    let dynamics = decay();
    let mut problem = Problem::new(&dynamics, (0.0, 1e4));
    problem.save_at = SaveAt::Every(0.1);
    let (rows, outcome) = problem.trajectory(Solver::Exact).unwrap();
    assert_eq!(rows.len(), 100_001);
    for (k, (t, x)) in rows.times.iter().zip(&rows.states).enumerate() {
        assert!((t - 0.1 * k as f64).abs() <= f64::EPSILON * t);
        assert!((x - f64::exp(-t)).abs() <= 4.0 * f64::EPSILON);
    }
    assert_eq!((outcome.t, outcome.statistics.n_rhs), (1e4, 1));
}

#[test]
fn every_crossing_between_two_rows_is_found() {
    let dynamics = rotation();
    let mut problem = Problem::new(&dynamics, (0.0, 100.0));
    problem.events.push(Event::new("zero", |_, y: &[f64]| y[0]));
    let (rows, outcome) = problem.trajectory(Solver::Exact).unwrap();
    assert_eq!(rows.times, [100.0]);
    // cos t = 0 at (k + 1/2) pi.
    assert_eq!(outcome.events.len(), 32);
    for (k, hit) in outcome.events.iter().enumerate() {
        let expected = (k as f64 + 0.5) * std::f64::consts::PI;
        assert!((hit.t - expected).abs() < 1e-13 * expected.max(1.0), "{k}: {}", hit.t);
        assert_eq!(hit.rising, k % 2 == 1);
    }
}

#[test]
fn an_event_ends_the_run_with_its_row() {
    for (span, expected) in [((0.0, 9.0), f64::ln(2.0)), ((0.0, -9.0), -f64::ln(2.0))] {
        let dynamics = decay();
        let level = if span.1 > 0.0 { 0.5 } else { 2.0 };
        let direction = if span.1 > 0.0 { Direction::Falling } else { Direction::Rising };
        let mut problem = Problem::new(&dynamics, span);
        problem.save_at = SaveAt::Every(0.25);
        let event = Event::new("half", move |_, y: &[f64]| y[0] - level);
        problem.events.push(event.in_direction(direction).ending_the_run());
        let (rows, outcome) = problem.trajectory(Solver::Exact).unwrap();
        assert_eq!(outcome.status, Status::Event(0));
        assert!((outcome.t - expected).abs() < 1e-15);
        assert_eq!(rows.times, [0.0, 0.25 * span.1.signum(), 0.5 * span.1.signum(), outcome.t]);
        assert!((outcome.y[0] - level).abs() < 1e-15);
    }
}

/// Notes stretches and stops after some rows.
struct Watcher {
    rows: usize,
    stop_at: usize,
    stretches: Vec<(f64, f64)>,
    worst: f64,
}

impl Observer for Watcher {
    fn on_row(&mut self, _t: f64, _y: &[f64]) -> Flow {
        self.rows += 1;
        if self.rows == self.stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn on_stretch(&mut self, stretch: &mut Stretch<'_>) -> Flow {
        let middle = 0.5 * (stretch.t0() + stretch.t1());
        let mut y = [0.0];
        stretch.interpolate(middle, &mut y);
        self.worst = self.worst.max((y[0] - f64::exp(-middle)).abs());
        self.worst = self.worst.max((stretch.y1()[0] - f64::exp(-stretch.t1())).abs());
        self.stretches.push((stretch.t0(), stretch.t1()));
        ControlFlow::Continue(())
    }
}

#[test]
fn stretches_tile_the_span_and_observers_can_stop() {
    let dynamics = decay();
    let mut problem = Problem::new(&dynamics, (0.0, 2.0));
    problem.save_at = SaveAt::Times(vec![0.5, 1.25]);
    let mut watcher = Watcher { rows: 0, stop_at: 99, stretches: Vec::new(), worst: 0.0 };
    let outcome = solve(&problem, Solver::Exact, &mut watcher).unwrap();
    assert_eq!(watcher.stretches, [(0.0, 0.5), (0.5, 1.25), (1.25, 2.0)]);
    assert_eq!((watcher.rows, outcome.t), (2, 2.0));
    assert!(watcher.worst <= 4.0 * f64::EPSILON);
    let mut watcher = Watcher { rows: 0, stop_at: 2, stretches: Vec::new(), worst: 0.0 };
    let outcome = solve(&problem, Solver::Exact, &mut watcher).unwrap();
    assert_eq!((outcome.status, outcome.t), (Status::Stopped, 1.25));
}

#[test]
fn a_raised_flag_interrupts() {
    let dynamics = decay();
    let flag = AtomicBool::new(true);
    for name in ["exact", "ode-solvers-dopri5", "dopri5"] {
        let mut problem = Problem::new(&dynamics, (0.0, 2.0));
        problem.save_at = SaveAt::Count(11);
        problem.interrupt = Some(&flag);
        let (rows, outcome) = problem.trajectory(Solver::named(name).unwrap()).unwrap();
        assert_eq!(outcome.status, Status::Interrupted, "{name}");
        assert!(rows.len() < 11 && outcome.t < 2.0, "{name}");
    }
}

#[test]
fn growth_beyond_the_range_of_numbers_is_named_with_the_rows_before() {
    let dynamics = linear(dmatrix![1.0], vec![0.0], vec![1.0]);
    let mut problem = Problem::new(&dynamics, (0.0, 2000.0));
    problem.save_at = SaveAt::Every(100.0);
    let mut rows = Trajectory::default();
    let error = solve(&problem, Solver::Exact, &mut rows).unwrap_err();
    let IntegrateError::Failed { reason, outcome } = error else { panic!("{error}") };
    assert!(matches!(reason, FailureReason::NonFinite { t: 700.0, h: 100.0, .. }), "{reason}");
    assert_eq!(rows.times.last(), Some(&700.0));
    assert_eq!((outcome.t, outcome.status), (700.0, Status::Failed));
}

#[test]
fn what_has_no_meaning_is_refused() {
    let dynamics = decay();
    let mut problem = Problem::new(&dynamics, (0.0, 1.0));
    problem.save_at = SaveAt::Steps;
    let error = problem.trajectory(Solver::Exact).unwrap_err();
    assert_eq!(error, IntegrateError::Invalid(InvalidRun::Exact(ExactError::NoSteps)));
    problem.save_at = SaveAt::End;
    problem.steady_state = Some(SteadyState::default());
    let error = problem.trajectory(Solver::Exact).unwrap_err();
    assert_eq!(error, IntegrateError::Invalid(InvalidRun::Exact(ExactError::NoSteadyStateStop)));
    problem.steady_state = None;
    problem.t_span.1 = f64::NAN;
    assert!(problem.trajectory(Solver::Exact).is_err());
}

#[test]
fn rows_of_a_batch_and_its_flow_fall_back_together() {
    // A defective loop with several targets: flows with many columns.
    let b = dmatrix![-0.5, -1.0; 0.0, -0.5];
    let w = nalgebra::DMatrix::identity(2, 2);
    let dynamics = layer(w, Feedback::from(b), Transfer::Linear, 5, parameters(0.1));
    let mut problem = Problem::new(&dynamics, (0.0, 12.0));
    problem.save_at = SaveAt::Log { first: 1e-3, count: 40 };
    let (rows, outcome) = problem.trajectory(Solver::Exact).unwrap();
    for (k, t) in rows.times.iter().enumerate() {
        let error = distance(rows.state(k), &by_expm(&dynamics, *t));
        assert!(error < 1e-12, "{t}: {error:e}");
    }
    assert_eq!(outcome.statistics.n_factor, 1);
}
