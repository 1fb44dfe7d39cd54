//! Ranges as people mean them: decimal points, exact ends, no lost or doubled point.

use dynamic_inversion::model::grid::{linear, log, range, range_len};

fn points(from: f64, to: f64, step: f64) -> Vec<f64> {
    (0..range_len(from, to, step)).map(|k| range(from, step, k)).collect()
}

#[test]
fn steps_end_where_they_should() {
    assert_eq!(points(0.5, 0.9, 0.1), [0.5, 0.6, 0.7, 0.8, 0.9]);
    assert_eq!(points(0.6, 0.9, 0.1), [0.6, 0.7, 0.8, 0.9]);
    assert_eq!(points(0.65, 0.8, 0.05), [0.65, 0.7, 0.75, 0.8]);
    let tenths = points(0.0, 1.0, 0.1);
    assert_eq!(tenths, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]);
    assert_eq!(tenths[3].to_string(), "0.3");
    assert_eq!(points(0.0, 1.0, 0.3), [0.0, 0.3, 0.6, 0.9]);
    assert_eq!(points(-0.1, 0.2, 0.1), [-0.1, 0.0, 0.1, 0.2]);
    assert_eq!(points(1.0, 0.7, -0.1), [1.0, 0.9, 0.8, 0.7]);
    assert_eq!(points(2.5, 2.5, 1.0), [2.5]);
    assert_eq!(points(1e-7, 5e-7, 1e-7), [1e-7, 2e-7, 3e-7, 4e-7, 5e-7]);
    // 10^5 points, none accumulated: the nearest float to k / 10.
    assert_eq!(range_len(0.0, 1e4, 0.1), 100_001);
    for k in [29_975, 99_999, 100_000] {
        let expected: f64 = format!("{}.{}", k / 10, k % 10).parse().expect("a number");
        assert_eq!(range(0.0, 0.1, k), expected);
    }
}

#[test]
fn steps_that_lead_nowhere_are_empty() {
    for (from, to, step) in
        [(1.0, 0.0, 0.1), (0.0, 1.0, 0.0), (0.0, 1.0, -0.1), (0.0, f64::NAN, 0.1)]
    {
        assert_eq!(range_len(from, to, step), 0, "{from} {to} {step}");
    }
}

#[test]
fn very_different_sizes_do_not_overflow() {
    assert_eq!(range_len(0.0, 1e300, 1e299), 11);
    assert!(range_len(0.0, 1.0, 1e-300) > 1 << 60);
    assert_eq!(range(1e300, 1e-300, 5), 1e300);
    assert_eq!(linear(-1e308, 1e308, 3, 1), 0.0);
    assert!(linear(1e-300, 1e300, 4, 2).is_finite());
}

#[test]
fn linear_points_are_the_nearest_floats() {
    let all = |from, to, count| (0..count).map(|k| linear(from, to, count, k)).collect::<Vec<_>>();
    assert_eq!(all(0.0, 1.0, 11), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]);
    assert_eq!(all(0.1, 2.0, 20)[5..8], [0.6, 0.7, 0.8]);
    assert_eq!(all(1.0, 0.0, 5), [1.0, 0.75, 0.5, 0.25, 0.0]);
    // A third is not decimal: rounded once, so equal to the quotient of exact integers.
    assert_eq!(linear(0.0, 1.0, 4, 1), 1.0 / 3.0);
    assert_eq!(linear(0.0, 1.0, 4, 2), 2.0 / 3.0);
    for count in 2..200 {
        let points = all(-0.7, 1.3, count);
        assert_eq!((points[0], points[count - 1]), (-0.7, 1.3));
        assert!(points.is_sorted_by(|a, b| a < b), "{count}");
    }
}

#[test]
fn decades_are_powers_of_ten() {
    let decades: Vec<_> = (0..7).map(|k| log(1e-3, 1e3, 7, k)).collect();
    assert_eq!(decades, [0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]);
    let wide: Vec<_> = (0..13).map(|k| log(1e-300, 1e300, 13, k)).collect();
    for (k, x) in wide.iter().enumerate() {
        let expected: f64 = format!("1e{}", -300 + 50 * k as i32).parse().expect("a number");
        assert_eq!(*x, expected);
    }
    let down: Vec<_> = (0..3).map(|k| log(-10.0, -0.1, 3, k)).collect();
    assert_eq!(down, [-10.0, -1.0, -0.1]);
    // Between the decades: within a few units in the last place of exp of the logarithm.
    for k in 1..24 {
        let x = log(1e-3, 1.0, 25, k);
        let expected = (1e-3f64.ln() * (1.0 - k as f64 / 24.0)).exp();
        assert!(((x - expected) / expected).abs() < 1e-14, "{k}: {x} {expected}");
    }
}
