//! `dfc-ssa`: the linearised steady state of deep feedback control.

use nalgebra::DMatrix;

use crate::analysis::geometry::{GeometryBlocks, StepKind, Weighting};
use crate::dynamics::ControlParameters;
use crate::learning::control_feedback::{
    DfcFeedback, check_feedback, control, fixed_matrices, matrices_at, nudged, refused, replace,
};
use crate::learning::rule::{Errors, Pass, Rule, finish};
use crate::learning::{LearningError, second_order};
use crate::network::Network;

/// The steady state of deep feedback control to first order in the output error,
///
/// ```text
/// u = (J Q + a I)^{-1} nudge (target - y),    delta_l = g'(a_l) * (Q_l u)
/// ```
///
/// with `J` the Jacobian of the output with respect to all pre-activations and `a` the leak (leak on
/// `u`) or `leak / (1 + leak k_p)` (leak on `w`). With `Q = J^T` and without leak, `Q u` is the change
/// of the pre-activations of least norm that corrects the output; that is also what the rule takes
/// where `J J^T` has no inverse, as with a softmax.
///
/// # Source
/// Meulemans et al. 2021 (arXiv:2106.07887), DFC-SSA.
#[derive(Debug, Clone)]
pub struct DfcSsa {
    feedback: DfcFeedback,
    parameters: ControlParameters,
    nudge: f64,
}

impl DfcSsa {
    /// The rule; of the parameters it uses leak, the variable that leaks, and gain.
    ///
    /// # Errors
    /// [`LearningError`] when matrices do not fit.
    pub fn new(
        network: &Network,
        feedback: DfcFeedback,
        parameters: ControlParameters,
        nudge: f64,
    ) -> Result<Self, LearningError> {
        check_feedback("dfc-ssa", network, &feedback)?;
        Ok(Self::of(feedback, parameters, nudge))
    }

    /// The rule from parts that were checked.
    pub(super) fn of(feedback: DfcFeedback, parameters: ControlParameters, nudge: f64) -> Self {
        Self { feedback, parameters, nudge }
    }
}

/// `J^T (J J^T)^+ e`.
const LEAST_NORM: StepKind = StepKind {
    weighting: Weighting::PreActivations,
    blocks: GeometryBlocks::Full,
    damping: 0.0,
    cutoff: 0.0,
};

impl DfcSsa {
    /// Replaces the errors by `Q u`.
    fn respond(&self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        let target = nudged(pass, &errors.delta[errors.delta.len() - 1], self.nudge);
        let control = control(pass.network, pass.forward, target, &self.feedback, self.parameters)
            .map_err(refused)?;
        let steady = control.linearised_steady_state();
        errors.delta = steady.currents;
        for (c, found) in steady.converged.iter().enumerate().filter(|(_, found)| !**found) {
            errors.converged[c] &= found;
            errors.delta.iter_mut().for_each(|delta| delta.column_mut(c).fill(0.0));
        }
        Ok(())
    }
}

impl Rule for DfcSsa {
    fn name(&self) -> &'static str {
        "dfc-ssa"
    }

    fn carry(&mut self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        let last = errors.delta.len() - 1;
        let is_tied = matches!(self.feedback, DfcFeedback::JacobianTranspose { .. });
        if is_tied && self.parameters.leak == 0.0 {
            errors.delta[last] *= self.nudge;
            let unlimited = Pass { clip: None, ..*pass };
            second_order::carry(&unlimited, errors, &LEAST_NORM)?;
        } else {
            self.respond(pass, errors)?;
        }
        for (k, delta) in errors.delta[..last].iter_mut().enumerate() {
            finish(pass, k, delta);
        }
        let mut slope = errors.delta[last].clone();
        pass.network.slopes(pass.forward, last, slope.as_mut_slice());
        errors.delta[last].component_mul_assign(&slope);
        Ok(())
    }

    fn feedback(&self, _network: &Network) -> Vec<DMatrix<f64>> {
        fixed_matrices(&self.feedback)
    }

    fn controller_feedback(&self, pass: &Pass<'_>, column: usize) -> Option<Vec<DMatrix<f64>>> {
        Some(matrices_at(&self.feedback, pass, column))
    }

    fn linearised(&self) -> Option<Box<dyn Rule>> {
        Some(Box::new(self.clone()))
    }

    fn set_feedback(&mut self, matrices: Vec<DMatrix<f64>>) {
        replace(&mut self.feedback, matrices);
    }
}
