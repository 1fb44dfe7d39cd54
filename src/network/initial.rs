//! Initialisers of weights and biases.

use nalgebra::{DMatrix, DVector};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::NetworkError;
use super::feedforward::check_sizes;
use super::random::{self, streams};
use crate::linalg::qr::orthonormal_columns;

/// How weights or biases are drawn.
///
/// Matrices are filled row by row, each layer from its own stream of the seed, so a layer's values
/// do not depend on the other layers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initialiser {
    /// All zero.
    Zero,
    /// Normal with mean 0 and standard deviation `scale / sqrt(fan_in)`, where `fan_in` is the
    /// number of units below.
    Normal {
        /// The factor; at least 0.
        scale: f64,
    },
    /// Uniform on `[low, high)`.
    Uniform {
        /// Lower bound.
        low: f64,
        /// Upper bound; above `low`.
        high: f64,
    },
    /// `gain` times a matrix with orthonormal rows or columns, whichever are fewer, drawn from the
    /// Haar measure: `Q` of a normal matrix with the signs that make `R`'s diagonal positive
    /// (Mezzadri, Notices of the AMS 54, 2007, arXiv:math-ph/0609050).
    Orthogonal {
        /// The factor.
        gain: f64,
    },
}

impl Initialiser {
    /// The name used in model files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::Normal { .. } => "normal",
            Self::Uniform { .. } => "uniform",
            Self::Orthogonal { .. } => "orthogonal",
        }
    }

    /// Refuses parameters that describe no distribution.
    ///
    /// # Errors
    /// [`NetworkError::Initialiser`], naming the parameter and what is allowed.
    pub fn check(self) -> Result<(), NetworkError> {
        let refuse = |parameter, value, requirement| {
            Err(NetworkError::Initialiser {
                initialiser: self.name(),
                parameter,
                value,
                requirement,
            })
        };
        match self {
            Self::Normal { scale } if !(scale.is_finite() && scale >= 0.0) => {
                refuse("scale", scale, "finite and at least 0")
            }
            Self::Uniform { low, .. } if !low.is_finite() => refuse("low", low, "finite"),
            Self::Uniform { low, high } if !(high > low && (high - low).is_finite()) => {
                refuse("high", high, "finite and above low")
            }
            Self::Orthogonal { gain } if !gain.is_finite() => refuse("gain", gain, "finite"),
            _ => Ok(()),
        }
    }

    /// One weight matrix `n_l x n_{l-1}` per layer for the sizes `n_0, ..., n_L`.
    ///
    /// Layer `l` uses stream [`streams::WEIGHTS`]` + l`.
    ///
    /// # Errors
    /// As [`check`](Self::check), and when `sizes` describes no network.
    pub fn weights(self, sizes: &[usize], seed: u64) -> Result<Vec<DMatrix<f64>>, NetworkError> {
        self.weights_from(sizes, seed, streams::WEIGHTS)
    }

    /// One bias vector of length `n_l` per layer for the sizes `n_0, ..., n_L`.
    ///
    /// Layer `l` uses stream [`streams::BIASES`]` + l`; its fan-in is `n_{l-1}`.
    ///
    /// # Errors
    /// As [`weights`](Self::weights); biases cannot be orthogonal.
    pub fn biases(self, sizes: &[usize], seed: u64) -> Result<Vec<DVector<f64>>, NetworkError> {
        self.biases_from(sizes, seed, streams::BIASES)
    }

    /// One `rows x columns` matrix from `generator`; `fan_in` is its number of columns.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn matrix(
        self,
        rows: usize,
        columns: usize,
        generator: &mut ChaCha8Rng,
    ) -> Result<DMatrix<f64>, NetworkError> {
        self.check()?;
        if let Self::Orthogonal { gain } = self {
            return Ok(gain * orthogonal(rows, columns, generator));
        }
        let values: Vec<f64> = (0..rows * columns).map(|_| self.draw(columns, generator)).collect();
        Ok(DMatrix::from_row_slice(rows, columns, &values))
    }

    /// As [`weights`](Self::weights), but layer `l` uses stream `stream + l`.
    ///
    /// # Errors
    /// As [`weights`](Self::weights).
    pub fn weights_from(
        self,
        sizes: &[usize],
        seed: u64,
        stream: u64,
    ) -> Result<Vec<DMatrix<f64>>, NetworkError> {
        check_sizes(sizes)?;
        let pairs = (1u64..).zip(sizes.windows(2));
        pairs
            .map(|(l, n)| self.matrix(n[1], n[0], &mut random::generator(seed, stream + l)))
            .collect()
    }

    /// As [`biases`](Self::biases), but layer `l` uses stream `stream + l`.
    ///
    /// # Errors
    /// As [`biases`](Self::biases).
    pub fn biases_from(
        self,
        sizes: &[usize],
        seed: u64,
        stream: u64,
    ) -> Result<Vec<DVector<f64>>, NetworkError> {
        check_sizes(sizes)?;
        self.check()?;
        if matches!(self, Self::Orthogonal { .. }) {
            return Err(NetworkError::OrthogonalBiases);
        }
        let vector = |(l, n): (u64, &[usize])| {
            let mut generator = random::generator(seed, stream + l);
            DVector::from_fn(n[1], |_, _| self.draw(n[0], &mut generator))
        };
        Ok((1u64..).zip(sizes.windows(2)).map(vector).collect())
    }

    fn draw(self, fan_in: usize, generator: &mut ChaCha8Rng) -> f64 {
        match self {
            Self::Zero | Self::Orthogonal { .. } => 0.0,
            Self::Normal { scale } => {
                scale / (fan_in as f64).sqrt() * generator.sample::<f64, _>(StandardNormal)
            }
            // The bound is met only by rounding; staying below it keeps the interval half open.
            Self::Uniform { low, high } => {
                (low + (high - low) * generator.random::<f64>()).min(high.next_down())
            }
        }
    }
}

fn orthogonal(rows: usize, columns: usize, generator: &mut ChaCha8Rng) -> DMatrix<f64> {
    let (long, short) = (rows.max(columns), rows.min(columns));
    let draws: Vec<f64> = (0..long * short).map(|_| generator.sample(StandardNormal)).collect();
    let normal = DMatrix::from_row_slice(long, short, &draws);
    let q = orthonormal_columns(&normal).expect("normal draws are finite and the matrix is tall");
    if rows < columns { q.transpose() } else { q }
}
