//! `dfc`, `dfc-ss`, `strong-dfc`: deep feedback control.

use nalgebra::DMatrix;

use super::DfcSsa;
use crate::dynamics::{ControlParameters, ControlledState, DeepFeedbackControl, Dynamics, Signals};
use crate::integrate::{self, Method, Observer, Options};
use crate::learning::LearningError;
use crate::learning::control_feedback::{
    DfcFeedback, check_feedback, control, fixed_matrices, matrices_at, nudged, refused, replace,
};
use crate::learning::controlled::{Learned, Mean};
use crate::learning::newton;
use crate::learning::rule::{Errors, Pass, Rule, finish};
use crate::network::Network;

/// What the updates are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DfcUpdate {
    /// `dfc`: the means over the run.
    Mean,
    /// `dfc-ss`: the last state.
    Last,
    /// `strong-dfc`: the last state, after filters.
    Strong,
}

/// How long the network is controlled.
#[derive(Debug, Clone, PartialEq)]
pub enum DfcRun {
    /// To its equilibrium.
    Rest,
    /// For so long, by stepping.
    Time {
        /// s.
        time: f64,
        /// The method.
        method: &'static Method,
        /// Its step or tolerances.
        options: Options,
    },
}

/// Deep feedback control: the whole network is controlled towards
/// `y + nudge (target - y)` (see [`DeepFeedbackControl`]), and every layer learns from what control
/// added to its activity,
///
/// ```text
/// delta_l = g_l(v_l) - g_l(W_l r_{l-1} + b_l),    dW_l ~ delta_l r_{l-1}^T
/// ```
///
/// the output layer too (before softmax). `r_{l-1}` are the controlled rates. `dfc` takes the means
/// of `delta_l` and of `r_{l-1}` over the run; `dfc-ss` and `strong-dfc` take the last state, the
/// latter through the filters of its voltages.
///
/// Equilibria are found by a quasi-Newton iteration for all examples of an update at once, by damped
/// Newton steps where that fails; examples without equilibrium or whose run failed are marked.
///
/// # Source
/// Meulemans et al. 2021 (arXiv:2106.07887), equations 4 and 5; Meulemans et al. 2022
/// (arXiv:2204.07249). Deviation: `dfc` uses the product of the means, which differs from the mean of
/// the products at second order in the output error.
#[derive(Debug, Clone)]
pub struct Dfc {
    update: DfcUpdate,
    feedback: DfcFeedback,
    parameters: ControlParameters,
    nudge: f64,
    run: DfcRun,
    /// `r_l` that learning uses, one matrix per layer.
    rates: Vec<DMatrix<f64>>,
}

impl Dfc {
    /// The rule.
    ///
    /// # Errors
    /// [`LearningError`] when matrices do not fit, or when means are asked of a run without end.
    pub fn new(
        network: &Network,
        update: DfcUpdate,
        feedback: DfcFeedback,
        parameters: ControlParameters,
        nudge: f64,
        run: DfcRun,
    ) -> Result<Self, LearningError> {
        let rule = Self { update, feedback, parameters, nudge, run, rates: Vec::new() };
        if update == DfcUpdate::Mean && rule.run == DfcRun::Rest {
            return Err(LearningError::Incompatible {
                what: "the mean over time".to_owned(),
                with: "until = \"equilibrium\"".to_owned(),
                remedy: "give until = { time = ... }, or use dfc-ss",
            });
        }
        check_feedback(rule.name(), network, &rule.feedback)?;
        // The dynamics checks the parameters; one example is enough for that.
        let mut forward = crate::network::Forward::new(network, 1);
        network.propagate(&mut forward);
        let target = forward.output().clone();
        control(network, &forward, target, &rule.feedback, parameters).map_err(refused)?;
        Ok(rule)
    }

    /// The controlled network, drawn towards the output error.
    fn control(
        &self,
        pass: &Pass<'_>,
        error: &DMatrix<f64>,
    ) -> Result<DeepFeedbackControl, LearningError> {
        let target = nudged(pass, error, self.nudge);
        control(pass.network, pass.forward, target, &self.feedback, self.parameters)
            .map_err(refused)
    }

    /// The means over the run; `None` when it failed.
    fn means(&self, control: &DeepFeedbackControl, pass: &Pass<'_>) -> Option<Learned> {
        let first_order = matches!(&self.run, DfcRun::Time { method, .. } if method.order == 1);
        let mut mean = Mean::new(control, pass.network, first_order);
        let outcome = self.integrate(control, &mut mean)?;
        mean.finish(outcome)
    }

