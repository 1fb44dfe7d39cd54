//! The range data spans, whatever the data are like.

/// Larger numbers are drawn as this: differences of two of them are still finite.
const LARGEST: f64 = 1e300;

/// The range of some numbers; those that are not finite do not count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Extent {
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// The smallest number above zero.
    pub(crate) positive: f64,
    /// Whether there was an exact zero.
    pub(crate) zero: bool,
}

impl Extent {
    pub(crate) const EMPTY: Self =
        Self { low: f64::INFINITY, high: f64::NEG_INFINITY, positive: f64::INFINITY, zero: false };

    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut extent = Self::EMPTY;
        values.into_iter().for_each(|value| extent.add(value));
        extent
    }

    pub(crate) fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        let value = value.clamp(-LARGEST, LARGEST);
        self.low = self.low.min(value);
        self.high = self.high.max(value);
        if value > 0.0 {
            self.positive = self.positive.min(value);
        }
        self.zero |= value == 0.0;
    }

    pub(crate) fn is_empty(self) -> bool {
        self.low > self.high
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self {
            low: self.low.min(other.low),
            high: self.high.max(other.high),
            positive: self.positive.min(other.positive),
            zero: self.zero || other.zero,
        }
    }
}
