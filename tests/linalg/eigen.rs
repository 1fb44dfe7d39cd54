//! Eigenvalues, their order, their conditions and errors.

use std::f64::consts::TAU;

use dynamic_inversion::linalg::LinalgError;
use dynamic_inversion::linalg::eigen::{
    EigenOptions, Spectrum, eigen, eigenvalues, eigenvalues_with_conditions,
};
use dynamic_inversion::linalg::symmetric::{numerical_abscissa, symmetric_eigen};
use nalgebra::{Complex, DMatrix};

use super::matrices::{Draws, complex, ring, rows, spectral_distance};
use super::support::Golden;

fn values(a: &DMatrix<f64>) -> Vec<Complex<f64>> {
    eigenvalues(a).expect("eigenvalues exist").values
}

fn assert_pairs_are_exact(s: &[Complex<f64>]) {
    let mut k = 0;
    while k < s.len() {
        if s[k].im == 0.0 {
            k += 1;
        } else {
            assert!(s[k].im > 0.0, "the positive part comes first: {s:?}");
            assert_eq!(s[k + 1], s[k].conj());
            k += 2;
        }
    }
}

#[test]
fn rings_of_every_size_and_scale_have_roots_of_unity() {
    for n in 2..=64 {
        for w in [1.0, 2.0, -1.0] {
            let exact: Vec<_> =
                (0..n).map(|k| w * Complex::from_polar(1.0, TAU * k as f64 / n as f64)).collect();
            let found = values(&ring(n, w));
            assert!(spectral_distance(&exact, &found) < 1e-12, "ring of {n} x {w}");
            assert_pairs_are_exact(&found);
        }
    }
}

#[test]
fn ring_of_six_comes_in_order() {
    let h = 0.75_f64.sqrt();
    let exact = [(1.0, 0.0), (0.5, h), (0.5, -h), (-0.5, h), (-0.5, -h), (-1.0, 0.0)];
    for (found, (re, im)) in values(&ring(6, 1.0)).into_iter().zip(exact) {
        assert!((found - complex(re, im)).norm() < 1e-12);
    }
}

#[test]
fn defective_matrix_reports_its_conditioning() {
    // Similar, by an integer matrix, to one Jordan block of size six with eigenvalue -1/256.
    let a = rows(&[
        [-3.00390625, -1.0, 2.0, 3.0, -1.0, 1.0],
        [4.0, 0.99609375, -1.0, -3.0, 1.0, -1.0],
        [-9.0, -4.0, -0.00390625, 3.0, -2.0, 1.0],
        [0.0, 0.0, 2.0, 1.99609375, 0.0, 1.0],
        [1.0, 0.0, -2.0, -2.0, 0.99609375, 0.0],
        [6.0, 2.0, 0.0, -3.0, 1.0, -1.00390625],
    ]);
    let s = eigenvalues_with_conditions(&a).expect("converges");
    let mean = s.values.iter().map(|l| l.re).sum::<f64>() / 6.0;
    assert!((mean + 0.00390625).abs() < 1e-12);
    for ((value, condition), error) in
        s.values.iter().zip(s.conditions.unwrap()).zip(s.errors.unwrap())
    {
        assert!(condition > 1e9, "condition {condition}");
        let truth = (value - complex(-0.00390625, 0.0)).norm();
        assert!(truth <= error, "estimate {error} below the error {truth}");
        assert!(error < 0.5, "estimate {error} says nothing");
    }
}

#[test]
fn ill_scaled_matrix_keeps_its_small_eigenvalues() {
    let a = rows(&[
        [6.0, -3.814697265625e-06, 1.8189894035458565e-12, -2097152.0],
        [3145728.0, -5.0, 9.5367431640625e-07, 3298534883328.0],
        [-18691697672192.0, 6291456.0, -8.0, 1.498797955988901e+19],
        [4.76837158203125e-06, -1.8189894035458565e-12, -8.673617379884035e-19, -2.0],
    ]);
    let exact = [(-1.0, 0.0), (-2.0, 0.0), (-3.0, 4.0), (-3.0, -4.0)];
    for (found, (re, im)) in values(&a).into_iter().zip(exact) {
        assert!((found - complex(re, im)).norm() < 1e-9, "{found}");
    }
}

