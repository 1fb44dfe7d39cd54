//! `ndi`: non-dynamic inversion.

use nalgebra::DMatrix;

use super::Di;
use crate::learning::rule::{Errors, LayerUpdate, Loops, Pass, Rule};
use crate::learning::{LearningError, LoopFeedback, LoopOptions, Run};
use crate::network::Network;

/// Non-dynamic inversion: `delta_{l-1} = g'(a_{l-1}) * r*`, the equilibrium of each loop in closed
/// form, for the linear transfer
///
/// ```text
/// r* = B (W B - leak I)^{-1} delta = (B W - leak I)^{-1} B delta
/// ```
///
/// from the smaller of the two systems. With `B = -W^T` this is the Tikhonov-regularised inverse
/// with damping `leak`. With `leak = 0` and `n_l > n_{l-1}` it is the limit of small leaks.
pub struct Ndi(Di);

impl Ndi {
    /// The rule with one feedback matrix per layer from the second on; the run of `options` is
    /// that to the equilibrium, whatever it says.
    ///
    /// # Errors
    /// As [`Di::new`].
    pub fn new(
        network: &Network,
        feedback: Vec<LoopFeedback>,
        options: LoopOptions,
    ) -> Result<Self, LearningError> {
        let options = LoopOptions { run: Run::Equilibrium, ..options };
        Ok(Self(Di::in_the_limit(network, feedback, options)?))
    }
}

impl Rule for Ndi {
    fn name(&self) -> &'static str {
        "ndi"
    }

    fn carry(&mut self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        self.0.carry(pass, errors)
    }

    fn updating(&mut self, weights: &DMatrix<f64>, update: &LayerUpdate<'_>) {
        self.0.updating(weights, update);
    }

    fn refresh(&mut self) {
        self.0.refresh();
    }

    fn feedback(&self, network: &Network) -> Vec<DMatrix<f64>> {
        self.0.feedback(network)
    }

    fn set_feedback(&mut self, matrices: Vec<DMatrix<f64>>) {
        self.0.set_feedback(matrices);
    }

    fn loops(&self) -> Option<Loops> {
        self.0.loops().map(|loops| Loops { runs: false, ..loops })
    }
}
