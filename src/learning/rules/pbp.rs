//! `pbp`: pseudobackpropagation.

use nalgebra::DMatrix;

use crate::learning::LearningError;
use crate::learning::pseudoinverse::Pseudoinversion;
use crate::learning::rule::{Errors, LayerUpdate, Pass, Rule, layerwise};
use crate::network::Network;

/// Pseudobackpropagation: `delta_{l-1} = g'(a_{l-1}) * W_l^+ delta_l` with the Moore-Penrose
/// inverse of the weights of the moment.
#[derive(Debug)]
pub struct Pbp {
    layers: Vec<Pseudoinversion>,
}

impl Pbp {
    /// The rule; singular values below `cutoff` times the largest count as zero.
    #[must_use]
    pub fn new(network: &Network, cutoff: f64) -> Self {
        let upper = &network.layers()[1..];
        Self { layers: upper.iter().map(|l| Pseudoinversion::new(&l.weights, cutoff)).collect() }
    }
}

impl Rule for Pbp {
    fn name(&self) -> &'static str {
        "pbp"
    }

    fn carry(&mut self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        layerwise(pass, errors, |k, above, below, _| {
            let w = &pass.network.layers()[k].weights;
            self.layers[k - 1]
                .solve(w, above, below)
                .map_err(|source| LearningError::Linalg { layer: k + 1, source })
        })
    }

    fn updating(&mut self, weights: &DMatrix<f64>, update: &LayerUpdate<'_>) {
        self.layers[update.layer - 1].updating(weights, update);
    }

    fn refresh(&mut self) {
        self.layers.iter_mut().for_each(Pseudoinversion::refresh);
    }
}
