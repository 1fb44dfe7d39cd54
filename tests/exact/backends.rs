//! Solvers of other crates on the problems that break them when driven naively.

use dynamic_inversion::dynamics::{Dynamics, VectorField};
use dynamic_inversion::integrate::{
    Atol, Event, FailureReason, IntegrateError, InvalidRun, Options, Problem, SaveAt, Solver,
    Status, SteadyState, Tolerances, Warning,
};
use nalgebra::dmatrix;

use crate::systems::{by_expm, decay, distance, layer, linear, noise, parameters, rotation, stiff};

fn foreign() -> Vec<Solver> {
    Solver::all().filter(|s| matches!(s, Solver::Foreign(_)) && s.is_built()).collect()
}

fn problem<'a>(
    dynamics: &'a dyn Dynamics,
    t_span: (f64, f64),
    tolerances: (f64, f64),
    save_at: SaveAt,
) -> Problem<'a> {
    let options = Options::with_tolerances(tolerances.0, tolerances.1);
    Problem { options, save_at, ..Problem::new(dynamics, t_span) }
}

#[test]
fn the_registry_holds_every_backend() {
    let names: Vec<_> = foreign().into_iter().map(Solver::name).collect();
    assert_eq!(&names[..2], ["ode-solvers-dopri5", "ode-solvers-dop853"]);
    assert_eq!(names.len(), if cfg!(feature = "diffsol") { 3 } else { 2 });
    assert!(!Solver::named("diffsol-bdf").unwrap().reference().is_empty());
    assert!(Solver::named("lsoda").unwrap_err().to_string().contains("ode-solvers-dop853"));
}

#[test]
fn an_empty_span_gives_one_row() {
    let dynamics = decay();
    for solver in foreign().into_iter().chain([Solver::Exact]) {
        for t in [0.0, 2.0] {
            let problem = problem(&dynamics, (t, t), (1e-8, 1e-10), SaveAt::Every(0.1));
            let (rows, outcome) = problem.trajectory(solver).unwrap();
            assert_eq!((rows.times, rows.states), (vec![t], vec![1.0]), "{}", solver.name());
            assert_eq!(outcome.status, Status::Complete);
        }
    }
}

#[test]
fn negative_and_backward_spans_are_integrated() {
    let dynamics = decay();
    for solver in foreign().into_iter().chain([Solver::Exact]) {
        let name = solver.name();
        for (span, rows_expected) in [((-1.0, 1.0), 21), ((-2.0, -1.0), 11), ((1.0, 0.0), 11)] {
            let problem = problem(&dynamics, span, (1e-9, 1e-11), SaveAt::Every(0.1));
            let (rows, _) = problem.trajectory(solver).unwrap();
            assert_eq!(rows.len(), rows_expected, "{name} {span:?}");
            assert_eq!(*rows.times.last().unwrap(), span.1);
            for (k, t) in rows.times.iter().enumerate() {
                let error = (rows.state(k)[0] / f64::exp(span.0 - t) - 1.0).abs();
                assert!(error < 1e-6, "{name} {span:?} at {t}: {error:e}");
            }
        }
    }
}

#[test]
fn save_times_are_hit_to_the_last_bit() {
    for (rate, end, every, expected) in [
        (-1.0, 1.0, 0.1, (0..=10).map(|k| 0.1 * f64::from(k)).collect::<Vec<_>>()),
        (-1.0, 15.0, 4.0, vec![0.0, 4.0, 8.0, 12.0, 15.0]),
        (-1e6, 5.99e-7, 1e-7, vec![0.0, 1e-7, 2e-7, 3.0 * 1e-7, 4e-7, 5e-7, 5.99e-7]),
    ] {
        let dynamics = linear(dmatrix![rate], vec![0.0], vec![1.0]);
        for solver in foreign().into_iter().chain([Solver::Exact]) {
            let problem = problem(&dynamics, (0.0, end), (1e-9, 1e-13), SaveAt::Every(every));
            let (rows, _) = problem.trajectory(solver).unwrap();
            assert_eq!(rows.times, expected, "{}", solver.name());
            let error = (rows.last().unwrap()[0] / f64::exp(rate * end) - 1.0).abs();
            assert!(error < 1e-5, "{}: {error:e}", solver.name());
        }
    }
}

#[test]
fn rows_are_as_accurate_as_steps() {
    let dynamics = rotation();
    let ends = [SaveAt::Every(10.0), SaveAt::Every(1.0), SaveAt::Times(vec![0.37, 5.55, 9.99])];
    for save_at in ends {
        for solver in foreign().into_iter().chain([Solver::Exact]) {
            let problem = problem(&dynamics, (0.0, 10.0), (1e-10, 1e-12), save_at.clone());
            let (rows, outcome) = problem.trajectory(solver).unwrap();
            for (k, t) in rows.times.iter().enumerate() {
                let error = (rows.state(k)[0] - t.cos()).abs();
                assert!(error < 1e-7, "{} {save_at:?} at {t}: {error:e}", solver.name());
            }
            assert_eq!(outcome.t, 10.0);
        }
    }
}

