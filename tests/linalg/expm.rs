//! The matrix exponential against closed forms.

use dynamic_inversion::linalg::LinalgError;
use dynamic_inversion::linalg::expm::{affine_flow, expm};
use nalgebra::{DMatrix, DVector};

use super::matrices::{Draws, relative_difference, rows};

#[test]
fn nilpotent_chain_is_a_polynomial() {
    for (n, w) in [(2, 1.0), (5, 3.0), (8, 100.0), (3, 1e6)] {
        let a = DMatrix::from_fn(n, n, |i, j| if i == j + 1 { w } else { 0.0 });
        let e = expm(&a).unwrap();
        for i in 0..n {
            for j in 0..n {
                let exact =
                    if i < j { 0.0 } else { (1..=i - j).fold(1.0, |p, k| p * w / k as f64) };
                assert!((e[(i, j)] - exact).abs() <= 1e-14 * exact, "n = {n}, w = {w}");
            }
        }
    }
}

#[test]
fn rotation_turns_by_its_angle() {
    for angle in [1e-9, 0.01, 0.2, 0.9, 2.0, 10.0, 1000.0] {
        let e = expm(&rows(&[[0.0, -angle], [angle, 0.0]])).unwrap();
        let exact = rows(&[[f64::cos(angle), -f64::sin(angle)], [angle.sin(), angle.cos()]]);
        assert!((e - exact).amax() < 2e-16 * (10.0 + 10.0 * angle), "angle {angle}");
    }
}

#[test]
fn units_do_not_matter_entry_by_entry() {
    let mut draws = Draws::new(30);
    let a = draws.matrix(6, 6) * 2.0;
    let e = expm(&a).unwrap();
    let d: Vec<f64> = (0..6).map(|_| 2.0_f64.powi(draws.below(81) as i32 - 40)).collect();
    let scaled = expm(&DMatrix::from_fn(6, 6, |i, j| a[(i, j)] * d[i] / d[j])).unwrap();
    let back = DMatrix::from_fn(6, 6, |i, j| scaled[(i, j)] * d[j] / d[i]);
    assert!(relative_difference(&back, &e) < 1e-13);
}

#[test]
fn triangular_with_large_coupling() {
    // e^{[[a, c], [0, b]]} has the divided difference of exp times c in the corner.
    let e = expm(&rows(&[[-1.0, 1e12], [0.0, -2.0]])).unwrap();
    let corner = 1e12 * ((-1.0_f64).exp() - (-2.0_f64).exp());
    assert!((e[(0, 1)] / corner - 1.0).abs() < 1e-14);
    assert!((e[(0, 0)] / (-1.0_f64).exp() - 1.0).abs() < 1e-14);
    assert_eq!(e[(1, 0)], 0.0);
}

#[test]
fn inverse_is_the_exponential_of_the_negative() {
    let mut draws = Draws::new(31);
    for (n, scale) in [(1, 1.0), (4, 0.01), (10, 0.3), (30, 1.0), (80, 3.0), (120, 0.9)] {
        let a = draws.matrix(n, n) * scale;
        let (e, f) = (expm(&a).unwrap(), expm(&(-&a)).unwrap());
        let size = e.norm() * f.norm();
        assert!((&e * &f - DMatrix::identity(n, n)).norm() < 1e-14 * size, "n = {n}");
    }
}

#[test]
fn powers_add_up() {
    let mut draws = Draws::new(32);
    for scale in [1e-3, 0.05, 0.5, 1.5, 4.0, 20.0] {
        let a = draws.matrix(12, 12) * scale;
        let e = expm(&a).unwrap();
        let third = expm(&(&a / 3.0)).unwrap();
        let cube = &third * &third * &third;
        let error = (&cube - &e).norm() / third.norm().powi(3);
        assert!(error < 1e-14, "scale {scale}: {error}");
    }
}

#[test]
fn symmetric_matrix_through_its_eigenvectors() {
    let mut draws = Draws::new(33);
    let q = draws.orthogonal(20);
    let l = DVector::from_fn(20, |i, _| -0.5 * i as f64);
    let a = &q * DMatrix::from_diagonal(&l) * q.transpose();
    let exact = &q * DMatrix::from_diagonal(&l.map(f64::exp)) * q.transpose();
    assert!((expm(&a).unwrap() - exact).norm() < 1e-13);
}

#[test]
fn very_stiff_stable_matrix_decays() {
    let e = expm(&rows(&[[-1e30, 0.0], [0.0, -1.0]])).unwrap();
    assert_eq!(e[(0, 0)], 0.0);
    assert!((e[(1, 1)] / (-1.0_f64).exp() - 1.0).abs() < 1e-14);
    let e = expm(&rows(&[[-3e6, 1.0], [1.0, -2.0]])).unwrap();
    assert!(e.iter().all(|x| x.is_finite() && x.abs() < 0.2));
}

#[test]
fn affine_flow_of_a_singular_matrix() {
    // A double integrator driven by a constant: x = c t^2/2, v = c t.
    let (e, d) =
        affine_flow(&rows(&[[0.0, 1.0], [0.0, 0.0]]), &DVector::from_vec(vec![0.0, 3.0]), 2.0)
            .unwrap();
    assert_eq!(e, rows(&[[1.0, 2.0], [0.0, 1.0]]));
    assert!((d - DVector::from_vec(vec![6.0, 6.0])).amax() < 1e-14);
}

#[test]
fn affine_flow_of_a_regular_matrix_tends_to_its_equilibrium() {
    let mut draws = Draws::new(34);
    let j: DMatrix<f64> = draws.matrix(15, 15) - 2.0 * DMatrix::identity(15, 15);
    let c: DVector<f64> = draws.matrix(15, 1).column(0).into_owned();
    let equilibrium = -j.clone().lu().solve(&c).unwrap();
    for t in [0.1, 1.0, 30.0] {
        let (e, d) = affine_flow(&j, &c, t).unwrap();
        let exact = &equilibrium - &e * &equilibrium;
        assert!((d - exact).norm() < 1e-13);
    }
}

#[test]
fn bad_input_is_named() {
    let mut a = DMatrix::<f64>::zeros(3, 3);
    assert_eq!(expm(&a).unwrap(), DMatrix::identity(3, 3));
    a[(1, 2)] = f64::NAN;
    assert!(matches!(expm(&a), Err(LinalgError::NotFinite { row: 1, column: 2, .. })));
    assert!(matches!(expm(&rows(&[[800.0, 1.0], [1.0, 0.0]])), Err(LinalgError::Overflow { .. })));
    assert!(matches!(
        affine_flow(&DMatrix::zeros(2, 2), &DVector::zeros(3), 1.0),
        Err(LinalgError::ShapeMismatch { .. })
    ));
}
