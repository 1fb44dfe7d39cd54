//! Linear systems.

use dynamic_inversion::linalg::LinalgError;
use dynamic_inversion::linalg::lu::Lu;
use dynamic_inversion::linalg::svd::condition_number;
use nalgebra::{DMatrix, DVector};

use super::matrices::Draws;

#[test]
fn every_kind_of_solve_satisfies_its_equation() {
    let mut draws = Draws::new(20);
    for n in [1, 2, 3, 17, 64, 200] {
        let a = draws.matrix(n, n);
        let lu = Lu::new(&a).unwrap();
        let b = draws.matrix(n, 3);
        let vector: DVector<f64> = b.column(0).into_owned();
        let x = lu.solve(&vector);
        let scale = condition_number(&a).unwrap() * 1e-14 * n as f64;
        assert!((&a * &x - &vector).norm() < scale, "n = {n}");
        assert!((a.transpose() * lu.solve_transposed(&vector) - &vector).norm() < scale);
        assert!((&a * lu.solve_columns(&b) - &b).norm() < scale);
        assert!((&a * lu.inverse() - DMatrix::identity(n, n)).norm() < scale);
        let mut in_place = vector.clone();
        lu.solve_in_place(in_place.as_mut_slice(), &mut vec![0.0; n]);
        assert_eq!(in_place, x);
    }
}

#[test]
fn units_of_equations_and_unknowns_do_not_matter() {
    let mut draws = Draws::new(21);
    let a = draws.matrix(12, 12);
    let x: DVector<f64> = draws.matrix(12, 1).column(0).into_owned();
    let powers = |draws: &mut Draws| -> Vec<f64> {
        (0..12).map(|_| 2.0_f64.powi(draws.below(121) as i32 - 60)).collect()
    };
    let (r, c) = (powers(&mut draws), powers(&mut draws));
    let scaled = DMatrix::from_fn(12, 12, |i, j| a[(i, j)] * r[i] * c[j]);
    let scaled_x = DVector::from_fn(12, |j, _| x[j] / c[j]);
    let lu = Lu::new(&scaled).expect("only the units are extreme");
    let found = lu.solve(&(&scaled * &scaled_x));
    for j in 0..12 {
        assert!((found[j] / scaled_x[j] - 1.0).abs() < 1e-10);
    }
}

#[test]
fn reciprocal_condition_is_close() {
    let mut draws = Draws::new(22);
    for n in [2, 5, 30, 100] {
        for _ in 0..20 {
            let a = draws.matrix(n, n);
            let lu = Lu::new(&a).unwrap();
            // Of the scaled matrix, so within the effect of scaling by at most 2 in each direction.
            let inverse = lu.inverse();
            let norm = |m: &DMatrix<f64>| m.column_iter().map(|c| c.lp_norm(1)).fold(0.0, f64::max);
            let exact = 1.0 / (norm(&a) * norm(&inverse));
            let ratio = lu.rcond() / exact;
            assert!(ratio > 0.05 && ratio < 60.0, "n = {n}: {ratio}");
        }
    }
}

#[test]
fn singular_matrices_are_refused_and_their_condition_told() {
    let rank_one = DMatrix::from_fn(5, 5, |i, j| ((i + 1) * (j + 2)) as f64);
    assert!(matches!(Lu::new(&rank_one), Err(LinalgError::Singular { size: 5, .. })));
    let mut almost = Draws::new(23).matrix(40, 40);
    let first = almost.column(0).into_owned();
    almost.set_column(7, &(first * (1.0 + 1e-17)));
    match Lu::new(&almost) {
        Err(LinalgError::Singular { reciprocal_condition, .. }) => {
            assert!(reciprocal_condition < 1e-15);
        }
        other => panic!("{other:?}"),
    }
    assert!(Lu::new(&DMatrix::zeros(3, 3)).is_err());
    // Hilbert matrix of size 8: condition 1.5e10 in the 2-norm, still regular.
    let hilbert = DMatrix::from_fn(8, 8, |i, j| 1.0 / (i + j + 1) as f64);
    assert!(Lu::new(&hilbert).is_ok());
}

#[test]
fn refactoring_reuses_the_memory_for_another_matrix() {
    let mut draws = Draws::new(24);
    let (a, b) = (draws.matrix(9, 9), draws.matrix(9, 9));
    let mut lu = Lu::new(&a).unwrap();
    lu.refactor(&b).unwrap();
    let rhs = DVector::from_element(9, 1.0);
    assert_eq!(lu.solve(&rhs), Lu::new(&b).unwrap().solve(&rhs));
    assert!(matches!(lu.refactor(&DMatrix::zeros(3, 3)), Err(LinalgError::ShapeMismatch { .. })));
}

#[test]
fn determinant_of_known_size() {
    let q = Draws::new(25).orthogonal(20) * 3.0;
    let lu = Lu::new(&q).unwrap();
    assert!((lu.log2_abs_determinant() - 20.0 * 3.0_f64.log2()).abs() < 1e-12);
}
