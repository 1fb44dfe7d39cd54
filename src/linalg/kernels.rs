//! Matrix products on slices, the inner loops of every dynamics.
//!
//! Vectors are slices; a batch of vectors is a slice of columns, one after the other. Matrices are
//! column-major [`DMatrix`] values.

use nalgebra::{DMatrix, DVectorView, DVectorViewMut, Dyn, MatrixView, MatrixViewMut};

/// `y = W x`.
pub fn gemv(w: &DMatrix<f64>, x: &[f64], y: &mut [f64]) {
    let x = DVectorView::from_slice(x, w.ncols());
    DVectorViewMut::from_slice(y, w.nrows()).gemv(1.0, w, &x, 0.0);
}

/// `y = W^T x`.
pub fn gemv_transposed(w: &DMatrix<f64>, x: &[f64], y: &mut [f64]) {
    let x = DVectorView::from_slice(x, w.nrows());
    DVectorViewMut::from_slice(y, w.ncols()).gemv_tr(1.0, w, &x, 0.0);
}

/// `W x` and `W^T u` in one pass over `W`, in place.
///
/// On entry `x` holds the vector multiplied by `W`; on return it holds `W^T u`, and `wx` holds
/// `W x`. Lengths: `x` has `ncols`, `u` and `wx` have `nrows`.
pub fn product_pair(w: &DMatrix<f64>, u: &[f64], x: &mut [f64], wx: &mut [f64]) {
    wx.fill(0.0);
    for (column, x_j) in w.column_iter().zip(x) {
        let mut dot = 0.0;
        for ((w_ij, u_i), y_i) in column.iter().zip(u).zip(wx.iter_mut()) {
            dot += w_ij * u_i;
            *y_i += w_ij * *x_j;
        }
        *x_j = dot;
    }
}

/// `Y = W X` for a batch of columns.
pub fn gemm(w: &DMatrix<f64>, x: &[f64], y: &mut [f64]) {
    let columns = x.len() / w.ncols();
    let x = MatrixView::<f64, Dyn, Dyn>::from_slice(x, w.ncols(), columns);
    MatrixViewMut::<f64, Dyn, Dyn>::from_slice(y, w.nrows(), columns).gemm(1.0, w, &x, 0.0);
}

/// `Y = W^T X` for a batch of columns.
pub fn gemm_transposed(w: &DMatrix<f64>, x: &[f64], y: &mut [f64]) {
    let columns = x.len() / w.nrows();
    let x = MatrixView::<f64, Dyn, Dyn>::from_slice(x, w.nrows(), columns);
    MatrixViewMut::<f64, Dyn, Dyn>::from_slice(y, w.ncols(), columns).gemm_tr(1.0, w, &x, 0.0);
}
