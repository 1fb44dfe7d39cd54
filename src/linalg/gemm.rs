//! Matrix-matrix products at the speed of the machine, on one thread.
//!
//! nalgebra's transposed product runs at a tenth of the peak, so every product larger than about
//! 32 x 32 goes through these. Operands must fit; a mismatch is a bug of the caller and panics.

use faer::linalg::matmul::matmul as faer_matmul;
use faer::{Accum, MatRef, Par};
use nalgebra::DMatrix;

use super::bridge::{view, view_mut};

/// `A B`.
#[must_use]
pub fn matmul(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    let mut c = DMatrix::zeros(a.nrows(), b.ncols());
    matmul_into(1.0, a, b, 0.0, &mut c);
    c
}

/// `A^T B`.
#[must_use]
pub fn matmul_tn(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    let mut c = DMatrix::zeros(a.ncols(), b.ncols());
    matmul_tn_into(1.0, a, b, 0.0, &mut c);
    c
}

/// `A B^T`.
#[must_use]
pub fn matmul_nt(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    let mut c = DMatrix::zeros(a.nrows(), b.nrows());
    matmul_nt_into(1.0, a, b, 0.0, &mut c);
    c
}

/// `C <- alpha A B + beta C`; with `beta = 0` the old `C` is not read.
pub fn matmul_into(
    alpha: f64,
    a: &DMatrix<f64>,
    b: &DMatrix<f64>,
    beta: f64,
    c: &mut DMatrix<f64>,
) {
    product(alpha, view(a), view(b), beta, c);
}

/// `C <- alpha A^T B + beta C`; with `beta = 0` the old `C` is not read.
pub fn matmul_tn_into(
    alpha: f64,
    a: &DMatrix<f64>,
    b: &DMatrix<f64>,
    beta: f64,
    c: &mut DMatrix<f64>,
) {
    product(alpha, view(a).transpose(), view(b), beta, c);
}

/// `C <- alpha A B^T + beta C`; with `beta = 0` the old `C` is not read.
pub fn matmul_nt_into(
    alpha: f64,
    a: &DMatrix<f64>,
    b: &DMatrix<f64>,
    beta: f64,
    c: &mut DMatrix<f64>,
) {
    product(alpha, view(a), view(b).transpose(), beta, c);
}

fn product(alpha: f64, a: MatRef<'_, f64>, b: MatRef<'_, f64>, beta: f64, c: &mut DMatrix<f64>) {
    let accumulate = if beta == 0.0 {
        Accum::Replace
    } else {
        if beta != 1.0 {
            *c *= beta;
        }
        Accum::Add
    };
    faer_matmul(view_mut(c), accumulate, a, b, alpha, Par::Seq);
}
