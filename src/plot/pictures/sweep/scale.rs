//! Swept axes on paper: where the values lie and what stands beside them.

use super::cube::Swept;
use crate::plot::chart::{Axis, Extent, plain};
use crate::plot::pictures::places::cell_axis;

/// Ticks of an axis.
const TICKS: usize = 6;

/// A relative deviation from even spacing that rounding explains.
const EVEN: f64 = 1e-6;

/// An axis with the places of its values.
pub(super) struct Scale {
    pub(super) axis: Axis,
    /// Places in the order of `order`, ascending.
    pub(super) places: Vec<f64>,
    /// Which value of the sweep is at each place.
    pub(super) order: Vec<usize>,
}

impl Scale {
    /// For lines: values where they are; words side by side.
    pub(super) fn line(swept: &Swept) -> Self {
        let Some(values) = &swept.values else { return Self::words(swept, 0.25) };
        let order = ascending(values);
        let places: Vec<f64> = order.iter().map(|k| values[*k]).collect();
        let extent = Extent::of(places.iter().copied());
        let label = label(&swept.name);
        let is_log = is_geometric(&places);
        let axis = if is_log {
            Axis::decades(&label, extent.low, extent.high, TICKS)
        } else {
            Axis::tight(&label, extent, TICKS)
        };
        Self { axis, places, order }
    }

    /// For cells of equal size: values that are evenly or geometrically spaced lie where they are;
    /// others, and words, side by side.
    pub(super) fn cells(swept: &Swept) -> Self {
        let Some(values) = &swept.values else { return Self::words(swept, 0.5) };
        let order = ascending(values);
        let places: Vec<f64> = order.iter().map(|k| values[*k]).collect();
        if is_even(&places) || is_geometric(&places) {
            let axis = cell_axis(&label(&swept.name), &places, TICKS);
            return Self { axis, places, order };
        }
        let words = order.iter().map(|k| plain(values[*k])).collect();
        let sorted = Swept { words, ..swept.clone() };
        Self { order, ..Self::words(&sorted, 0.5) }
    }

    fn words(swept: &Swept, margin: f64) -> Self {
        let places: Vec<f64> = (0..swept.length).map(|k| k as f64).collect();
        let extent = Extent::of([-margin, (swept.length - 1) as f64 + margin]);
        let mut axis = Axis::tight(&label(&swept.name), extent, TICKS);
        let every = swept.length.div_ceil(TICKS);
        let word = |k: usize| shortened(&swept.words[k]);
        axis.ticks = (0..swept.length).step_by(every).map(|k| (k as f64, word(k))).collect();
        axis.factor.clear();
        Self { axis, places, order: (0..swept.length).collect() }
    }
}

/// What an axis is called.
pub(super) fn label(name: &str) -> String {
    name.replace('_', " ")
}

fn shortened(word: &str) -> String {
    /// Longer words would run into their neighbours.
    const LONGEST: usize = 14;
    if word.chars().count() <= LONGEST {
        return word.to_owned();
    }
    word.chars().take(LONGEST - 1).chain(['\u{2026}']).collect()
}

fn ascending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    order
}

fn is_even(values: &[f64]) -> bool {
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return false };
    let step = (last - first) / (values.len().max(2) - 1) as f64;
    step > 0.0 && values.windows(2).all(|w| ((w[1] - w[0]) / step - 1.0).abs() < EVEN)
}

/// Whether neighbours have one ratio; two values are too few to tell.
fn is_geometric(values: &[f64]) -> bool {
    let [first, .., last] = values else { return false };
    if values.len() < 3 || *first <= 0.0 || last <= first || is_even(values) {
        return false;
    }
    let step = (last / first).ln() / (values.len() - 1) as f64;
    values.windows(2).all(|w| ((w[1] / w[0]).ln() / step - 1.0).abs() < EVEN)
}
