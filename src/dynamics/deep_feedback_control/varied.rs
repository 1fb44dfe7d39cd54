//! Leak, gain and ratio of time constants, one at a time.

use super::{ControlFeedback, DeepFeedbackControl};
use crate::dynamics::structure::ControlParameter;

impl DeepFeedbackControl {
    /// The leak of the controller, a factor of every `Q_l`, and `tau_v / tau_u`; infinitely fast
    /// voltages have no ratio.
    pub(super) fn value_of(&self, parameter: ControlParameter) -> Option<f64> {
        let p = &self.parameters;
        match parameter {
            ControlParameter::Leak => Some(p.leak),
            ControlParameter::Gain => Some(1.0),
            ControlParameter::TauRatio => (!p.instantaneous).then_some(p.tau_v / p.tau_u),
        }
    }

    /// The same control with one parameter changed.
    pub(super) fn varied(&self, parameter: ControlParameter, to: f64) -> Option<Self> {
        self.value_of(parameter)?;
        let mut changed = self.clone();
        match parameter {
            ControlParameter::Leak => changed.parameters.leak = to,
            ControlParameter::TauRatio => changed.parameters.tau_v = to * self.parameters.tau_u,
            ControlParameter::Gain => {
                match &mut changed.feedback {
                    ControlFeedback::Shared(matrices) | ControlFeedback::PerTarget(matrices) => {
                        matrices.iter_mut().for_each(|q| *q *= to);
                    }
                    ControlFeedback::Recomputed { scale } => *scale *= to,
                }
                changed.tied = self.tied.map(|scale| scale * to).filter(|scale| *scale != 0.0);
            }
        }
        Some(changed)
    }
}
