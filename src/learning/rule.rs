//! The seam of learning: what carries errors to hidden layers.

use nalgebra::DMatrix;

use super::LearningError;
use super::options::{Clip, ClippedLayers};
use super::trajectory::Run;
use crate::dynamics::DeepFeedbackControl;
use crate::network::{Forward, Network};

/// What a rule may look at: the network after the forward pass.
///
/// Rules never read the weights of the first layer, which may lag behind during a block of updates
/// (see [`Learner::learn`](super::Learner::learn)).
#[derive(Debug, Clone, Copy)]
pub struct Pass<'a> {
    /// The network.
    pub network: &'a Network,
    /// The values of its forward pass, one column per example.
    pub forward: &'a Forward,
    /// `g'(a_l)` of every hidden layer; `slopes[k]` belongs to `layers()[k]`.
    pub slopes: &'a [DMatrix<f64>],
    /// How often hidden errors are multiplied by the slope: 1, or 2 where the published scripts do.
    pub slope_power: u32,
    /// Limit on the norm of every example's hidden errors, applied to each layer before its error
    /// is carried further down.
    pub clip: Option<Clip>,
}

/// Errors of every layer, one column per example; `delta[k]` belongs to `layers()[k]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Errors {
    /// `delta_l`, `n_l x columns`.
    pub delta: Vec<DMatrix<f64>>,
    /// Which examples were inverted; the others are counted, and by default teach nothing.
    pub converged: Vec<bool>,
}

impl Errors {
    /// Zero errors for `columns` examples.
    #[must_use]
    pub fn new(network: &Network, columns: usize) -> Self {
        let zeros = network.layers().iter().map(|l| DMatrix::zeros(l.units(), columns));
        Self { delta: zeros.collect(), converged: vec![true; columns] }
    }
}

/// What a rule would teach a network, before rates, one column per example: the update of
/// `layers()[k]` by one example is `delta p^T` with `delta` its column of `errors.delta[k]` and `p`
/// that of `inputs[k]`, and `delta` for the biases.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposed {
    /// The errors of every layer.
    pub errors: Errors,
    /// The rates that every layer learns from, `n_{l-1} x columns`.
    pub inputs: Vec<DMatrix<f64>>,
}

/// One layer's update by a single example, `W <- keep W + scaled input^T`, for rules that carry
/// factorised matrices along instead of forming them anew.
#[derive(Debug, Clone, Copy)]
pub struct LayerUpdate<'a> {
    /// The layer's place in `layers()`.
    pub layer: usize,
    /// What is left of the old weights, `1 - decay`.
    pub keep: f64,
    /// `rate delta`.
    pub scaled: &'a [f64],
    /// `h` of the layer below.
    pub input: &'a [f64],
}

/// A way to carry the output error to the hidden layers.
pub trait Rule: Send + Sync {
    /// Its name in model files.
    fn name(&self) -> &'static str;

