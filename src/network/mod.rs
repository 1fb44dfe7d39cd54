//! Feedforward networks: activations, layers, weight files and data sets.
//!
//! Layers are `l = 1..L` with sizes `n_0` (input) to `n_L` (output):
//!
//! ```text
//! a_l = W_l h_{l-1} + b_l,   h_l = g_l(a_l),   h_0 = x,   D_l = diag(g_l'(a_l))
//! ```
//!
//! The output error is `e = target - y`, for squared error and for softmax with cross-entropy
//! alike. Nothing here knows of time.

mod activation;
pub mod datasets;
mod error;
mod feedforward;
mod forward;
mod initial;
mod layer;
mod output;
pub mod random;
pub mod weights;

pub use activation::{ACTIVATIONS, Activation, LEAKY_SLOPE};
pub use error::{NetworkError, require_finite};
pub use feedforward::Network;
pub use forward::Forward;
pub use initial::Initialiser;
pub use layer::Layer;
pub(crate) use output::softmax;
pub use output::{OUTPUTS, Output};
