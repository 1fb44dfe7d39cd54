//! Folds, branch points and the ends of branches.

use dynamic_inversion::analysis::{
    BifurcationKind, BranchEnd, ContinuationError, ContinuationMethod, ContinuationOptions,
    continue_equilibrium,
};

use crate::families::{custom, fold, follow, s_curve, transcritical};

#[test]
fn a_branch_turns_at_the_fold_and_comes_back_unstable() {
    let branch = follow(&fold, &[2.0], 4.0, -1.0);
    assert_eq!(branch.end, BranchEnd::Returned);
    let [bifurcation] = branch.bifurcations.as_slice() else { panic!("{:?}", branch.bifurcations) };
    assert_eq!(bifurcation.kind, BifurcationKind::Fold);
    assert!(bifurcation.point.parameter.abs() < 1e-8, "{bifurcation:?}");
    assert!(bifurcation.point.y[0].abs() < 1e-8, "{bifurcation:?}");
    assert_eq!(bifurcation.change, 1);
    let last = branch.points.last().unwrap();
    assert!(last.parameter == 4.0 && (last.y[0] + 2.0).abs() < 1e-12 && last.unstable == 1);
    for point in &branch.points {
        assert!((point.parameter - point.y[0].powi(2)).abs() < 1e-12, "{point:?}");
        assert_eq!(point.unstable, usize::from(point.y[0] < 0.0));
        assert!((point.abscissa() + 2.0 * point.y[0]).abs() < 1e-12);
    }
}

#[test]
fn both_folds_of_an_s_curve_are_passed() {
    let branch = follow(&s_curve, &[-2.103_803_402_735_536_6], -1.0, 1.0);
    assert_eq!(branch.end, BranchEnd::Reached);
    let places: Vec<_> =
        branch.bifurcations.iter().map(|b| (b.point.parameter, b.point.y[0], b.change)).collect();
    assert_eq!(places.len(), 2, "{places:?}");
    for (found, expected) in places.iter().zip([(2.0 / 3.0, -1.0, 1), (-2.0 / 3.0, 1.0, -1)]) {
        assert!((found.0 - expected.0).abs() < 1e-8 && (found.1 - expected.1).abs() < 1e-8);
        assert_eq!(found.2, expected.2);
    }
    assert!((branch.points.last().unwrap().y[0] - 2.103_803_402_735_536_6).abs() < 1e-10);
}

#[test]
fn natural_continuation_ends_at_a_fold() {
    let options = ContinuationOptions {
        method: ContinuationMethod::Natural,
        ..ContinuationOptions::default()
    };
    let branch = continue_equilibrium(&fold, &[2.0], 4.0, -1.0, &options).unwrap();
    assert_eq!(branch.end, BranchEnd::StepTooSmall);
    let last = branch.points.last().unwrap();
    assert!(last.parameter >= 0.0 && last.parameter < 1e-3, "{last:?}");
    let branch = continue_equilibrium(&fold, &[2.0], 4.0, 1.0, &options).unwrap();
    assert_eq!(branch.end, BranchEnd::Reached);
    assert!((branch.points.last().unwrap().y[0] - 1.0).abs() < 1e-12);
}

#[test]
fn a_real_crossing_without_a_turn_is_a_branch_point() {
    let branch = follow(&transcritical, &[0.0], -1.0, 1.3);
    assert_eq!(branch.end, BranchEnd::Reached);
    let [bifurcation] = branch.bifurcations.as_slice() else { panic!("{:?}", branch.bifurcations) };
    assert_eq!(bifurcation.kind, BifurcationKind::BranchPoint);
    assert!(bifurcation.point.parameter.abs() < 1e-8);
}

#[test]
fn the_cap_on_points_is_kept() {
    let options = ContinuationOptions { max_points: 7, ..ContinuationOptions::default() };
    let branch = continue_equilibrium(&fold, &[2.0], 4.0, 1.0, &options).unwrap();
    assert_eq!((branch.points.len(), branch.end), (7, BranchEnd::MaxPoints));
}

#[test]
fn what_cannot_be_followed_is_refused() {
    let fails = |family: &dyn Fn(f64) -> crate::families::Built, from, to| {
        continue_equilibrium(family, &[0.5], from, to, &ContinuationOptions::default()).unwrap_err()
    };
    // No equilibrium at a negative parameter.
    assert!(matches!(fails(&fold, -1.0, 1.0), ContinuationError::Start { .. }));
    assert!(matches!(fails(&fold, 1.0, 1.0), ContinuationError::Option { option: "to", .. }));
    let two = |_| custom(2, |_, d| d.fill(0.0), |_| vec![0.0; 4]);
    let error = fails(&two, 0.0, 1.0).to_string();
    assert_eq!(error, "at parameter 0 the system has 2 states instead of 1");
    // A family that ends within the range: the cause is passed on.
    let half = |p: f64| if p > 0.5 { Err("out of range".into()) } else { fold(p + 1.0) };
    let error = fails(&half, 0.0, 1.0);
    assert!(matches!(&error, ContinuationError::Build { .. }), "{error}");
    assert!(error.to_string().ends_with("out of range"), "{error}");
}
