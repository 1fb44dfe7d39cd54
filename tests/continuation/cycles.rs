//! Limit cycles whose period and amplitude are known, and orbits that do not cycle.

use std::f64::consts::TAU;

use dynamic_inversion::analysis::{LimitCycleError, LimitCycleOptions, limit_cycle};

use crate::families::{brusselator, fold, hopf_normal_form, single_loop, van_der_pol};

fn options() -> LimitCycleOptions {
    LimitCycleOptions::default()
}

#[test]
fn normal_form_cycles_with_the_root_of_the_parameter() {
    for (p, omega, c) in [(0.25f64, 1.0, -1.0), (1.0, 3.0, -0.5)] {
        let field = hopf_normal_form(omega, c)(p).unwrap();
        let cycle = limit_cycle(&*field, &[0.0, 0.0], &options()).unwrap();
        let radius = (-p / c).sqrt();
        assert!((cycle.period - TAU / omega).abs() < 1e-8, "{cycle:?}");
        for k in 0..2 {
            assert!((cycle.amplitude[k] - radius).abs() < 1e-7 * radius, "{cycle:?}");
            assert!((cycle.maximum[k] + cycle.minimum[k]).abs() < 1e-7);
        }
        assert!((cycle.state[0].hypot(cycle.state[1]) - radius).abs() < 1e-7);
    }
}

#[test]
fn van_der_pol_has_its_published_period_and_amplitude() {
    // mu = 1: Andersen & Geer, SIAM J. Appl. Math. 42 (1982).
    let field = van_der_pol(1.0).unwrap();
    let cycle = limit_cycle(&*field, &[0.0, 0.0], &options()).unwrap();
    assert!((cycle.period - 6.663_286_859_32).abs() < 1e-7, "{cycle:?}");
    assert!((cycle.amplitude[0] - 2.008_619_860_87).abs() < 1e-7, "{cycle:?}");
}

#[test]
fn a_saturating_loop_cycles_beyond_its_critical_gain_only() {
    let build = single_loop(3, 0.0, true);
    let slow = build(0.92).unwrap();
    let cycle = limit_cycle(&*slow, &[0.0; 4], &options()).unwrap();
    // Near the Hopf point (gain 8/9) the frequency is tan(pi/6).
    assert!((cycle.period * (1.0 / 3f64.sqrt()) / TAU - 1.0).abs() < 0.05, "{cycle:?}");
    let larger = limit_cycle(&*build(1.2).unwrap(), &[0.0; 4], &options()).unwrap();
    assert!(larger.amplitude.iter().zip(&cycle.amplitude).all(|(a, b)| a > b));
    let stable = build(0.8).unwrap();
    let error = limit_cycle(&*stable, &[0.0; 4], &options()).unwrap_err();
    assert!(matches!(error, LimitCycleError::NotOscillatory { .. }), "{error}");
}

#[test]
fn orbits_that_run_away_or_creep_are_called_so() {
    let subcritical = hopf_normal_form(1.0, 1.0)(0.1).unwrap();
    let error = limit_cycle(&*subcritical, &[0.0, 0.0], &options()).unwrap_err();
    assert!(matches!(error, LimitCycleError::Integrate(_)), "{error}");
    let node = fold(1.0).unwrap();
    let error = limit_cycle(&*node, &[-1.0], &options()).unwrap_err();
    assert!(matches!(error, LimitCycleError::NotOscillatory { .. }), "{error}");
    let creeping = brusselator(1.0)(2.0001).unwrap();
    let few = LimitCycleOptions { max_periods: 20, ..options() };
    let error = limit_cycle(&*creeping, &[1.0, 2.0001], &few).unwrap_err();
    assert!(matches!(error, LimitCycleError::NotConverged { .. }), "{error}");
}
