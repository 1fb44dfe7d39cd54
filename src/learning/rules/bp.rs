//! `bp`: backpropagation.

use crate::learning::LearningError;
use crate::learning::rule::{Errors, Pass, Rule, layerwise};
use crate::linalg::kernels;

/// Backpropagation: `delta_{l-1} = g'(a_{l-1}) * W_l^T delta_l`, the negative gradient of the loss.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bp;

impl Rule for Bp {
    fn name(&self) -> &'static str {
        "bp"
    }

    fn carry(&mut self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        layerwise(pass, errors, |k, above, below, _| {
            let w = &pass.network.layers()[k].weights;
            kernels::gemm_transposed(w, above.as_slice(), below.as_mut_slice());
            Ok(())
        })
    }
}
