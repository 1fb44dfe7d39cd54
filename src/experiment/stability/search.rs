//! Where the search for equilibria starts.

use rand_distr::{Distribution, Normal};

use crate::analysis::equilibria::Start;
use crate::dynamics::Dynamics;
use crate::model::Model;
use crate::model::spec::{Stability, StartPoint};
use crate::network::random::{generator, streams};

/// The starts that the section names, for one target.
pub(super) fn starts(
    model: &Model,
    section: &Stability,
    dynamics: &dyn Dynamics,
    column: usize,
) -> Vec<Start> {
    let layout = dynamics.layout();
    let initial = layout.column_state(column, &dynamics.initial_state());
    let size = initial.len();
    let mut starts = Vec::new();
    for start in &section.starts {
        match start {
            StartPoint::Initial => {
                starts.push(Start { name: "initial".to_owned(), state: initial.clone() });
            }
            StartPoint::Zero => {
                starts.push(Start { name: "zero".to_owned(), state: vec![0.0; size] });
            }
            StartPoint::Drawn => {
                let seed = model.specification().seed;
                let normal = Normal::new(0.0, section.drawn_scale)
                    .expect("the model was checked: the scale is positive and finite");
                starts.extend((0..section.drawn).map(|k| {
                    let mut random = generator(seed, streams::NEWTON_STARTS + k as u64);
                    let state = (0..size).map(|_| normal.sample(&mut random)).collect();
                    Start { name: format!("drawn {}", k + 1), state }
                }));
            }
        }
    }
    starts
}
