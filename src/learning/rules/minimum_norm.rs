//! `minimum-norm`: the smallest change of pre-activations that corrects the output.

use crate::analysis::geometry::{GeometryBlocks, StepKind, Weighting};
use crate::learning::rule::{Errors, Pass, Rule};
use crate::learning::{LearningError, second_order};

/// The damped minimum-norm step on the pre-activations,
///
/// ```text
/// delta_l = J_l^T (J J^T + damping I)^{-1} e,   J = [J_1 .. J_L]
/// ```
///
/// To first order the network corrects its output by `e` when every `a_l` moves by `delta_l`, and
/// no smaller move does. It is where deep feedback control with `Q = J^T` and leak `damping` comes
/// to rest to first order, and undamped, where predictive coding does on linear networks.
///
/// # Source
/// Meulemans et al. 2021 (arXiv:2106.07887), section 4: minimum-norm target updates.
#[derive(Debug, Clone, Copy)]
pub struct MinimumNorm {
    kind: StepKind,
}

impl MinimumNorm {
    /// The rule.
    #[must_use]
    pub fn new(damping: f64) -> Self {
        let (weighting, blocks) = (Weighting::PreActivations, GeometryBlocks::Full);
        Self { kind: StepKind { weighting, blocks, damping, cutoff: 0.0 } }
    }
}

impl Rule for MinimumNorm {
    fn name(&self) -> &'static str {
        "minimum-norm"
    }

    fn carry(&mut self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        second_order::carry(pass, errors, &self.kind)
    }
}
