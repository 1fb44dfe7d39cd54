//! The rules, one per file.

mod bp;
mod dfa;
mod dfc;
mod dfc_ssa;
mod di;
mod fa;
mod ndi;
mod pbp;
mod sdi;

pub use super::control_feedback::DfcFeedback;
pub use bp::Bp;
pub use dfa::Dfa;
pub use dfc::{Dfc, DfcRun, DfcUpdate};
pub use dfc_ssa::DfcSsa;
pub use di::Di;
pub use fa::Fa;
pub use ndi::Ndi;
pub use pbp::Pbp;
pub use sdi::Sdi;
