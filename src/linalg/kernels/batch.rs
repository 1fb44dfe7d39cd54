//! Matrix-matrix products: batches of vectors as columns.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use nalgebra::DMatrix;

use super::dispatch;
use super::products::{Forward, gemv, gemv_transposed};

/// Up to this many columns, reading `W` once per column beats transposing it into packed panels.
const FEW: usize = 4;

/// `Y = W X` for a batch of columns.
///
/// Lengths: with `k` columns, `x` has `ncols * k` and `y` has `nrows * k`.
pub fn gemm(w: &DMatrix<f64>, x: &[f64], y: &mut [f64]) {
    let (nrows, ncols) = w.shape();
    if nrows == 0 || ncols == 0 {
        return y.fill(0.0);
    }
    let columns = x.len() / ncols;
    assert_eq!(
        (x.len(), y.len()),
        (columns * ncols, columns * nrows),
        "Y = W X: lengths of X and Y"
    );
    if columns == 1 {
        return gemv(w, x, y);
    }
    let w = MatRef::from_column_major_slice(w.as_slice(), nrows, ncols);
    let x = MatRef::from_column_major_slice(x, ncols, columns);
    let y = MatMut::from_column_major_slice_mut(y, nrows, columns);
    matmul(y, Accum::Replace, w, x, 1.0, Par::Seq);
}

/// `Y = W_c X` with the columns `c` of `W`, for a batch of columns.
///
/// Lengths: with `k` columns, `x` has `c.len() * k` and `y` has `nrows * k`.
pub fn gemm_columns(w: &DMatrix<f64>, c: Range<usize>, x: &[f64], y: &mut [f64]) {
    let nrows = w.nrows();
    if nrows == 0 || c.is_empty() {
        return y.fill(0.0);
    }
    let columns = x.len() / c.len();
    assert_eq!(
        (x.len(), y.len()),
        (columns * c.len(), columns * nrows),
        "Y = W_c X: lengths of X and Y"
    );
    let w = &w.as_slice()[c.start * nrows..c.end * nrows];
    if columns == 1 {
        return dispatch(Forward { w, x, y });
    }
    let w = MatRef::from_column_major_slice(w, nrows, c.len());
    let x = MatRef::from_column_major_slice(x, c.len(), columns);
    let y = MatMut::from_column_major_slice_mut(y, nrows, columns);
    matmul(y, Accum::Replace, w, x, 1.0, Par::Seq);
}

/// `Y += W X` for a batch of columns; lengths as for [`gemm`].
pub fn gemm_add(w: &DMatrix<f64>, x: &[f64], y: &mut [f64]) {
    let (nrows, ncols) = w.shape();
    if nrows == 0 || ncols == 0 {
        return;
    }
    let columns = x.len() / ncols;
    assert_eq!(
        (x.len(), y.len()),
        (columns * ncols, columns * nrows),
        "Y += W X: lengths of X and Y"
    );
    let w = MatRef::from_column_major_slice(w.as_slice(), nrows, ncols);
    let x = MatRef::from_column_major_slice(x, ncols, columns);
    let y = MatMut::from_column_major_slice_mut(y, nrows, columns);
    matmul(y, Accum::Add, w, x, 1.0, Par::Seq);
}

/// `Y = W^T X` for a batch of columns.
///
/// Lengths: with `k` columns, `x` has `nrows * k` and `y` has `ncols * k`.
pub fn gemm_transposed(w: &DMatrix<f64>, x: &[f64], y: &mut [f64]) {
    let (nrows, ncols) = w.shape();
    if nrows == 0 || ncols == 0 {
        return y.fill(0.0);
    }
    let columns = x.len() / nrows;
    assert_eq!(
        (x.len(), y.len()),
        (columns * nrows, columns * ncols),
        "Y = W^T X: lengths of X and Y"
    );
    if columns <= FEW {
        let pairs = x.chunks_exact(nrows).zip(y.chunks_exact_mut(ncols));
        return pairs.for_each(|(x, y)| gemv_transposed(w, x, y));
    }
    let w = MatRef::from_column_major_slice(w.as_slice(), nrows, ncols);
    let x = MatRef::from_column_major_slice(x, nrows, columns);
    let y = MatMut::from_column_major_slice_mut(y, ncols, columns);
    matmul(y, Accum::Replace, w.transpose(), x, 1.0, Par::Seq);
}
