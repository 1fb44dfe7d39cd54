//! The matrices `Q_l` that carry the control signal to every layer.

use nalgebra::DMatrix;

use super::plant::Plant;
use crate::dynamics::error::{DynamicsError, require_finite, require_finite_number, require_shape};
use crate::linalg::kernels;

/// The feedback `Q_l` (`n_l x n_L`) of deep feedback control.
#[derive(Debug, Clone, PartialEq)]
pub enum ControlFeedback {
    /// One matrix per layer for all targets.
    Shared(Vec<DMatrix<f64>>),
    /// One matrix per layer and target: `n_l x (n_L targets)`, the matrices of the targets side by
    /// side.
    PerTarget(Vec<DMatrix<f64>>),
    /// `Q_l = scale J_l(v)^T` with `J_l = d r_L / d v_l` at the voltages of the moment.
    Recomputed {
        /// The factor.
        scale: f64,
    },
}

impl ControlFeedback {
    /// Refuses matrices that do not fit the plant or are not finite.
    pub(super) fn check(&self, plant: &Plant) -> Result<(), DynamicsError> {
        let (matrices, targets) = match self {
            Self::Recomputed { scale } => return require_finite_number("scale", *scale),
            Self::Shared(matrices) => (matrices, 1),
            Self::PerTarget(matrices) => (matrices, plant.columns),
        };
        if matrices.len() != plant.depth() {
            return Err(DynamicsError::Shape {
                what: "list of feedback matrices".to_owned(),
                found_rows: matrices.len(),
                found_columns: 1,
                expected: format!("{} x 1, one matrix per layer", plant.depth()),
            });
        }
        for (l, q) in matrices.iter().enumerate() {
            let what = format!("feedback matrix of layer {}", l + 1);
            require_shape(&what, q, (plant.units(l), plant.outputs() * targets))?;
            require_finite(&what, q)?;
        }
        Ok(())
    }

    /// Whether the matrices depend on the voltages.
    pub(super) fn is_recomputed(&self) -> bool {
        matches!(self, Self::Recomputed { .. })
    }

    /// `Q_l` of target `column` as its entries, column by column; `None` where recomputed.
    pub(super) fn matrix(&self, l: usize, column: usize) -> Option<&[f64]> {
        match self {
            Self::Shared(q) => Some(q[l].as_slice()),
            Self::PerTarget(q) => {
                let outputs = q[q.len() - 1].nrows();
                let len = q[l].nrows() * outputs;
                Some(&q[l].as_slice()[column * len..(column + 1) * len])
            }
            Self::Recomputed { .. } => None,
        }
    }

    /// Writes `Q_l u` of all layers and targets to `out`; matrices of the feedback kept as they are.
    pub(super) fn product(&self, plant: &Plant, u: &[f64], out: &mut [f64]) {
        for l in 0..plant.depth() {
            let out = &mut out[plant.range(l)];
            match self {
                Self::Shared(q) => kernels::gemm(&q[l], u, out),
                Self::PerTarget(q) => per_target(&q[l], u, plant.outputs(), out),
                Self::Recomputed { .. } => unreachable!("callers sweep down the network instead"),
            }
        }
    }
}

/// `Q_c u_c` for every target `c`.
fn per_target(q: &DMatrix<f64>, u: &[f64], outputs: usize, out: &mut [f64]) {
    let n = q.nrows();
    let targets = u.chunks_exact(outputs).zip(q.as_slice().chunks_exact(n * outputs));
    for ((u, q), out) in targets.zip(out.chunks_exact_mut(n)) {
        out.fill(0.0);
        for (u, q) in u.iter().zip(q.chunks_exact(n)) {
            out.iter_mut().zip(q).for_each(|(out, q)| *out += u * q);
        }
    }
}
