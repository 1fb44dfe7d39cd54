//! One layer of a feedforward network.

use nalgebra::{DMatrix, DVector, DVectorView};

use super::{Activation, NetworkError};
use crate::linalg::kernels;

/// One layer: `a = W h + b`, `g(a)`.
///
/// `h` holds the activations of the layer below (or the network's input). With `n` units above `m`
/// units, `W` is `n x m` and `b` has length `n`.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// `W`, `n x m`.
    pub weights: DMatrix<f64>,
    /// `b`, length `n`.
    pub biases: DVector<f64>,
    /// `g`, elementwise.
    pub activation: Activation,
}

impl Layer {
    /// Number of units, `n`.
    #[must_use]
    pub fn units(&self) -> usize {
        self.weights.nrows()
    }

    /// Number of inputs, `m`.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.weights.ncols()
    }

    /// Writes `a = W h + b` for one column or a batch of columns.
    ///
    /// Lengths: `h` is `m` times the number of columns, `a` is `n` times that number.
    pub fn pre_activation(&self, h: &[f64], a: &mut [f64]) {
        kernels::gemm(&self.weights, h, a);
        for column in a.chunks_exact_mut(self.units()) {
            for (a, b) in column.iter_mut().zip(self.biases.iter()) {
                *a += b;
            }
        }
    }

    /// Learns from one or more columns: `W += rate sum delta h^T`, `b += rate sum delta`.
    ///
    /// The outer products are added column by column, in order. Lengths as in
    /// [`pre_activation`](Self::pre_activation), with `delta` in the place of `a`.
    pub fn learn(&mut self, rate: f64, delta: &[f64], h: &[f64]) {
        let (n, m) = self.weights.shape();
        for (delta, h) in delta.chunks_exact(n).zip(h.chunks_exact(m)) {
            let delta = DVectorView::from_slice(delta, n);
            self.weights.ger(rate, &delta, &DVectorView::from_slice(h, m), 1.0);
            self.biases.axpy(rate, &delta, 1.0);
        }
    }

    /// Refuses NaN and infinite parameters; `layer` is this layer's number, for the message.
    pub(super) fn check_finite(&self, layer: usize) -> Result<(), NetworkError> {
        // Row by row, so that the entry named is the first one a reader would meet.
        let bad = self.weights.iter().any(|w| !w.is_finite());
        for row in 0..if bad { self.units() } else { 0 } {
            for column in 0..self.inputs() {
                let value = self.weights[(row, column)];
                if !value.is_finite() {
                    return Err(NetworkError::NonFiniteWeight { layer, row, column, value });
                }
            }
        }
        match self.biases.iter().position(|b| !b.is_finite()) {
            Some(row) => Err(NetworkError::NonFiniteBias { layer, row, value: self.biases[row] }),
            None => Ok(()),
        }
    }
}
