//! The rules, one per file.

mod bp;
mod dfa;
mod di;
mod fa;
mod ndi;
mod pbp;
mod sdi;

pub use bp::Bp;
pub use dfa::Dfa;
pub use di::Di;
pub use fa::Fa;
pub use ndi::Ndi;
pub use pbp::Pbp;
pub use sdi::Sdi;
