//! What learners are given, and how far they are.

use std::sync::OnceLock;
use std::time::Duration;

use nalgebra::DMatrix;

use crate::linalg::gemm::matmul_tn;
use crate::network::datasets::Dataset;

/// Examples of consecutive updates, shared by the learners.
#[derive(Debug)]
pub struct Batch {
    pub(super) inputs: DMatrix<f64>,
    pub(super) targets: DMatrix<f64>,
    pub(super) size: usize,
    gram: OnceLock<DMatrix<f64>>,
}

impl Batch {
    /// The examples of `data` named by `examples`, `size` of them per update; the last update may
    /// have fewer.
    ///
    /// # Panics
    /// When an example does not exist or `size` is 0.
    #[must_use]
    pub fn new(data: &Dataset, examples: &[usize], size: usize) -> Self {
        assert!(size > 0, "an update needs an example");
        let mut inputs = DMatrix::zeros(data.input_size(), examples.len());
        let mut targets = DMatrix::zeros(data.target_size(), examples.len());
        data.copy_inputs(examples.iter().copied(), inputs.as_mut_slice());
        data.copy_targets(examples.iter().copied(), targets.as_mut_slice());
        Self { inputs, targets, size, gram: OnceLock::new() }
    }

    /// Number of examples.
    #[must_use]
    pub fn examples(&self) -> usize {
        self.inputs.ncols()
    }

    /// Number of updates.
    #[must_use]
    pub fn updates(&self) -> usize {
        self.examples().div_ceil(self.size)
    }

    /// `X^T X`, formed by the first learner that needs it.
    pub(super) fn gram(&self) -> &DMatrix<f64> {
        self.gram.get_or_init(|| matmul_tn(&self.inputs, &self.inputs))
    }
}

/// Why a learner stopped before the end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule} stopped at update {step}: {reason}")]
pub struct Stopped {
    /// Name of the learner.
    pub rule: String,
    /// Number of updates that were made.
    pub step: usize,
    /// What happened, with the layer.
    pub reason: String,
}

/// How far a learner is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Progress {
    /// Updates made.
    pub step: usize,
    /// Examples seen.
    pub examples: u64,
    /// Examples whose inversion failed.
    pub unconverged: u64,
    /// Whether a loop is unstable, so that no example is inverted.
    pub unstable: bool,
    /// Time spent learning.
    pub elapsed: Duration,
    /// Why it stopped, if it did.
    pub stopped: Option<Stopped>,
}
