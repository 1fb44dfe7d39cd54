//! Views of nalgebra matrices for faer and back, and the checks every routine starts with.

use faer::{MatMut, MatRef, Par};
use nalgebra::{Complex, DMatrix, Scalar};

use super::error::LinalgError;

/// Sizes below this stay on one thread: starting the others costs more than they save.
const PARALLEL_FROM: usize = 512;
/// Parts into which faer splits larger work. Fixed, because rounding depends on the split: so results
/// are the same bits on a pool of any size. On a pool of one thread the split costs nothing
/// measurable.
const PARTS: usize = 4;

/// A real or complex number whose finiteness can be checked.
pub(crate) trait Entry: Scalar + Copy {
    /// The first part that is NaN or infinite.
    fn not_finite(self) -> Option<f64>;
}

impl Entry for f64 {
    fn not_finite(self) -> Option<f64> {
        (!self.is_finite()).then_some(self)
    }
}

impl Entry for Complex<f64> {
    fn not_finite(self) -> Option<f64> {
        self.re.not_finite().or(self.im.not_finite())
    }
}

/// faer's view of a matrix; no copy, both are column-major.
pub(crate) fn view<T: Scalar>(a: &DMatrix<T>) -> MatRef<'_, T> {
    MatRef::from_column_major_slice(a.as_slice(), a.nrows(), a.ncols())
}

/// faer's mutable view of a matrix.
pub(crate) fn view_mut<T: Scalar>(a: &mut DMatrix<T>) -> MatMut<'_, T> {
    let (rows, columns) = a.shape();
    MatMut::from_column_major_slice_mut(a.as_mut_slice(), rows, columns)
}

/// How faer shall run on a problem of this size: on the caller's thread, or on rayon's current pool.
pub(crate) fn parallelism(size: usize) -> Par {
    if size < PARALLEL_FROM { Par::Seq } else { Par::rayon(PARTS) }
}

/// Refuses NaN and infinities, naming the first.
pub(crate) fn check_finite<T: Entry>(a: &DMatrix<T>) -> Result<(), LinalgError> {
    // Without an early exit the loop runs on vectors.
    if !a.as_slice().iter().fold(false, |found, x| found | x.not_finite().is_some()) {
        return Ok(());
    }
    let index = a.as_slice().iter().position(|x| x.not_finite().is_some());
    let index = index.expect("found just above");
    let value = a.as_slice()[index].not_finite().expect("found just above");
    Err(LinalgError::NotFinite { row: index % a.nrows(), column: index / a.nrows(), value })
}

/// Refuses matrices that are not square; returns the size.
pub(crate) fn check_square<T: Scalar>(a: &DMatrix<T>) -> Result<usize, LinalgError> {
    if a.is_square() {
        Ok(a.nrows())
    } else {
        Err(LinalgError::NotSquare { rows: a.nrows(), columns: a.ncols() })
    }
}

/// Refuses an operand of another shape than `expected`.
pub(crate) fn check_shape(
    what: &'static str,
    shape: (usize, usize),
    expected: (usize, usize),
) -> Result<(), LinalgError> {
    if shape == expected {
        return Ok(());
    }
    Err(LinalgError::ShapeMismatch {
        what,
        expected_rows: expected.0,
        expected_columns: expected.1,
        rows: shape.0,
        columns: shape.1,
    })
}

/// `2^e`, exactly, for the exponents of normal numbers.
pub(crate) fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((1023 + i64::from(exponent.clamp(-1022, 1023))) as u64) << 52)
}

/// `e` with `2^e <= |x| < 2^(e+1)`; -1022 for zero and subnormal numbers.
pub(crate) fn exponent_of(x: f64) -> i32 {
    (((x.to_bits() >> 52) & 0x7ff) as i32 - 1023).max(-1022)
}

/// Divides by the power of two nearest below the largest entry; returns that power.
pub(crate) fn normalise(a: &mut DMatrix<f64>) -> f64 {
    let largest = a.amax();
    if largest == 0.0 {
        return 1.0;
    }
    let exponent = exponent_of(largest).clamp(-1000, 1000);
    a.scale_mut(power_of_two(-exponent));
    power_of_two(exponent)
}
