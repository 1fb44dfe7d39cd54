//! Vector operations of the stepping loop.

pub(crate) use crate::linalg::kernels::{linear_combination, weighted_square_sum, weighted_sum};

/// Whether every entry is finite.
pub(crate) fn all_finite(x: &[f64]) -> bool {
    x.iter().all(|x| x.is_finite())
}

/// Euclidean norm of `x - y`.
pub(crate) fn distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}
