//! `[stability.optimize]`: the feedback made stable before it is analysed.

use nalgebra::DMatrix;
use serde::Serialize;

use super::error::StabilityError;
use crate::error::Error;
use crate::feedback::{LinearisedAt, Objective, OptimizeOptions};
use crate::model::spec;
use crate::model::{Model, StabilisedLoop};

/// How the feedback of one loop was optimised.
#[derive(Debug, Clone, Serialize)]
pub struct OptimisedReport {
    /// The layer whose units the feedback drives.
    pub to: usize,
    /// The layer whose errors it carries.
    pub from: usize,
    /// The margin aimed at, 1/s.
    pub margin: f64,
    /// Whether every target has it.
    pub reached: bool,
    /// Spectral abscissa of the worst target before, 1/s.
    pub start_abscissa: f64,
    /// Spectral abscissa of the worst target after, 1/s.
    pub abscissa: f64,
    /// Steps of the descent.
    pub iterations: usize,
    /// Descents; more than one where the worst target or its equilibrium moved.
    pub rounds: usize,
    /// The worst target.
    pub target: usize,
    /// Where it was linearised.
    pub linearised_at: LinearisedAt,
    #[serde(skip)]
    pub(crate) feedback: DMatrix<f64>,
}

impl OptimisedReport {
    fn new(one: StabilisedLoop, margin: f64) -> Self {
        let StabilisedLoop { to, from, stabilised } = one;
        Self {
            to,
            from,
            margin,
            reached: stabilised.reached,
            start_abscissa: stabilised.start_abscissa,
            abscissa: stabilised.abscissa,
            iterations: stabilised.iterations,
            rounds: stabilised.rounds,
            target: stabilised.target,
            linearised_at: stabilised.at,
            feedback: stabilised.feedback,
        }
    }
}

/// Optimises the feedback of every loop of the model.
pub(super) fn optimise(
    model: &Model,
    section: &spec::Optimize,
) -> Result<Vec<OptimisedReport>, Error> {
    let options = OptimizeOptions {
        margin: section.margin,
        smoothing: section.smoothing,
        max_iterations: section.max_iterations,
        objective: match section.objective {
            spec::Objective::Auto => Objective::Auto,
            spec::Objective::Full => Objective::Full,
            spec::Objective::Reduced => Objective::Reduced,
        },
    };
    let found = model.stabilised_feedback(&options)?.map_err(StabilityError::from)?;
    Ok(found.into_iter().map(|one| OptimisedReport::new(one, section.margin)).collect())
}
