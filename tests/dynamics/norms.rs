//! Norms of states whose squares leave the range of numbers.

use dynamic_inversion::dynamics::StateLayout;

fn norms(y: &[f64; 6]) -> [f64; 2] {
    // Two targets: two state units and one controller unit each.
    let layout = StateLayout::new(2).with("state", 2, "activity").with("controller", 1, "control");
    let mut found = [0.0; 2];
    layout.column_norms(y, &mut found);
    found
}

#[test]
fn squares_neither_overflow_nor_vanish() {
    for scale in [1e-320, 1e-300, 1e-200, 1e-150, 1.0, 1e150, 1e200, 1e307] {
        let [first, second] = norms(&[3.0 * scale, 0.0, 2.0, 1.0, 4.0 * scale, 2.0]);
        assert!((first / scale - 5.0).abs() < 1e-3, "{scale:e}: {first:e}");
        assert_eq!(second, 3.0);
    }
    assert_eq!(norms(&[0.0; 6]), [0.0, 0.0]);
}

#[test]
fn what_is_not_finite_stays_so() {
    for other in [0.0, 1.0, 1e300] {
        let [nan, infinite] = norms(&[f64::NAN, other, f64::INFINITY, other, 0.0, 0.0]);
        assert!(nan.is_nan() && infinite == f64::INFINITY, "{nan} {infinite}");
    }
}
