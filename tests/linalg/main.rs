//! Dense linear algebra against closed forms, golden values and its own identities.

mod eigen;
mod expm;
mod lu;
mod matrices;
mod products;
mod singular_values;
#[path = "../support/mod.rs"]
mod support;
