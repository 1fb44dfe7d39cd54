//! Feedback that is the transposed Jacobian of the feedforward state.

use nalgebra::DMatrix;

use super::plant::{Plant, check_forward};
use super::{ControlFeedback, ControlParameters, DeepFeedbackControl};
use crate::dynamics::error::DynamicsError;
use crate::network::{Forward, Network};

impl DeepFeedbackControl {
    /// As [`new`](Self::new) with `Q_l = scale J_l^T` at the feedforward state of every target.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn tied(
        network: &Network,
        forward: &Forward,
        target: DMatrix<f64>,
        scale: f64,
        parameters: ControlParameters,
    ) -> Result<Self, DynamicsError> {
        check_forward(network, forward)?;
        let plant = Plant::new(network, forward);
        let stack: Vec<f64> =
            forward.pre_activations.iter().flat_map(|a| a.iter().copied()).collect();
        let (mut slopes, mut rates) = (stack.clone(), stack.clone());
        plant.rates(&stack, &mut rates);
        plant.slopes(&stack, &mut slopes);
        let mut matrices = plant.jacobian_transposes(&slopes, &rates, plant.columns);
        matrices.iter_mut().for_each(|q| *q *= scale);
        let feedback = ControlFeedback::PerTarget(matrices);
        let built = Self::new(network, forward, target, feedback, parameters)?;
        Ok(Self { tied: (scale != 0.0).then_some(scale), ..built })
    }
}
