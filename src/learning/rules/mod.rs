//! The rules, one per file.

mod bp;
mod dfa;
mod dfc;
mod dfc_ssa;
mod di;
mod fa;
mod gauss_newton;
mod hindsight;
mod minimum_norm;
mod ndi;
mod pbp;
mod predictive_coding;
mod sdi;
mod vector_broadcasting;

pub use super::control_feedback::DfcFeedback;
pub use bp::Bp;
pub use dfa::Dfa;
pub use dfc::{Dfc, DfcRun, DfcUpdate};
pub use dfc_ssa::DfcSsa;
pub use di::Di;
pub use fa::Fa;
pub use gauss_newton::GaussNewton;
pub use hindsight::Hindsight;
pub use minimum_norm::MinimumNorm;
pub use ndi::Ndi;
pub use pbp::Pbp;
pub use predictive_coding::PredictiveCoding;
pub use sdi::Sdi;
pub use vector_broadcasting::VectorBroadcasting;
