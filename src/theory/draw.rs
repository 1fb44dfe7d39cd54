//! Random instances: everything is drawn from the seed, the check and the number of the instance.

use nalgebra::{DMatrix, DVector};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::check::Obstacle;
use crate::linalg::qr::orthonormal_columns;
use crate::network::random::{generator, streams};

/// The source of one instance.
#[derive(Debug, Clone)]
pub struct Draw {
    /// Number of the instance, from 0.
    pub index: usize,
    /// Whether sizes may be large.
    pub thorough: bool,
    generator: ChaCha8Rng,
}

impl Draw {
    /// The source of instance `index` of the check called `id`. Checks draw independently of each
    /// other, so adding one changes no other.
    #[must_use]
    pub fn new(id: &str, seed: u64, index: usize, thorough: bool) -> Self {
        let stream = streams::CHECKS + index as u64;
        Self { index, thorough, generator: generator(seed ^ digest(id), stream) }
    }

    /// A number between `low` and `high`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        self.generator.random_range(low..high)
    }

    /// A positive number whose logarithm is uniform.
    pub fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        self.uniform(low.ln(), high.ln()).exp()
    }

    /// An integer from `low` to `high`, both included.
    pub fn integer(&mut self, low: usize, high: usize) -> usize {
        // Drawn as u64: a `usize` range would give other numbers on 32-bit machines.
        self.generator.random_range(low as u64..=high as u64) as usize
    }

    /// A number of units: up to `usual`, and up to `thorough` in a thorough run.
    pub fn units(&mut self, usual: usize, thorough: usize) -> usize {
        let most = if self.thorough { thorough } else { usual };
        self.integer(1, most)
    }

    /// A fair coin.
    pub fn coin(&mut self) -> bool {
        self.integer(0, 1) == 1
    }

    /// One of several.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.integer(0, choices.len() - 1)]
    }

    /// A standard normal number.
    pub fn normal(&mut self) -> f64 {
        self.generator.sample(StandardNormal)
    }

    /// Independent normal entries of standard deviation `std`.
    pub fn vector(&mut self, n: usize, std: f64) -> DVector<f64> {
        DVector::from_fn(n, |_, _| self.normal() * std)
    }

    /// Independent normal entries of standard deviation `std`.
    pub fn matrix(&mut self, rows: usize, columns: usize, std: f64) -> DMatrix<f64> {
        DMatrix::from_fn(rows, columns, |_, _| self.normal() * std)
    }

    /// Weights of a layer: normal entries of standard deviation `1/sqrt(columns)`.
    pub fn weights(&mut self, rows: usize, columns: usize) -> DMatrix<f64> {
        self.matrix(rows, columns, 1.0 / (columns as f64).sqrt())
    }

    /// An orthogonal matrix.
    ///
    /// # Errors
    /// When the factorisation fails.
    pub fn rotation(&mut self, n: usize) -> Result<DMatrix<f64>, Obstacle> {
        Ok(orthonormal_columns(&self.matrix(n, n, 1.0))?)
    }

    /// `U diag(s) V^T` with random orthonormal factors.
    ///
    /// # Errors
    /// When a factorisation fails.
    pub fn with_singular_values(
        &mut self,
        rows: usize,
        columns: usize,
        s: &[f64],
    ) -> Result<DMatrix<f64>, Obstacle> {
        let u = self.rotation(rows)?;
        let v = self.rotation(columns)?;
        let k = s.len();
        let scaled = DMatrix::from_fn(rows, k, |i, j| u[(i, j)] * s[j]);
        Ok(scaled * v.columns(0, k).transpose())
    }

    /// A symmetric positive definite matrix with eigenvalues from `low` to `high`.
    ///
    /// # Errors
    /// When the factorisation fails.
    pub fn positive_definite(
        &mut self,
        n: usize,
        low: f64,
        high: f64,
    ) -> Result<DMatrix<f64>, Obstacle> {
        let q = self.rotation(n)?;
        let values: Vec<f64> = (0..n).map(|_| self.log_uniform(low, high)).collect();
        let scaled = DMatrix::from_fn(n, n, |i, j| q[(i, j)] * values[j]);
        let product = scaled * q.transpose();
        Ok(0.5 * (&product + product.transpose()))
    }
}

/// 64-bit FNV-1a.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
