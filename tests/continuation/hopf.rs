//! Hopf points of systems whose gain, frequency and first Lyapunov coefficient are known.

use std::f64::consts::PI;

use dynamic_inversion::analysis::{
    Bifurcation, BifurcationKind, Branch, Criticality, FirstLyapunov, NormalFormError,
};

use crate::families::{brusselator, custom, follow, hopf_normal_form, single_loop};

fn the_hopf_point(branch: &Branch) -> (&Bifurcation, f64, Result<FirstLyapunov, NormalFormError>) {
    let [bifurcation] = branch.bifurcations.as_slice() else { panic!("{:?}", branch.bifurcations) };
    match &bifurcation.kind {
        BifurcationKind::Hopf { frequency, first_lyapunov } => {
            (bifurcation, *frequency, first_lyapunov.clone())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn normal_form_gives_its_own_coefficient() {
    // With |q| = 1 a cubic term c z |z|^2 has l1 = 2 c / omega.
    for (omega, c, kind) in
        [(1.0, -1.0, Criticality::Supercritical), (2.5, 0.75, Criticality::Subcritical)]
    {
        let family = hopf_normal_form(omega, c);
        let branch = follow(&family, &[0.0, 0.0], -1.0, 1.2);
        let (point, frequency, l1) = the_hopf_point(&branch);
        assert!(point.point.parameter.abs() < 1e-8 && (frequency - omega).abs() < 1e-8);
        assert_eq!(point.change, 2);
        let l1 = l1.unwrap();
        assert!((l1.value - 2.0 * c / omega).abs() < 1e-8, "{l1:?}");
        assert_eq!(l1.criticality, kind);
    }
}

#[test]
fn brusselator_matches_its_closed_form() {
    // Hopf at p = 1 + a^2 with frequency a; l1 = -(2 + a^2)/(2 a (1 + 2 a^2)) for |q| = 1.
    for a in [0.5, 1.0, 2.0] {
        let family = brusselator(a);
        let (from, to) = (0.5 * (1.0 + a * a), 1.5 * (1.0 + a * a));
        let branch = follow(&family, &[a, from / a], from, to);
        let (point, frequency, l1) = the_hopf_point(&branch);
        assert!((point.point.parameter - (1.0 + a * a)).abs() < 1e-8, "{point:?}");
        assert!((frequency - a).abs() < 1e-7);
        assert!((point.point.y[1] - (1.0 + a * a) / a).abs() < 1e-8);
        let expected = -(2.0 + a * a) / (2.0 * a * (1.0 + 2.0 * a * a));
        let l1 = l1.unwrap();
        assert!((l1.value - expected).abs() < 1e-7 * expected.abs(), "{l1:?} for {expected}");
        assert!((l1.value - expected).abs() <= l1.error, "{l1:?} for {expected}");
        assert_eq!(l1.criticality, Criticality::Supercritical);
    }
}

#[test]
fn single_loops_lose_stability_at_the_critical_gain() {
    // tan(pi/2n)/cos(pi/2n)^n without leak; frequency tan(pi/2n). Two stages: 2 (1 + leak)^2.
    for stages in 2..=5usize {
        let angle = PI / (2 * stages) as f64;
        let gain = angle.tan() / angle.cos().powi(stages as i32);
        let family = single_loop(stages, 0.0, false);
        let branch = follow(&family, &vec![0.0; stages + 1], 0.1, 3.0);
        let hopf = branch.bifurcations.first().expect("a Hopf point");
        let BifurcationKind::Hopf { frequency, .. } = hopf.kind else { panic!("{hopf:?}") };
        assert!((hopf.point.parameter - gain).abs() < 1e-8, "{stages}: {hopf:?} for {gain}");
        assert!((frequency - angle.tan()).abs() < 1e-8);
    }
    for leak in [0.1, 0.5] {
        let family = single_loop(2, leak, false);
        let branch = follow(&family, &[0.0; 3], 0.1, 6.0);
        let (point, ..) = the_hopf_point(&branch);
        assert!((point.point.parameter - 2.0 * (1.0f64 + leak).powi(2)).abs() < 1e-8);
    }
}

#[test]
fn saturating_loops_are_supercritical_and_linear_ones_degenerate() {
    let family = single_loop(3, 0.0, true);
    let branch = follow(&family, &[0.0; 4], 0.1, 2.0);
    let (point, _, l1) = the_hopf_point(&branch);
    assert!((point.point.parameter - 8.0 / 9.0).abs() < 1e-8);
    let l1 = l1.unwrap();
    assert_eq!(l1.criticality, Criticality::Supercritical, "{l1:?}");
    let family = single_loop(3, 0.0, false);
    let branch = follow(&family, &[0.0; 4], 0.1, 2.0);
    let (.., l1) = the_hopf_point(&branch);
    assert_eq!(l1.unwrap().criticality, Criticality::Degenerate);
}

#[test]
fn two_pairs_that_cross_together_are_not_simple() {
    let family = |p: f64| {
        custom(
            4,
            move |y, d| {
                for k in [0, 2] {
                    (d[k], d[k + 1]) = (p * y[k] - y[k + 1], y[k] + p * y[k + 1]);
                }
            },
            move |_| {
                let (a, b, c, d) = (p, -1.0, 1.0, p);
                vec![a, b, 0.0, 0.0, c, d, 0.0, 0.0, 0.0, 0.0, a, b, 0.0, 0.0, c, d]
            },
        )
    };
    let branch = follow(&family, &[0.0; 4], -1.0, 1.5);
    let (point, _, l1) = the_hopf_point(&branch);
    assert!(point.point.parameter.abs() < 1e-8);
    assert!(matches!(l1, Err(NormalFormError::NotSimple { count: 2, .. })), "{l1:?}");
}
