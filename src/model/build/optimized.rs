//! `[feedback.optimized]`: loops closed by their start, then stabilised where they work.

use nalgebra::DMatrix;

use super::feedback::FeedbackTable;
use crate::analysis::equilibria::{NewtonOptions, Start, find_equilibria};
use crate::dynamics::{
    ChainLayer, Dynamics, DynamicsError, InvertedLayer, LayerwiseInversion, LoopParameters,
    SingleLoop,
};
use crate::feedback::{
    Objective, OptimizeError, OptimizeOptions, StabiliseError, Stabilised, stabilise,
};
use crate::model::spec::{self, Feedback as Spec};
use crate::model::{ModelError, Problem};

/// A loop whose feedback was optimised.
#[derive(Debug, Clone, PartialEq)]
pub struct StabilisedLoop {
    /// The layer whose units the feedback drives.
    pub to: usize,
    /// The layer whose errors it carries.
    pub from: usize,
    /// The feedback and how it was found.
    pub stabilised: Stabilised,
}

impl StabilisedLoop {
    /// What was optimised and where, in words.
    #[must_use]
    pub fn remark(&self) -> String {
        let Self { to, from, stabilised } = self;
        format!(
            "feedback from layer {from} to layer {to}: spectral abscissa {:.6} after {} steps \
             (from {:.6}); {}, target {}",
            stabilised.abscissa,
            stabilised.iterations,
            stabilised.start_abscissa,
            stabilised.at.words(),
            stabilised.target
        )
    }
}

impl FeedbackTable<'_> {
    /// The options of `optimized` feedback; `None` for other variants.
    #[must_use]
    pub fn optimize_options(&self) -> Option<OptimizeOptions> {
        let Spec::Optimized(spec) = self.spec else { return None };
        Some(OptimizeOptions {
            margin: spec.margin,
            smoothing: spec.smoothing,
            max_iterations: spec.max_iterations,
            objective: match spec.objective {
                spec::Objective::Auto => Objective::Auto,
                spec::Objective::Full => Objective::Full,
                spec::Objective::Reduced => Objective::Reduced,
            },
        })
    }

    /// Refuses feedback that cannot be optimised, or falls short of the margin.
    pub(super) fn require_margin(
        &self,
        found: Result<Vec<StabilisedLoop>, StabiliseError>,
        margin: f64,
    ) -> Result<Vec<StabilisedLoop>, ModelError> {
        let key = format!("{}.optimized", self.key);
        let found = found.map_err(|e| {
            let unreachable =
                matches!(e, StabiliseError::Optimize(OptimizeError::Unreachable { .. }));
            self.model.refused(&if unreachable { format!("{key}.margin") } else { key.clone() }, &e)
        })?;
        let Some(short) = found.iter().find(|one| !one.stabilised.reached) else {
            return Ok(found);
        };
        let Stabilised { abscissa, iterations, .. } = short.stabilised;
        let problem = Problem::Refused {
            message: format!(
                "the descent ended at the spectral abscissa {abscissa:.6} after {iterations} \
                 steps, short of -margin = {}",
                -margin
            ),
            remedy: "lower margin, raise max_iterations or start elsewhere".to_owned(),
        };
        Err(self.model.error(&key, problem))
    }
}

/// Optimises the loops that invert `layers` = layer `first ..`, top first: each with the rest state
/// of the loop above as its target. The layers get the new feedback.
pub(super) fn layers(
    layers: &mut [InvertedLayer],
    first: usize,
    top: DMatrix<f64>,
    parameters: LoopParameters,
    options: &OptimizeOptions,
) -> Result<Vec<StabilisedLoop>, StabiliseError> {
    let mut found = Vec::with_capacity(layers.len());
    let mut target = top;
    for (k, layer) in layers.iter_mut().enumerate().rev() {
        let l = first + k;
        let close = |feedback: crate::dynamics::Feedback, target: &DMatrix<f64>| {
            let InvertedLayer { weights, transfer, .. } = layer.clone();
            LayerwiseInversion::new(weights, feedback, transfer, target.clone(), parameters)
        };
        let start = layer.feedback.matrix(&layer.weights);
        let stabilised = stabilise(start, options, |b| {
            let closed: Box<dyn Dynamics> = Box::new(close(b.clone().into(), &target)?);
            Ok::<_, DynamicsError>(closed)
        })?;
        let rest = rest(&close(stabilised.feedback.clone().into(), &target)?);
        layer.feedback = stabilised.feedback.clone().into();
        target = rest;
        found.push(StabilisedLoop { to: l - 1, from: l, stabilised });
    }
    found.reverse();
    Ok(found)
}

/// Optimises the feedback of a single loop through layers up to `last`.
pub(super) fn single(
    chain: &[ChainLayer],
    start: DMatrix<f64>,
    target: &DMatrix<f64>,
    parameters: LoopParameters,
    options: &OptimizeOptions,
) -> Result<Vec<StabilisedLoop>, StabiliseError> {
    let stabilised = stabilise(start, options, |b| {
        let closed = SingleLoop::new(chain.to_vec(), b.clone(), target.clone(), parameters)?;
        Ok::<Box<dyn Dynamics>, DynamicsError>(Box::new(closed))
    })?;
    Ok(vec![StabilisedLoop { to: 1, from: chain.len() + 1, stabilised }])
}

/// The state of a loop at rest, one column per target; zero where no equilibrium is found.
fn rest(dynamics: &LayerwiseInversion) -> DMatrix<f64> {
    let layout = dynamics.layout();
    let (units, columns) = (layout.blocks()[0].rows, layout.columns());
    if let Ok(all) = dynamics.closed_form_equilibrium() {
        return DMatrix::from_column_slice(units, columns, &all[layout.blocks()[0].range.clone()]);
    }
    let mut rest = DMatrix::zeros(units, columns);
    for (column, mut rest) in rest.column_iter_mut().enumerate() {
        let state = layout.column_state(column, &dynamics.initial_state());
        let start = Start { name: "initial".to_owned(), state };
        let search = find_equilibria(dynamics, column, 0.0, &[start], NewtonOptions::default());
        if let Some(found) = search.equilibria.first() {
            rest.copy_from_slice(&found.state[..units]);
        }
    }
    rest
}
