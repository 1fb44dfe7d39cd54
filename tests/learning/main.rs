//! Learning: rules, the trainer and their reference runs.

#[path = "../support/mod.rs"]
mod support;

mod delayed;
mod documented;
mod experiment;
mod goldens;
mod processes;
mod published;
mod rules;
mod stability;
