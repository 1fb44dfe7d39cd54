//! A training under way: data, learners, rows and where it is.

use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;

use super::TrainError;
use super::checkpoint::{Checkpoint, Event, Meta, RuleMeta, RuleTensors};
use super::digests;
use super::metrics::{self, Column, Scene};
use super::plan::{self, Course};
use super::report::{RuleReport, TrainReport};
use super::rules::Builder;
use super::sleep;
use super::watch::{Seen, Watch};
use crate::error::Error;
use crate::experiment::Context;
use crate::learning::{Batch, Learner, LearnerState, Progress, RuleEntry, Run, Stopped};
use crate::model::spec::Training;
use crate::model::{Model, Problem, TrainingData};
use crate::network::Network;
use crate::results::{RowLayout, RowVariable, Status};

pub(super) struct Session<'a> {
    model: &'a Model,
    training: &'a Training,
    pub(super) data: Arc<TrainingData>,
    pub(super) learners: Vec<Learner>,
    names: Vec<String>,
    course: Course,
    columns: Vec<Column>,
    probes: Batch,
    rows: Vec<(usize, Vec<f64>)>,
    step: usize,
    largest: Vec<Vec<f64>>,
    initial_squares: Vec<f64>,
    /// The data files with their digests.
    data_files: Vec<(String, String)>,
    pub(super) events: Vec<Event>,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        model: &'a Model,
        training: &'a Training,
        context: &Context<'_>,
    ) -> Result<Self, Error> {
        let network = model.network("dinv train")?;
        context.progress.message("reading the data");
        let data = model.training_data()?;
        let course = Course::new(training, data.train.len(), model.specification().seed);
        let labelled = data.train.label(0).is_some();
        let columns = metrics::columns(model, training, &network, labelled)?;
        let mut learners = Vec::new();
        for (k, spec) in training.rules.iter().enumerate() {
            let rule = Builder { optimises: true, ..rule(model, training, k, &network) }.build()?;
            let entry = RuleEntry::named(spec.kind()).expect("rules that were built are listed");
            let options = plan::options(training, entry, course.total);
            let mut learner = Learner::new(spec.name(), network.clone(), rule, options);
            if let Some(options) = sleep::initial(spec) {
                let moment = (model.specification().seed, 0);
                sleep::learn(&mut learner, spec, options, &data.train, moment)
                    .map_err(|source| TrainError::Sleep { rule: spec.name().to_owned(), source })?;
            }
            learners.push(learner);
        }
        let initial = |set| metrics::evaluate(&network, set, usize::MAX).squares;
        let initial_squares =
            vec![initial(&data.train), data.test.as_ref().map_or(f64::NAN, initial)];
        Ok(Self {
            model,
            training,
            probes: metrics::probes(&data.train),
            data,
            names: training.rules.iter().map(|r| r.name().to_owned()).collect(),
            largest: vec![vec![0.0; learners.len()]; columns.len()],
            learners,
            course,
            columns,
            rows: Vec::new(),
            step: 0,
            initial_squares,
            data_files: digests::of_data(model, &training.data)?,
            events: Vec::new(),
        })
    }

    pub(super) fn layout(&self) -> RowLayout {
        let axis = RowVariable::new("step", Vec::new(), "number of updates");
        let variables = self.columns.iter().map(|c| c.variable.clone()).collect();
        let expected =
            self.course.total / self.columns.iter().map(|c| c.next(0)).min().unwrap_or(1);
        RowLayout::table("training", axis, variables).expecting(expected + 2)
    }

    pub(super) fn rows(&self) -> &[(usize, Vec<f64>)] {
        &self.rows
    }

    pub(super) fn step(&self) -> usize {
        self.step
    }

    pub(super) fn total(&self) -> usize {
        self.course.total
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn is_over(&self) -> bool {
        self.step >= self.course.total
    }

    pub(super) fn all_stopped(&self) -> bool {
        self.learners.iter().all(|l| l.progress().stopped.is_some())
    }

    pub(super) fn row_is_due(&self) -> bool {
        self.columns.iter().any(|c| c.is_due(self.step, self.course.total))
    }

    /// Mean loss of the last batch, of the first rule that still learns.
    pub(super) fn loss(&self) -> f64 {
        let losses = self.learners.iter().map(Learner::losses).find(|l| !l.is_empty());
        losses.map_or(f64::NAN, |l| l.iter().sum::<f64>() / (l.len() * self.course.size) as f64)
    }

    /// Learns from the next batch, every rule on its own.
    pub(super) fn advance(&mut self, context: &Context<'_>) {
        let due = self.columns.iter().map(|c| c.next(self.step)).min().unwrap_or(usize::MAX);
        let due = match &self.training.sleep {
            Some(sleep) => due.min((self.step / sleep.every + 1) * sleep.every),
            None => due,
        };
        let end = self.course.batch_end(self.step, due);
        let examples = self.course.examples(self.step, end);
        let batch = Batch::new(&self.data.train, &examples, self.course.size);
        let before: Vec<bool> = self.stopped();
        let due = self.columns.iter().any(|c| c.is_due(end, self.course.total));
        let (step, training) = (self.step, self.training);
        let watched = self.learners.par_iter_mut().zip(&training.rules).map(|(learner, spec)| {
            let seen = Watch { spec, training }.learn(learner, &batch, step, due);
            // A loop that cannot be judged any more has left the range of numbers.
            seen.unwrap_or_else(|error| {
                learner.stop(&error);
                Seen::default()
            })
        });
        let watched: Vec<Seen> = watched.collect();
        self.step = end;
        self.sleep();
        for (learner, before) in self.learners.iter().zip(before) {
            if let (Some(stopped), false) = (&learner.progress().stopped, before) {
                context.warn(stopped.to_string());
            }
        }
        self.note(watched, context);
    }

    /// The sleep phase, where one is due.
    fn sleep(&mut self) {
        let Some(sleep) = &self.training.sleep else { return };
        if !self.step.is_multiple_of(sleep.every) || self.is_over() {
            return;
        }
        let moment = (self.model.specification().seed, self.step);
        for (learner, rule) in self.learners.iter_mut().zip(&self.training.rules) {
            if learner.progress().stopped.is_some() {
                continue;
            }
            if let Err(error) = sleep::learn(learner, rule, &sleep.phase, &self.data.train, moment)
            {
                learner.stop(&error);
            }
        }
    }

    /// Looks at the loops before the first update: an equilibrium that a loop would leave is no
    /// inversion.
    pub(super) fn look_at_start(&mut self, context: &Context<'_>) -> Result<(), Error> {
        let (training, mut watched) = (self.training, Vec::new());
        for (k, (learner, spec)) in self.learners.iter_mut().zip(&training.rules).enumerate() {
            let mut seen = Seen::default();
            let looked = Watch { spec, training }.look(learner, 0, &mut seen);
            looked.map_err(|source| TrainError::Measure {
                rule: learner.name().to_owned(),
                source,
            })?;
            watched.push(seen);
            if learner.progress().unstable && learner.rule().run() == Some(&Run::Equilibrium) {
                let message = "the loop is unstable, so it never stays at its equilibrium";
                let remedy =
                    "use negative or `optimized` feedback, a larger leak, or a run in time";
                let (message, remedy) = (message.to_owned(), remedy.to_owned());
                let key = format!("training.rules[{k}].{}.until", spec.kind());
                return Err(self.model.error(&key, Problem::Refused { message, remedy }).into());
            }
        }
        self.note(watched, context);
        Ok(())
    }

    /// Keeps what was seen, in the order of the updates.
    fn note(&mut self, watched: Vec<Seen>, context: &Context<'_>) {
        let first = self.events.len();
        for Seen { events, warnings } in watched {
            self.events.extend(events);
            warnings.into_iter().for_each(|warning| context.warn(warning));
        }
        self.events[first..].sort_by_key(|event| event.step);
    }

    fn stopped(&self) -> Vec<bool> {
        self.learners.iter().map(|l| l.progress().stopped.is_some()).collect()
    }

    /// Measures what is due and keeps the row.
    pub(super) fn measure(&mut self) -> Result<Vec<f64>, Error> {
        let scene = Scene {
            train: &self.data.train,
            test: self.data.test.as_ref(),
            learners: &self.learners,
            names: &self.names,
            probes: &self.probes,
            biases: self.training.learn_biases,
        };
        let (model, training) = (self.model, self.training);
        let rebuild = |k: usize, network: &Network| rule(model, training, k, network).build();
        let mut row = Vec::new();
        for (column, largest) in self.columns.iter().zip(&mut self.largest) {
            if column.is_due(self.step, self.course.total) {
                row.extend(scene.measure(column, largest, &rebuild)?);
            } else {
                row.resize(row.len() + column.variable.width(), f64::NAN);
            }
        }
        self.rows.push((self.step, row.clone()));
        Ok(row)
    }

    pub(super) fn checkpoint(&self) -> Checkpoint {
        let states: Vec<LearnerState> = self.learners.iter().map(Learner::state).collect();
        let meta = |(state, name): (&LearnerState, &String)| RuleMeta {
            name: name.clone(),
            step: state.progress.step,
            examples: state.progress.examples,
            unconverged: state.progress.unconverged,
            unstable: state.progress.unstable,
            seconds: state.progress.elapsed.as_secs_f64(),
            stopped: state.progress.stopped.as_ref().map(|s| s.reason.clone()),
        };
        let tensors = |state: &LearnerState| RuleTensors {
            weights: state.network.layers().iter().map(|l| l.weights.clone()).collect(),
            biases: state.network.layers().iter().map(|l| l.biases.clone()).collect(),
            feedback: state.feedback.clone(),
        };
        Checkpoint {
            meta: Meta {
                model: self.model.resolved_text(),
                data_files: self.data_files.clone(),
                step: self.step,
                rules: states.iter().zip(&self.names).map(meta).collect(),
                largest: map_all(&self.largest, f64::to_bits),
                events: self.events.clone(),
            },
            rules: states.iter().map(tensors).collect(),
            rows: self.rows.clone(),
        }
    }

    /// Keys and digests of the data files.
    pub(super) fn data_files(&self) -> &[(String, String)] {
        &self.data_files
    }

    /// Goes on from a checkpoint of the same model.
    pub(super) fn restore(&mut self, found: Checkpoint) -> Result<(), String> {
        let Checkpoint { meta, rules, rows } = found;
        let counts = (meta.rules.len(), rules.len(), meta.largest.len());
        if counts != (self.learners.len(), self.learners.len(), self.columns.len()) {
            return Err("it holds another number of rules or metrics".to_owned());
        }
        for ((learner, meta), tensors) in self.learners.iter_mut().zip(meta.rules).zip(rules) {
            learner.restore(LearnerState {
                network: network_with(learner.network(), &tensors)?,
                feedback: feedback_like(learner, tensors.feedback)?,
                progress: Progress {
                    step: meta.step,
                    examples: meta.examples,
                    unconverged: meta.unconverged,
                    unstable: meta.unstable,
                    elapsed: Duration::try_from_secs_f64(meta.seconds).unwrap_or_default(),
                    stopped: meta.stopped.map(|reason| Stopped {
                        rule: meta.name,
                        step: meta.step,
                        reason,
                    }),
                },
            });
        }
        self.step = meta.step;
        self.largest = map_all(&meta.largest, f64::from_bits);
        self.events = meta.events;
        self.rows = rows;
        Ok(())
    }

    pub(super) fn report(&self, status: Status, context: &Context<'_>) -> TrainReport {
        let rules = self.learners.par_iter().map(|learner| {
            let on = |set| metrics::evaluate(learner.network(), set, usize::MAX);
            let train = on(&self.data.train);
            let test = self.data.test.as_ref().map(on);
            let labelled = self.data.train.label(0).is_some();
            RuleReport::new(learner, labelled, (train, test), &self.initial_squares)
        });
        TrainReport::new(status, self.step, rules.collect(), self.events.len(), context.warnings())
    }
}

