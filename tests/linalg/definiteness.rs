//! Cholesky factorisation and proofs of positive definiteness.

use dynamic_inversion::linalg::LinalgError;
use dynamic_inversion::linalg::chol::{
    cholesky, enclose_symmetric_form, verified_positive_definite, verified_positive_definite_within,
};
use dynamic_inversion::linalg::lyapunov::lyapunov;
use dynamic_inversion::linalg::qr::orthonormal_columns;
use nalgebra::{DMatrix, DVector};

use super::matrices::{Draws, rows};

fn symmetric(draws: &mut Draws, eigenvalues: &[f64]) -> DMatrix<f64> {
    let n = eigenvalues.len();
    let q = draws.orthogonal(n);
    let a = &q * DMatrix::from_diagonal(&DVector::from_column_slice(eigenvalues)) * q.transpose();
    (&a + a.transpose()) * 0.5
}

#[test]
fn factor_reconstructs() {
    let mut draws = Draws::new(60);
    for n in [0, 1, 2, 20, 150] {
        let m = draws.matrix(n, n);
        let a = &m * m.transpose() + DMatrix::identity(n, n);
        let l = cholesky(&a).unwrap();
        assert!((&l * l.transpose() - &a).norm() < 1e-13 * (1.0 + a.norm()));
        assert_eq!(l, l.lower_triangle());
    }
    let indefinite = rows(&[[1.0, 2.0], [2.0, 1.0]]);
    assert_eq!(cholesky(&indefinite), Err(LinalgError::NotPositiveDefinite { pivot: 1 }));
}

#[test]
fn clearly_definite_matrices_are_proven() {
    let mut draws = Draws::new(61);
    for n in [1, 2, 5, 30, 100, 300] {
        for smallest in [1.0, 1e-4, 1e-9] {
            let spread: Vec<f64> =
                (0..n).map(|i| if i == 0 { smallest } else { 1.0 + draws.uniform() }).collect();
            let a = symmetric(&mut draws, &spread);
            assert!(verified_positive_definite(&a, 0.0), "n = {n}, least {smallest}");
        }
    }
}

#[test]
fn nothing_false_is_ever_proven() {
    // Exact by construction: with integers below 2^20 A = B^T B - k e_i e_i^T has no rounding, and
    // for an integer vector x with B x = 0 and x_i != 0, x^T A x = -k x_i^2 < 0.
    let mut draws = Draws::new(62);
    for _ in 0..2000 {
        let n = 2 + draws.below(7);
        let scale = 2.0_f64.powi(draws.below(8) as i32);
        let mut b = DMatrix::from_fn(n, n, |_, _| draws.below(41) as f64 - 20.0) * scale;
        // Last column = - sum of the others, so B (1, .., 1) = 0.
        let sum: DVector<f64> = b.columns(0, n - 1).column_sum();
        b.set_column(n - 1, &(-sum));
        let mut a = b.transpose() * &b;
        assert!(!verified_positive_definite(&a, 0.0), "singular matrix accepted");
        let i = draws.below(n);
        let size = a[(i, i)];
        a[(i, i)] -= (size * 2.0_f64.powi(-(draws.below(52) as i32))).floor().max(1.0);
        assert!(!verified_positive_definite(&a, 0.0), "indefinite matrix accepted");
    }
}

#[test]
fn negative_eigenvalue_of_rounding_size_is_not_accepted() {
    let mut draws = Draws::new(63);
    for n in [2, 10, 60, 200] {
        for exponent in 8..18 {
            let least = -(10.0_f64.powi(-exponent));
            let mut spread = vec![1.0; n];
            spread[n / 2] = least;
            // The rounding of the construction is below 1e-13, so definite down to there at most.
            let a = symmetric(&mut draws, &spread);
            if exponent <= 12 {
                assert!(!verified_positive_definite(&a, 0.0));
            }
            let shifted = &a - DMatrix::from_diagonal_element(n, n, 1e-12);
            assert!(!verified_positive_definite(&shifted, 0.0));
        }
    }
}

#[test]
fn radius_decides() {
    let a = rows(&[[2.0, 1.0], [1.0, 2.0]]);
    // Least eigenvalue 1; the worst change within r lowers it by 2 r (-r on the diagonal, r off it).
    assert!(verified_positive_definite(&a, 0.499));
    assert!(!verified_positive_definite(&a, 0.501));
    let tight = DMatrix::from_diagonal_element(2, 2, 0.9);
    assert!(verified_positive_definite_within(&a, &tight));
    assert!(!verified_positive_definite_within(&a, &(tight * 1.2)));
    assert!(!verified_positive_definite(&a, f64::NAN));
    assert!(!verified_positive_definite(&a, -1.0));
}

