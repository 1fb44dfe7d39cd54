//! Learning: rules, the trainer and their reference runs.

#[path = "../support/mod.rs"]
mod support;

mod delayed;
mod experiment;
mod goldens;
mod rules;
mod second_order;
