//! Model files: what is accepted, what is refused, and how it is said.

mod build;
mod docs;
mod full;
#[path = "../support/mod.rs"]
mod golden;
mod grid;
mod hostile;
mod keys;
mod memory;
mod misspelt;
mod names;
mod numbers;
mod overrides;
mod rendered;
mod sections;
mod support;
mod sweep;
