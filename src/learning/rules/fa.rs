//! `fa`: feedback alignment.

use nalgebra::DMatrix;

use crate::learning::LearningError;
use crate::learning::feedback::{check, loop_shapes};
use crate::learning::rule::{Errors, Pass, Rule, layerwise};
use crate::linalg::kernels;
use crate::network::Network;

/// Feedback alignment: `delta_{l-1} = g'(a_{l-1}) * B_l delta_l` with fixed `B_l`
/// (`n_{l-1} x n_l`), `l = 2..L`.
#[derive(Debug, Clone)]
pub struct Fa {
    feedback: Vec<DMatrix<f64>>,
}

impl Fa {
    /// The rule with one matrix per layer from the second on.
    ///
    /// # Errors
    /// [`LearningError`] when number or shape of the matrices do not fit.
    pub fn new(network: &Network, feedback: Vec<DMatrix<f64>>) -> Result<Self, LearningError> {
        check("fa", feedback.iter().map(Some), &loop_shapes(network))?;
        Ok(Self { feedback })
    }
}

impl Rule for Fa {
    fn name(&self) -> &'static str {
        "fa"
    }

    fn carry(&mut self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        layerwise(pass, errors, |k, above, below, _| {
            kernels::gemm(&self.feedback[k - 1], above.as_slice(), below.as_mut_slice());
            Ok(())
        })
    }

    fn feedback(&self, _network: &Network) -> Vec<DMatrix<f64>> {
        self.feedback.clone()
    }

    fn set_feedback(&mut self, matrices: Vec<DMatrix<f64>>) {
        self.feedback = matrices;
    }
}
