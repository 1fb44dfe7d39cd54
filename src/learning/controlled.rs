//! What learning takes from a controlled network: the last state, or means over the run.

use nalgebra::DMatrix;

use crate::dynamics::{DeepFeedbackControl, Dynamics, Signals};
use crate::integrate::{Flow, Observer, Step};
use crate::network::Network;

/// What one update is made of.
pub(super) struct Learned {
    pub(super) deltas: Vec<DMatrix<f64>>,
    pub(super) rates: Vec<DMatrix<f64>>,
}

impl Learned {
    /// `g(v) - g(basal)`.
    pub(super) fn of(
        network: &Network,
        voltages: &[DMatrix<f64>],
        basal: &[DMatrix<f64>],
        rates: Vec<DMatrix<f64>>,
    ) -> Self {
        let delta = |(layer, (v, b)): (&crate::network::Layer, (&DMatrix<f64>, &DMatrix<f64>))| {
            let (mut delta, mut without) = (v.clone(), b.clone());
            layer.activation.apply(v.as_slice(), delta.as_mut_slice());
            layer.activation.apply(b.as_slice(), without.as_mut_slice());
            delta - without
        };
        let deltas = network.layers().iter().zip(voltages.iter().zip(basal)).map(delta).collect();
        Self { deltas, rates }
    }

    pub(super) fn is_finite(&self) -> bool {
        self.deltas.iter().chain(&self.rates).all(|m| m.iter().all(|x| x.is_finite()))
    }

    fn add(&mut self, other: &Self, weight: f64) {
        let own = self.deltas.iter_mut().chain(&mut self.rates);
        own.zip(other.deltas.iter().chain(&other.rates)).for_each(|(a, b)| *a += b * weight);
    }
}

/// Time integrals of what is learned, by Simpson's rule in every step, or by the trapezium rule where
/// the steps themselves are of order 1.
pub(super) struct Mean<'a> {
    control: &'a DeepFeedbackControl,
    network: &'a Network,
    signals: Signals,
    sum: Option<Learned>,
    time: f64,
    is_first_order: bool,
    /// Size of the step before, whose end has not been counted.
    carried: f64,
    probe: Vec<f64>,
}

impl<'a> Mean<'a> {
    pub(super) fn new(
        control: &'a DeepFeedbackControl,
        network: &'a Network,
        is_first_order: bool,
    ) -> Self {
        Self {
            control,
            network,
            signals: Signals::new(control),
            sum: None,
            time: 0.0,
            is_first_order,
            carried: 0.0,
            probe: control.initial_state(),
        }
    }

    /// Weight of each end of a step.
    fn end_share(&self) -> f64 {
        if self.is_first_order { 0.5 } else { 1.0 / 6.0 }
    }

    fn note(&mut self, weight: f64) {
        self.control.signals(&self.probe, &mut self.signals);
        let Signals { voltages, basal, rates, .. } = &self.signals;
        let learned = Learned::of(self.network, voltages, basal, rates.clone());
        match &mut self.sum {
            Some(sum) => sum.add(&learned, weight),
            None => {
                let mut sum = Learned { deltas: learned.deltas, rates: learned.rates };
                let scaled = sum.deltas.iter_mut().chain(&mut sum.rates);
                scaled.for_each(|m| *m *= weight);
                self.sum = Some(sum);
            }
        }
        self.time += weight;
    }

    /// The means, if the run got anywhere and stayed finite.
    pub(super) fn finish(mut self, end: Vec<f64>) -> Option<Learned> {
        self.probe = end;
        self.note(self.carried * self.end_share());
        let mut sum = self.sum?;
        let time = self.time;
        sum.deltas.iter_mut().chain(&mut sum.rates).for_each(|m| *m /= time);
        sum.is_finite().then_some(sum)
    }
}

impl Observer for Mean<'_> {
    fn on_step(&mut self, step: &mut Step<'_, '_>) -> Flow {
        let (t0, t1, h) = (step.t0(), step.t1(), step.h());
        // The end of a step is the start of the next: its weights are added up.
        step.interpolate(t0, &mut self.probe);
        let share = self.end_share();
        self.note((self.carried + h) * share);
        if !self.is_first_order {
            step.interpolate(0.5 * (t0 + t1), &mut self.probe);
            self.note(4.0 * h / 6.0);
        }
        self.carried = h;
        Flow::Continue(())
    }
}
