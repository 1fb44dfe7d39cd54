//! `gauss-newton`: damped Gauss-Newton steps, example by example.

use crate::analysis::geometry::{GeometryBlocks, StepKind, Weighting};
use crate::learning::rule::{Errors, Pass, Rule};
use crate::learning::{LearningError, second_order};

/// The Levenberg-Marquardt step of every example,
///
/// ```text
/// delta_l = J_l^T y,   (sum_l (|h_{l-1}|^2 + 1) J_l J_l^T + damping I) y = e
/// ```
///
/// for all layers together, or with the sum replaced by its own term for every layer. The output
/// layer's error is that of the step too. With a softmax it is the generalised step (see
/// [`geometry`](crate::analysis::geometry)). Steps of the examples of an update are averaged, as
/// those of every rule; the step of a whole batch would need its joint Gram matrix.
#[derive(Debug, Clone, Copy)]
pub struct GaussNewton {
    kind: StepKind,
}

impl GaussNewton {
    /// The rule; `biases` says whether biases learn, and so count in the norm of a step.
    #[must_use]
    pub fn new(blocks: GeometryBlocks, damping: f64, biases: bool) -> Self {
        let weighting = Weighting::Parameters { biases };
        Self { kind: StepKind { weighting, blocks, damping, cutoff: 0.0 } }
    }
}

impl Rule for GaussNewton {
    fn name(&self) -> &'static str {
        "gauss-newton"
    }

    fn carry(&mut self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        second_order::carry(pass, errors, &self.kind)
    }
}
