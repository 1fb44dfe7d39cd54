//! `J_l = dh_L / da_l` of several examples at once.

use std::ops::Range;

use nalgebra::{DMatrix, DMatrixView};

use crate::linalg::kernels;
use crate::network::{Forward, Network};

/// The transposed blocks `J_l^T = (dh_L / da_l)^T` of several examples, side by side, so that one
/// matrix product carries all of them through a layer:
/// `J_l^T = D_l W_{l+1}^T J_{l+1}^T`, `J_L^T = D_L`.
///
/// The Jacobian is that of `h_L`, before a softmax. The weights of the first layer are not read.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputJacobians {
    /// `blocks[k]` is `n_l x (n_L examples)` for `layers()[k]`.
    blocks: Vec<DMatrix<f64>>,
    outputs: usize,
    examples: usize,
}

impl OutputJacobians {
    /// The blocks of the examples in `columns` of a forward pass of `network`.
    #[must_use]
    pub fn new(network: &Network, forward: &Forward, columns: Range<usize>) -> Self {
        let layers = network.layers();
        let (last, outputs, examples) = (layers.len() - 1, network.output_size(), columns.len());
        let slopes = |l: usize| {
            let n = layers[l].units();
            let a = &forward.pre_activations[l].as_slice()[columns.start * n..columns.end * n];
            let mut slopes = DMatrix::zeros(n, examples);
            layers[l].activation.slope(a, slopes.as_mut_slice());
            slopes
        };
        let mut seed = DMatrix::zeros(outputs, outputs * examples);
        for (c, slope) in slopes(last).column_iter().enumerate() {
            for (i, slope) in slope.iter().enumerate() {
                seed[(i, c * outputs + i)] = *slope;
            }
        }
        let mut blocks = vec![seed];
        for l in (0..last).rev() {
            let above = &blocks[blocks.len() - 1];
            let mut block = DMatrix::zeros(layers[l].units(), outputs * examples);
            let weights = &layers[l + 1].weights;
            kernels::gemm_transposed(weights, above.as_slice(), block.as_mut_slice());
            let slopes = slopes(l);
            for (i, mut column) in block.column_iter_mut().enumerate() {
                column.component_mul_assign(&slopes.column(i / outputs));
            }
            blocks.push(block);
        }
        blocks.reverse();
        Self { blocks, outputs, examples }
    }

    /// Number of layers.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.blocks.len()
    }

    /// Number of examples.
    #[must_use]
    pub fn examples(&self) -> usize {
        self.examples
    }

    /// `n_L`.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// `J_l^T` (`n_l x n_L`) of layer `layers()[k]` at `example`.
    #[must_use]
    pub fn transposed(&self, k: usize, example: usize) -> DMatrixView<'_, f64> {
        self.blocks[k].columns(example * self.outputs, self.outputs)
    }
}