#[test]
fn resting_runs_are_not_called_stiff() {
    let dynamics = decay();
    for solver in foreign().into_iter().chain([Solver::Exact]) {
        let problem = problem(&dynamics, (0.0, 1e4), (1e-6, 1e-9), SaveAt::Every(1000.0));
        let (rows, outcome) = problem.trajectory(solver).unwrap();
        assert_eq!((rows.len(), outcome.status), (11, Status::Complete), "{}", solver.name());
        assert!(rows.last().unwrap()[0].abs() < 1e-8, "{}", solver.name());
    }
}

#[test]
fn stiff_problems_are_solved_or_stopped_by_the_cap() {
    let dynamics = stiff();
    let save_at = SaveAt::Times(vec![1.0, 10.0]);
    for solver in foreign().into_iter().chain([Solver::Exact]) {
        let mut problem = problem(&dynamics, (0.0, 10.0), (1e-8, 1e-10), save_at.clone());
        problem.options.max_steps = 20_000;
        match problem.trajectory(solver) {
            Ok((rows, _)) => {
                for (row, t) in [1.0_f64, 10.0].into_iter().enumerate() {
                    let expected = [2.0 * (-t).exp(), -(-t).exp()];
                    let error = distance(rows.state(row), &expected);
                    assert!(error < 1e-6, "{} at {t}: {error:e}", solver.name());
                }
                assert!(!solver.name().starts_with("ode-solvers"));
            }
            Err(IntegrateError::Failed { reason, outcome }) => {
                assert!(solver.name().starts_with("ode-solvers"), "{}: {reason}", solver.name());
                let expected = FailureReason::MaxSteps {
                    max_steps: 20_000,
                    t: outcome.t,
                    t_end: 10.0,
                    h: outcome.statistics.h_last,
                };
                assert!(matches!(reason, FailureReason::MaxSteps { .. }), "{reason} {expected}");
                assert!(outcome.t > 0.0 && outcome.t < 10.0);
                assert_eq!(outcome.status, Status::MaxSteps);
            }
            Err(other) => panic!("{}: {other}", solver.name()),
        }
    }
}

#[test]
fn tolerances_that_mean_nothing_are_refused_or_raised() {
    let (one, two) = (decay(), linear(dmatrix![-1.0, 0.0; 0.0, 0.0], vec![0.0; 2], vec![1.0, 0.0]));
    for solver in foreign() {
        let none = problem(&one, (0.0, 1.0), (0.0, 0.0), SaveAt::End).trajectory(solver);
        assert_eq!(none.unwrap_err(), IntegrateError::Invalid(InvalidRun::ZeroTolerances));
        let zero = problem(&two, (0.0, 1.0), (1e-6, 0.0), SaveAt::End).trajectory(solver);
        let zero = zero.unwrap_err();
        assert!(matches!(zero, IntegrateError::Invalid(InvalidRun::ZeroScale { .. })));
        if solver.name() == "ode-solvers-dop853" {
            let tiny = problem(&one, (0.0, 1.0), (1e-20, 0.0), SaveAt::End);
            let (rows, outcome) = tiny.trajectory(solver).unwrap();
            assert!((rows.last().unwrap()[0] - f64::exp(-1.0)).abs() < 1e-12);
            assert!(matches!(outcome.warnings[..], [Warning::RtolRaised { .. }]));
        }
    }
}

#[test]
fn what_an_adapter_cannot_do_is_refused() {
    let dynamics = layer(
        noise(2, 3, 1),
        dynamic_inversion::dynamics::Feedback::Tied { scale: 1.0 },
        dynamic_inversion::dynamics::Transfer::Linear,
        1,
        parameters(0.1),
    );
    let unsupported = |problem: Problem<'_>, solver: Solver| {
        matches!(
            problem.trajectory(solver),
            Err(IntegrateError::Invalid(InvalidRun::Unsupported { .. }))
        )
    };
    for solver in foreign() {
        let mut events = problem(&dynamics, (0.0, 1.0), (1e-6, 1e-8), SaveAt::End);
        events.events.push(Event::new("level", |_, y: &[f64]| y[0]));
        assert!(unsupported(events, solver));
        let mut steady = problem(&dynamics, (0.0, 1.0), (1e-6, 1e-8), SaveAt::End);
        steady.steady_state = Some(SteadyState::default());
        assert!(unsupported(steady, solver));
        let mut atol = problem(&dynamics, (0.0, 1.0), (1e-6, 1e-8), SaveAt::End);
        let each = vec![1e-8, 1e-8, 1e-8, 1e-10, 1e-10];
        atol.options.tolerances = Tolerances { rtol: 1e-6, atol: Atol::PerComponent(each) };
        assert_eq!(unsupported(atol, solver), solver.name().starts_with("ode-solvers"));
    }
}

