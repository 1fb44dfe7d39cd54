//! Matrix products against exact integer arithmetic and against the stated rounding error bound.

use dynamic_inversion::linalg::kernels::{
    gemm, gemm_columns, gemm_transposed, gemv, gemv_transposed, product_pair,
};
use dynamic_inversion::network::random::generator;
use nalgebra::{DMatrix, DVector};
use rand::RngExt;

/// Small integers, so that every order of summation gives the same, exact, result.
fn integers(nrows: usize, ncols: usize, salt: usize) -> DMatrix<f64> {
    DMatrix::from_fn(nrows, ncols, |i, j| ((7 * i + 5 * j + 3 * salt + i * j) % 19) as f64 - 9.0)
}

fn shapes() -> impl Iterator<Item = (usize, usize)> {
    let small = (0..=19).flat_map(|m| (0..=13).map(move |n| (m, n)));
    small.chain([(64, 64), (100, 200), (101, 203), (33, 1), (1, 33), (257, 3)])
}

#[test]
fn single_products_are_exact_on_integers_for_every_shape() {
    for (m, n) in shapes() {
        let w = integers(m, n, 1);
        let (x, u) = (integers(n, 1, 2), integers(m, 1, 3));
        // Old contents must not matter.
        let (mut y, mut z) = (vec![f64::NAN; m], vec![f64::NAN; n]);
        gemv(&w, x.as_slice(), &mut y);
        gemv_transposed(&w, u.as_slice(), &mut z);
        assert_eq!(y, (&w * &x).as_slice(), "W x, {m} x {n}");
        assert_eq!(z, (w.transpose() * &u).as_slice(), "W^T u, {m} x {n}");
    }
}

#[test]
fn the_pair_is_exact_on_integers_for_every_shape() {
    for (m, n) in shapes() {
        let w = integers(m, n, 4);
        let (x, u) = (integers(n, 1, 5), integers(m, 1, 6));
        let (mut in_place, mut wx) = (x.clone(), vec![f64::NAN; m]);
        product_pair(&w, u.as_slice(), in_place.as_mut_slice(), &mut wx);
        assert_eq!(wx, (&w * &x).as_slice(), "W x, {m} x {n}");
        assert_eq!(in_place, w.transpose() * &u, "W^T u, {m} x {n}");
    }
}

#[test]
fn batches_are_exact_on_integers_for_every_shape() {
    for (m, n) in [(1, 1), (3, 5), (0, 4), (4, 0), (10, 16), (16, 10), (37, 41), (100, 200)] {
        for columns in [0, 1, 2, 3, 4, 5, 8, 17, 64] {
            let w = integers(m, n, 7);
            let (x, u) = (integers(n, columns, 8), integers(m, columns, 9));
            let mut y = DMatrix::from_element(m, columns, f64::NAN);
            let mut z = DMatrix::from_element(n, columns, f64::NAN);
            gemm(&w, x.as_slice(), y.as_mut_slice());
            gemm_transposed(&w, u.as_slice(), z.as_mut_slice());
            assert_eq!(y, &w * &x, "W X, {m} x {n}, {columns} columns");
            assert_eq!(z, w.transpose() * &u, "W^T X, {m} x {n}, {columns} columns");
            for c in [0..n, n / 3..n - n / 4, n..n] {
                let (part, x) = (w.columns(c.start, c.len()), integers(c.len(), columns, 8));
                let mut y = DMatrix::from_element(m, columns, f64::NAN);
                gemm_columns(&w, c.clone(), x.as_slice(), y.as_mut_slice());
                assert_eq!(y, part * &x, "W_c X, {m} x {n}, columns {c:?}, {columns} columns");
            }
        }
    }
}

#[test]
fn rounding_errors_stay_within_the_stated_bound() {
    let mut random = generator(11, 0);
    for (m, n) in [(10, 16), (100, 200), (301, 785)] {
        // Entries on a grid of 2^-20 have products on a grid of 2^-40, so integer sums are exact.
        let mut draw = || f64::from(random.random_range(-1_048_576..=1_048_576)) / 1_048_576.0;
        let w = DMatrix::from_fn(m, n, |_, _| draw());
        let (x, u) = (DVector::from_fn(n, |_, _| draw()), DVector::from_fn(m, |_, _| draw()));
        let (mut z, mut y) = (x.clone(), DVector::zeros(m));
        product_pair(&w, u.as_slice(), z.as_mut_slice(), y.as_mut_slice());
        let check = |name: &str, w: &DMatrix<f64>, x: &DVector<f64>, y: &DVector<f64>| {
            let scale = 2f64.powi(40);
            let gamma = w.ncols() as f64 * f64::EPSILON / 2.0 * 1.001;
            for i in 0..w.nrows() {
                let terms =
                    || (0..w.ncols()).map(|j| (w[(i, j)] * scale.sqrt(), x[j] * scale.sqrt()));
                let exact: i128 = terms().map(|(w, x)| w as i128 * x as i128).sum();
                let size: i128 = terms().map(|(w, x)| (w as i128 * x as i128).abs()).sum();
                // Sums stay below 2^53, so both conversions are exact.
                let error = (y[i] - exact as f64 / scale).abs();
                assert!(error <= gamma * size as f64 / scale, "{name}, row {i}: {error:e}");
            }
        };
        check("W x", &w, &x, &y);
        check("W^T u", &w.transpose(), &u, &z);
    }
}

#[test]
fn repeated_products_have_the_same_bits_wherever_the_vectors_lie() {
    let mut random = generator(12, 0);
    let w = DMatrix::from_fn(37, 29, |_, _| random.random::<f64>() - 0.5);
    let x: Vec<f64> = (0..29).map(|_| random.random()).collect();
    let u: Vec<f64> = (0..37).map(|_| random.random()).collect();
    let run = |offset: usize| {
        let mut memory = vec![0.0; 4 * 64 + offset];
        let (a, rest) = memory[offset..].split_at_mut(64);
        let (b, rest) = rest.split_at_mut(64);
        let (c, d) = rest.split_at_mut(64);
        a[..29].copy_from_slice(&x);
        b[..37].copy_from_slice(&u);
        product_pair(&w, &b[..37], &mut a[..29], &mut c[..37]);
        gemv(&w, &x, &mut d[..37]);
        [&a[..29], &c[..37], &d[..37]].concat()
    };
    let first = run(0);
    for offset in 1..8 {
        assert_eq!(run(offset), first, "offset {offset}");
    }
}

#[test]
fn not_a_number_reaches_the_results_it_touches() {
    let mut w = integers(9, 6, 1);
    w[(8, 5)] = f64::NAN;
    let (mut x, u, mut wx) = (vec![1.0; 6], vec![1.0; 9], vec![0.0; 9]);
    product_pair(&w, &u, &mut x, &mut wx);
    assert!(x[5].is_nan() && wx[8].is_nan());
    assert!(x[..5].iter().chain(&wx[..8]).all(|v| v.is_finite()));
}

#[test]
#[should_panic(expected = "shape of W")]
fn a_vector_of_the_wrong_length_is_refused() {
    gemv(&integers(3, 4, 0), &[0.0; 5], &mut [0.0; 3]);
}
