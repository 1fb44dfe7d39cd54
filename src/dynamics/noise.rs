//! Additive noise of a dynamics.

use std::ops::Range;

/// Independent white noise of one intensity in a range of state components.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseInput {
    /// The components.
    pub range: Range<usize>,
    /// Standard deviation per square root of time, in units of the state times s^-1/2.
    pub intensity: f64,
}
