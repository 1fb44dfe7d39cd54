//! Learning: rules, the trainer and their reference runs.

#[path = "../support/mod.rs"]
mod support;

mod alignment;
mod asleep;
mod control;
mod delayed;
mod documented;
mod every_rule;
mod experiment;
mod goldens;
mod processes;
mod published;
mod rules;
mod second_order;
mod stability;
mod training;
