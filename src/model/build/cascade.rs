//! Loops that run one after the other.

use std::sync::Arc;

use nalgebra::DMatrix;

use crate::dynamics::{DynamicsError, InvertedLayer, LayerwiseInversion, LoopParameters};

/// Loops for several layers that run one after the other, top layer first.
#[derive(Debug, Clone)]
pub struct Cascade {
    /// The inverted layers, top first, with their numbers.
    pub(super) layers: Vec<(usize, InvertedLayer)>,
    /// Errors at the top, one column per target.
    pub(super) target: DMatrix<f64>,
    pub(super) parameters: LoopParameters,
}

impl Cascade {
    /// Numbers of the inverted layers, in the order in which they run.
    pub fn layer_numbers(&self) -> impl Iterator<Item = usize> + '_ {
        self.layers.iter().map(|(number, _)| *number)
    }

    /// The loop that runs first.
    ///
    /// # Errors
    /// [`DynamicsError`] when its parts do not fit.
    pub fn first(&self) -> Result<LayerwiseInversion, DynamicsError> {
        self.stage(0, self.target.clone())
    }

    /// Loop `index` in the order of running, inverting `target` (the state at the end of the loop
    /// before it).
    ///
    /// # Errors
    /// [`DynamicsError`] when its parts do not fit.
    pub fn stage(
        &self,
        index: usize,
        target: DMatrix<f64>,
    ) -> Result<LayerwiseInversion, DynamicsError> {
        let layer = &self.layers[index].1;
        LayerwiseInversion::new(
            Arc::clone(&layer.weights),
            layer.feedback.clone(),
            layer.transfer.clone(),
            target,
            self.parameters,
        )
    }
}
