//! What learners are compared with: each other, and directions that need not be trained.

use super::metrics::Scene;
use crate::analysis::geometry::GeometryBlocks;
use crate::dynamics::ControlParameters;
use crate::error::Error;
use crate::learning::rules::{Bp, DfcFeedback, DfcSsa, GaussNewton, MinimumNorm};
use crate::learning::{Learner, LearningError, Proposed, Rule};
use crate::model::ModelError;
use crate::model::spec::Comparison;
use crate::network::Network;

/// Makes the rule at a place of the model for a network.
pub(super) type Rebuild<'a> =
    &'a (dyn Fn(usize, &Network) -> Result<Box<dyn Rule>, ModelError> + Sync);

impl Scene<'_> {
    /// What learner `k` would learn, and what another rule would on its network; `None` where the
    /// comparison is not asked for or not possible.
    pub(super) fn proposals(
        &self,
        k: usize,
        comparison: &Comparison,
        rebuild: Rebuild<'_>,
    ) -> Result<Option<(Proposed, Proposed)>, Error> {
        if comparison.rule.as_ref().is_some_and(|name| *name != self.names[k]) {
            return Ok(None);
        }
        let (learner, to) = (&self.learners[k], &comparison.to);
        let mut own = rebuild(k, learner.network())?;
        own.set_feedback(learner.rule().feedback(learner.network()));
        let other = match self.names.iter().position(|name| name == to) {
            Some(other) => {
                let mut rule = rebuild(other, learner.network())?;
                let from = &self.learners[other];
                rule.set_feedback(from.rule().feedback(from.network()));
                Ok(rule)
            }
            None => direction(to, own.as_ref(), learner, self.biases),
        };
        let proposed = |mut rule: Box<dyn Rule>| learner.proposed_by(rule.as_mut(), self.probes);
        // A rule that cannot be applied any more has stopped, or will: its angle is missing.
        Ok(other.and_then(|other| Ok((proposed(own)?, proposed(other)?))).ok())
    }
}

/// The rule behind a direction: undamped steps, the gradient, or the linearised steady state of
/// control, with the Q and the leak of rules that have some and otherwise with `J^T` and no leak.
fn direction(
    name: &str,
    own: &dyn Rule,
    learner: &Learner,
    biases: bool,
) -> Result<Box<dyn Rule>, LearningError> {
    Ok(match name {
        "gauss-newton" => Box::new(GaussNewton::new(GeometryBlocks::Full, 0.0, biases)),
        "minimum-norm" => Box::new(MinimumNorm::new(0.0)),
        "dfc-ssa" => match own.linearised() {
            Some(linearised) => linearised,
            None => {
                let tied = DfcFeedback::JacobianTranspose { scale: 1.0, recomputed: false };
                let parameters = ControlParameters::with_leak(0.0);
                Box::new(DfcSsa::new(learner.network(), tied, parameters, 1.0)?)
            }
        },
        _ => Box::new(Bp),
    })
}
