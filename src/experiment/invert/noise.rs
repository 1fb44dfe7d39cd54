//! How much the updates of rules that draw random numbers vary from draw to draw.

use nalgebra::DMatrix;

use super::Scene;
use crate::learning::{Rule, carried, squared_update_norm};
use crate::network::Forward;

/// Draws; the standard deviation is then known to about a tenth.
const DRAWS: u64 = 64;
/// Examples looked at; more would change little.
const EXAMPLES: usize = 32;

/// Standard deviation over draws of the update by one example, relative to the norm of its mean,
/// `sqrt(E |u - E u|^2 / |E u|^2)` with squares averaged over examples. `None` for rules that draw
/// nothing, or whose mean the draws do not tell from zero.
pub(super) fn of_updates(scene: &Scene, rule: &dyn Rule) -> Option<f64> {
    rule.redrawn(0)?;
    let network = &scene.network;
    let count = scene.forward.columns().min(EXAMPLES);
    let mut forward = Forward::new(network, count);
    forward.inputs.copy_from(&scene.forward.inputs.columns(0, count));
    network.propagate(&mut forward);
    let error = scene.error.columns(0, count).into_owned();
    // Over layers and examples.
    let size = |deltas: &[DMatrix<f64>]| -> f64 {
        let of_layer = |(k, delta): (usize, &DMatrix<f64>)| -> f64 {
            let layer = (delta, forward.layer_input(k));
            (0..count).map(|c| squared_update_norm(layer, scene.biases, c)).sum()
        };
        deltas.iter().enumerate().map(of_layer).sum()
    };
    let mut sums: Vec<DMatrix<f64>> = Vec::new();
    let mut squares = 0.0;
    for draw in 0..DRAWS {
        let mut again = rule.redrawn(draw)?;
        let found = carried(network, &forward, &error, again.as_mut()).ok()?;
        squares += size(&found.delta);
        if sums.is_empty() {
            sums = found.delta;
        } else {
            sums.iter_mut().zip(&found.delta).for_each(|(sum, delta)| *sum += delta);
        }
    }
    let draws = DRAWS as f64;
    let mean = size(&sums) / (draws * draws);
    let variance = (squares - draws * mean) / (draws - 1.0);
    let signal = mean - variance / draws;
    (signal > 0.0).then(|| (variance / signal).sqrt())
}
