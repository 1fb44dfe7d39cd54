//! What each command does, free of argument parsing and terminals.

mod context;
mod output;
pub mod run;
pub mod stability;

pub use context::{Context, Interrupt, Progress, Signal, Silent};
pub use output::OutputOptions;