/// What builds rule `k` for a network, feedback not yet optimised.
fn rule<'a>(
    model: &'a Model,
    training: &'a Training,
    k: usize,
    network: &'a Network,
) -> Builder<'a> {
    let key = format!("training.rules[{k}]");
    let (spec, biases) = (&training.rules[k], training.learn_biases);
    Builder { model, key, spec, network, optimises: false, biases }
}

/// The network with the weights of a checkpoint.
fn network_with(like: &Network, tensors: &RuleTensors) -> Result<Network, String> {
    let activations: Vec<_> = like.layers().iter().map(|l| l.activation).collect();
    let (weights, biases) = (tensors.weights.clone(), tensors.biases.clone());
    let unchecked = weights.iter().any(|w| w.iter().any(|x| !x.is_finite()));
    if unchecked {
        // A rule that diverged keeps its last weights, which no network accepts.
        return Ok(like.clone());
    }
    Network::from_parameters(&like.sizes(), &activations, like.output(), weights, biases)
        .map_err(|e| e.to_string())
}

fn map_all<T: Copy, U>(rows: &[Vec<T>], f: impl Fn(T) -> U) -> Vec<Vec<U>> {
    rows.iter().map(|row| row.iter().map(|x| f(*x)).collect()).collect()
}

fn feedback_like(
    learner: &Learner,
    found: Vec<nalgebra::DMatrix<f64>>,
) -> Result<Vec<nalgebra::DMatrix<f64>>, String> {
    let own = learner.rule().feedback(learner.network());
    let same =
        own.len() == found.len() && own.iter().zip(&found).all(|(a, b)| a.shape() == b.shape());
    if same { Ok(found) } else { Err("feedback matrices have other shapes".to_owned()) }
}
