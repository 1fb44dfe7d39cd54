//! `di`: dynamic inversion.

use std::ops::Range;
use std::sync::Arc;

use nalgebra::DMatrix;

use crate::dynamics::{DynamicsError, Feedback, LayerwiseInversion, LoopParameters};
use crate::learning::feedback::{check, loop_shapes};
use crate::learning::linear_loop::LinearLoop;
use crate::learning::propagator::Ending;
use crate::learning::rule::{Errors, LayerUpdate, Loops, Pass, Rule, layerwise};
use crate::learning::trajectory::end_state;
use crate::learning::{LearningError, LoopFeedback, LoopOptions, Run, TransferKind};
use crate::network::Network;

/// Dynamic inversion: one loop per layer, top first, each run from zero to a time or to its
/// equilibrium; the state at its end, times `g'(a_{l-1})`, is the error of the layer below and the
/// target of the next loop.
///
/// ```text
/// tau_state      r' = -r + B u
/// tau_controller u' = -leak u + F(r) - delta_l
/// ```
///
/// Linear loops run in the smaller of the two layers and need no stepping, neither for the exact
/// solution nor for the published scheme (semi-implicit Euler). Other methods and the nonlinear
/// transfers are integrated, their equilibria found by Newton iteration; examples whose run or
/// iteration failed are marked as not converged.
///
/// With the transfers `tangent` and `deviation` the state is a change of `a_{l-1}` itself, so it is
/// the error without another slope; `tangent` with `B = -(W D)^T` gives the last hidden layer the
/// Levenberg-Marquardt step.
///
/// # Source
/// Podlaski & Machens 2020 (arXiv:2007.05112), the layerwise scheme.
pub struct Di {
    feedback: Vec<LoopFeedback>,
    options: LoopOptions,
    loops: Vec<LinearLoop>,
    ending: Option<Ending>,
}

impl Di {
    /// The rule with one feedback matrix (`n_{l-1} x n_l`) per layer from the second on.
    ///
    /// # Errors
    /// [`LearningError`] when number or shape of the matrices do not fit, a parameter is out of
    /// range, an exact solution is asked of a nonlinear loop, or a loop without leak has more
    /// controllers than states.
    pub fn new(
        network: &Network,
        feedback: Vec<LoopFeedback>,
        options: LoopOptions,
    ) -> Result<Self, LearningError> {
        refuse_drift(network, options.parameters.leak)?;
        Self::in_the_limit(network, feedback, options)
    }

    /// As [`new`](Self::new), where a leak of 0 stands for the limit of small ones.
    pub(super) fn in_the_limit(
        network: &Network,
        feedback: Vec<LoopFeedback>,
        options: LoopOptions,
    ) -> Result<Self, LearningError> {
        let matrices = feedback.iter().map(|f| match f {
            LoopFeedback::Fixed(matrix) => Some(matrix),
            LoopFeedback::Retied { .. } => None,
        });
        check("di", matrices, &loop_shapes(network))?;
        check_parameters(&options.parameters)?;
        let nonlinear =
            matches!(options.transfer, TransferKind::Nonlinear | TransferKind::Deviation);
        if nonlinear && matches!(options.run, Run::Exact { .. }) {
            return Err(LearningError::Incompatible {
                what: "the exact solution".to_owned(),
                with: "a nonlinear transfer".to_owned(),
                remedy: "choose another solver or the transfer `linear`",
            });
        }
        let ending = if nonlinear { None } else { options.run.ending() };
        let upper = network.layers()[1..].iter().zip(&feedback);
        let new = |(layer, feedback): (&crate::network::Layer, &LoopFeedback)| {
            let ending = ending.unwrap_or(Ending::Rest);
            LinearLoop::new(&layer.weights, feedback.clone(), options.parameters, ending)
        };
        let loops = upper.map(new).collect();
        Ok(Self { feedback, options, loops, ending })
    }

    /// Loops whose matrix is `W diag(...)`, another one for every example.
    fn invert_scaled(
        &mut self,
        pass: &Pass<'_>,
        k: usize,
        above: &DMatrix<f64>,
        below: &mut DMatrix<f64>,
        converged: &mut [bool],
    ) {
        let w = &pass.network.layers()[k].weights;
        let divides = self.options.transfer == TransferKind::InverseSlope;
        for (c, converged) in converged.iter_mut().enumerate() {
            let mut scaled = w.clone();
            for (mut column, slope) in
                scaled.column_iter_mut().zip(pass.slopes[k - 1].column(c).iter())
            {
                column *= if divides { 1.0 / slope } else { *slope };
            }
            let mut out = DMatrix::zeros(below.nrows(), 1);
            let target = above.columns(c, 1).into_owned();
            self.loops[k - 1].forget();
            let solved = self.loops[k - 1].invert(&scaled, &target, &mut out).is_ok();
            self.loops[k - 1].forget();
            place(below, c, solved.then(|| out.as_slice()), converged);
        }
    }

