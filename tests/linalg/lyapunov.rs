//! The Lyapunov equation, and its refusal where it has no unique solution.

use dynamic_inversion::linalg::LinalgError;
use dynamic_inversion::linalg::lyapunov::{LyapunovMethod, lyapunov};
use nalgebra::DMatrix;

use super::matrices::{Draws, ring, rows};
use super::support::Golden;

fn residual(a: &DMatrix<f64>, q: &DMatrix<f64>, x: &DMatrix<f64>) -> f64 {
    (a * x + x * a.transpose() + q).norm() / (2.0 * a.norm() * x.norm() + q.norm())
}

#[test]
fn goldens() {
    for name in ["jordan", "nonnormal", "oscillatory"] {
        let golden = Golden::load(&format!("stability_{name}"));
        let a = golden.matrix("A");
        let expected = golden.matrix("lyapunov_P");
        let n = a.nrows();
        let found = lyapunov(&a.transpose(), &DMatrix::identity(n, n)).unwrap();
        assert!((found.x - &expected).norm() < 1e-10 * expected.norm(), "{name}");
    }
}

#[test]
fn eigenvalues_that_sum_to_zero_are_named() {
    for (a, first, second) in [
        (rows(&[[1.0, 0.0], [0.0, -1.0]]), (1.0, 0.0), (-1.0, 0.0)),
        (rows(&[[0.0, 1.0], [-1.0, 0.0]]), (0.0, 1.0), (0.0, -1.0)),
    ] {
        match lyapunov(&a, &DMatrix::identity(2, 2)) {
            Err(LinalgError::SingularEquation { first: f, second: s, .. }) => {
                assert!((f.re - first.0).abs() + (f.im - first.1).abs() < 1e-14);
                assert!((s.re - second.0).abs() + (s.im - second.1).abs() < 1e-14);
            }
            other => panic!("{other:?}"),
        }
    }
    // A ring of three on the Hopf boundary: -1 + 2 (1, e^{2 pi i/3}, ..) with one inhibitory link.
    let mut hopf = ring(3, 2.0) - DMatrix::identity(3, 3);
    hopf[(0, 2)] = -2.0;
    assert!(matches!(
        lyapunov(&hopf, &DMatrix::identity(3, 3)),
        Err(LinalgError::SingularEquation { .. })
    ));
    assert!(matches!(
        lyapunov(&DMatrix::zeros(3, 3), &DMatrix::identity(3, 3)),
        Err(LinalgError::SingularEquation { .. })
    ));
    // The same in every basis and unit.
    let mut draws = Draws::new(80);
    for _ in 0..20 {
        let q = draws.orthogonal(4);
        let block = rows(&[
            [-1.0, 3.0, 0.5, 0.1],
            [0.0, 0.0, 2.0, -1.0],
            [0.0, -2.0, 0.0, 0.3],
            [0.0, 0.0, 0.0, -0.2],
        ]);
        let turned = &q * block * q.transpose();
        let d: Vec<f64> = (0..4).map(|_| 2.0_f64.powi(draws.below(41) as i32 - 20)).collect();
        let turned = DMatrix::from_fn(4, 4, |i, j| turned[(i, j)] * d[i] / d[j]);
        assert!(matches!(
            lyapunov(&turned, &DMatrix::identity(4, 4)),
            Err(LinalgError::SingularEquation { .. })
        ));
    }
}

#[test]
fn regular_ring_inside_the_boundary() {
    let mut a = ring(3, 1.5) - DMatrix::identity(3, 3);
    a[(0, 2)] = -1.5;
    let found = lyapunov(&a, &DMatrix::identity(3, 3)).unwrap();
    let exact = rows(&[[1.4, 0.6, -0.6], [0.6, 1.4, 0.6], [-0.6, 0.6, 1.4]]);
    assert!((found.x - exact).amax() < 1e-12);
}

#[test]
fn stable_and_antistable_matrices_by_iteration() {
    let mut draws = Draws::new(81);
    for n in [1, 2, 5, 30, 120] {
        let g = draws.matrix(n, n);
        let q = &g * g.transpose();
        for side in [-1.0, 1.0] {
            let a = draws.matrix(n, n) + side * 1.4 * DMatrix::identity(n, n);
            let found = lyapunov(&a, &q).unwrap();
            assert_eq!(found.method, LyapunovMethod::SignIteration);
            assert!(found.residual < 1e-14 && residual(&a, &q, &found.x) < 1e-13, "n = {n}");
            assert_eq!(found.x, found.x.transpose());
            assert!(found.steps < 20);
        }
    }
}

#[test]
fn matrices_with_eigenvalues_on_both_sides() {
    let mut draws = Draws::new(82);
    for n in [2, 3, 8, 30] {
        let a = draws.matrix(n, n);
        let q = draws.matrix(n, n);
        let found = lyapunov(&a, &q).unwrap();
        assert!(found.residual < 1e-13, "n = {n}: {}", found.residual);
        assert!(residual(&a, &q, &found.x) < 1e-13);
    }
    let a = rows(&[[3.0, 1.0], [0.0, -1.0]]);
    let found = lyapunov(&a, &DMatrix::identity(2, 2)).unwrap();
    assert_eq!(found.method, LyapunovMethod::Schur);
    // 2 (-1) x22 + 1 = 0; (3 - 1) x12 + x22 = 0; 6 x11 + 2 x12 + 1 = 0.
    let exact = rows(&[[-1.0 / 12.0, -0.25], [-0.25, 0.5]]);
    assert!((found.x - exact).amax() < 1e-14);
}

#[test]
fn units_do_not_matter_entry_by_entry() {
    let mut draws = Draws::new(83);
    let a = draws.matrix(6, 6) - 1.5 * DMatrix::identity(6, 6);
    let q = DMatrix::identity(6, 6);
    let x = lyapunov(&a, &q).unwrap().x;
    let d: Vec<f64> = (0..6).map(|_| 2.0_f64.powi(draws.below(61) as i32 - 30)).collect();
    let scaled_a = DMatrix::from_fn(6, 6, |i, j| a[(i, j)] * d[i] / d[j]);
    let scaled_q = DMatrix::from_fn(6, 6, |i, j| q[(i, j)] * d[i] * d[j]);
    let scaled = lyapunov(&scaled_a, &scaled_q).unwrap().x;
    let back = DMatrix::from_fn(6, 6, |i, j| scaled[(i, j)] / d[i] / d[j]);
    assert!((back - &x).amax() < 1e-13 * x.amax());
}

#[test]
fn slow_mode_beside_fast_ones() {
    // Stable by 1e-9: the covariance exists and is large.
    let a = rows(&[[-1e-9, 0.0, 0.0], [1.0, -1.0, 0.0], [0.0, 1.0, -1e3]]);
    let found = lyapunov(&a, &DMatrix::identity(3, 3)).unwrap();
    assert!((found.x[(0, 0)] / 5e8 - 1.0).abs() < 1e-12);
    assert!(found.residual < 1e-14);
}

#[test]
fn bad_input_is_named() {
    let mut a = -DMatrix::<f64>::identity(3, 3);
    let q = DMatrix::identity(2, 2);
    assert!(matches!(lyapunov(&a, &q), Err(LinalgError::ShapeMismatch { .. })));
    a[(1, 0)] = f64::NAN;
    let q = DMatrix::identity(3, 3);
    assert!(matches!(lyapunov(&a, &q), Err(LinalgError::NotFinite { row: 1, column: 0, .. })));
}
