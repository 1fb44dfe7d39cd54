//! Orthonormal columns from the QR factorisation with a positive diagonal of `R`.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::householder::{
    apply_block_householder_sequence_on_the_left_in_place_scratch as apply_scratch,
    apply_block_householder_sequence_on_the_left_in_place_with_conj as apply,
};
use faer::linalg::qr::no_pivoting::factor::{
    qr_in_place, qr_in_place_scratch, recommended_block_size,
};
use faer::{Conj, Par};
use nalgebra::DMatrix;

use super::bridge::{check_finite, check_shape, view, view_mut};
use super::error::LinalgError;

/// `Q` of the thin factorisation `A = Q R` with a positive diagonal of `R`: the columns of `A`
/// made orthonormal, first to last.
///
/// With that sign, `Q` of a matrix of independent standard normal entries is uniform (Haar) on
/// orthogonal matrices (Mezzadri, Notices AMS 54, 2007).
///
/// # Errors
/// Entries that are not finite; more columns than rows.
pub fn orthonormal_columns(a: &DMatrix<f64>) -> Result<DMatrix<f64>, LinalgError> {
    let (rows, columns) = a.shape();
    check_shape("orthonormal columns", (rows, columns.min(rows)), (rows, columns))?;
    check_finite(a)?;
    let mut q = DMatrix::identity(rows, columns);
    if columns == 0 {
        return Ok(q);
    }
    let block = recommended_block_size::<f64>(rows, columns);
    let mut factors = a.clone();
    let mut coefficients = DMatrix::zeros(block, columns);
    let request = qr_in_place_scratch::<f64>(rows, columns, block, Par::Seq, Default::default());
    qr_in_place(
        view_mut(&mut factors),
        view_mut(&mut coefficients),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(request)),
        Default::default(),
    );
    let request = apply_scratch::<f64>(rows, block, columns);
    apply(
        view(&factors),
        view(&coefficients),
        Conj::No,
        view_mut(&mut q),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(request)),
    );
    for (j, mut column) in q.column_iter_mut().enumerate() {
        if factors[(j, j)] < 0.0 {
            column.neg_mut();
        }
    }
    Ok(q)
}
