//! The noise of a stochastic run.

use crate::dynamics::{Dynamics, NoiseInput};

/// Additive noise and what the exponential method needs beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Noise {
    /// Where it enters and how strongly.
    pub inputs: Vec<NoiseInput>,
    /// Rate `lambda_i` of every component's own linear decay (see [`Dynamics::decay`]), 1/s.
    pub decay: Vec<f64>,
    /// The seed; every target draws from a stream of its own.
    pub seed: u64,
    /// Brownian increments drawn per step, 1 in use. A run with step `h` and `m` draws follows the
    /// same Brownian path as one with step `h/m` and one draw, so that strong errors can be
    /// measured.
    pub draws: u32,
}

impl Noise {
    /// The noise of `dynamics`.
    #[must_use]
    pub fn of(dynamics: &dyn Dynamics, seed: u64) -> Self {
        Self { inputs: dynamics.noise(), decay: dynamics.decay(), seed, draws: 1 }
    }
}
