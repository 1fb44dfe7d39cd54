//! Linear systems by LU factorisation with partial pivoting and a condition estimate.

use std::mem::MaybeUninit;

use faer::Par;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::lu::partial_pivoting::factor::{lu_in_place, lu_in_place_scratch};
use faer::linalg::lu::partial_pivoting::{inverse, solve};
use faer::perm::PermRef;
use nalgebra::{DMatrix, DVector};

use super::bridge::{
    check_finite, check_shape, check_square, exponent_of, power_of_two, view, view_mut,
};
use super::error::LinalgError;
use super::norms::estimate_norm_one;

/// `P R A C = L U` with powers of two on the diagonals of `R` and `C`.
///
/// The scaling brings the largest entry of every row and column near 1 before pivots are chosen, so
/// neither pivots nor the condition estimate hang on the units of equations and unknowns.
#[derive(Debug, Clone)]
pub struct Lu {
    /// `L` below the diagonal (which is 1), `U` on and above it.
    factors: DMatrix<f64>,
    /// Row i of the factors is row `forward[i]` of the scaled matrix.
    forward: Vec<usize>,
    backward: Vec<usize>,
    row_scale: Vec<f64>,
    column_scale: Vec<f64>,
    scratch: Vec<MaybeUninit<u8>>,
    /// 1-norm of the scaled matrix.
    norm: f64,
}

impl Lu {
    /// Factors a square matrix and estimates its condition.
    ///
    /// # Errors
    /// Entries that are not finite, a matrix that is not square, and [`LinalgError::Singular`] when
    /// the reciprocal condition number of the scaled matrix is below the rounding unit.
    pub fn new(a: &DMatrix<f64>) -> Result<Self, LinalgError> {
        let lu = Self::without_condition(a)?;
        let reciprocal_condition = lu.rcond();
        if reciprocal_condition < f64::EPSILON {
            return Err(LinalgError::Singular { size: lu.size(), reciprocal_condition });
        }
        Ok(lu)
    }

    /// Factors a square matrix and refuses it only when a pivot is exactly zero: for inner loops
    /// that check the size of their solutions themselves.
    ///
    /// # Errors
    /// As [`Lu::new`].
    pub fn without_condition(a: &DMatrix<f64>) -> Result<Self, LinalgError> {
        let n = check_square(a)?;
        let request = lu_in_place_scratch::<usize, f64>(n, n, Par::Seq, Default::default());
        let mut lu = Self {
            factors: DMatrix::zeros(n, n),
            forward: vec![0; n],
            backward: vec![0; n],
            row_scale: vec![1.0; n],
            column_scale: vec![1.0; n],
            scratch: vec![MaybeUninit::uninit(); request.unaligned_bytes_required()],
            norm: 0.0,
        };
        lu.refactor(a)?;
        Ok(lu)
    }

    /// Factors another matrix of the same size in the same memory; refuses exact zero pivots only.
    /// After an error the factorisation must not be used.
    ///
    /// # Errors
    /// As [`Lu::new`], and a matrix of another size.
    pub fn refactor(&mut self, a: &DMatrix<f64>) -> Result<(), LinalgError> {
        check_shape("refactoring", a.shape(), self.factors.shape())?;
        check_finite(a)?;
        self.factors.copy_from(a);
        self.equilibrate();
        lu_in_place(
            view_mut(&mut self.factors),
            &mut self.forward,
            &mut self.backward,
            Par::Seq,
            MemStack::new(&mut self.scratch),
            Default::default(),
        );
        let n = self.size();
        let regular = (0..n).all(|i| {
            let pivot = self.factors[(i, i)];
            pivot != 0.0 && pivot.is_finite()
        });
        if regular {
            Ok(())
        } else {
            Err(LinalgError::Singular { size: n, reciprocal_condition: 0.0 })
        }
    }

    /// Number of unknowns.
    #[must_use]
    pub fn size(&self) -> usize {
        self.factors.nrows()
    }

    /// Scales rows, then columns, by the power of two that brings the largest entry into [1, 2).
    fn equilibrate(&mut self) {
        let n = self.size().max(1);
        self.row_scale.fill(0.0);
        for column in self.factors.as_slice().chunks_exact(n) {
            for (largest, x) in self.row_scale.iter_mut().zip(column) {
                *largest = larger(*largest, x.abs());
            }
        }
        for scale in &mut self.row_scale {
            *scale = reciprocal_power(*scale);
        }
        self.norm = 0.0;
        let columns = self.factors.as_mut_slice().chunks_exact_mut(n);
        for (column, column_scale) in columns.zip(&mut self.column_scale) {
            let (mut largest, mut sum) = (0.0, 0.0);
            for (x, scale) in column.iter_mut().zip(&self.row_scale) {
                *x *= scale;
                largest = larger(largest, x.abs());
                sum += x.abs();
            }
            *column_scale = reciprocal_power(largest);
            for x in column {
                *x *= *column_scale;
            }
            self.norm = larger(self.norm, sum * *column_scale);
        }
    }

    /// Estimate of `1 / (|S|_1 |S^-1|_1)` for the scaled matrix `S = R A C` (Higham, ACM Trans. Math.
    /// Softw. 14, 1988); seldom more than three times too large. 1 for an empty matrix.
    #[must_use]
    pub fn rcond(&self) -> f64 {
        if self.size() == 0 {
            return 1.0;
        }
        let inverse = estimate_norm_one(
            self.size(),
            |x| self.substitute(x),
            |x| self.substitute_transposed(x),
        );
        let reciprocal = 1.0 / (self.norm * inverse);
        // An overflow on the way means the matrix is as good as singular.
        if reciprocal.is_finite() { reciprocal } else { 0.0 }
    }

