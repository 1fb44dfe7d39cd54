//! From a specification to objects: networks, feedback matrices, targets and dynamics.
//!
//! Everything that can go wrong here is a [`ModelError`] at the key that asked for it, so a weight
//! file with the wrong shape is reported with the line that names the file.

mod cascade;
mod control;
mod data;
mod dynamics;
mod examples;
mod feedback;
mod initial;
mod loops;
mod network;
mod operating_point;
mod optimized;
mod target;

use std::sync::Arc;

use nalgebra::DMatrix;

use self::loops::Closing;
use super::{Model, ModelError, Problem};
use crate::dynamics::{Dynamics, DynamicsError, LayerwiseInversion};
use crate::feedback::{OptimizeOptions, StabiliseError};
use crate::network::Network;

pub use cascade::Cascade;
pub use data::TrainingData;
pub use feedback::FeedbackTable;
pub use operating_point::OperatingPoint;
pub use optimized::StabilisedLoop;

/// What a model describes, ready to be integrated or analysed.
pub struct System {
    /// The network, when the model has one.
    pub network: Option<Network>,
    /// The network's activity at the operating point, when the target gives an input.
    pub operating_point: Option<OperatingPoint>,
    /// The equation or equations.
    pub equations: Equations,
    /// The feedback matrices, as used.
    pub feedback: Vec<FeedbackMatrix>,
    /// How the feedback was optimised, where it was.
    pub optimized: Vec<StabilisedLoop>,
}

/// A feedback matrix and the layers it connects.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedbackMatrix {
    /// The layer whose units it drives.
    pub to: usize,
    /// The layer whose errors it carries.
    pub from: usize,
    /// Units of `to` x units of `from`.
    pub matrix: DMatrix<f64>,
}

/// One differential equation, or several that run one after the other.
pub enum Equations {
    /// A single system.
    One(Box<dyn Dynamics>),
    /// Layerwise inversion of all layers, top first, each end feeding the next.
    Cascade(Cascade),
}

impl Equations {
    /// The equation that runs first.
    ///
    /// # Errors
    /// [`DynamicsError`] when the parts of a cascade's first loop do not fit.
    pub fn first(self) -> Result<Box<dyn Dynamics>, DynamicsError> {
        match self {
            Self::One(dynamics) => Ok(dynamics),
            Self::Cascade(cascade) => {
                let first: LayerwiseInversion = cascade.first()?;
                Ok(Box::new(first))
            }
        }
    }
}

impl Model {
    /// Builds what the model describes.
    ///
    /// # Errors
    /// A missing section, a file that cannot be used, parts that do not fit together.
    pub fn system(&self) -> Result<System, ModelError> {
        dynamics::build(self, Closing::Model)
    }

    /// As [`system`](Self::system), with the loops closed by `feedback` in place of the matrices of
    /// the model, in the order and of the shapes of those.
    ///
    /// # Errors
    /// As [`system`](Self::system).
    pub fn system_closed_by(&self, feedback: &[DMatrix<f64>]) -> Result<System, ModelError> {
        dynamics::build(self, Closing::Given(feedback))
    }

    /// The feedback of the model's loops, optimised from where the model puts it until every target
    /// has the margin at its equilibrium; in increasing order of the layers.
    ///
    /// # Errors
    /// Outside, as [`system`](Self::system); inside, where the feedback cannot be optimised.
    pub fn stabilised_feedback(
        &self,
        options: &OptimizeOptions,
    ) -> Result<Result<Vec<StabilisedLoop>, StabiliseError>, ModelError> {
        dynamics::stabilised(self, options)
    }

    /// Builds the network alone.
    ///
    /// # Errors
    /// As [`system`](Self::system).
    pub fn network(&self, needed_by: &str) -> Result<Network, ModelError> {
        network::build(self, needed_by)
    }

    /// Builds the examples of `[training.data]`; points of a sweep share them.
    ///
    /// # Errors
    /// As [`system`](Self::system).
    pub fn training_data(&self) -> Result<Arc<TrainingData>, ModelError> {
        let spec = self.specification();
        let training = self.require("training", &spec.training, "training")?;
        let network = self.require("network", &spec.network, "training")?;
        let key = || (training.data.clone(), network.sizes.clone(), spec.seed);
        self.shared().data(key, || data::build(self))
    }

    /// The activity of `network` at the input of `[target]`, if there is one.
    ///
    /// # Errors
    /// As [`system`](Self::system).
    pub fn operating_point(&self, network: &Network) -> Result<Option<OperatingPoint>, ModelError> {
        let target = self.specification().target.as_ref();
        target.map_or(Ok(None), |target| operating_point::build(self, network, target))
    }

    /// The errors that `[target]` asks for at the output, `n_L x targets`.
    ///
    /// # Errors
    /// As [`system`](Self::system).
    pub fn output_errors(
        &self,
        network: &Network,
        point: Option<&OperatingPoint>,
        needed_by: &str,
    ) -> Result<DMatrix<f64>, ModelError> {
        let target = self.require("target", &self.specification().target, needed_by)?;
        target::build(self, target, network, point, network.output_size())
    }

    /// An error of a lower layer, placed at `key`.
    pub(crate) fn refused(&self, key: &str, error: &dyn std::error::Error) -> ModelError {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            // Some messages give their cause themselves.
            let text = cause.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            source = cause.source();
        }
        let remedy = "correct this entry or what it names".to_owned();
        self.error(key, Problem::Refused { message, remedy })
    }
}

/// A matrix of the model file.
fn matrix(rows: &[Vec<f64>]) -> DMatrix<f64> {
    let columns = rows.first().map_or(0, Vec::len);
    DMatrix::from_fn(rows.len(), columns, |i, j| rows[i][j])
}

/// Vectors of the model file as the columns of a matrix.
fn columns(vectors: &[Vec<f64>]) -> DMatrix<f64> {
    matrix(vectors).transpose()
}
