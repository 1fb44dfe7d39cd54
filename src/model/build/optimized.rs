//! `[feedback.optimized]`: loops closed by their start, then stabilised.

use nalgebra::DMatrix;

use super::feedback::FeedbackTable;
use crate::dynamics::{Dynamics, Structure};
use crate::feedback::{
    Objective, OptimizeError, OptimizeOptions, Optimized, optimize, optimize_single_loop,
};
use crate::model::spec::{self, Feedback as Spec};
use crate::model::{ModelError, Problem};

impl FeedbackTable<'_> {
    /// The feedback that stabilises `dynamics`, a loop closed by the start of the table, linearised
    /// at its initial state for the first target; `None` for other variants.
    ///
    /// # Errors
    /// When the margin is out of reach, or not reached.
    pub fn optimized(&self, dynamics: &dyn Dynamics) -> Result<Option<DMatrix<f64>>, ModelError> {
        let Spec::Optimized(spec) = self.spec else { return Ok(None) };
        let options = OptimizeOptions {
            margin: spec.margin,
            smoothing: spec.smoothing,
            max_iterations: spec.max_iterations,
            objective: match spec.objective {
                spec::Objective::Auto => Objective::Auto,
                spec::Objective::Full => Objective::Full,
                spec::Objective::Reduced => Objective::Reduced,
            },
        };
        let result = match dynamics.structure(0.0, &dynamics.initial_state(), 0) {
            Structure::LayerLoops(loops) => match loops.as_slice() {
                [layer] => optimize(layer, &options),
                _ => return Ok(None),
            },
            Structure::SingleLoop(chain) => optimize_single_loop(&chain, &options),
            Structure::Dense | Structure::Control(_) => return Ok(None),
        };
        let key = format!("{}.optimized", self.key);
        let optimized = result.map_err(|e| {
            let margin = matches!(e, OptimizeError::Unreachable { .. });
            self.model.refused(&if margin { format!("{key}.margin") } else { key.clone() }, &e)
        })?;
        let Optimized { feedback, abscissa, iterations, reached, .. } = optimized;
        if reached {
            return Ok(Some(feedback));
        }
        let problem = Problem::Refused {
            message: format!(
                "the descent ended at the spectral abscissa {abscissa:.6} after {iterations} \
                 steps, short of -margin = {}",
                -options.margin
            ),
            remedy: "lower margin, raise max_iterations or start elsewhere".to_owned(),
        };
        Err(self.model.error(&key, problem))
    }
}
