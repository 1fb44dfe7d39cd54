//! Stopping at steady states, and not stopping where there is none.

use dynamic_inversion::integrate::{
    AUTO, DOP853, DOPRI5, Direction, Event, IMPLICIT, Method, Options, Outcome, Refusal, Run,
    Status, SteadyState, TSIT5, Tolerances, Warning,
};

use crate::fields::{Custom, Linear};
use crate::goldens;

const METHODS: [&Method; 5] = [&DOPRI5, &TSIT5, &DOP853, &IMPLICIT, &AUTO];

/// `x' = -x + tanh 2x`: unstable at 0, stable at +-0.957504.
fn pitchfork() -> Custom {
    Custom::scalar(
        |_, x| -x + (2.0 * x).tanh(),
        |_, x| -1.0 + 2.0 * (1.0 - (2.0 * x).tanh().powi(2)),
    )
}

#[test]
fn the_neighbourhood_of_an_unstable_rest_point_is_not_a_steady_state() {
    let field = pitchfork();
    for method in METHODS {
        let ninety = 0.9 * 0.957_504_024_077_268_7;
        let run = Run::new(&field, method, (0.0, 60.0), &[1e-12])
            .options(Options::with_tolerances(1e-8, 1e-18))
            .stop_at_steady_state(SteadyState { tolerance: 1e-8, ..SteadyState::default() })
            .event(Event::new("ninety", move |_, x| x[0] - ninety).in_direction(Direction::Rising));
        let (_, outcome) = run.trajectory().unwrap();
        assert_eq!(outcome.status, Status::SteadyState, "{}", method.name);
        let equilibrium = outcome.equilibrium.unwrap();
        assert!((equilibrium.y[0] - 0.957_504_024_077_268_7).abs() < 1e-13);
        assert!(equilibrium.distance < 1e-7 && outcome.t > 40.0);
        assert!((outcome.events[0].t - 29.491_683_775).abs() < 1e-5, "{}", outcome.events[0].t);
    }
}

#[test]
fn an_unresolved_start_is_warned_about_and_still_not_steady() {
    let field = pitchfork();
    for method in METHODS {
        let run = Run::new(&field, method, (0.0, 200.0), &[1e-12])
            .options(Options::with_tolerances(1e-8, 1e-8))
            .stop_at_steady_state(SteadyState { tolerance: 1e-8, ..SteadyState::default() });
        let (_, outcome) = run.trajectory().unwrap();
        let unresolved = |w: &Warning| matches!(w, Warning::UnresolvedStart { .. });
        assert!(outcome.warnings.iter().any(unresolved), "{}", method.name);
        if let Some(equilibrium) = outcome.equilibrium {
            assert!(equilibrium.y[0].abs() > 0.9, "{}", method.name);
        }
    }
}

#[test]
fn a_start_exactly_on_an_unstable_rest_point_is_named_unstable() {
    let field = pitchfork();
    let run = Run::new(&field, &DOPRI5, (0.0, 100.0), &[0.0])
        .stop_at_steady_state(SteadyState::default());
    let (_, outcome) = run.trajectory().unwrap();
    assert_eq!(outcome.status, Status::Complete);
    let Some(Warning::SteadyStateRefused { reason: Refusal::Unstable { rate }, .. }) =
        outcome.warnings.first()
    else {
        panic!("{:?}", outcome.warnings)
    };
    assert!(*rate > 0.0 && *rate < 1.1);
}

#[test]
fn a_start_on_a_stable_rest_point_is_steady_after_the_dwell_time() {
    let field = Linear::decay();
    let run = Run::new(&field, &DOPRI5, (0.0, 100.0), &[0.0])
        .stop_at_steady_state(SteadyState::default());
    let (_, outcome) = run.trajectory().unwrap();
    assert_eq!(outcome.status, Status::SteadyState);
    assert!(outcome.t >= 5.0);
}

/// `v' = -v + u, u' = 1.5 - tanh v - leak u`: the target is out of reach.
fn unreachable(leak: f64) -> Custom {
    Custom::new(
        2,
        move |_, y, dy| {
            dy[0] = -y[0] + y[1];
            dy[1] = 1.5 - y[0].tanh() - leak * y[1];
        },
        move |_, y, j| j.copy_from_slice(&[-1.0, y[0].tanh().powi(2) - 1.0, 1.0, -leak]),
    )
}

fn settle(field: &Custom, method: &'static Method, t_end: f64) -> Outcome {
    Run::new(field, method, (0.0, t_end), &[0.0, 0.0])
        .stop_at_steady_state(SteadyState::default())
        .integrate(&mut ())
        .unwrap()
}

