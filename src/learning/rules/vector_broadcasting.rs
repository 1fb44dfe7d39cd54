//! `vector-broadcasting`: one error vector for all units of a vectorised network.

use nalgebra::DMatrix;

use crate::learning::LearningError;
use crate::learning::rule::{Errors, Pass, Rule, finish};
use crate::network::Network;

/// Global error-vector broadcasting: every hidden unit is a vector of `K = n_L` components, and all
/// units receive the output error itself.
///
/// The network is vectorised: hidden component `(i, k)` is unit `i K + k`, and above the first
/// layer `W_l = A_l (x) I_K` with a matrix `A_l` of numbers >= 0, so that components do not mix and
/// more of any component means more of it at the output. Learning is a three-factor rule,
///
/// ```text
/// delta_l[i, k] = g'(a_l[i, k]) e_k
/// A_l[i, j] += rate / K sum_k delta_l[i, k] h_{l-1}[j, k]
/// ```
///
/// postsynaptic gate, presynaptic activity, broadcast error; `A_l` is cut off at 0. Because
/// `dy_k / da_l[i, k] >= 0` for activations that do not fall, every hidden error has the sign of the
/// gradient. An open-loop baseline: nothing is fed back through weights or in time.
///
/// The network starts from the magnitudes of the means over `k` of the given weights.
///
/// # Source
/// Clark, Abbott & Chung 2021 (arXiv:2106.04089), equations 2 to 8. Deviations: the nonlinearity acts on every
/// component alone, where theirs gates whole vectors; the initial magnitudes.
#[derive(Debug, Clone)]
pub struct VectorBroadcasting {
    components: usize,
    is_prepared: bool,
}

impl VectorBroadcasting {
    /// The rule for networks of the shape of `network`.
    ///
    /// # Errors
    /// [`LearningError::Incompatible`] when the width of a hidden layer is no multiple of `n_L`.
    pub fn new(network: &Network) -> Result<Self, LearningError> {
        let components = network.output_size();
        let hidden = &network.layers()[..network.layers().len() - 1];
        match hidden.iter().position(|l| !l.units().is_multiple_of(components)) {
            None => Ok(Self { components, is_prepared: false }),
            Some(k) => Err(LearningError::Incompatible {
                what: "the rule vector-broadcasting".to_owned(),
                with: format!(
                    "{} units in layer {}, which do not form vectors of {components} components",
                    hidden[k].units(),
                    k + 1
                ),
                remedy: "make the width of every hidden layer a multiple of the number of outputs",
            }),
        }
    }

    /// `A (x) I` with `A = fold(mean over k of the diagonal of every K x K block)`.
    fn tie(&self, weights: &mut DMatrix<f64>, fold: impl Fn(f64) -> f64) {
        let n = self.components;
        for j in (0..weights.ncols()).step_by(n) {
            for i in (0..weights.nrows()).step_by(n) {
                let mean = (0..n).map(|k| weights[(i + k, j + k)]).sum::<f64>() / n as f64;
                let tied = fold(mean);
                let mut block = weights.view_mut((i, j), (n, n));
                block.fill(0.0);
                block.fill_diagonal(tied);
            }
        }
    }
}

impl Rule for VectorBroadcasting {
    fn name(&self) -> &'static str {
        "vector-broadcasting"
    }

    fn carry(&mut self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        let top = errors.delta.len() - 1;
        let (hidden, output) = errors.delta.split_at_mut(top);
        for (k, delta) in hidden.iter_mut().enumerate() {
            for (mut delta, error) in delta.column_iter_mut().zip(output[0].column_iter()) {
                for (i, d) in delta.iter_mut().enumerate() {
                    *d = error[i % self.components];
                }
            }
            finish(pass, k, delta);
        }
        Ok(())
    }

    fn constrain(&mut self, network: &mut Network) {
        for layer in &mut network.layers_mut()[1..] {
            if self.is_prepared {
                self.tie(&mut layer.weights, |w| w.max(0.0));
            } else {
                self.tie(&mut layer.weights, f64::abs);
            }
        }
        self.is_prepared = true;
    }
}