#[test]
fn pairs_of_equal_decay_stay_together_fast_one_first() {
    let a = rows(&[
        [-36.0, -10.0, -20.0, -7.0],
        [9.0, 1.0, 7.0, 4.0],
        [65.0, 20.0, 34.0, 12.0],
        [-8.0, -4.0, -4.0, -3.0],
    ]);
    for (found, (re, im)) in
        values(&a).into_iter().zip([(-1.0, 5.0), (-1.0, -5.0), (-1.0, 2.0), (-1.0, -2.0)])
    {
        assert!((found - complex(re, im)).norm() < 1e-8, "{found}");
    }
}

#[test]
fn hopf_boundary_is_zero_within_its_own_error_estimate() {
    for (gain, expected) in [
        (2.0, [(0.0, 3.0_f64.sqrt()), (0.0, -(3.0_f64.sqrt())), (-3.0, 0.0)]),
        (1.5, [(-0.25, 1.299038105676658), (-0.25, -1.299038105676658), (-2.5, 0.0)]),
    ] {
        let a = ring(3, gain) - DMatrix::identity(3, 3);
        let a =
            DMatrix::from_fn(3, 3, |i, j| if (i, j) == (0, 2) { -a[(i, j)] } else { a[(i, j)] });
        let s = eigenvalues_with_conditions(&a).expect("converges");
        for ((found, (re, im)), error) in s.values.iter().zip(expected).zip(s.errors.unwrap()) {
            assert!((found - complex(re, im)).norm() <= error, "{found} +- {error}");
            assert!(error < 1e-13);
        }
    }
}

#[test]
fn small_feedback_loop() {
    let w = rows(&[[0.5, -1.0, 0.25], [2.0, 0.3, -0.75]]);
    let b = rows(&[[-1.0, 0.2], [0.4, -0.6], [0.1, 0.9]]);
    let found = values(&(w * b - 0.1 * DMatrix::identity(2, 2)));
    assert!((found[0] - complex(-0.765, 1.32826014018339)).norm() < 1e-13);
    assert_pairs_are_exact(&found);
}

#[test]
fn goldens() {
    for name in ["jordan", "nonnormal", "oscillatory", "unstable_spiral"] {
        let golden = Golden::load(&format!("stability_{name}"));
        let a = golden.matrix("A");
        let listed = golden.value("eigenvalues").as_array().unwrap();
        let exact: Vec<_> = listed
            .iter()
            .map(|v| match v.as_array() {
                Some(pair) => complex(pair[0].as_f64().unwrap(), pair[1].as_f64().unwrap()),
                None => complex(v.as_f64().unwrap(), 0.0),
            })
            .collect();
        let s = eigenvalues(&a).unwrap();
        assert!(spectral_distance(&exact, &s.values) < 1e-12, "{name}: {:?}", s.values);
        assert!((s.abscissa() - golden.scalar("spectral_abscissa")).abs() < 1e-12, "{name}");
        let numerical = numerical_abscissa(&a).unwrap();
        assert!((numerical - golden.scalar("numerical_abscissa")).abs() < 1e-12, "{name}");
    }
}

#[test]
fn triangular_matrices_are_exact_in_any_order_of_states() {
    let mut draws = Draws::new(1);
    for n in [1, 2, 5, 40] {
        let a = draws.matrix(n, n).upper_triangle();
        let mut place: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            place.swap(i, draws.below(i + 1));
        }
        let shuffled = DMatrix::from_fn(n, n, |i, j| a[(place[i], place[j])]);
        let mut exact: Vec<f64> = a.diagonal().iter().copied().collect();
        exact.sort_by(|x, y| y.total_cmp(x));
        for options in [EigenOptions::default(), EigenOptions { conditions: true, vectors: true }] {
            let s = eigen(&shuffled, &options).unwrap();
            let found: Vec<f64> = s.values.iter().map(|l| l.re).collect();
            assert_eq!(found, exact);
            if let Some(errors) = s.errors {
                assert!(errors.iter().all(|&e| e == 0.0));
            }
        }
    }
}