#[test]
fn a_leaky_controller_settles_short_of_its_target() {
    let field = unreachable(0.1);
    for method in METHODS {
        let outcome = settle(&field, method, 1000.0);
        assert_eq!(outcome.status, Status::SteadyState, "{}", method.name);
        let equilibrium = outcome.equilibrium.unwrap();
        for y in &equilibrium.y {
            assert!((y - 5.000_906_313_151_84).abs() < 1e-12, "{y}");
        }
        assert!(equilibrium.residual < 1e-14);
        let actual = outcome.y.iter().zip(&equilibrium.y).map(|(a, b)| (a - b).abs());
        assert_eq!(actual.fold(0.0, f64::max), equilibrium.distance);
        assert!(equilibrium.distance < 1e-6, "{}: {:e}", method.name, equilibrium.distance);
    }
}

#[test]
fn winding_up_is_never_a_steady_state() {
    let field = unreachable(0.0);
    for method in METHODS {
        let outcome = settle(&field, method, 1000.0);
        assert_eq!(outcome.status, Status::Complete, "{}", method.name);
        assert!(outcome.equilibrium.is_none());
        assert!((outcome.y[0] - 500.707_482_58).abs() < 1e-5, "{}", outcome.y[0]);
        assert!((outcome.y[1] - 501.207_482_58).abs() < 1e-5, "{}", outcome.y[1]);
    }
    let long = settle(&field, &DOP853, 1e6);
    assert_eq!(long.status, Status::Complete);
}

#[test]
fn transient_growth_is_neither_divergence_nor_rest() {
    let field = Linear::rows(&[&[-1.0, 100.0], &[0.0, -2.0]]);
    for method in METHODS {
        let run = Run::new(&field, method, (0.0, 100.0), &[0.0, 1.0])
            .stop_at_steady_state(SteadyState::default())
            .event(Event::new("peak", |_, y| 100.0 * y[1] - y[0]));
        let (_, outcome) = run.trajectory().unwrap();
        assert_eq!(outcome.status, Status::SteadyState);
        assert!(outcome.t > 10.0, "{}: {}", method.name, outcome.t);
        assert!((outcome.events[0].t - 2f64.ln()).abs() < 1e-7);
    }
}

#[test]
fn a_slow_ring_is_not_steady_at_its_turning_points() {
    // Very slow rotation: rates are small compared with the state all the time.
    let field = Linear::rotation(1e-3);
    let run = Run::new(&field, &DOP853, (0.0, 2e4), &[1.0, 0.0])
        .stop_at_steady_state(SteadyState { tolerance: 1e-6, ..SteadyState::default() });
    let (_, outcome) = run.trajectory().unwrap();
    assert_eq!(outcome.status, Status::Complete);
}

#[test]
fn loops_settle_at_default_tolerances_on_their_equilibrium() {
    for name in ["tanh_contracting", "linear_contracting", "softplus_contracting"] {
        let golden = crate::support::Golden::load(name);
        let (field, _, reference) = goldens::load(name);
        let y0 = vec![0.0; reference.ncols()];
        let state = golden.vector("steady_state");
        for method in METHODS {
            let run =
                Run::new(&field, method, (0.0, 5000.0), &y0).stop_at_steady_state(SteadyState {
                    blocks: vec![0..state.len(), state.len()..y0.len()],
                    ..SteadyState::default()
                });
            let outcome = run.integrate(&mut ()).unwrap();
            assert_eq!(outcome.status, Status::SteadyState, "{name} {}", method.name);
            assert!(outcome.t < 600.0, "{name} {}: {}", method.name, outcome.t);
            let equilibrium = outcome.equilibrium.unwrap();
            for (y, e) in equilibrium.y.iter().zip(&state) {
                assert!((y - e).abs() < 1e-11, "{name} {}: {y} {e}", method.name);
            }
            assert!(equilibrium.distance < 1e-5, "{name} {}", method.name);
        }
    }
}

#[test]
fn loose_tolerances_do_not_keep_a_run_from_settling() {
    let (field, _, reference) = goldens::load("tanh_contracting");
    let y0 = vec![0.0; reference.ncols()];
    let options = Options { tolerances: Tolerances::new(1e-4, 1e-6), ..Options::default() };
    let run = Run::new(&field, &DOPRI5, (0.0, 5000.0), &y0)
        .options(options)
        .stop_at_steady_state(SteadyState::default());
    let outcome = run.integrate(&mut ()).unwrap();
    assert_eq!(outcome.status, Status::SteadyState);
}