    /// What the state at the end of the run teaches.
    fn last(&self, control: &DeepFeedbackControl, pass: &Pass<'_>) -> Option<Learned> {
        let y = self.integrate(control, &mut ())?;
        let mut signals = Signals::new(control);
        control.signals(&y, &mut signals);
        let learned = Learned::of(pass.network, &signals.voltages, &signals.basal, signals.rates);
        learned.is_finite().then_some(learned)
    }

    fn integrate(
        &self,
        control: &DeepFeedbackControl,
        observer: &mut dyn Observer,
    ) -> Option<Vec<f64>> {
        let DfcRun::Time { time, method, options } = &self.run else { return None };
        let start = control.initial_state();
        let run = integrate::Run::new(control, method, (0.0, *time), &start);
        run.options(options.clone()).integrate(observer).ok().map(|outcome| outcome.y)
    }

    fn at_rest(
        &self,
        control: &DeepFeedbackControl,
        pass: &Pass<'_>,
        converged: &mut [bool],
    ) -> Learned {
        let ControlledState { mut voltages, mut rates, currents, converged: found, .. } =
            control.steady_state();
        let mut basal = voltages.clone();
        basal.iter_mut().zip(&currents).for_each(|(b, c)| *b -= c);
        for (c, _) in found.iter().enumerate().filter(|(_, found)| !**found) {
            converged[c] = false;
            let Some(reduced) = control.reduced(c) else { continue };
            let Some(y) = newton::equilibrium(reduced.as_ref()) else { continue };
            let mut state = control.initial_state();
            control.layout().set_column_state(c, &y, &mut state);
            let mut signals = Signals::new(control);
            control.signals(&state, &mut signals);
            let parts = [(&mut voltages, &signals.voltages), (&mut basal, &signals.basal)];
            for (all, one) in parts.into_iter().chain([(&mut rates, &signals.rates)]) {
                for (all, one) in all.iter_mut().zip(one) {
                    all.column_mut(c).copy_from(&one.column(c));
                }
            }
            converged[c] = true;
        }
        Learned::of(pass.network, &voltages, &basal, rates)
    }
}

impl Rule for Dfc {
    fn name(&self) -> &'static str {
        match self.update {
            DfcUpdate::Mean => "dfc",
            DfcUpdate::Last => "dfc-ss",
            DfcUpdate::Strong => "strong-dfc",
        }
    }

    fn carry(&mut self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        let last = errors.delta.len() - 1;
        let control = self.control(pass, &errors.delta[last])?;
        let learned = match (&self.run, self.update) {
            (DfcRun::Rest, _) => Some(self.at_rest(&control, pass, &mut errors.converged)),
            (DfcRun::Time { .. }, DfcUpdate::Mean) => self.means(&control, pass),
            (DfcRun::Time { .. }, _) => self.last(&control, pass),
        };
        let Some(Learned { deltas, rates }) = learned else {
            // All examples run together; one that leaves the range of numbers stops them all.
            errors.converged.fill(false);
            errors.delta.iter_mut().for_each(|delta| delta.fill(0.0));
            self.rates.clear();
            return Ok(());
        };
        (errors.delta, self.rates) = (deltas, rates);
        for (c, _) in errors.converged.iter().enumerate().filter(|(_, converged)| !**converged) {
            errors.delta.iter_mut().for_each(|delta| delta.column_mut(c).fill(0.0));
            self.rates.iter_mut().for_each(|rates| rates.column_mut(c).fill(0.0));
        }
        let unscaled = Pass { slope_power: 0, ..*pass };
        for (k, delta) in errors.delta[..last].iter_mut().enumerate() {
            finish(&unscaled, k, delta);
        }
        Ok(())
    }

    fn presynaptic(&self, layer: usize) -> Option<&DMatrix<f64>> {
        self.rates.get(layer.checked_sub(1)?)
    }

    fn feedback(&self, _network: &Network) -> Vec<DMatrix<f64>> {
        fixed_matrices(&self.feedback)
    }

    fn controller_feedback(&self, pass: &Pass<'_>, column: usize) -> Option<Vec<DMatrix<f64>>> {
        Some(matrices_at(&self.feedback, pass, column))
    }

    fn controlled(
        &self,
        pass: &Pass<'_>,
        error: &DMatrix<f64>,
    ) -> Result<Option<DeepFeedbackControl>, LearningError> {
        self.control(pass, error).map(Some)
    }

    fn linearised(&self) -> Option<Box<dyn Rule>> {
        Some(Box::new(DfcSsa::of(self.feedback.clone(), self.parameters, self.nudge)))
    }

    fn set_feedback(&mut self, matrices: Vec<DMatrix<f64>>) {
        replace(&mut self.feedback, matrices);
    }
}
