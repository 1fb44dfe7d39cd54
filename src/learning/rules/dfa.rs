//! `dfa`: direct feedback alignment.

use nalgebra::DMatrix;

use crate::learning::LearningError;
use crate::learning::feedback::{check, direct_shapes};
use crate::learning::rule::{Errors, Pass, Rule, finish};
use crate::linalg::kernels;
use crate::network::Network;

/// Direct feedback alignment: `delta_l = g'(a_l) * B_l delta_L` with fixed `B_l` (`n_l x n_L`) for
/// every hidden layer `l`.
#[derive(Debug, Clone)]
pub struct Dfa {
    feedback: Vec<DMatrix<f64>>,
}

impl Dfa {
    /// The rule with one matrix per hidden layer.
    ///
    /// # Errors
    /// [`LearningError`] when number or shape of the matrices do not fit.
    pub fn new(network: &Network, feedback: Vec<DMatrix<f64>>) -> Result<Self, LearningError> {
        check("dfa", feedback.iter().map(Some), &direct_shapes(network))?;
        Ok(Self { feedback })
    }
}

impl Rule for Dfa {
    fn name(&self) -> &'static str {
        "dfa"
    }

    fn carry(&mut self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        let (hidden, output) = errors.delta.split_at_mut(self.feedback.len());
        for (k, delta) in hidden.iter_mut().enumerate() {
            kernels::gemm(&self.feedback[k], output[0].as_slice(), delta.as_mut_slice());
            finish(pass, k, delta);
        }
        Ok(())
    }

    fn feedback(&self, _network: &Network) -> Vec<DMatrix<f64>> {
        self.feedback.clone()
    }

    fn set_feedback(&mut self, matrices: Vec<DMatrix<f64>>) {
        self.feedback = matrices;
    }
}
