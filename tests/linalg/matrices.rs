//! Matrices the tests share.

use nalgebra::{Complex, DMatrix};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A seeded source of numbers.
pub struct Draws(ChaCha8Rng);

impl Draws {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// Uniform on [0, 1).
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Integer in 0..n.
    pub fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }

    /// Entries standard normal over the root of the number of columns.
    pub fn matrix(&mut self, rows: usize, columns: usize) -> DMatrix<f64> {
        let scale = 1.0 / (columns.max(1) as f64).sqrt();
        DMatrix::from_fn(rows, columns, |_, _| scale * self.normal())
    }

    /// A random orthogonal matrix: the product of Householder reflections.
    pub fn orthogonal(&mut self, n: usize) -> DMatrix<f64> {
        let mut q = DMatrix::identity(n, n);
        for _ in 0..n {
            let v = DMatrix::from_fn(n, 1, |_, _| self.normal());
            let v = &v / v.norm();
            let row = v.transpose() * &q;
            q -= 2.0 * v * row;
        }
        q
    }
}

/// Unit `i` drives unit `i + 1` with weight `w`, the last drives the first.
pub fn ring(n: usize, w: f64) -> DMatrix<f64> {
    DMatrix::from_fn(n, n, |i, j| if i == (j + 1) % n { w } else { 0.0 })
}

/// Row-major literal.
pub fn rows<const C: usize>(values: &[[f64; C]]) -> DMatrix<f64> {
    DMatrix::from_fn(values.len(), C, |i, j| values[i][j])
}

/// Distance of two spectra as multisets: greedy matching, nearest first.
pub fn spectral_distance(a: &[Complex<f64>], b: &[Complex<f64>]) -> f64 {
    assert_eq!(a.len(), b.len());
    let mut rest = b.to_vec();
    let mut worst = 0.0_f64;
    for x in a {
        let (k, d) = rest
            .iter()
            .map(|y| (x - y).norm())
            .enumerate()
            .min_by(|p, q| p.1.total_cmp(&q.1))
            .expect("as many values on both sides");
        rest.swap_remove(k);
        worst = worst.max(d);
    }
    worst
}

pub fn complex(re: f64, im: f64) -> Complex<f64> {
    Complex::new(re, im)
}

/// Largest difference of entries relative to the largest entry of `b`.
pub fn relative_difference(a: &DMatrix<f64>, b: &DMatrix<f64>) -> f64 {
    (a - b).amax() / b.amax().max(f64::MIN_POSITIVE)
}
