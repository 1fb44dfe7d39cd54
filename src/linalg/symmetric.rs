//! Eigenvalues of symmetric and Hermitian matrices.

use faer::Par;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::traits::ComplexField;
use nalgebra::{Complex, DMatrix, DVector};

use super::bridge::{Entry, check_finite, check_square, normalise, view, view_mut};
use super::error::LinalgError;

/// Eigenvalues of a symmetric matrix in ascending order; only the lower triangle is read.
///
/// # Errors
/// Entries that are not finite, a matrix that is not square, no convergence.
pub fn symmetric_eigenvalues(a: &DMatrix<f64>) -> Result<DVector<f64>, LinalgError> {
    Ok(decompose(a, false)?.0)
}

/// Eigenvalues of a symmetric matrix in ascending order and an orthonormal basis of eigenvectors,
/// one per column; only the lower triangle is read.
///
/// # Errors
/// As [`symmetric_eigenvalues`].
pub fn symmetric_eigen(a: &DMatrix<f64>) -> Result<(DVector<f64>, DMatrix<f64>), LinalgError> {
    decompose(a, true)
}

/// Largest eigenvalue of the symmetric part `(A + A^T)/2`, the numerical abscissa of `A`; negative
/// infinity for an empty matrix.
///
/// # Errors
/// As [`symmetric_eigenvalues`].
pub fn numerical_abscissa(a: &DMatrix<f64>) -> Result<f64, LinalgError> {
    check_square(a)?;
    check_finite(a)?;
    let mut symmetric = a.zip_map(&a.transpose(), |x, y| 0.5 * x + 0.5 * y);
    let unit = normalise(&mut symmetric);
    let values = symmetric_eigenvalues(&symmetric)?;
    Ok(values.as_slice().last().map_or(f64::NEG_INFINITY, |largest| largest * unit))
}

/// Eigenvalues of a Hermitian matrix in ascending order; only the lower triangle is read.
///
/// # Errors
/// As [`symmetric_eigenvalues`].
pub fn hermitian_eigenvalues(a: &DMatrix<Complex<f64>>) -> Result<DVector<f64>, LinalgError> {
    Ok(decompose(a, false)?.0.map(|z| z.re))
}

/// Eigenvalues and, if wanted, vectors (else an empty matrix).
fn decompose<T: ComplexField + Entry>(
    a: &DMatrix<T>,
    vectors: bool,
) -> Result<(DVector<T>, DMatrix<T>), LinalgError> {
    let n = check_square(a)?;
    check_finite(a)?;
    let size = if vectors { n } else { 0 };
    let zero = <T as ComplexField>::zero_impl();
    let mut basis = DMatrix::from_element(size, size, zero);
    let mut values = DMatrix::from_element(n, 1, zero);
    if n == 0 {
        return Ok((values.column(0).into_owned(), basis));
    }
    let wanted = if vectors { ComputeEigenvectors::Yes } else { ComputeEigenvectors::No };
    let scratch = self_adjoint_evd_scratch::<T>(n, wanted, Par::Seq, Default::default());
    self_adjoint_evd(
        view(a),
        view_mut(&mut values).col_mut(0).as_diagonal_mut(),
        vectors.then(|| view_mut(&mut basis)),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )
    .map_err(|_| LinalgError::NoConvergence {
        what: "the iteration for the eigenvalues of a symmetric matrix",
        size: n,
        iterations: 30 * n,
    })?;
    Ok((values.column(0).into_owned(), basis))
}
