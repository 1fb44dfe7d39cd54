//! Initial feedback matrices of inversion loops.

use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal, Uniform};

use super::FeedbackError;
use crate::dynamics::Feedback;
use crate::linalg::gemm::matmul;
use crate::linalg::svd::pseudoinverse;
use crate::network::random;

/// How the feedback matrix `B` of a loop is obtained from its weights `W`.
#[derive(Debug, Clone, PartialEq)]
pub enum Initialiser {
    /// `B = -scale W^T`.
    NegativeTranspose {
        /// Factor, positive.
        scale: f64,
    },
    /// `B = scale W^T`: positive feedback.
    Transpose {
        /// Factor, positive.
        scale: f64,
    },
    /// `B = -scale W^+` with the Moore-Penrose inverse.
    NegativePseudoinverse {
        /// Factor, positive.
        scale: f64,
    },
    /// `B = -scale sign(W^T)`, with `sign(0) = 0`.
    NegativeSign {
        /// Factor, positive.
        scale: f64,
    },
    /// Entries uniform in `[low, high)`.
    RandomUniform {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// Entries normal with mean 0 and standard deviation `scale / sqrt(n_l)`, `n_l` the fan-in of
    /// `B`.
    RandomNormal {
        /// Factor, positive.
        scale: f64,
    },
}

impl Initialiser {
    /// The name used in model files.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NegativeTranspose { .. } => "negative-transpose",
            Self::Transpose { .. } => "transpose",
            Self::NegativePseudoinverse { .. } => "negative-pseudoinverse",
            Self::NegativeSign { .. } => "negative-sign",
            Self::RandomUniform { .. } => "random-uniform",
            Self::RandomNormal { .. } => "random-normal",
        }
    }

    /// `B` (n_{l-1} x n_l) for a loop that inverts `w` (n_l x n_{l-1}).
    ///
    /// Random entries come from the generator of `seed` and `stream`; the caller gives every loop
    /// a stream of its own.
    ///
    /// # Errors
    /// A parameter out of range, or weights whose pseudoinverse cannot be computed.
    pub fn feedback(
        &self,
        w: &DMatrix<f64>,
        seed: u64,
        stream: u64,
    ) -> Result<Feedback, FeedbackError> {
        self.check()?;
        let (state, controller) = (w.ncols(), w.nrows());
        Ok(match *self {
            Self::NegativeTranspose { scale } => Feedback::Tied { scale },
            Self::Transpose { scale } => Feedback::Tied { scale: -scale },
            Self::NegativePseudoinverse { scale } => {
                (pseudoinverse(w, None)?.matrix * -scale).into()
            }
            Self::NegativeSign { scale } => {
                let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
                w.transpose().map(|x| -scale * sign(x)).into()
            }
            Self::RandomUniform { low, high } => {
                let uniform = Uniform::new(low, high).expect("bounds are checked");
                random_matrix(state, controller, seed, stream, &uniform).into()
            }
            Self::RandomNormal { scale } => {
                let deviation = scale / (controller as f64).sqrt();
                (random_matrix(state, controller, seed, stream, &StandardNormal) * deviation).into()
            }
        })
    }

    /// `B` (n_1 x n_L) for a single loop through `weights` = `W_2 .. W_L`:
    /// `(-1)^(n-1) B_2 B_3 .. B_L`, the product of the layers' feedback matrices with the sign
    /// that keeps a loop of negative matrices negative.
    ///
    /// Random initialisers draw the n_1 x n_L matrix itself.
    ///
    /// # Errors
    /// As [`feedback`](Self::feedback).
    pub fn single_loop(
        &self,
        weights: &[DMatrix<f64>],
        seed: u64,
        stream: u64,
    ) -> Result<DMatrix<f64>, FeedbackError> {
        let (first, last) = (weights.first(), weights.last());
        let (first, last) = (first.expect("a loop has weights"), last.expect("a loop has weights"));
        if matches!(self, Self::RandomUniform { .. } | Self::RandomNormal { .. }) {
            let shape = DMatrix::zeros(last.nrows(), first.ncols());
            return Ok(self.feedback(&shape, seed, stream)?.matrix(&shape));
        }
        let mut product = DMatrix::identity(first.ncols(), first.ncols());
        for (index, w) in weights.iter().enumerate() {
            let sign = if index == 0 { 1.0 } else { -1.0 };
            product = matmul(&product, &(self.feedback(w, seed, stream)?.matrix(w) * sign));
        }
        Ok(product)
    }

    fn check(&self) -> Result<(), FeedbackError> {
        let refuse = |parameter, value, remedy| {
            Err(FeedbackError::Parameter { initialiser: self.name(), parameter, value, remedy })
        };
        match *self {
            Self::RandomUniform { low, .. } if !low.is_finite() => {
                refuse("low", low, "a finite number")
            }
            Self::RandomUniform { low, high } if !high.is_finite() || high <= low => {
                refuse("high", high, "a finite number greater than low")
            }
            Self::RandomUniform { .. } => Ok(()),
            Self::NegativeTranspose { scale }
            | Self::Transpose { scale }
            | Self::NegativePseudoinverse { scale }
            | Self::NegativeSign { scale }
            | Self::RandomNormal { scale }
                if !(scale.is_finite() && scale > 0.0) =>
            {
                refuse("scale", scale, "a finite positive number")
            }
            _ => Ok(()),
        }
    }
}

/// Draws a matrix column by column.
pub(super) fn random_matrix(
    rows: usize,
    columns: usize,
    seed: u64,
    stream: u64,
    distribution: &impl Distribution<f64>,
) -> DMatrix<f64> {
    let mut generator = random::generator(seed, stream);
    DMatrix::from_fn(rows, columns, |_, _| distribution.sample(&mut generator))
}
