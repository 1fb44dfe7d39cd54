//! The Sylvester equation `A X + X B = C`.
//!
//! Bartels & Stewart (Commun. ACM 15, 1972) in complex arithmetic: with Schur forms
//! `A = U S U^H`, `B = V T V^H` the equation becomes `S Y + Y T = U^H C V`, solved column by column
//! by back substitution with `S + t_kk I`.

use nalgebra::{Complex, DMatrix, DVector};

use super::bridge::{check_finite, check_shape, check_square};
use super::error::LinalgError;
use super::schur::{ComplexSchur, complex_schur, to_complex};

/// Solution of a Sylvester equation and how well it satisfies it.
#[derive(Debug, Clone, PartialEq)]
pub struct SylvesterSolution {
    /// `X`.
    pub x: DMatrix<f64>,
    /// `|A X + X B - C|_F / ((|A|_F + |B|_F) |X|_F + |C|_F)`.
    pub residual: f64,
}

/// Solves `A X + X B = C`, `A` m x m, `B` n x n, `C` m x n.
///
/// # Errors
/// Shapes that do not fit, entries that are not finite, no convergence, and
/// [`LinalgError::SingularEquation`] when an eigenvalue of `A` and one of `B` sum to zero within
/// rounding.
pub fn sylvester(
    a: &DMatrix<f64>,
    b: &DMatrix<f64>,
    c: &DMatrix<f64>,
) -> Result<SylvesterSolution, LinalgError> {
    let (m, n) = (check_square(a)?, check_square(b)?);
    check_shape("A X + X B = C", c.shape(), (m, n))?;
    check_finite(c)?;
    let left = complex_schur(&to_complex(a))?;
    let right = complex_schur(&to_complex(b))?;
    refuse_singular("A X + X B = C", &left, &right)?;
    let mut y = left.q.adjoint() * to_complex(c) * &right.q;
    triangular(&left.t, &right.t, &mut y);
    let x = (&left.q * y * right.q.adjoint()).map(|z| z.re);
    let scale = (a.norm() + b.norm()) * x.norm() + c.norm();
    let residual = (a * &x + &x * b - c).norm();
    let residual = if scale == 0.0 { 0.0 } else { residual / scale };
    Ok(SylvesterSolution { x, residual })
}

/// Refuses coefficients with eigenvalues whose sum is within the rounding errors of both.
fn refuse_singular(
    equation: &'static str,
    left: &ComplexSchur,
    right: &ComplexSchur,
) -> Result<(), LinalgError> {
    let size = left.t.nrows().max(right.t.nrows()) as f64;
    let tolerance = size * f64::EPSILON * (left.t.norm() + right.t.norm());
    for &first in left.t.diagonal().iter() {
        for &second in right.t.diagonal().iter() {
            // Also refuses two matrices of zeros.
            if (first + second).norm() <= tolerance {
                return Err(LinalgError::SingularEquation { equation, first, second });
            }
        }
    }
    Ok(())
}

/// Solves `S Y + Y T = F` for upper triangular `S` and `T`; `F` is overwritten by `Y`.
fn triangular(s: &DMatrix<Complex<f64>>, t: &DMatrix<Complex<f64>>, y: &mut DMatrix<Complex<f64>>) {
    for k in 0..t.ncols() {
        let known = y.columns(0, k) * t.view((0, k), (k, 1));
        let mut column: DVector<_> = y.column(k) - known.column(0);
        for i in (0..s.nrows()).rev() {
            column[i] /= s[(i, i)] + t[(k, k)];
            let value = column[i];
            column.rows_mut(0, i).axpy(-value, &s.column(i).rows(0, i), Complex::new(1.0, 0.0));
        }
        y.set_column(k, &column);
    }
}
