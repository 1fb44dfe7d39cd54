//! One target of many.

use nalgebra::DMatrix;

use super::places::Places;
use super::{ControlFeedback, DeepFeedbackControl};

impl DeepFeedbackControl {
    /// Whether one linearisation serves all targets and states.
    pub(super) fn shares_slopes(&self) -> bool {
        self.plant.columns == 1
            || (self.plant.is_linear() && matches!(self.feedback, ControlFeedback::Shared(_)))
    }

    /// The control of one target alone.
    pub(super) fn single(&self, column: usize) -> Self {
        let plant = self.plant.single(column);
        let feedback = match &self.feedback {
            ControlFeedback::PerTarget(q) => {
                let m = self.plant.outputs();
                let part = |q: &DMatrix<f64>| q.columns(column * m, m).into_owned();
                ControlFeedback::Shared(q.iter().map(part).collect())
            }
            other => other.clone(),
        };
        let (layout, places) = Places::new(&plant, &self.parameters);
        Self {
            target: self.target.columns(column, 1).into_owned(),
            initial: self.layout.column_state(column, &self.initial),
            parameters: self.parameters,
            tied: self.tied,
            observables: self.observables.clone(),
            plant,
            feedback,
            places,
            layout,
        }
    }
}
