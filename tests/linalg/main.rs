//! Dense linear algebra against closed forms, golden values and its own identities.

mod definiteness;
mod eigen;
mod expm;
mod lu;
mod lyapunov;
mod matrices;
mod products;
mod schur;
mod singular_values;
#[path = "../support/mod.rs"]
mod support;
