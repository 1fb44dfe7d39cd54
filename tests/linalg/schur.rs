//! Schur forms and the Sylvester equation.

use dynamic_inversion::linalg::LinalgError;
use dynamic_inversion::linalg::eigen::eigenvalues;
use dynamic_inversion::linalg::schur::{complex_schur, real_schur, to_complex};
use dynamic_inversion::linalg::sylvester::sylvester;
use nalgebra::DMatrix;

use super::matrices::{Draws, ring, rows, spectral_distance};

fn check(a: &DMatrix<f64>) {
    let n = a.nrows();
    let scale = 1e-12 * n as f64 * (1.0 + a.norm());
    let real = real_schur(a).expect("converges");
    assert!((&real.q * &real.t * real.q.transpose() - a).norm() < scale);
    assert!((real.q.tr_mul(&real.q) - DMatrix::identity(n, n)).norm() < scale);
    for j in 0..n {
        for i in j + 2..n {
            assert_eq!(real.t[(i, j)], 0.0);
        }
    }
    assert!((1..n.max(2) - 1).all(|i| real.t[(i, i - 1)] == 0.0 || real.t[(i + 1, i)] == 0.0));
    let complex = complex_schur(&to_complex(a)).expect("converges");
    assert!((&complex.q * &complex.t * complex.q.adjoint() - to_complex(a)).norm() < scale);
    let diagonal: Vec<_> = complex.t.diagonal().iter().copied().collect();
    let mut back = diagonal.iter().fold(0.0, |s, z| s + z.re);
    back -= a.trace();
    assert!(back.abs() < scale);
}

#[test]
fn random_matrices_of_many_sizes() {
    let mut draws = Draws::new(70);
    for n in [1, 2, 3, 8, 25, 60] {
        let a = draws.matrix(n, n);
        check(&a);
        let form = complex_schur(&to_complex(&a)).unwrap();
        let diagonal: Vec<_> = form.t.diagonal().iter().copied().collect();
        assert!(spectral_distance(&eigenvalues(&a).unwrap().values, &diagonal) < 1e-12);
    }
}

#[test]
fn matrices_on_which_unshifted_iterations_cycle() {
    for n in (2..=64).step_by(2) {
        for w in [1.0, 2.0, -1.0] {
            check(&ring(n, w));
        }
    }
    check(&rows(&[[0.0, -1.0, 0.0], [1.0, 0.0, -1.0], [0.0, 1.0, 0.0]]));
    check(&rows(&[[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]));
    check(&(ring(4, 0.5) - DMatrix::identity(4, 4)));
    check(&DMatrix::zeros(5, 5));
}

#[test]
fn small_integer_matrices() {
    let mut draws = Draws::new(71);
    for _ in 0..5000 {
        let n = 3 + draws.below(4);
        check(&DMatrix::from_fn(n, n, |_, _| draws.below(3) as f64 - 1.0));
    }
}

#[test]
fn bad_input_is_named() {
    let mut a = DMatrix::<f64>::identity(3, 3);
    a[(0, 2)] = f64::NAN;
    assert!(matches!(real_schur(&a), Err(LinalgError::NotFinite { row: 0, column: 2, .. })));
    assert!(matches!(real_schur(&DMatrix::zeros(2, 3)), Err(LinalgError::NotSquare { .. })));
}

#[test]
fn sylvester_satisfies_its_equation() {
    let mut draws = Draws::new(72);
    for (m, n) in [(1, 1), (3, 5), (20, 7), (40, 40)] {
        let (a, b) = (draws.matrix(m, m), draws.matrix(n, n) + 3.0 * DMatrix::identity(n, n));
        let x = draws.matrix(m, n);
        let c = &a * &x + &x * &b;
        let found = sylvester(&a, &b, &c).unwrap();
        assert!(found.residual < 1e-13);
        assert!((found.x - x).norm() < 1e-11);
    }
    match sylvester(&rows(&[[2.0]]), &rows(&[[-2.0]]), &rows(&[[1.0]])) {
        Err(LinalgError::SingularEquation { first, second, .. }) => {
            assert_eq!((first.re, second.re), (2.0, -2.0));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        sylvester(&rows(&[[2.0]]), &rows(&[[1.0]]), &DMatrix::zeros(2, 1)),
        Err(LinalgError::ShapeMismatch { .. })
    ));
}