    /// Fills `errors.delta[..L-1]` from `errors.delta[L-1]`, slopes included. Rules whose output
    /// layer does not learn from the error itself replace that too.
    ///
    /// # Errors
    /// What makes it impossible to go on; examples whose inversion alone failed are marked in
    /// `errors.converged` instead.
    fn carry(&mut self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError>;

    /// The rates that take the place of those of the forward pass as inputs of `layers()[layer]` in
    /// its update, `n_{l-1} x columns`; never for the first layer.
    fn presynaptic(&self, layer: usize) -> Option<&DMatrix<f64>> {
        let _ = layer;
        None
    }

    /// A layer above the first is about to be updated by one example; `weights` are the old ones.
    fn updating(&mut self, weights: &DMatrix<f64>, update: &LayerUpdate<'_>) {
        let _ = (weights, update);
    }

    /// The weights have changed in a way not told by [`updating`](Self::updating), or rounding
    /// errors of what was carried along shall be forgotten.
    fn refresh(&mut self) {}

    /// Puts the weights above the first layer back among those the rule allows: called with the
    /// initial network and after every update.
    fn constrain(&mut self, network: &mut Network) {
        let _ = network;
    }

    /// The feedback matrices in use, in the order of the layers they drive.
    fn feedback(&self, network: &Network) -> Vec<DMatrix<f64>> {
        let _ = network;
        Vec::new()
    }

    /// Replaces the feedback matrices, as after reading a checkpoint or optimising them.
    fn set_feedback(&mut self, matrices: Vec<DMatrix<f64>>) {
        let _ = matrices;
    }

    /// The matrices `Q_l` (`n_l x n_L`) from the output to every layer for the example in `column`,
    /// for rules of deep feedback control.
    fn controller_feedback(&self, pass: &Pass<'_>, column: usize) -> Option<Vec<DMatrix<f64>>> {
        let _ = (pass, column);
        None
    }

    /// The network under the control of the rule, drawn towards the output error `error`
    /// (`n_L x columns`), for rules that control it in time.
    ///
    /// # Errors
    /// Parts that do not fit.
    fn controlled(
        &self,
        pass: &Pass<'_>,
        error: &DMatrix<f64>,
    ) -> Result<Option<DeepFeedbackControl>, LearningError> {
        let _ = (pass, error);
        Ok(None)
    }

    /// The rule that takes the steady state of its control to first order in the output error
    /// instead of the control itself, for rules of deep feedback control.
    fn linearised(&self) -> Option<Box<dyn Rule>> {
        None
    }

    /// The same rule with other random numbers, for rules that draw some at every example.
    fn redrawn(&self, seed: u64) -> Option<Box<dyn Rule>> {
        let _ = seed;
        None
    }

    /// Leak and time constants of the loops, for rules that are loops; one loop per layer, or a
    /// single one.
    fn loops(&self) -> Option<Loops> {
        None
    }

    /// Whether its loops are known to be stable from their last run, without another look.
    fn is_known_stable(&self) -> bool {
        false
    }

    /// How the loops are taken through time, for rules whose loops run.
    fn run(&self) -> Option<&Run> {
        None
    }
}

/// The kind of loops behind a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loops {
    /// Leak and time constants.
    pub parameters: crate::dynamics::LoopParameters,
    /// One loop through all layers rather than one per layer.
    pub single: bool,
    /// Whether the loop is a differential equation that runs, so that it must be stable.
    pub runs: bool,
}

/// What `layers()[l]` learns from: the rates of the forward pass, or those the rule puts in their
/// place.
pub(super) fn input_of<'a>(rule: &'a dyn Rule, forward: &'a Forward, l: usize) -> &'a DMatrix<f64> {
    rule.presynaptic(l).unwrap_or_else(|| forward.layer_input(l))
}

/// Carries errors down layer by layer: `invert(k, above, below, converged)` fills `below`, the error
/// of `layers()[k - 1]` before slopes, from `above`, that of `layers()[k]`.
pub(super) fn layerwise(
    pass: &Pass<'_>,
    errors: &mut Errors,
    mut invert: impl FnMut(
        usize,
        &DMatrix<f64>,
        &mut DMatrix<f64>,
        &mut [bool],
    ) -> Result<(), LearningError>,
) -> Result<(), LearningError> {
    for k in (1..errors.delta.len()).rev() {
        let (below, above) = errors.delta.split_at_mut(k);
        let below = &mut below[k - 1];
        invert(k, &above[0], below, &mut errors.converged)?;
        finish(pass, k - 1, below);
    }
    Ok(())
}

/// Multiplies the error of hidden `layers()[k]` by its slopes and limits its norm.
pub(super) fn finish(pass: &Pass<'_>, k: usize, delta: &mut DMatrix<f64>) {
    for _ in 0..pass.slope_power {
        delta.component_mul_assign(&pass.slopes[k]);
    }
    limit(pass, k, delta);
}

/// Limits the norm of the error of hidden `layers()[k]`, example by example.
pub(super) fn limit(pass: &Pass<'_>, k: usize, delta: &mut DMatrix<f64>) {
    let Some(clip) = pass.clip.filter(|c| k == 0 || c.layers == ClippedLayers::All) else { return };
    for mut column in delta.column_iter_mut() {
        let norm = column.norm();
        if norm > clip.norm {
            column *= clip.norm / norm;
        }
    }
}
