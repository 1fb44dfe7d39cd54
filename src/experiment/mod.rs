//! What each command does, free of argument parsing and terminals.

mod context;

pub use context::{Context, Interrupt, Progress, Signal, Silent};