#[test]
fn long_chain_of_equal_stages_is_exact_and_known_to_be_defective() {
    let n = 40;
    let a = DMatrix::from_fn(n, n, |i, j| match (i, j) {
        (i, j) if i == j => -0.25,
        (i, j) if i == j + 1 => 1.0,
        _ => 0.0,
    });
    let s = eigenvalues_with_conditions(&a).unwrap();
    assert!(s.values.iter().all(|l| *l == complex(-0.25, 0.0)));
    assert!(s.conditions.unwrap().iter().all(|&c| c > 1e12));
    // The eigenvectors leave the range of f64: refused, not filled with NaN.
    let wanted = EigenOptions { vectors: true, ..EigenOptions::default() };
    assert!(matches!(eigen(&a, &wanted), Err(LinalgError::Defective { .. })));
}

#[test]
fn repeated_but_not_defective_eigenvalues_are_well_conditioned() {
    // A layer loop with more state than controller units has -1/tau several times.
    let mut draws = Draws::new(2);
    let (n, m) = (12, 4);
    let w = draws.matrix(m, n);
    let mut j = DMatrix::zeros(n + m, n + m);
    j.view_mut((0, 0), (n, n)).fill_with_identity();
    j.neg_mut();
    j.view_mut((0, n), (n, m)).copy_from(&(-w.transpose()));
    j.view_mut((n, 0), (m, n)).copy_from(&w);
    let s = eigenvalues_with_conditions(&j).unwrap();
    let repeated = s.values.iter().filter(|l| (*l - complex(-1.0, 0.0)).norm() < 1e-12).count();
    assert!(repeated >= n - m);
    assert!(s.errors.unwrap().iter().all(|&e| e < 1e-11));
}

fn residuals(a: &DMatrix<f64>, s: &Spectrum) -> (f64, f64) {
    let a = a.map(|x| complex(x, 0.0));
    let (x, y) = (s.right.as_ref().unwrap(), s.left.as_ref().unwrap());
    let l = DMatrix::from_diagonal(&nalgebra::DVector::from_vec(s.values.clone()));
    ((&a * x - x * &l).norm(), (y.adjoint() * &a - l * y.adjoint()).norm())
}

#[test]
fn vectors_satisfy_their_equations() {
    let mut draws = Draws::new(3);
    for n in [1, 2, 3, 4, 7, 30, 100] {
        let a = draws.matrix(n, n);
        let s = eigen(&a, &EigenOptions { conditions: true, vectors: true }).unwrap();
        let (right, left) = residuals(&a, &s);
        assert!(right < 1e-12 && left < 1e-12, "n = {n}: {right}, {left}");
        let (x, y) = (s.right.unwrap(), s.left.unwrap());
        for (k, condition) in s.conditions.unwrap().into_iter().enumerate() {
            let expected = 1.0 / y.column(k).dotc(&x.column(k)).norm();
            assert!((condition / expected - 1.0).abs() < 1e-9);
        }
    }
}

#[test]
fn vectors_come_back_in_the_units_of_the_caller() {
    let mut draws = Draws::new(4);
    let a = draws.matrix(8, 8);
    let d: Vec<f64> = (0..8).map(|i| 2.0_f64.powi(5 * i)).collect();
    let scaled = DMatrix::from_fn(8, 8, |i, j| a[(i, j)] * d[i] / d[j]);
    let s = eigen(&scaled, &EigenOptions { vectors: true, ..Default::default() }).unwrap();
    let x = s.right.as_ref().unwrap();
    for k in 0..8 {
        let column = x.column(k);
        for i in 0..8 {
            // Component by component: small ones are as accurate as large ones.
            let product: Complex<f64> = (0..8).map(|j| column[j] * scaled[(i, j)]).sum();
            let size: f64 = (0..8).map(|j| (column[j] * scaled[(i, j)]).norm()).sum();
            assert!((product - s.values[k] * column[i]).norm() < 1e-13 * size);
        }
    }
}

