//! What each command does, free of argument parsing and terminals.

pub mod check;
mod context;
pub mod invert;
mod output;
pub mod run;
pub mod stability;
pub mod sweep;
pub mod train;
mod unchanged;
pub mod validate;

pub use context::{Context, Interrupt, Progress, Signal, Silent};
pub use output::OutputOptions;