    /// Loops that are integrated, or whose equilibrium is found by iteration.
    fn integrate(
        &self,
        pass: &Pass<'_>,
        k: usize,
        above: &DMatrix<f64>,
        below: &mut DMatrix<f64>,
        converged: &mut [bool],
    ) -> Result<(), DynamicsError> {
        let weights = Arc::new(pass.network.layers()[k].weights.clone());
        let feedback = match &self.feedback[k - 1] {
            LoopFeedback::Fixed(matrix) => Feedback::from(matrix.clone()),
            LoopFeedback::Retied { scale } => Feedback::Tied { scale: *scale },
        };
        let end = |columns: Range<usize>| {
            let target = above.columns(columns.start, columns.len()).into_owned();
            let transfer = self.options.transfer.at(pass, k, columns);
            let inversion = LayerwiseInversion::new(
                Arc::clone(&weights),
                feedback.clone(),
                transfer,
                target,
                self.options.parameters,
            )?;
            Ok::<_, DynamicsError>(end_state(&inversion, &self.options.run))
        };
        let (n, columns) = below.shape();
        // Runs side by side share their steps, and products of matrices.
        let together = columns > 1 && self.options.run != Run::Equilibrium;
        if together && let Some(y) = end(0..columns)? {
            below.as_mut_slice().copy_from_slice(&y[..n * columns]);
            return Ok(());
        }
        for (c, converged) in converged.iter_mut().enumerate() {
            let state = end(c..c + 1)?;
            place(below, c, state.as_ref().map(|y| &y[..n]), converged);
        }
        Ok(())
    }
}

/// An unstable loop that ran beyond the range of numbers has inverted nothing.
fn drop_overflown(below: &mut DMatrix<f64>, converged: &mut [bool]) {
    for (mut column, converged) in below.column_iter_mut().zip(converged) {
        if column.iter().any(|x| !x.is_finite()) {
            column.fill(0.0);
            *converged = false;
        }
    }
}

/// Writes one column, or zeros and a mark when there is none.
fn place(below: &mut DMatrix<f64>, c: usize, column: Option<&[f64]>, converged: &mut bool) {
    let n = below.nrows();
    let out = &mut below.as_mut_slice()[c * n..(c + 1) * n];
    match column {
        Some(column) => out.copy_from_slice(column),
        None => {
            out.fill(0.0);
            *converged = false;
        }
    }
}

/// Refuses loops without leak that have more controllers than states (theorem on the spectrum of a
/// layer loop: `n_l - n_{l-1}` eigenvalues are `-leak/tau_controller`).
fn refuse_drift(network: &Network, leak: f64) -> Result<(), LearningError> {
    for (k, (states, controllers)) in loop_shapes(network).into_iter().enumerate() {
        if leak == 0.0 && controllers > states {
            let drifting = controllers - states;
            return Err(LearningError::Drifts { layer: k + 2, controllers, states, drifting });
        }
    }
    Ok(())
}

pub(super) fn check_parameters(parameters: &LoopParameters) -> Result<(), LearningError> {
    parameters.check().map_err(|source| LearningError::Dynamics { layer: 0, source })
}

impl Rule for Di {
    fn name(&self) -> &'static str {
        "di"
    }

    fn carry(&mut self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        let kind = self.options.transfer;
        // `tangent` and `deviation` already end in units of `a`.
        let on_pre_activations = matches!(kind, TransferKind::Tangent | TransferKind::Deviation);
        let slope_power = if on_pre_activations { 0 } else { pass.slope_power };
        let pass = &Pass { slope_power, ..*pass };
        layerwise(pass, errors, |k, above, below, converged| match kind {
            TransferKind::Linear if self.ending.is_some() => {
                let w = &pass.network.layers()[k].weights;
                self.loops[k - 1]
                    .invert(w, above, below)
                    .map_err(|source| LearningError::Singular { layer: k + 1, source })?;
                drop_overflown(below, converged);
                Ok(())
            }
            TransferKind::Tangent | TransferKind::InverseSlope if self.ending.is_some() => {
                self.invert_scaled(pass, k, above, below, converged);
                Ok(())
            }
            _ => self
                .integrate(pass, k, above, below, converged)
                .map_err(|source| LearningError::Dynamics { layer: k + 1, source }),
        })
    }

    fn updating(&mut self, weights: &DMatrix<f64>, update: &LayerUpdate<'_>) {
        self.loops[update.layer - 1].updating(weights, update);
    }

    fn refresh(&mut self) {
        self.loops.iter_mut().for_each(LinearLoop::refresh);
    }

    fn feedback(&self, network: &Network) -> Vec<DMatrix<f64>> {
        let upper = network.layers()[1..].iter();
        upper.zip(&self.loops).map(|(l, one)| one.feedback_matrix(&l.weights)).collect()
    }

    fn set_feedback(&mut self, matrices: Vec<DMatrix<f64>>) {
        for ((one, kept), matrix) in self.loops.iter_mut().zip(&mut self.feedback).zip(matrices) {
            if let LoopFeedback::Fixed(fixed) = kept {
                *fixed = matrix.clone();
            }
            one.set_feedback(matrix);
        }
    }

    fn is_known_stable(&self) -> bool {
        self.options.transfer == TransferKind::Linear
            && self.loops.iter().all(LinearLoop::is_known_stable)
    }

    fn run(&self) -> Option<&Run> {
        Some(&self.options.run)
    }

    fn loops(&self) -> Option<Loops> {
        Some(Loops { parameters: self.options.parameters, single: false, runs: true })
    }
}
