//! `predictive-coding`: prediction errors after the relaxation of hidden layers.

use std::sync::Arc;

use nalgebra::DMatrix;

use crate::dynamics::PredictiveCoding as Dynamics;
use crate::learning::relaxation::{Relaxation, example, relax};
use crate::learning::rule::{Errors, Pass, Rule, limit};
use crate::learning::trajectory::end_state;
use crate::learning::{LearningError, Run};

/// Predictive coding: hidden value nodes start at the feedforward state and follow
/// [`PredictiveCoding`](crate::dynamics::PredictiveCoding); the errors of all layers are the
/// prediction errors at the end, `delta_l = eps_l`.
///
/// The output is drawn to `y + nudge e`. At the equilibrium, errors come from a Gauss-Newton
/// iteration in `n_L` unknowns instead of the differential equation; there is one on every network,
/// since the energy is bounded below.
///
/// # Source
/// Whittington & Bogacz 2017 (doi:10.1162/NECO_a_00949). Deviation: weights learn from the forward
/// activities `h_{l-1}` like those of every rule here, not from the relaxed ones, from which they
/// differ by the order of the error.
#[derive(Debug, Clone)]
pub struct PredictiveCoding {
    tau_state: f64,
    nudge: f64,
    run: Run,
}

impl PredictiveCoding {
    /// The rule with a time constant, the fraction of the output error asked for, and how long the
    /// states relax.
    #[must_use]
    pub fn new(tau_state: f64, nudge: f64, run: Run) -> Self {
        Self { tau_state, nudge, run }
    }

    /// The errors after the time of the run; examples whose state was lost are marked.
    fn integrated(
        &self,
        pass: &Pass<'_>,
        target: &DMatrix<f64>,
        errors: &mut Errors,
    ) -> Result<(), LearningError> {
        let network = Arc::new(pass.network.clone());
        for column in 0..target.ncols() {
            let forward = example(pass.network, pass.forward, column);
            let target = target.columns(column, 1).into_owned();
            let coding = Dynamics::new(Arc::clone(&network), &forward, target, self.tau_state)
                .map_err(|source| LearningError::Dynamics { layer: errors.delta.len(), source })?;
            let state = end_state(&coding, &self.run);
            errors.converged[column] &= state.is_some();
            let found = state.map(|y| coding.prediction_errors(&y));
            for (k, delta) in errors.delta.iter_mut().enumerate() {
                match &found {
                    Some(found) => delta.column_mut(column).copy_from(&found[k].column(0)),
                    None => delta.column_mut(column).fill(0.0),
                }
            }
        }
        Ok(())
    }
}

impl Rule for PredictiveCoding {
    fn name(&self) -> &'static str {
        "predictive-coding"
    }

    fn carry(&mut self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        let top = errors.delta.len() - 1;
        let target = pass.forward.output() + &errors.delta[top] * self.nudge;
        if self.run == Run::Equilibrium {
            for column in 0..target.ncols() {
                let target = target.column(column).into_owned();
                let Relaxation { errors: found, converged } =
                    relax(pass.network, pass.forward, column, &target)
                        .map_err(|source| LearningError::Linalg { layer: top + 1, source })?;
                errors.converged[column] &= converged;
                for (delta, found) in errors.delta.iter_mut().zip(&found) {
                    delta.column_mut(column).copy_from(found);
                }
            }
        } else {
            self.integrated(pass, &target, errors)?;
        }
        for (k, delta) in errors.delta[..top].iter_mut().enumerate() {
            limit(pass, k, delta);
        }
        Ok(())
    }
}
