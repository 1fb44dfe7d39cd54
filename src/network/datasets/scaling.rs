//! From pixels to numbers.

use super::{DatasetError, Images};

/// How a pixel `p` in `0..=255` becomes a network's input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scaling {
    /// `p`.
    Raw,
    /// `p / 255`.
    UnitInterval,
    /// `(p / 255 - mean) / std`, one mean and standard deviation for all pixels.
    Standard {
        /// Mean of `p / 255`.
        mean: f64,
        /// Standard deviation of `p / 255`.
        std: f64,
    },
}

impl Scaling {
    /// Standardisation by the mean and (population) standard deviation over all pixels of all
    /// `images`. Measure it on the training images and use it for the test images too.
    ///
    /// # Errors
    /// [`DatasetError::Scaling`] when all pixels are equal.
    pub fn measure(images: &Images) -> Result<Self, DatasetError> {
        // Integer sums: exact, so the result does not depend on the order of summation.
        let (mut sum, mut squares) = (0u64, 0u64);
        for &p in &images.pixels {
            sum += u64::from(p);
            squares += u64::from(p) * u64::from(p);
        }
        let count = images.pixels.len() as u128;
        let variance = count * u128::from(squares) - u128::from(sum) * u128::from(sum);
        let full = 255.0 * count as f64;
        Self::Standard { mean: sum as f64 / full, std: (variance as f64).sqrt() / full }.checked()
    }

    /// The scaling itself, if it can be used.
    ///
    /// # Errors
    /// [`DatasetError::Scaling`] unless the mean is finite and the deviation finite and positive.
    pub fn checked(self) -> Result<Self, DatasetError> {
        match self {
            Self::Standard { mean, std } if !(mean.is_finite() && std.is_finite() && std > 0.0) => {
                Err(DatasetError::Scaling { mean, std })
            }
            _ => Ok(self),
        }
    }

    /// The number a pixel becomes.
    #[must_use]
    pub fn apply(self, pixel: u8) -> f64 {
        self.apply_to(f64::from(pixel))
    }

    /// The number a pixel becomes that is stored as a float.
    #[must_use]
    pub fn apply_to(self, p: f64) -> f64 {
        match self {
            Self::Raw => p,
            Self::UnitInterval => p / 255.0,
            Self::Standard { mean, std } => (p / 255.0 - mean) / std,
        }
    }
}
