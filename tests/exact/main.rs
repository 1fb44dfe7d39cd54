//! Exact solutions, solvers of other crates, and comparisons between solvers.

#[path = "../support/mod.rs"]
mod support;

mod backends;
mod comparisons;
mod driver;
mod goldens;
mod solutions;
mod systems;
