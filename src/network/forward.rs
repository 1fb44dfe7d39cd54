//! The values of one forward pass.

use nalgebra::DMatrix;

use super::Network;

/// Every value of a forward pass, one column per example; a buffer to be reused.
///
/// With layers counted from 0 as in [`Network::layers`], `pre_activations[k]` and `activations[k]`
/// belong to `layers()[k]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Forward {
    /// `h_0 = x`, `n_0 x columns`.
    pub inputs: DMatrix<f64>,
    /// `a_l`, `n_l x columns`.
    pub pre_activations: Vec<DMatrix<f64>>,
    /// `h_l`, `n_l x columns`; the last one is the output `y`, after softmax if there is one.
    pub activations: Vec<DMatrix<f64>>,
}

impl Forward {
    /// A zeroed buffer for `network` and `columns` examples.
    #[must_use]
    pub fn new(network: &Network, columns: usize) -> Self {
        let zeros =
            || network.layers().iter().map(|l| DMatrix::zeros(l.units(), columns)).collect();
        Self {
            inputs: DMatrix::zeros(network.input_size(), columns),
            pre_activations: zeros(),
            activations: zeros(),
        }
    }

    /// Number of examples.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.inputs.ncols()
    }

    /// The output `y`, `n_L x columns`.
    #[must_use]
    pub fn output(&self) -> &DMatrix<f64> {
        &self.activations[self.activations.len() - 1]
    }

    /// What layer `layers()[k]` receives: `h_{l-1}` with `l = k + 1`.
    #[must_use]
    pub fn layer_input(&self, k: usize) -> &DMatrix<f64> {
        if k == 0 { &self.inputs } else { &self.activations[k - 1] }
    }

    /// The index of the largest output of each column; the first of equals.
    pub fn classes(&self) -> impl Iterator<Item = usize> + '_ {
        self.output().column_iter().map(|y| {
            let mut best = 0;
            for (i, value) in y.iter().enumerate() {
                if *value > y[best] {
                    best = i;
                }
            }
            best
        })
    }

    /// Makes the buffer fit `network` and `columns`, keeping it when it does already.
    pub(super) fn fit(&mut self, network: &Network, columns: usize) {
        let fits = self.inputs.shape() == (network.input_size(), columns)
            && self.activations.len() == network.layers().len()
            && self
                .activations
                .iter()
                .zip(network.layers())
                .all(|(h, layer)| h.nrows() == layer.units());
        if !fits {
            *self = Self::new(network, columns);
        }
    }
}
