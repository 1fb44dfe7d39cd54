//! One network that learns by one rule.

mod update;

use std::ops::Range;
use std::time::Instant;

use nalgebra::DMatrix;

use super::LearningError;
use super::batch::{Batch, Progress, Stopped};
use super::delayed::FirstLayer;
use super::options::{Options, Unconverged};
use super::rule::{Errors, Pass, Proposed, Rule, input_of};
use crate::network::{Forward, Network};

/// From this many weights on, the first layer of single-example updates is delayed: below it, the
/// weights stay in the first-level cache and the plain loop is faster.
const DELAYED_WEIGHTS: usize = 30_000;
/// Largest decay over a block for which the delayed first layer is used; the powers of
/// `1 - decay` that it divides by must not lose accuracy.
const DELAYED_DECAY: f64 = 0.1;

/// Everything a learner must remember between two sessions, besides its rule's options.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnerState {
    /// The network.
    pub network: Network,
    /// The feedback matrices.
    pub feedback: Vec<DMatrix<f64>>,
    /// How far it is.
    pub progress: Progress,
}

/// A network, its rule and its progress.
pub struct Learner {
    name: String,
    network: Network,
    rule: Box<dyn Rule>,
    options: Options,
    progress: Progress,
    losses: Vec<f64>,
    update_norms: Vec<f64>,
    work: Work,
}

/// Buffers of one update.
struct Work {
    forward: Forward,
    slopes: Vec<DMatrix<f64>>,
    errors: Errors,
    scaled: Vec<f64>,
}

impl Work {
    fn new(network: &Network, columns: usize) -> Self {
        let errors = Errors::new(network, columns);
        let hidden = network.layers().len() - 1;
        Self {
            forward: Forward::new(network, columns),
            slopes: errors.delta[..hidden].to_vec(),
            errors,
            scaled: Vec::new(),
        }
    }
}

