//! `[initial]` to the state at the start of a run.

use rand_distr::{Distribution, StandardNormal, Uniform};

use crate::dynamics::StateLayout;
use crate::model::spec::Initial;
use crate::model::{Model, ModelError, Problem};
use crate::network::random::{generator, streams};

/// The initial state over `layout`, or `None` when the model leaves it to the dynamics.
pub(super) fn build(model: &Model, layout: &StateLayout) -> Result<Option<Vec<f64>>, ModelError> {
    let Some(spec) = &model.specification().initial else { return Ok(None) };
    let (columns, units) = (layout.columns(), layout.dim() / layout.columns());
    let mut state = vec![0.0; layout.dim()];
    match spec {
        Initial::Values(values) => {
            let vectors = values.vectors();
            if vectors.len() != 1 && vectors.len() != columns {
                let problem = Problem::WrongLength {
                    what: "the list of initial states".to_owned(),
                    found: vectors.len(),
                    expected: columns,
                    because: "one for all targets, or one per target".to_owned(),
                };
                return Err(model.error("initial.values", problem));
            }
            for column in 0..columns {
                let vector = &vectors[column.min(vectors.len() - 1)];
                if vector.len() != units {
                    let blocks: Vec<_> = layout
                        .blocks()
                        .iter()
                        .map(|b| format!("{} of {}", b.rows, b.name))
                        .collect();
                    let problem = Problem::WrongLength {
                        what: "the initial state".to_owned(),
                        found: vector.len(),
                        expected: units,
                        because: blocks.join(" + "),
                    };
                    return Err(model.error("initial.values", problem));
                }
                layout.set_column_state(column, vector, &mut state);
            }
        }
        Initial::Normal { scale } => draw(model, layout, &mut state, |generator| {
            let sample: f64 = StandardNormal.sample(generator);
            scale * sample
        }),
        Initial::Uniform { low, high } => {
            let uniform = Uniform::new(*low, *high)
                .map_err(|error| model.refused("initial.uniform", &error))?;
            draw(model, layout, &mut state, |generator| uniform.sample(generator));
        }
    }
    Ok(Some(state))
}

fn draw(
    model: &Model,
    layout: &StateLayout,
    state: &mut [f64],
    sample: impl Fn(&mut rand_chacha::ChaCha8Rng) -> f64,
) {
    let units = layout.dim() / layout.columns();
    for column in 0..layout.columns() {
        let stream = streams::INITIAL_STATE + column as u64;
        let mut generator = generator(model.specification().seed, stream);
        let vector: Vec<f64> = (0..units).map(|_| sample(&mut generator)).collect();
        layout.set_column_state(column, &vector, state);
    }
}
