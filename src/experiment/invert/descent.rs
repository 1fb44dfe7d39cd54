//! The loss along an update.

use super::Scene;
use super::compare::Update;
use crate::network::Forward;

/// Steps at which the loss is known: powers of two, `2^FIRST .. 2^LAST`, as multiples of the update.
const FIRST: i32 = -24;
const LAST: i32 = 16;
/// Golden-section steps after the best of these: the step is then known to a few per cent of itself.
const REFINEMENTS: usize = 12;

/// What an update does to the loss.
pub(super) struct Descent {
    /// Fraction of the loss that the update itself removes; negative where it adds.
    pub full_step: f64,
    /// The largest fraction that any multiple of it removes.
    pub best: f64,
    /// That multiple.
    pub best_step: f64,
    /// Loss relative to the start at the steps of [`steps`].
    pub curve: Vec<f64>,
}

/// The multiples of an update at which curves are known.
pub(super) fn steps() -> Vec<f64> {
    (FIRST..=LAST).map(|k| 2f64.powi(k)).collect()
}

pub(super) fn along(scene: &Scene, update: &Update) -> Descent {
    let start = loss(scene, update, 0.0);
    let relative = |step: f64| loss(scene, update, step) / start;
    let steps = steps();
    let curve: Vec<f64> = steps.iter().map(|s| relative(*s)).collect();
    let lowest = |a: &usize, b: &usize| curve[*a].total_cmp(&curve[*b]);
    let usable = (0..steps.len()).filter(|k| curve[*k].is_finite());
    let (mut best_step, mut best) = (0.0, 1.0);
    if let Some(k) = usable.min_by(lowest).filter(|k| curve[*k] < 1.0) {
        (best_step, best) = (steps[k], curve[k]);
        // In the logarithm of the step, between the neighbours of the best one.
        let (mut low, mut high) = (steps[k].log2() - 1.0, steps[k].log2() + 1.0);
        let golden = 0.5 * (5f64.sqrt() - 1.0);
        for _ in 0..REFINEMENTS {
            let (a, b) = (high - golden * (high - low), low + golden * (high - low));
            let (at_a, at_b) = (relative(a.exp2()), relative(b.exp2()));
            for (place, value) in [(a, at_a), (b, at_b)] {
                if value < best {
                    (best_step, best) = (place.exp2(), value);
                }
            }
            if at_a <= at_b { high = b } else { low = a }
        }
    }
    let full_step = 1.0 - relative(1.0);
    Descent { full_step, best: 1.0 - best, best_step, curve }
}

/// The loss over all examples after `step` times the update.
fn loss(scene: &Scene, update: &Update, step: f64) -> f64 {
    let mut network = scene.network.clone();
    for (layer, range) in network.layers_mut().iter_mut().zip(&update.layers) {
        let parameters = &update.parameters[range.clone()];
        let (weights, biases) = parameters.split_at(layer.weights.len());
        layer.weights.iter_mut().zip(weights).for_each(|(w, d)| *w += step * d);
        layer.biases.iter_mut().zip(biases).for_each(|(b, d)| *b += step * d);
    }
    let mut forward = Forward::new(&network, scene.forward.columns());
    forward.inputs.copy_from(&scene.forward.inputs);
    network.propagate(&mut forward);
    network.loss(&forward, scene.target.as_slice()).expect("targets fit the network")
}