impl Learner {
    /// A learner called `name` in messages, at its first update.
    #[must_use]
    pub fn new(name: &str, network: Network, rule: Box<dyn Rule>, options: Options) -> Self {
        let (mut network, mut rule) = (network, rule);
        rule.constrain(&mut network);
        let work = Work::new(&network, 1);
        Self {
            name: name.to_owned(),
            update_norms: vec![0.0; network.layers().len()],
            network,
            rule,
            options,
            progress: Progress::default(),
            losses: Vec::new(),
            work,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The rule.
    #[must_use]
    pub fn rule(&self) -> &dyn Rule {
        self.rule.as_ref()
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Loss of every update of the last batch, summed over its examples, before the update.
    #[must_use]
    pub fn losses(&self) -> &[f64] {
        &self.losses
    }

    /// The error of the hidden layers that another rule would carry down for the examples of
    /// `batch` on this network as it is, slopes and limits included.
    ///
    /// # Errors
    /// What makes `rule` stop.
    pub fn errors_by(&self, rule: &mut dyn Rule, batch: &Batch) -> Result<Errors, LearningError> {
        self.proposed_by(rule, batch).map(|proposed| proposed.errors)
    }

    /// As [`errors_by`](Self::errors_by), with what the layers would learn from beside the errors.
    ///
    /// # Errors
    /// What makes `rule` stop.
    pub fn proposed_by(
        &self,
        rule: &mut dyn Rule,
        batch: &Batch,
    ) -> Result<Proposed, LearningError> {
        let mut work = Work::new(&self.network, batch.examples());
        work.forward.inputs.copy_from(&batch.inputs);
        self.network.propagate(&mut work.forward);
        let Work { forward, slopes, errors, .. } = &mut work;
        let output = errors.delta.last_mut().expect("a network has layers");
        *output = &batch.targets - forward.output();
        for (l, slope) in slopes.iter_mut().enumerate() {
            self.network.slopes(forward, l, slope.as_mut_slice());
        }
        let Options { slope_power, clip, .. } = self.options;
        let pass = Pass { network: &self.network, forward, slopes, slope_power, clip };
        rule.refresh();
        rule.carry(&pass, errors)?;
        let (rule, forward) = (&*rule, &*forward);
        let layers = 0..self.network.layers().len();
        let inputs = layers.map(|l| input_of(rule, forward, l).clone()).collect();
        Ok(Proposed { errors: work.errors, inputs })
    }

    /// Frobenius norm of every layer's last update of the weights, decay not counted.
    #[must_use]
    pub fn update_norms(&self) -> &[f64] {
        &self.update_norms
    }

    /// What must be remembered to go on later.
    #[must_use]
    pub fn state(&self) -> LearnerState {
        LearnerState {
            network: self.network.clone(),
            feedback: self.rule.feedback(&self.network),
            progress: self.progress.clone(),
        }
    }

    /// Goes on from a remembered state of the same network and rule.
    pub fn restore(&mut self, state: LearnerState) {
        self.network = state.network;
        self.rule.refresh();
        self.rule.set_feedback(state.feedback);
        self.progress = state.progress;
    }

    /// Says whether a loop of the rule is unstable: then no example counts as inverted.
    pub fn set_unstable(&mut self, unstable: bool) {
        self.progress.unstable = unstable;
    }

    /// Ends learning after the updates made so far.
    pub fn stop(&mut self, reason: &dyn std::fmt::Display) {
        let (rule, step) = (self.name.clone(), self.progress.step);
        self.progress.stopped = Some(Stopped { rule, step, reason: reason.to_string() });
    }

    /// Replaces the feedback matrices.
    pub fn set_feedback(&mut self, matrices: Vec<DMatrix<f64>>) {
        self.rule.set_feedback(matrices);
        self.rule.refresh();
    }

    /// Learns from the updates of a batch, unless it has stopped.
    ///
    /// With one example per update and a large first layer, that layer's weights are read and
    /// written once per batch: its inputs are known in advance, so the pre-activations follow from
    /// their Gram matrix. The result is that of the plain loop up to rounding. Batches of about 256
    /// examples are best.
    ///
    /// What comes out depends on where batches begin, in the last bits: rounding errors of carried
    /// matrices are forgotten there.
    ///
    /// # Panics
    /// When the batch does not fit the network.
    pub fn learn(&mut self, batch: &Batch) {
        let first = &self.network.layers()[0].weights;
        let decay = self.options.decay * batch.examples() as f64;
        let possible = batch.size == 1 && decay <= DELAYED_DECAY;
        let worth = first.len() >= DELAYED_WEIGHTS && batch.examples() > 4;
        if possible && self.options.delayed.unwrap_or(worth) {
            self.learning(batch, 0, |learner| learner.learn_delayed(batch));
        } else {
            self.learn_part(batch, 0..batch.updates());
        }
    }

    /// As [`learn`](Self::learn), from some of the batch's updates, one after the other. Losses are
    /// those of the batch so far.
    ///
    /// # Panics
    /// When the batch does not fit the network.
    pub fn learn_part(&mut self, batch: &Batch, updates: Range<usize>) {
        self.learning(batch, updates.start, |learner| learner.learn_plainly(batch, updates));
    }

    /// Learns by `method` from the update of a batch numbered `first` on, unless it has stopped.
    fn learning(
        &mut self,
        batch: &Batch,
        first: usize,
        method: impl FnOnce(&mut Self) -> Result<(), LearningError>,
    ) {
        let shape = (batch.inputs.nrows(), batch.targets.nrows());
        let fits = (self.network.input_size(), self.network.output_size());
        assert_eq!(shape, fits, "inputs and outputs of the batch and of the network");
        if first == 0 {
            self.losses.clear();
        }
        if self.progress.stopped.is_some() {
            return;
        }
        let began = Instant::now();
        if first == 0 {
            self.rule.refresh();
        }
        let learned = method(self);
        if let Err(error) = learned.and_then(|()| self.check_weights()) {
            self.stop(&error);
        }
        self.progress.elapsed += began.elapsed();
    }

    fn learn_plainly(&mut self, batch: &Batch, updates: Range<usize>) -> Result<(), LearningError> {
        for first in updates.map(|k| k * batch.size) {
            let count = batch.size.min(batch.examples() - first);
            self.fit(count);
            let inputs = batch.inputs.columns(first, count);
            self.work.forward.inputs.copy_from(&inputs);
            self.network.propagate(&mut self.work.forward);
            self.carry(batch, first)?;
            self.update(0);
            self.count(count);
        }
        Ok(())
    }

    fn learn_delayed(&mut self, batch: &Batch) -> Result<(), LearningError> {
        self.fit(1);
        let keep = 1.0 - self.options.decay;
        let weights = &self.network.layers()[0].weights;
        let mut first = FirstLayer::new(weights, &batch.inputs, batch.gram(), keep);
        let mut result = Ok(());
        for k in 0..batch.examples() {
            // Rules that weigh layers by the norms of their inputs look at them.
            self.work.forward.inputs.copy_from(&batch.inputs.columns(k, 1));
            let a = self.work.forward.pre_activations[0].as_mut_slice();
            first.respond(a);
            let biases = self.network.layers()[0].biases.iter();
            a.iter_mut().zip(biases).for_each(|(a, b)| *a += b);
            self.network.propagate_above_first(&mut self.work.forward);
            result = self.carry(batch, k);
            if result.is_err() {
                break;
            }
            self.update(1);
            let norm = batch.gram()[(k, k)].sqrt();
            self.scale_delta(0, norm);
            self.learn_biases(0);
            first.update(&self.work.scaled);
            self.count(1);
        }
        first.finish(&mut self.network.layers_mut()[0].weights);
        result
    }

    fn fit(&mut self, columns: usize) {
        if self.work.forward.columns() != columns {
            self.work = Work::new(&self.network, columns);
        }
    }

    fn count(&mut self, examples: usize) {
        self.progress.step += 1;
        self.progress.examples += examples as u64;
    }

    /// Errors of all layers after a forward pass.
    fn carry(&mut self, batch: &Batch, first: usize) -> Result<(), LearningError> {
        let Work { forward, slopes, errors, .. } = &mut self.work;
        let (n, count) = (batch.targets.nrows(), forward.columns());
        let targets = &batch.targets.as_slice()[first * n..(first + count) * n];
        let last = errors.delta.len() - 1;
        let fits = "the batch fits the network";
        self.losses.push(self.network.loss(forward, targets).expect(fits));
        let output = errors.delta[last].as_mut_slice();
        self.network.output_error(forward, targets, output).expect(fits);
        if !all_finite(output) {
            return Err(LearningError::NonFinite { what: "the error", layer: last + 1 });
        }
        for (l, slope) in slopes.iter_mut().enumerate() {
            self.network.slopes(forward, l, slope.as_mut_slice());
        }
        errors.converged.fill(true);
        let Options { slope_power, clip, .. } = self.options;
        let pass = Pass { network: &self.network, forward, slopes, slope_power, clip };
        self.rule.carry(&pass, errors)?;
        if let Some(l) = errors.delta.iter().position(|d| !all_finite(d.as_slice())) {
            return Err(LearningError::NonFinite { what: "the error", layer: l + 1 });
        }
        if self.progress.unstable {
            self.work.errors.converged.fill(false);
        }
        self.exclude();
        Ok(())
    }

    /// Counts examples whose inversion failed and drops what they would teach.
    fn exclude(&mut self) {
        let errors = &mut self.work.errors;
        for (c, _) in errors.converged.iter().enumerate().filter(|(_, converged)| !**converged) {
            self.progress.unconverged += 1;
            if self.options.unconverged == Unconverged::Exclude {
                errors.delta.iter_mut().for_each(|delta| delta.column_mut(c).fill(0.0));
            }
        }
    }

    fn check_weights(&self) -> Result<(), LearningError> {
        let layers = self.network.layers().iter();
        let finite = |l: &crate::network::Layer| {
            all_finite(l.weights.as_slice()) && all_finite(l.biases.as_slice())
        };
        match layers.map(finite).position(|finite| !finite) {
            Some(l) => Err(LearningError::NonFinite { what: "a weight", layer: l + 1 }),
            None => Ok(()),
        }
    }
}

/// Whether no entry is NaN or infinite; a sum of zeros times the entries shows it without branches.
fn all_finite(values: &[f64]) -> bool {
    values.iter().map(|x| x * 0.0).sum::<f64>() == 0.0
}
