//! Feedback matrices: initialisers and optimisation for stability.
//!
//! A loop that inverts `W_l` (n_l x n_{l-1}) is closed by `B` (n_{l-1} x n_l). Stable loops need
//! negative feedback, e.g. `B = -W^T`. Deep feedback control instead drives every layer from the
//! output controller through `Q_l` (n_l x n_L).

mod conditions;
mod controller;
mod error;
mod initial;
mod optimize;
mod registry;
mod sleep;
mod stabilise;

pub use conditions::{input_norm_variation, row_space_share};
pub use controller::{jacobian_transpose, random_controller, weight_product};
pub use error::FeedbackError;
pub use initial::Initialiser;
pub use optimize::{
    Limit, Objective, OptimizeError, OptimizeOptions, Optimized, SmoothedAbscissa, optimize,
    optimize_semi_implicit, optimize_single_loop, semi_implicit_rate, smoothed_abscissa,
};
pub use registry::{FEEDBACK, FeedbackEntry};
pub use sleep::{Sleep, SleepError, learn_feedback};
pub use stabilise::{LinearisedAt, StabiliseError, Stabilised, stabilise};
