//! Eigenvectors of a small matrix as a real basis, where they are a safe one.

use nalgebra::{Complex, DMatrix};

use super::error::ExactError;
use crate::linalg::eigen::{EigenOptions, Spectrum, eigen};
use crate::linalg::gemm::{matmul, matmul_nt};
use crate::linalg::lu::Lu;
use crate::linalg::svd::condition_number;
use crate::linalg::symmetric::symmetric_eigen;
use crate::linalg::{LinalgError, norms};

/// Condition number of the unit eigenvectors up to which they are used. The solution loses about as
/// many digits as the condition number has: eleven remain at the switch.
const LARGEST_CONDITION: f64 = 1e5;
/// Asymmetry of a product that is rounding, in units of eps times the norms of its factors.
const ASYMMETRY: f64 = 8.0;
/// Largest spread of diagonal weights under which a matrix is treated as similar to a symmetric one:
/// the square root is the condition number of the basis.
const LARGEST_SPREAD: f64 = 1e8;

/// One real eigenvalue with its vector, or a complex pair with the real and the imaginary part of
/// the vector of the member with positive imaginary part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mode {
    /// The eigenvalue.
    pub(super) value: Complex<f64>,
    /// First coordinate.
    pub(super) at: usize,
    /// Coordinates: one or two.
    pub(super) width: usize,
}

/// A real basis in which a matrix acts on one or two coordinates at a time.
#[derive(Debug)]
pub(super) struct Basis {
    pub(super) modes: Vec<Mode>,
    /// One basis vector per column.
    pub(super) vectors: DMatrix<f64>,
    inverse: Inverse,
}

#[derive(Debug)]
enum Inverse {
    Matrix(DMatrix<f64>),
    Solve(Lu),
}

impl Basis {
    /// A basis of eigenvectors of `a`, or `None` where they are too nearly dependent.
    pub(super) fn of(a: &DMatrix<f64>) -> Result<Option<Self>, ExactError> {
        match eigen(a, &EigenOptions { vectors: true, conditions: false }) {
            Ok(spectrum) => Self::of_spectrum(&spectrum),
            Err(LinalgError::Defective { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The same for a product `a b`, symmetric wherever that is possible.
    pub(super) fn of_product(
        a: &DMatrix<f64>,
        b: &DMatrix<f64>,
    ) -> Result<Option<Self>, ExactError> {
        let product = matmul(a, b);
        let rounding =
            ASYMMETRY * f64::EPSILON * norms::norm_frobenius(a) * norms::norm_frobenius(b);
        if let Some(symmetric) = symmetrised(&product, rounding) {
            return Self::symmetric(&symmetric, None).map(Some);
        }
        if let Some((weights, sign)) = diagonal_weights(a, b) {
            // diag(w) (a b) diag(w)^-1 = sign (diag(w) a) (diag(w) a)^T.
            let mut rooted = a.clone();
            for (mut row, w) in rooted.row_iter_mut().zip(&weights) {
                row *= *w;
            }
            let symmetric = matmul_nt(&rooted, &rooted) * sign;
            return Self::symmetric(&symmetric, Some(&weights)).map(Some);
        }
        Self::of(&product)
    }

    /// The basis of `diag(w)^-1 S diag(w)` from orthonormal eigenvectors of the symmetric matrix `S`.
    fn symmetric(s: &DMatrix<f64>, weights: Option<&[f64]>) -> Result<Self, ExactError> {
        let (values, mut vectors) = symmetric_eigen(s)?;
        let mut inverse = vectors.transpose();
        for (i, w) in weights.unwrap_or_default().iter().enumerate() {
            vectors.row_mut(i).unscale_mut(*w);
            inverse.column_mut(i).scale_mut(*w);
        }
        let mode = |(at, &value)| Mode { value: Complex::new(value, 0.0), at, width: 1 };
        let modes = values.iter().enumerate().map(mode).collect();
        Ok(Self { modes, vectors, inverse: Inverse::Matrix(inverse) })
    }

    fn of_spectrum(spectrum: &Spectrum) -> Result<Option<Self>, ExactError> {
        let Some(right) = &spectrum.right else { return Ok(None) };
        let n = right.nrows();
        let mut vectors = DMatrix::zeros(n, n);
        let mut modes = Vec::new();
        let mut at = 0;
        while at < n {
            let value = spectrum.values[at];
            vectors.column_mut(at).copy_from(&right.column(at).map(|z| z.re));
            let width = if value.im == 0.0 { 1 } else { 2 };
            if width == 2 {
                vectors.column_mut(at + 1).copy_from(&right.column(at).map(|z| z.im));
            }
            modes.push(Mode { value, at, width });
            at += width;
        }
        // Written so that NaN does not pass.
        let safe = condition_number(&vectors)? <= LARGEST_CONDITION;
        let lu = Lu::without_condition(&vectors).ok().filter(|_| safe);
        Ok(lu.map(|lu| Self { modes, vectors, inverse: Inverse::Solve(lu) }))
    }

    /// Coordinates of the columns of `x`.
    pub(super) fn coordinates(&self, x: &DMatrix<f64>) -> DMatrix<f64> {
        match &self.inverse {
            Inverse::Matrix(inverse) => matmul(inverse, x),
            Inverse::Solve(lu) => lu.solve_columns(x),
        }
    }
}

/// The symmetric part of a matrix that is symmetric up to `rounding`.
fn symmetrised(a: &DMatrix<f64>, rounding: f64) -> Option<DMatrix<f64>> {
    let transposed = a.transpose();
    let asymmetry = a.zip_fold(&transposed, 0.0_f64, |m, x, y| m.max((x - y).abs()));
    (asymmetry <= rounding).then(|| a.zip_map(&transposed, |x, y| 0.5 * (x + y)))
}

/// If every column of `b` is `sign w_i^2` times the same row of `a`, with one sign and no `w_i = 0`,
/// then `a b = sign a a^T diag(w)^2` is similar to a symmetric matrix: returns the `w_i` and the sign.
///
/// This is the case for `B M` when `B` is a multiple of `W^T` and `M = W G` with slopes `G > 0`.
fn diagonal_weights(a: &DMatrix<f64>, b: &DMatrix<f64>) -> Option<(Vec<f64>, f64)> {
    let mut sign = 0.0;
    let mut weights = vec![1.0; a.nrows()];
    let mut range = (f64::INFINITY, 0.0_f64);
    for (weight, (row, column)) in weights.iter_mut().zip(a.row_iter().zip(b.column_iter())) {
        let size = column.amax();
        if size == 0.0 && row.amax() == 0.0 {
            continue;
        }
        let factor = row.transpose().dot(&column) / row.norm_squared();
        let rounding = ASYMMETRY * f64::EPSILON * size;
        let fits = row.iter().zip(column.iter()).all(|(x, y)| (factor * x - y).abs() <= rounding);
        if !fits || factor == 0.0 || sign * factor < 0.0 {
            return None;
        }
        sign = factor.signum();
        *weight = factor.abs().sqrt();
        range = (range.0.min(factor.abs()), range.1.max(factor.abs()));
    }
    (sign != 0.0 && range.1 <= LARGEST_SPREAD * range.0).then_some((weights, sign))
}
