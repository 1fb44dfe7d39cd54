//! Feedforward networks: activations, layers, weight files and data sets.

mod activation;
pub mod random;

pub use activation::{ACTIVATIONS, Activation, LEAKY_SLOPE};
