//! Singular values, pseudoinverse, norms.

use dynamic_inversion::linalg::LinalgError;
use dynamic_inversion::linalg::norms::{norm_frobenius, norm_infinity, norm_one, norm_two};
use dynamic_inversion::linalg::svd::{
    condition_number, pseudoinverse, resolvent_distance, singular_values, svd,
};
use nalgebra::{Complex, DMatrix};

use super::matrices::{Draws, relative_difference, rows};
use super::support::Golden;

#[test]
fn factors_reconstruct_and_are_orthonormal() {
    let mut draws = Draws::new(50);
    for (m, n) in [(1, 1), (5, 3), (3, 5), (60, 200), (200, 60), (128, 128)] {
        let a = draws.matrix(m, n);
        let f = svd(&a).unwrap();
        let size = m.min(n);
        let back = &f.u * DMatrix::from_diagonal(&f.s) * f.v.transpose();
        assert!(relative_difference(&back, &a) < 1e-13);
        assert!((f.u.tr_mul(&f.u) - DMatrix::identity(size, size)).amax() < 1e-13);
        assert!((f.v.tr_mul(&f.v) - DMatrix::identity(size, size)).amax() < 1e-13);
        assert!(f.s.as_slice().windows(2).all(|w| w[0] >= w[1]));
        assert!((singular_values(&a).unwrap() - f.s).amax() < 1e-13);
    }
}

#[test]
fn pseudoinverse_satisfies_the_four_penrose_equations_at_any_rank() {
    let mut draws = Draws::new(51);
    for (m, n, r) in [(6, 4, 4), (4, 6, 4), (8, 8, 3), (10, 7, 2)] {
        let a = draws.matrix(m, r) * draws.matrix(r, n);
        let p = pseudoinverse(&a, None).unwrap();
        assert_eq!(p.rank, r);
        let x = &p.matrix;
        let scale = 1e-12 * (1.0 + x.norm());
        assert!((&a * x * &a - &a).norm() < scale);
        assert!((x * &a * x - x).norm() < scale * x.norm());
        assert!((&a * x - (&a * x).transpose()).norm() < scale);
        assert!((x * &a - (x * &a).transpose()).norm() < scale);
    }
}

#[test]
fn cutoff_decides_the_rank() {
    let a = DMatrix::from_diagonal(&nalgebra::DVector::from_vec(vec![2.0, 1e-3, 1e-9]));
    for (cutoff, rank) in [(None, 3), (Some(1e-6), 2), (Some(1e-2), 1), (Some(5.0), 0)] {
        let p = pseudoinverse(&a, cutoff).unwrap();
        assert_eq!(p.rank, rank);
        assert_eq!(p.matrix.iter().filter(|x| **x != 0.0).count(), rank);
    }
    let zero = pseudoinverse(&DMatrix::zeros(2, 3), None).unwrap();
    assert_eq!((zero.rank, zero.matrix), (0, DMatrix::zeros(3, 2)));
}

#[test]
fn norms_of_a_known_matrix() {
    let a = rows(&[[1.0, -2.0], [3.0, 4.0]]);
    assert_eq!(norm_one(&a), 6.0);
    assert_eq!(norm_infinity(&a), 7.0);
    assert!((norm_frobenius(&a) - 30.0_f64.sqrt()).abs() < 1e-14);
    // Singular values: s1^2 + s2^2 = 30, s1 s2 = 10.
    let largest = ((30.0 + (900.0_f64 - 400.0).sqrt()) / 2.0).sqrt();
    assert!((norm_two(&a).unwrap() - largest).abs() < 1e-14);
    assert!((condition_number(&a).unwrap() - largest * largest / 10.0).abs() < 1e-13);
    assert_eq!(condition_number(&DMatrix::zeros(2, 2)).unwrap(), f64::INFINITY);
    assert!((norm_frobenius(&(a * 1e200)) / 1e200 - 30.0_f64.sqrt()).abs() < 1e-13);
}

#[test]
fn resolvent_distance_reaches_the_stability_radius_at_its_frequency() {
    for name in ["jordan", "nonnormal", "oscillatory"] {
        let golden = Golden::load(&format!("stability_{name}"));
        let w = golden.scalar("stability_radius_frequency");
        let found = resolvent_distance(&golden.matrix("A"), Complex::new(0.0, w)).unwrap();
        let expected = golden.scalar("stability_radius");
        assert!((found / expected - 1.0).abs() < 1e-9, "{name}: {found} against {expected}");
    }
}

#[test]
fn bad_input_is_named() {
    let mut a = DMatrix::<f64>::zeros(2, 3);
    a[(1, 2)] = f64::INFINITY;
    assert!(matches!(svd(&a), Err(LinalgError::NotFinite { row: 1, column: 2, .. })));
    assert_eq!(singular_values(&DMatrix::zeros(0, 3)).unwrap().len(), 0);
}