#[test]
fn conditions_predict_the_effect_of_perturbations() {
    let mut draws = Draws::new(5);
    for _ in 0..20 {
        let a = draws.matrix(6, 6);
        let s = eigen(&a, &EigenOptions { conditions: true, vectors: true }).unwrap();
        let (x, y, conditions) = (s.right.unwrap(), s.left.unwrap(), s.conditions.unwrap());
        for (k, &condition) in conditions.iter().enumerate() {
            let gap = (0..6)
                .filter(|&i| i != k)
                .map(|i| (s.values[i] - s.values[k]).norm())
                .fold(f64::INFINITY, f64::min);
            // A real perturbation that shifts the eigenvalue by at least condition / 2 per unit:
            // the better of the real and imaginary part of y x^H.
            let worst = y.column(k) * x.column(k).adjoint();
            let e = [worst.map(|z| z.re), worst.map(|z| z.im)]
                .into_iter()
                .max_by(|p, q| p.norm().total_cmp(&q.norm()))
                .unwrap();
            let size = e.clone().svd(false, false).singular_values[0];
            let h = 1e-7 * gap / condition / size;
            let moved = values(&(&a + &e * h));
            let shift =
                moved.iter().map(|l| (l - s.values[k]).norm()).fold(f64::INFINITY, f64::min);
            let rate = shift / (h * size);
            assert!(rate <= condition * 1.01, "{rate} above {}", condition);
            assert!(rate >= condition * 0.3, "{rate} far below {}", condition);
        }
    }
}

#[test]
fn orthogonal_change_of_basis_keeps_the_spectrum() {
    let mut draws = Draws::new(6);
    for n in [3, 10, 50, 120] {
        let a = draws.matrix(n, n);
        let q = draws.orthogonal(n);
        let s = eigenvalues_with_conditions(&a).unwrap();
        let turned = eigenvalues_with_conditions(&(&q * &a * q.transpose())).unwrap();
        let bound: f64 = s.errors.unwrap().into_iter().fold(0.0, f64::max)
            + turned.errors.unwrap().into_iter().fold(0.0, f64::max);
        let distance = spectral_distance(&s.values, &turned.values);
        assert!(distance <= bound, "n = {n}: {distance} beyond {bound}");
    }
}

#[test]
fn units_up_to_two_to_the_sixty_leave_spectrum_and_error_alone() {
    let mut draws = Draws::new(7);
    for n in [2, 5, 20, 60] {
        let a = draws.matrix(n, n);
        let s = eigenvalues_with_conditions(&a).unwrap();
        let worst = s.errors.unwrap().into_iter().fold(0.0, f64::max);
        for _ in 0..5 {
            let d: Vec<f64> = (0..n).map(|_| 2.0_f64.powi(draws.below(61) as i32 - 30)).collect();
            let scaled = DMatrix::from_fn(n, n, |i, j| a[(i, j)] * d[i] / d[j]);
            let other = eigenvalues_with_conditions(&scaled).unwrap();
            let other_worst = other.errors.unwrap().into_iter().fold(0.0, f64::max);
            let distance = spectral_distance(&s.values, &other.values);
            assert!(distance <= worst + other_worst, "n = {n}: {distance}");
            assert!(other_worst < 10.0 * worst, "n = {n}: {other_worst} after {worst}");
        }
    }
}

#[test]
fn block_triangular_spectrum_is_the_union_whatever_couples_the_blocks() {
    let mut draws = Draws::new(8);
    let (a, b) = (draws.matrix(30, 30), draws.matrix(50, 50));
    let mut whole = DMatrix::zeros(80, 80);
    whole.view_mut((0, 0), (30, 30)).copy_from(&a);
    whole.view_mut((30, 30), (50, 50)).copy_from(&b);
    whole.view_mut((30, 0), (50, 30)).copy_from(&(draws.matrix(50, 30) * 1e8));
    let union: Vec<_> = values(&a).into_iter().chain(values(&b)).collect();
    assert!(spectral_distance(&union, &values(&whole)) < 1e-12);
    let s = eigenvalues_with_conditions(&whole).unwrap();
    assert!(spectral_distance(&union, &s.values) < 1e-12);
    assert!(s.errors.unwrap().iter().all(|&e| e < 1e-10));
    assert!(s.conditions.unwrap().iter().any(|&c| c > 1e6));
}

