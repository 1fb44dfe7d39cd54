//! Cross-checks and error estimates against known solutions.

use dynamic_inversion::dynamics::{Dynamics, Feedback, Transfer};
use dynamic_inversion::integrate::{
    CompareError, Options, Problem, SaveAt, Solver, Tolerances, Trajectory, cross_check,
    estimate_error,
};

use crate::systems::{layer, noise, parameters, rotation};

fn solver(name: &str) -> Solver {
    Solver::named(name).unwrap()
}

#[test]
fn the_largest_difference_is_found_and_named() {
    let dynamics = rotation();
    let tolerances = Tolerances::new(1e-3, 1e-4);
    let a = Trajectory { times: vec![0.0, 1.0], states: vec![1.0, 0.0, 0.5, -2.0], dim: 2 };
    let mut b = a.clone();
    b.states[2] += 1e-3;
    b.states[3] -= 2e-3;
    let check = cross_check(&a, &b, &tolerances, &dynamics).unwrap();
    assert!((check.difference - 2e-3).abs() < 1e-15);
    // 1e-3 / (1e-4 + 0.501e-3) is more than 2e-3 / (1e-4 + 2.002e-3).
    assert!((check.scaled_difference - 1e-3 / (1e-4 + 0.501e-3)).abs() < 1e-9);
    assert_eq!((check.t, check.component, check.component_name.as_str()), (1.0, 0, "state[0]"));
    b.states[1] = f64::NAN;
    assert_eq!(cross_check(&a, &b, &tolerances, &dynamics).unwrap().difference, f64::INFINITY);
    b.times[1] = 1.5;
    let wrong = cross_check(&a, &b, &tolerances, &dynamics);
    assert_eq!(wrong, Err(CompareError::Times { row: 1, a: 1.0, b: 1.5 }));
    b.times.truncate(1);
    assert!(cross_check(&a, &b, &tolerances, &dynamics).is_err());
}

#[test]
fn every_solver_agrees_with_the_exact_one_within_its_tolerance() {
    let dynamics =
        layer(noise(5, 8, 3), Feedback::Tied { scale: 2.0 }, Transfer::Linear, 3, parameters(0.05));
    let mut problem = Problem::new(&dynamics, (0.0, 30.0));
    problem.save_at = SaveAt::Count(31);
    problem.options = Options::with_tolerances(1e-8, 1e-10);
    let (exact, outcome) = problem.trajectory(Solver::Exact).unwrap();
    assert_eq!(outcome.statistics.n_rhs, 1);
    for solver in Solver::all().filter(|s| s.has_tolerances() && s.is_built()) {
        let (rows, _) = problem.trajectory(solver).unwrap();
        let check = cross_check(&rows, &exact, &problem.options.tolerances, &dynamics).unwrap();
        println!("{}: {:.2} tolerances", solver.name(), check.scaled_difference);
        let allowed = if solver.name() == "diffsol-bdf" { 1000.0 } else { 100.0 };
        assert!(check.scaled_difference < allowed, "{}: {check:?}", solver.name());
    }
}

#[test]
fn dop853_at_its_tightest_agrees_to_twelve_digits() {
    for (m, n) in [(5, 8), (8, 5)] {
        let dynamics = layer(
            noise(m, n, 3),
            Feedback::Tied { scale: 2.0 },
            Transfer::Linear,
            1,
            parameters(0.0),
        );
        let mut problem = Problem::new(&dynamics, (0.0, 20.0));
        problem.save_at = SaveAt::Count(21);
        problem.options = Options::with_tolerances(1e-13, 1e-14);
        let (exact, _) = problem.trajectory(Solver::Exact).unwrap();
        let (rows, _) = problem.trajectory(solver("dop853")).unwrap();
        let check = cross_check(&rows, &exact, &problem.options.tolerances, &dynamics).unwrap();
        let scale = exact.states.iter().fold(1.0_f64, |m, y| m.max(y.abs()));
        assert!(check.difference < 1e-12 * scale, "{:e} of {scale}", check.difference);
    }
}

#[test]
fn the_estimated_error_is_the_true_error() {
    let oscillator = rotation();
    let loops =
        layer(noise(5, 8, 3), Feedback::Tied { scale: 2.0 }, Transfer::Linear, 1, parameters(0.05));
    let cases: [(&dyn Dynamics, f64); 2] = [(&oscillator, 20.0), (&loops, 30.0)];
    for (dynamics, t_end) in cases {
        let mut problem = Problem::new(dynamics, (0.0, t_end));
        problem.save_at = SaveAt::Count(41);
        let (truth, _) = problem.trajectory(Solver::Exact).unwrap();
        for name in ["dopri5", "tsit5", "dop853", "implicit", "ode-solvers-dopri5"] {
            for rtol in [1e-4, 1e-6, 1e-8] {
                problem.options = Options::with_tolerances(rtol, rtol * 1e-2);
                let (rows, _) = problem.trajectory(solver(name)).unwrap();
                let estimate = estimate_error(&problem, solver(name), &rows).unwrap();
                let tolerances = &problem.options.tolerances;
                let error = cross_check(&rows, &truth, tolerances, dynamics).unwrap();
                let ratio = estimate.difference / error.difference;
                println!("{name} {rtol:e}: error {:.1e}, ratio {ratio:.3}", error.difference);
                assert!((0.5..2.0).contains(&ratio), "{name} {rtol:e}: {ratio}");
            }
        }
    }
}

#[test]
fn estimates_that_cannot_be_made_are_refused() {
    let dynamics = rotation();
    let mut problem = Problem::new(&dynamics, (0.0, 1.0));
    let rows = Trajectory::default();
    for name in ["exact", "rk4"] {
        let refusal = estimate_error(&problem, solver(name), &rows);
        assert!(matches!(refusal, Err(CompareError::NoTolerances { .. })), "{name}");
    }
    problem.options = Options::with_tolerances(1e-13, 1e-15);
    let refusal = estimate_error(&problem, solver("dopri5"), &rows);
    assert!(matches!(refusal, Err(CompareError::Tightest { .. })));
}
