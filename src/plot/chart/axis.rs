//! Axes: limits that are always finite and apart, and ticks at round numbers.

use super::Extent;
use super::number::{fixed, power};

/// How values become places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    Log,
}

/// An axis with its ticks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) scale: Scale,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Values and their labels.
    pub(crate) ticks: Vec<(f64, String)>,
    /// Values with a short tick and no label.
    pub(crate) minor: Vec<f64>,
    /// What all labels are to be multiplied with, e.g. `× 10^{-5}`.
    pub(crate) factor: String,
}

/// Most decades shown on a logarithmic axis: more than double precision resolves in one sum.
const DECADES: f64 = 24.0;

/// A range below this fraction of the values is rounding noise and drawn as constant.
const NOISE: f64 = 1e-12;

impl Axis {
    /// From the lowest to the highest value, without margins.
    pub(crate) fn tight(label: &str, extent: Extent, ticks: usize) -> Self {
        let (low, high) = limits(extent);
        Self::linear(label, low, high, ticks)
    }

    /// With a margin on either side.
    pub(crate) fn loose(label: &str, extent: Extent, ticks: usize) -> Self {
        let (low, high) = limits(extent);
        let margin = 0.06 * (high - low);
        Self::linear(label, low - margin, high + margin, ticks)
    }

    /// From exactly `low` to `high`, which are finite and apart.
    pub(crate) fn linear(label: &str, low: f64, high: f64, count: usize) -> Self {
        let step = round_step((high - low) / count.max(1) as f64);
        let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
        let values: Vec<f64> =
            (0..=(last - first).max(0.0) as usize).map(|k| (first + k as f64) * step).collect();
        let largest = low.abs().max(high.abs());
        let order = largest.log10().floor() as i32;
        let exponent = if (-3..5).contains(&order) { 0 } else { order };
        // In two factors, because 10^300 alone times 10^-300 loses nothing but 10^320 is infinite.
        let shrink = |x: f64| x / 10f64.powi(exponent / 2) / 10f64.powi(exponent - exponent / 2);
        let decimals = (-shrink(step).log10() - 1e-9).ceil().clamp(0.0, 12.0) as usize;
        let factor =
            if exponent == 0 { String::new() } else { format!("\u{d7} {}", power(exponent)) };
        Self {
            label: label.to_owned(),
            scale: Scale::Linear,
            low,
            high,
            ticks: values.into_iter().map(|v| (v, fixed(shrink(v), decimals))).collect(),
            minor: Vec::new(),
            factor,
        }
    }

    /// Logarithmic over the positive values of the extent.
    pub(crate) fn log(label: &str, extent: Extent, count: usize) -> Self {
        let usable = extent.positive <= extent.high;
        let (low, high) = if usable { (extent.positive, extent.high) } else { (0.1, 1.0) };
        let high = high.clamp(1e-290, 1e300).log10();
        let low = low.clamp(1e-300, 1e300).log10().max(high - DECADES);
        // Whole decades when there are several, otherwise at least one.
        let margin = 0.04 * (high - low);
        let (mut low, mut high) = (low - margin, high + margin);
        if high - low < 1.0 {
            let (floor, ceil) = (low.floor(), high.ceil());
            // A constant power of ten would lie on the frame.
            (low, high) = if floor < ceil { (floor, ceil) } else { (floor - 1.0, ceil + 1.0) };
        }
        Self::decades(label, 10f64.powf(low), 10f64.powf(high), count)
    }

    /// Logarithmic from exactly `first` to `last`, which are positive and apart.
    pub(crate) fn decades(label: &str, first: f64, last: f64, count: usize) -> Self {
        let (low, high) = (first.log10(), last.log10());
        let decades = ((low - 1e-9).ceil() as i32)..=((high + 1e-9).floor() as i32);
        let every = ((high - low) / count.max(1) as f64).ceil().max(1.0) as i32;
        let mut ticks: Vec<(f64, String)> = decades
            .filter(|k| k.rem_euclid(every) == 0)
            .map(|k| (10f64.powi(k), power(k)))
            .collect();
        if ticks.len() < 2 {
            ticks = Self::linear("", first, last, count).ticks;
        }
        let minor = if every == 1 && high - low <= 8.0 {
            (low.floor() as i32..=high.ceil() as i32)
                .flat_map(|k| (2..10).map(move |m| f64::from(m) * 10f64.powi(k)))
                .filter(|v| (low..=high).contains(&v.log10()))
                .collect()
        } else {
            Vec::new()
        };
        Self {
            label: label.to_owned(),
            scale: Scale::Log,
            low: first,
            high: last,
            ticks,
            minor,
            factor: String::new(),
        }
    }

    /// Where a value lies: 0 at the low end, 1 at the high end; not finite if it has no place.
    pub(crate) fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log if value > 0.0 => {
                let (low, high) = (self.low.log10(), self.high.log10());
                (value.log10() - low) / (high - low)
            }
            Scale::Log => f64::NAN,
        }
    }
}

/// Limits that are finite and apart.
fn limits(extent: Extent) -> (f64, f64) {
    if extent.is_empty() {
        return (0.0, 1.0);
    }
    let Extent { low, high, .. } = extent;
    let size = low.abs().max(high.abs());
    if high - low > NOISE * size && high - low > f64::MIN_POSITIVE / f64::EPSILON {
        return (low, high);
    }
    let middle = low / 2.0 + high / 2.0;
    let half = if size > 1e-290 { 0.5 * size } else { 1.0 };
    (middle - half, middle + half)
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0]
        .map(|m| m * power)
        .into_iter()
        .find(|s| *s >= 0.999 * step)
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_finite_and_apart_and_ticks_few_for_any_data() {
        let hostile = [0.0, 1.0, -1.0, f64::NAN, f64::INFINITY, 1e308, -1e308, 5e-324, 1e-200, 0.3];
        for a in hostile {
            for b in hostile {
                let extent = Extent::of([a, b]);
                for axis in [
                    Axis::tight("", extent, 5),
                    Axis::loose("", extent, 5),
                    Axis::log("", extent, 5),
                ] {
                    assert!(axis.low.is_finite() && axis.high.is_finite(), "{a} {b} {axis:?}");
                    assert!(axis.low < axis.high, "{a} {b} {axis:?}");
                    assert!((1..=13).contains(&axis.ticks.len()), "{a} {b} {axis:?}");
                }
            }
        }
    }

    #[test]
    fn ticks_are_round() {
        let labels = |axis: Axis| axis.ticks.into_iter().map(|t| t.1).collect::<Vec<_>>();
        assert_eq!(labels(Axis::linear("", 0.0, 100.0, 5)), ["0", "20", "40", "60", "80", "100"]);
        assert_eq!(
            labels(Axis::linear("", -0.1, 0.12, 5)),
            ["\u{2212}0.10", "\u{2212}0.05", "0.00", "0.05", "0.10"]
        );
        let small = Axis::linear("", 0.0, 2e-5, 4);
        assert_eq!(
            (small.factor.as_str(), small.ticks[1].1.as_str()),
            ("\u{d7} 10^{\u{2212}5}", "0.5")
        );
        let log = Axis::log("", Extent::of([1e-3, 1.0]), 6);
        assert_eq!(labels(log), ["10^{\u{2212}3}", "10^{\u{2212}2}", "10^{\u{2212}1}", "10^{0}"]);
    }
}