    /// Solves `A x = b`.
    #[must_use]
    pub fn solve(&self, b: &DVector<f64>) -> DVector<f64> {
        let mut x = b.clone();
        let mut work = vec![0.0; self.size()];
        self.solve_in_place(x.as_mut_slice(), &mut work);
        x
    }

    /// Solves `A x = b` in place and without allocation; `work` has as many entries as `b`.
    pub fn solve_in_place(&self, b: &mut [f64], work: &mut [f64]) {
        for (b, scale) in b.iter_mut().zip(&self.row_scale) {
            *b *= scale;
        }
        for (w, &from) in work.iter_mut().zip(&self.forward) {
            *w = b[from];
        }
        self.lower_then_upper(work);
        for ((b, w), scale) in b.iter_mut().zip(work).zip(&self.column_scale) {
            *b = *w * scale;
        }
    }

    /// Solves `A^T x = b`.
    #[must_use]
    pub fn solve_transposed(&self, b: &DVector<f64>) -> DVector<f64> {
        let scaled = b.iter().zip(&self.column_scale).map(|(b, scale)| b * scale);
        let mut x: Vec<f64> = scaled.collect();
        self.substitute_transposed(&mut x);
        for (x, scale) in x.iter_mut().zip(&self.row_scale) {
            *x *= scale;
        }
        DVector::from_vec(x)
    }

    /// Solves `A X = B` for many right-hand sides, the columns of `B`.
    #[must_use]
    pub fn solve_columns(&self, b: &DMatrix<f64>) -> DMatrix<f64> {
        let mut x = b.clone();
        for mut column in x.column_iter_mut() {
            for (x, scale) in column.iter_mut().zip(&self.row_scale) {
                *x *= scale;
            }
        }
        let request = solve::solve_in_place_scratch::<usize, f64>(self.size(), b.ncols(), Par::Seq);
        solve::solve_in_place(
            view(&self.factors),
            view(&self.factors),
            self.permutation(),
            view_mut(&mut x),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(request)),
        );
        for mut column in x.column_iter_mut() {
            for (x, scale) in column.iter_mut().zip(&self.column_scale) {
                *x *= scale;
            }
        }
        x
    }

    /// `A^-1`.
    #[must_use]
    pub fn inverse(&self) -> DMatrix<f64> {
        let n = self.size();
        let mut out = DMatrix::zeros(n, n);
        let request = inverse::inverse_scratch::<usize, f64>(n, Par::Seq);
        inverse::inverse(
            view_mut(&mut out),
            view(&self.factors),
            view(&self.factors),
            self.permutation(),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(request)),
        );
        for (mut column, row_scale) in out.column_iter_mut().zip(&self.row_scale) {
            for (x, scale) in column.iter_mut().zip(&self.column_scale) {
                *x *= scale * row_scale;
            }
        }
        out
    }

    /// `log2 |det A|`.
    #[must_use]
    pub fn log2_abs_determinant(&self) -> f64 {
        let pivots: f64 = (0..self.size()).map(|i| self.factors[(i, i)].abs().log2()).sum();
        let scales = self.row_scale.iter().chain(&self.column_scale).map(|s| s.log2()).sum::<f64>();
        pivots - scales
    }

    fn permutation(&self) -> PermRef<'_, usize> {
        PermRef::new_checked(&self.forward, &self.backward, self.size())
    }

    /// Solves with the scaled matrix in place.
    fn substitute(&self, x: &mut [f64]) {
        let mut work: Vec<f64> = self.forward.iter().map(|&from| x[from]).collect();
        self.lower_then_upper(&mut work);
        x.copy_from_slice(&work);
    }

    fn lower_then_upper(&self, x: &mut [f64]) {
        let n = self.size();
        for j in 0..n {
            let (head, tail) = x.split_at_mut(j + 1);
            subtract_multiple(head[j], &self.column(j)[j + 1..], tail);
        }
        for j in (0..n).rev() {
            let (head, tail) = x.split_at_mut(j);
            tail[0] /= self.factors[(j, j)];
            subtract_multiple(tail[0], &self.column(j)[..j], head);
        }
    }

    /// Solves with the transpose of the scaled matrix in place.
    fn substitute_transposed(&self, x: &mut [f64]) {
        let n = self.size();
        for j in 0..n {
            let (head, tail) = x.split_at_mut(j);
            tail[0] = (tail[0] - dot(&self.column(j)[..j], head)) / self.factors[(j, j)];
        }
        for j in (0..n).rev() {
            let (head, tail) = x.split_at_mut(j + 1);
            head[j] -= dot(&self.column(j)[j + 1..], tail);
        }
        let work = x.to_vec();
        for (value, &to) in work.iter().zip(&self.forward) {
            x[to] = *value;
        }
    }

    fn column(&self, j: usize) -> &[f64] {
        let n = self.size();
        &self.factors.as_slice()[j * n..(j + 1) * n]
    }
}

fn subtract_multiple(factor: f64, column: &[f64], x: &mut [f64]) {
    for (x, c) in x.iter_mut().zip(column) {
        *x -= factor * c;
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The larger of two numbers, neither NaN; unlike `f64::max` this compiles to one instruction.
fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The power of two that takes `largest` into [1, 2); 1 for a row or column of zeros.
fn reciprocal_power(largest: f64) -> f64 {
    if largest == 0.0 { 1.0 } else { power_of_two(-exponent_of(largest)) }
}
