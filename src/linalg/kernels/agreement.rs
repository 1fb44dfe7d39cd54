//! Every kernel on every vector width: instruction sets that this machine does not have are stood in
//! for by emulated registers of their width.

use pulp::{Scalar, Scalar128b, Scalar256b, Scalar512b, Simd};

use super::products::{Forward, Pair, Transposed};
use super::stepping::{Combination, SquareSum, Terms};

/// Small integers: every order of summation is exact.
fn integers(count: usize, salt: usize) -> Vec<f64> {
    (0..count).map(|i| ((7 * i + 5 * salt + i * i) % 19) as f64 - 9.0).collect()
}

fn check_products<S: Simd>(simd: S) {
    for nrows in 0..=21 {
        for ncols in 0..=9 {
            let (w, x, u) = (integers(nrows * ncols, 1), integers(ncols, 2), integers(nrows, 3));
            let entry = |i: usize, j: usize| w[j * nrows + i];
            let wx: Vec<f64> =
                (0..nrows).map(|i| (0..ncols).map(|j| entry(i, j) * x[j]).sum()).collect();
            let wtu: Vec<f64> =
                (0..ncols).map(|j| (0..nrows).map(|i| entry(i, j) * u[i]).sum()).collect();
            let (mut y, mut z) = (vec![f64::NAN; nrows], vec![f64::NAN; ncols]);
            simd.vectorize(Forward { w: &w, x: &x, y: &mut y });
            simd.vectorize(Transposed { w: &w, u: &u, y: &mut z });
            assert_eq!((&y, &z), (&wx, &wtu), "{simd:?}, {nrows} x {ncols}");
            let mut in_place = x.clone();
            y.fill(f64::NAN);
            simd.vectorize(Pair { w: &w, u: &u, x: &mut in_place, wx: &mut y });
            assert_eq!((&y, &in_place), (&wx, &wtu), "pair, {simd:?}, {nrows} x {ncols}");
        }
    }
}

fn check_stepping<S: Simd>(simd: S) {
    for dim in 0..=41 {
        let (y, a, k) = (integers(dim, 4), integers(3, 5), integers(3 * dim, 6));
        let terms = Terms::new(0.5, &a, &k, dim);
        let mut out = vec![f64::NAN; dim];
        simd.vectorize(Combination { y: Some(&y), terms: &terms, out: &mut out });
        for i in 0..dim {
            let sum: f64 = (0..3).map(|j| 0.5 * a[j] * k[j * dim + i]).sum();
            assert_eq!(out[i], y[i] + sum, "{simd:?}, dimension {dim}, entry {i}");
        }
        // A scale of one keeps the norm exact.
        let sum = simd.vectorize(SquareSum { e: &y, y0: &y, y1: &y, atol: 1.0, rtol: 0.0 });
        assert_eq!(sum, y.iter().map(|y| y * y).sum::<f64>(), "{simd:?}, dimension {dim}");
    }
}

#[test]
fn every_vector_width_gives_the_exact_results() {
    check_products(Scalar::new());
    check_products(Scalar128b);
    check_products(Scalar256b);
    check_products(Scalar512b);
    check_stepping(Scalar::new());
    check_stepping(Scalar128b);
    check_stepping(Scalar256b);
    check_stepping(Scalar512b);
}