/// `x' = x^2` from 1 blows up at t = 1; the second kind turns into NaN at t = 0.5.
struct Broken {
    nan: bool,
    layout: dynamic_inversion::dynamics::StateLayout,
}

impl VectorField for Broken {
    fn dim(&self) -> usize {
        1
    }

    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64]) {
        dy[0] = if self.nan { if t > 0.5 { f64::NAN } else { -y[0] } } else { y[0] * y[0] };
    }

    fn jacobian(&self, _t: f64, y: &[f64], jac: &mut nalgebra::DMatrix<f64>) {
        jac[(0, 0)] = if self.nan { -1.0 } else { 2.0 * y[0] };
    }
}

impl Dynamics for Broken {
    fn layout(&self) -> &dynamic_inversion::dynamics::StateLayout {
        &self.layout
    }

    fn initial_state(&self) -> Vec<f64> {
        vec![1.0]
    }

    fn closed_form_equilibrium(
        &self,
    ) -> Result<Vec<f64>, dynamic_inversion::dynamics::NoClosedForm> {
        let reason = "broken".to_owned();
        Err(dynamic_inversion::dynamics::NoClosedForm::Nonlinear { reason })
    }

    fn observables(&self) -> &[dynamic_inversion::dynamics::Observable] {
        &[]
    }

    fn observe(&self, _t: f64, _y: &[f64], _out: &mut [f64]) {}
}

#[test]
fn blow_up_and_nan_end_with_a_named_error_and_the_rows_before() {
    for nan in [false, true] {
        let layout = dynamic_inversion::dynamics::StateLayout::new(1).with("x", 1, "x");
        let dynamics = Broken { nan, layout };
        let wall = if nan { 0.5 } else { 1.0 };
        for solver in foreign() {
            let problem = problem(&dynamics, (0.0, 2.0), (1e-6, 1e-9), SaveAt::Every(0.125));
            let mut rows = dynamic_inversion::integrate::Trajectory::default();
            let error =
                dynamic_inversion::integrate::solve(&problem, solver, &mut rows).unwrap_err();
            let IntegrateError::Failed { outcome, reason } = error else { panic!("{error}") };
            println!("{}: {reason}", solver.name());
            assert!((outcome.t - wall).abs() < 0.13, "{} {nan}: {}", solver.name(), outcome.t);
            assert!(rows.len() >= 4 && rows.states.iter().all(|y| y.is_finite()));
            assert!(outcome.y[0].is_finite());
        }
    }
}

#[test]
fn backends_agree_with_the_exact_solution_of_a_loop() {
    let w = noise(4, 7, 21) * 2.0;
    let feedback = dynamic_inversion::dynamics::Feedback::Tied { scale: 1.0 };
    let dynamics =
        layer(w, feedback, dynamic_inversion::dynamics::Transfer::Linear, 1, parameters(0.05));
    for solver in foreign() {
        for save_at in [SaveAt::Count(41), SaveAt::Steps] {
            let problem = problem(&dynamics, (0.0, 20.0), (1e-9, 1e-11), save_at.clone());
            let (rows, outcome) = problem.trajectory(solver).unwrap();
            let tolerance = if solver.name() == "diffsol-bdf" { 1e-6 } else { 1e-8 };
            for (k, t) in rows.times.iter().enumerate() {
                let error = distance(rows.state(k), &by_expm(&dynamics, *t));
                assert!(error < tolerance, "{} at {t}: {error:e}", solver.name());
            }
            assert_eq!(outcome.t, 20.0);
            assert_eq!(rows.times.first(), Some(&0.0));
            assert_eq!(rows.times.last(), Some(&20.0));
            if save_at == SaveAt::Steps {
                assert_eq!(rows.len() as u64, outcome.statistics.n_steps + 1, "{}", solver.name());
            }
            assert!(outcome.statistics.n_rhs > outcome.statistics.n_steps);
        }
    }
}

#[test]
fn our_methods_and_theirs_take_the_same_steps_of_the_same_method() {
    // Same pair, same controller constants: the work agrees to a few per cent.
    let dynamics = rotation();
    let problem = problem(&dynamics, (0.0, 50.0), (1e-9, 1e-9), SaveAt::End);
    for (ours, theirs) in [("dopri5", "ode-solvers-dopri5"), ("dop853", "ode-solvers-dop853")] {
        let steps = |name| {
            let (_, outcome) = problem.trajectory(Solver::named(name).unwrap()).unwrap();
            outcome.statistics.n_steps as f64
        };
        let ratio = steps(ours) / steps(theirs);
        println!("{ours}: {ratio}");
        assert!((0.7..1.4).contains(&ratio), "{ours}: {ratio}");
    }
}
