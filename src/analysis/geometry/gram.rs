//! Damped systems with a Gram matrix, and its rank.

use nalgebra::{DMatrix, DVector};

use crate::linalg::LinalgError;
use crate::linalg::lu::Lu;
use crate::linalg::symmetric::symmetric_eigen;

/// The rank of a Jacobian as its Gram matrix tells it.
///
/// Singular values of the Jacobian are square roots of eigenvalues of the Gram matrix, which knows
/// them to about `sqrt(n eps)` of the largest: no smaller cut-off decides anything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rank {
    /// Number of singular values above the cut-off.
    pub rank: usize,
    /// The cut-off: singular values at or below it count as zero.
    pub cutoff: f64,
    /// The largest singular value.
    pub largest: f64,
    /// The smallest singular value above the cut-off; 0 when there is none.
    pub smallest: f64,
}

/// A Gram matrix with its eigenvalues in ascending order, negative ones set to 0.
struct Spectrum {
    values: DVector<f64>,
    vectors: DMatrix<f64>,
    /// Eigenvalues at or below this count as zero.
    floor: f64,
}

impl Spectrum {
    /// `cutoff` is a fraction of the largest singular value.
    fn new(gram: &DMatrix<f64>, cutoff: f64) -> Result<Self, LinalgError> {
        let (values, vectors) = symmetric_eigen(gram)?;
        let values = values.map(|x| x.max(0.0));
        let largest = values.iter().copied().fold(0.0, f64::max);
        let floor = rounding(gram.nrows()).max(cutoff * cutoff) * largest;
        let floor = floor.max(SMALLEST);
        Ok(Self { values, vectors, floor })
    }
}

/// Eigenvalues below this have lost digits to underflow, as those of a saturated softmax do.
const SMALLEST: f64 = f64::MIN_POSITIVE / f64::EPSILON;

/// Rounding errors of the eigenvalues of an `n x n` Gram matrix, relative to the largest.
fn rounding(n: usize) -> f64 {
    n as f64 * f64::EPSILON
}

/// The rank at a cut-off relative to the largest singular value.
pub(super) fn rank(gram: &DMatrix<f64>, cutoff: f64) -> Result<Rank, LinalgError> {
    let Spectrum { values, floor, .. } = Spectrum::new(gram, cutoff)?;
    let kept: Vec<f64> = values.iter().copied().filter(|x| *x > floor).collect();
    Ok(Rank {
        rank: kept.len(),
        cutoff: floor.sqrt(),
        largest: kept.last().copied().unwrap_or(0.0).sqrt(),
        smallest: kept.first().copied().unwrap_or(0.0).sqrt(),
    })
}

/// `y` in `(G + damping I) y = b`, on the span of the eigenvectors whose eigenvalue, damping
/// included, is above the cut-off; for `damping = 0` this is the pseudoinverse.
pub(super) fn solve(
    gram: &DMatrix<f64>,
    b: &DVector<f64>,
    damping: f64,
    cutoff: f64,
) -> Result<DVector<f64>, LinalgError> {
    // The trace bounds the largest eigenvalue: a damping above this cuts nothing off.
    let bound = rounding(gram.nrows()).max(cutoff * cutoff) * gram.trace();
    if damping > bound {
        let mut system = gram.clone();
        for i in 0..system.nrows() {
            system[(i, i)] += damping;
        }
        return Ok(Lu::without_condition(&system)?.solve(b));
    }
    let Spectrum { values, vectors, floor } = Spectrum::new(gram, cutoff)?;
    let mut y = DVector::zeros(b.len());
    for (value, vector) in values.iter().zip(vectors.column_iter()) {
        let damped = value + damping;
        if damped > floor {
            y.axpy(vector.dot(b) / damped, &vector, 1.0);
        }
    }
    Ok(y)
}
