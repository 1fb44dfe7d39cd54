//! Learning: rules that carry errors to hidden layers, and the trainer that follows them.
//!
//! A network with output error `delta_L = target - y` learns by `W_l += rate delta_l h_{l-1}^T`. A
//! [`Rule`] says how `delta_{l-1}` comes from `delta_l`; [`RULES`] lists them. A [`Learner`] holds
//! one network and its rule and learns from [`Batch`]es; several learners over the same batches are
//! independent of each other, so they may run in any order and on any number of threads.
//!
//! With one example per update the first layer learns at the speed of matrix-matrix products, see
//! [`Learner::learn`].

mod apply;
mod batch;
mod conditions;
mod control_feedback;
mod controlled;
mod delayed;
mod error;
mod feedback;
mod learner;
mod linear_loop;
mod measures;
mod newton;
mod options;
mod propagator;
mod pseudoinverse;
mod registry;
mod relaxation;
mod rule;
pub mod rules;
mod scheme;
mod second_order;
mod spectra;
mod trajectory;

pub use apply::carried;
pub use batch::{Batch, Progress, Stopped};
pub use conditions::{condition_1, control_abscissa, row_space};
pub use error::LearningError;
pub use feedback::LoopFeedback;
pub use learner::{Learner, LearnerState};
pub(crate) use measures::squared_update_norm;
pub use measures::{angle, feedback_angles, layer_angles, update_angle};
pub use options::{Clip, ClippedLayers, Options, Reduce, Schedule, Unconverged};
pub use registry::{RULES, RuleEntry};
pub use rule::{Errors, LayerUpdate, Loops, Pass, Proposed, Rule};
pub use scheme::Scheme;
pub use spectra::{abscissas, growth_rates};
pub use trajectory::{LoopOptions, Run, TransferKind};
