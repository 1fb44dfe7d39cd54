//! Learning: rules, the trainer and their reference runs.

#[path = "../support/mod.rs"]
mod support;

mod asleep;
mod control;
mod delayed;
mod documented;
mod experiment;
mod goldens;
mod processes;
mod published;
mod rules;
mod stability;