#[test]
fn units_do_not_change_the_verdict() {
    let mut draws = Draws::new(64);
    for (least, expected) in [(1e-6, true), (-1e-6, false)] {
        let a = symmetric(&mut draws, &[1.0, 2.0, least, 1.5, 0.7]);
        for _ in 0..50 {
            let d: Vec<f64> = (0..5).map(|_| 2.0_f64.powi(draws.below(121) as i32 - 60)).collect();
            let scaled = DMatrix::from_fn(5, 5, |i, j| a[(i, j)] * d[i] * d[j]);
            assert_eq!(verified_positive_definite(&scaled, 0.0), expected);
        }
    }
}

#[test]
fn malformed_input_proves_nothing() {
    let good = DMatrix::<f64>::identity(3, 3);
    assert!(verified_positive_definite(&good, 0.0));
    let mut bad = good.clone();
    bad[(0, 1)] = 1e-300;
    assert!(!verified_positive_definite(&bad, 0.0), "not symmetric");
    for value in [f64::NAN, f64::INFINITY] {
        let mut bad = good.clone();
        bad[(1, 1)] = value;
        assert!(!verified_positive_definite(&bad, 0.0));
    }
    assert!(!verified_positive_definite(&DMatrix::zeros(2, 3), 0.0));
    assert!(!verified_positive_definite(&DMatrix::zeros(2, 2), 0.0));
}

#[test]
fn enclosure_holds_the_exact_form() {
    // The reference sums in twice the working precision by error-free products and sums (Dekker,
    // Knuth), so its error is far below the radius.
    let mut draws = Draws::new(65);
    let split = |x: f64| {
        let c = 134_217_729.0 * x;
        let high = c - (c - x);
        (high, x - high)
    };
    let product = |a: f64, b: f64| {
        let p = a * b;
        let ((ah, al), (bh, bl)) = (split(a), split(b));
        (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
    };
    for n in [1, 3, 20, 60] {
        let j = draws.matrix(n, n);
        let p = draws.matrix(n, n);
        let p = &p + p.transpose();
        let e = enclose_symmetric_form(&j, &p).unwrap();
        for r in 0..n {
            for c in 0..n {
                let (mut high, mut low) = (-e.center[(r, c)], 0.0);
                let mut add = |x: f64, tail: f64| {
                    let sum = high + x;
                    let part = sum - high;
                    low += (high - (sum - part)) + (x - part) + tail;
                    high = sum;
                };
                for k in 0..n {
                    let (x, tail) = product(p[(r, k)], j[(k, c)]);
                    add(-x, -tail);
                    let (x, tail) = product(j[(k, r)], p[(k, c)]);
                    add(-x, -tail);
                }
                let error = (high + low).abs();
                assert!(error <= e.radius[(r, c)], "error {error} outside {}", e.radius[(r, c)]);
            }
        }
        assert!(e.radius.amax() < 1e-13 * n as f64, "radius is not sharp enough to be useful");
    }
}

#[test]
fn a_stable_matrix_gets_its_certificate_and_an_unstable_one_does_not() {
    let mut draws = Draws::new(66);
    for n in [2, 10, 80] {
        let j: DMatrix<f64> = draws.matrix(n, n) - 1.3 * DMatrix::identity(n, n);
        let p = lyapunov(&j.transpose(), &DMatrix::identity(n, n)).unwrap().x;
        let proven = |j: &DMatrix<f64>| {
            let e = enclose_symmetric_form(j, &p).unwrap();
            verified_positive_definite(&p, 0.0)
                && verified_positive_definite_within(&e.center, &e.radius)
        };
        assert!(proven(&j));
        assert!(!proven(&(j + 3.0 * DMatrix::identity(n, n))));
    }
}

#[test]
fn orthonormal_columns_keep_the_span_and_a_positive_diagonal() {
    let mut draws = Draws::new(67);
    for (m, n) in [(1, 1), (5, 5), (40, 7), (100, 100), (3, 0)] {
        let a = draws.matrix(m, n);
        let q = orthonormal_columns(&a).unwrap();
        assert!((q.tr_mul(&q) - DMatrix::identity(n, n)).norm() < 1e-13 * (1 + n) as f64);
        let r = q.tr_mul(&a);
        assert!((&q * &r - &a).norm() < 1e-13 * (1 + n) as f64);
        assert!((0..n).all(|i| r[(i, i)] > 0.0));
        assert!((0..n).all(|j| (j + 1..n).all(|i| r[(i, j)].abs() < 1e-13)));
    }
    assert!(orthonormal_columns(&DMatrix::zeros(2, 3)).is_err());
}
