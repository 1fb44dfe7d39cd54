//! The conditions under which deep feedback control learns as second-order methods do.

use nalgebra::DMatrix;

use crate::linalg::gemm::{matmul_nt, matmul_tn};
use crate::linalg::symmetric::symmetric_eigen;

/// Eigenvalues of `J J^T` below this fraction of the largest are rounding errors, as always one is
/// with a softmax.
const CUTOFF: f64 = 1e-12;

/// Condition 2 of Meulemans et al. 2021: the columns of `Q` lie in the row space of the Jacobian
/// `J = d output / d (v_1 .. v_L)`. The share `|P Q|_F / |Q|_F` with `P` the projector on that row
/// space: 1 when the condition holds. `output_jacobian` are the blocks `J_l` (`n_L x n_l`), `q` the
/// blocks `Q_l` (`n_l x n_L`). `None` where `J` or `Q` is zero or not finite.
#[must_use]
pub fn row_space_share(output_jacobian: &[DMatrix<f64>], q: &[DMatrix<f64>]) -> Option<f64> {
    let m = output_jacobian.last()?.nrows();
    let mut gram = DMatrix::zeros(m, m);
    let mut jq = DMatrix::zeros(m, m);
    let mut size = 0.0;
    for (j, q) in output_jacobian.iter().zip(q) {
        gram += matmul_nt(j, j);
        jq += j * q;
        size += q.norm_squared();
    }
    let (values, vectors) = symmetric_eigen(&gram).ok()?;
    let largest = values.max();
    if largest <= 0.0 || size == 0.0 || !size.is_finite() {
        return None;
    }
    // |P Q|^2 = tr((J Q)^T (J J^T)^+ J Q), one eigenvector of J J^T after the other.
    let parts = matmul_tn(&vectors, &jq);
    let projected: f64 = values
        .iter()
        .zip(parts.row_iter())
        .filter(|(value, _)| **value > CUTOFF * largest)
        .map(|(value, part)| part.norm_squared() / value)
        .sum();
    Some((projected / size).sqrt())
}

/// Condition 1 of Meulemans et al. 2021: all layers have inputs of the same norm. The coefficient of
/// variation (standard deviation over mean) of `|r_{l-1}|^2` over the layers, 0 when the condition
/// holds, as a mean over the columns. `inputs[l]` is what layer `l` receives.
#[must_use]
pub fn input_norm_variation(inputs: &[&DMatrix<f64>]) -> f64 {
    let columns = inputs.first().map_or(0, |r| r.ncols());
    let layers = inputs.len() as f64;
    let of_column = |c: usize| {
        let squares: Vec<f64> = inputs.iter().map(|r| r.column(c).norm_squared()).collect();
        let mean = squares.iter().sum::<f64>() / layers;
        let variance = squares.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / layers;
        if mean > 0.0 { variance.sqrt() / mean } else { 0.0 }
    };
    (0..columns).map(of_column).sum::<f64>() / columns.max(1) as f64
}