#[test]
fn extreme_sizes_neither_overflow_nor_vanish() {
    let mut draws = Draws::new(9);
    let a = draws.matrix(20, 20);
    let s = values(&a);
    for e in [900, -900] {
        let scale = 2.0_f64.powi(e);
        let scaled: Vec<_> = values(&(&a * scale)).into_iter().map(|l| l / scale).collect();
        assert!(spectral_distance(&s, &scaled) < 1e-12);
    }
}

#[test]
fn the_numerical_abscissa_of_huge_entries_is_finite() {
    for scale in [1e308, 1.0, 1e-308] {
        let a = rows(&[[-1.0, 1.0], [0.0, -1.0]]) * scale;
        let found = numerical_abscissa(&a).unwrap();
        assert!((found / scale + 0.5).abs() < 1e-12, "{scale:e}: {found:e}");
    }
}

#[test]
fn matrices_of_low_rank() {
    let mut draws = Draws::new(12);
    for n in [2, 75, 200, 256, 300] {
        // All ones: n once, otherwise 0; the rounding noise around 0 is graded down to 1e-300.
        let s = eigenvalues_with_conditions(&DMatrix::from_element(n, n, 1.0)).unwrap();
        assert!((s.values[0] - complex(n as f64, 0.0)).norm() < 1e-13 * (n * n) as f64);
        assert!(s.values[1..].iter().all(|l| l.norm() < 1e-13 * n as f64), "n = {n}");
        // W B with a bottleneck of three: the rest of the spectrum is that of B W.
        let (w, b) = (draws.matrix(n, 3), draws.matrix(3, n));
        let mut small = values(&(&b * &w));
        small.resize(n.max(3), complex(0.0, 0.0));
        if n > 3 {
            assert!(spectral_distance(&small, &values(&(&w * &b))) < 1e-12);
        }
    }
}

#[test]
fn third_moment_of_small_integer_matrices() {
    // Sum of cubes = trace of the cube, an exact integer, defective or not.
    let mut draws = Draws::new(13);
    for _ in 0..5000 {
        let n = 3 + draws.below(4);
        let a = DMatrix::from_fn(n, n, |_, _| draws.below(3) as f64 - 1.0);
        let cubes: f64 = values(&a).iter().map(|l| (l * l * l).re).sum();
        assert!((cubes - (&a * &a * &a).trace()).abs() < 1e-11);
    }
}

#[test]
fn pools_of_any_size_give_the_same_bits() {
    let a = Draws::new(10).matrix(520, 520);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| eigenvalues(&a).unwrap())
    };
    let one = on(1);
    assert!(one == on(2) && one == on(3));
}

#[test]
fn bad_input_is_named() {
    let mut a = DMatrix::<f64>::identity(4, 4);
    a[(2, 1)] = f64::NAN;
    match eigenvalues(&a) {
        Err(LinalgError::NotFinite { row: 2, column: 1, value }) => assert!(value.is_nan()),
        other => panic!("{other:?}"),
    }
    a[(2, 1)] = f64::NEG_INFINITY;
    assert!(matches!(eigenvalues(&a), Err(LinalgError::NotFinite { row: 2, column: 1, .. })));
    assert!(matches!(
        eigenvalues(&DMatrix::zeros(2, 3)),
        Err(LinalgError::NotSquare { rows: 2, columns: 3 })
    ));
    assert!(values(&DMatrix::zeros(0, 0)).is_empty());
    assert_eq!(values(&DMatrix::zeros(3, 3)), vec![complex(0.0, 0.0); 3]);
}

#[test]
fn symmetric_eigenvectors_reconstruct() {
    let mut draws = Draws::new(11);
    for n in [1, 2, 10, 150] {
        let a = draws.matrix(n, n);
        let a = &a + a.transpose();
        let (values, q) = symmetric_eigen(&a).unwrap();
        let back = &q * DMatrix::from_diagonal(&values) * q.transpose();
        assert!((back - &a).amax() < 1e-13 * n as f64);
        assert!(values.as_slice().is_sorted());
    }
}
