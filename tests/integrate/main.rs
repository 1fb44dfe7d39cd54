//! The integration layer: methods, step control, dense output, events, steady states.

#[path = "../support/mod.rs"]
mod support;

mod events;
mod failures;
mod fields;
mod goldens;
mod hostile;
mod noise;
mod order;
mod save_times;
mod steady_state;
mod stepping;
mod stiffness;
