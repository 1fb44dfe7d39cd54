//! `[[training.metrics]]`: what a row of the learning curves holds.

use rayon::prelude::*;

use super::directions::Rebuild;
use crate::learning::{
    Batch, Learner, LearningError, abscissas, condition_1, control_abscissa, feedback_angles,
    layer_angles, row_space, update_angle,
};
use crate::model::spec::{Comparison, DataSet, Measure, Metric, Training};
use crate::model::{Model, ModelError, Problem};
use crate::network::datasets::Dataset;
use crate::network::{Forward, Network};
use crate::results::{Dimension, RowVariable};

/// Examples of the training set on which angles between errors are measured.
const PROBES: usize = 16;
/// Examples per forward pass of an evaluation.
const EVALUATED: usize = 256;

/// One variable of a row: a metric and its place.
pub(super) struct Column {
    metric: Metric,
    pub(super) variable: RowVariable,
    every: usize,
}

/// Sums over a set of examples.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) count: usize,
    pub(super) squares: f64,
    pub(super) loss: f64,
    pub(super) wrong: usize,
}

impl Sums {
    pub(super) fn mean_loss(&self) -> f64 {
        self.loss / self.count as f64
    }

    pub(super) fn error(&self) -> f64 {
        self.wrong as f64 / self.count as f64
    }
}

/// The columns of the metrics of a model.
pub(super) fn columns(
    model: &Model,
    training: &Training,
    network: &Network,
    labelled: bool,
) -> Result<Vec<Column>, ModelError> {
    let mut columns: Vec<Column> = Vec::new();
    for (i, metric) in training.metrics.iter().enumerate() {
        let key = format!("training.metrics[{i}].{}", metric.name());
        let mut column = column(training, network, metric);
        refuse(model, &key, metric, labelled)?;
        let base = column.variable.name.clone();
        let mut copies = 1;
        while columns.iter().any(|c| c.variable.name == column.variable.name) {
            copies += 1;
            column.variable.name = format!("{base}_{copies}");
        }
        columns.push(column);
    }
    Ok(columns)
}

fn refuse(model: &Model, key: &str, metric: &Metric, labelled: bool) -> Result<(), ModelError> {
    if labelled || !matches!(metric, Metric::Error(_)) {
        return Ok(());
    }
    let (what, with) = ("the metric \"error\"".to_owned(), "data without labels".to_owned());
    Err(model.error(key, Problem::NotAllowed { what, with, allowed: Vec::new() }))
}

fn column(training: &Training, network: &Network, metric: &Metric) -> Column {
    let rule = || Dimension::new("rule", training.rules.len());
    let layers = network.layers().len();
    let hidden = || vec![rule(), Dimension::new("hidden_layer", layers - 1)];
    let set = |m: &Measure| match m.set {
        DataSet::Train => "train",
        DataSet::Test => "test",
    };
    let identifier = |name: &str| {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        name.chars().map(plain).collect::<String>()
    };
    let between = |c: &Comparison| {
        let from = c.rule.as_ref().map_or(String::new(), |rule| format!("_{}", identifier(rule)));
        format!("{from}_to_{}", identifier(&c.to))
    };
    let (name, dims, units, long, every) = match metric {
        Metric::Nse(m) => {
            let long = "sum of squared errors relative to its largest value so far";
            (format!("nse_{}", set(m)), vec![rule()], "1", long.to_owned(), m.every)
        }
        Metric::Loss(m) => {
            (format!("loss_{}", set(m)), vec![rule()], "1", "mean loss".to_owned(), m.every)
        }
        Metric::Error(m) => {
            let long = "fraction classified wrongly".to_owned();
            (format!("error_{}", set(m)), vec![rule()], "1", long, m.every)
        }
        Metric::Abscissa(m) => {
            let long = "spectral abscissa of the loop that drives the hidden layer, or in the \
                        first place of the network under control";
            ("abscissa".to_owned(), hidden(), "s-1", long.to_owned(), m.every)
        }
        Metric::FeedbackAngle(m) => {
            let long = "angle between the feedback matrix and minus the transposed weights";
            ("feedback_angle".to_owned(), hidden(), "degree", long.to_owned(), m.every)
        }
        Metric::Angle(c) => {
            let name = format!("angle{}", between(c));
            let to = &c.to;
            let long = format!("angle between hidden errors and those of {to}, mean over examples");
            (name, hidden(), "degree", long, c.every)
        }
        Metric::UpdateAngle(c) => {
            let name = format!("update_angle{}", between(c));
            let to = &c.to;
            let long = format!(
                "angle between updates of all layers and those of {to}, mean over examples"
            );
            (name, vec![rule()], "degree", long, c.every)
        }
        Metric::UpdateNorm(m) | Metric::WeightNorm(m) => {
            let name = metric.name().replace('-', "_");
            let dims = vec![rule(), Dimension::new("layer", layers)];
            (name, dims, "1", "Frobenius norm of each layer".to_owned(), m.every)
        }
        Metric::RowSpace(m) => {
            let long = "share of Q in the row space of the Jacobian (condition 2)".to_owned();
            ("row_space".to_owned(), vec![rule()], "1", long, m.every)
        }
        Metric::Condition1(m) => {
            let long = "variation of the squared norms of the layers' inputs (condition 1)";
            ("condition1".to_owned(), vec![rule()], "1", long.to_owned(), m.every)
        }
        Metric::WallTime(m) => {
            let long = "wall-clock time spent learning, evaluation excluded".to_owned();
            ("wall_time".to_owned(), vec![rule()], "s", long, m.every)
        }
    };
    let variable = RowVariable { name, dims, units: units.to_owned(), long_name: long };
    Column { metric: metric.clone(), variable, every }
}

impl Column {
    /// Whether it is measured after update `step` of `total`.
    pub(super) fn is_due(&self, step: usize, total: usize) -> bool {
        step.is_multiple_of(self.every) || step == total
    }

    /// The first update after `step` after which it is measured.
    pub(super) fn next(&self, step: usize) -> usize {
        (step / self.every + 1) * self.every
    }
}

/// What measurements look at.
pub(super) struct Scene<'a> {
    pub(super) train: &'a Dataset,
    pub(super) test: Option<&'a Dataset>,
    pub(super) learners: &'a [Learner],
    /// Names of the rules in the model.
    pub(super) names: &'a [String],
    pub(super) probes: &'a Batch,
    /// Whether biases learn.
    pub(super) biases: bool,
}

/// The examples angles are measured on.
pub(super) fn probes(train: &Dataset) -> Batch {
    let examples: Vec<usize> = (0..PROBES.min(train.len())).collect();
    Batch::new(train, &examples, 1)
}

impl Scene<'_> {
    /// The values of one column; `largest` are the largest squared errors so far.
    pub(super) fn measure(
        &self,
        column: &Column,
        largest: &mut [f64],
        rebuild: Rebuild<'_>,
    ) -> Result<Vec<f64>, crate::error::Error> {
        let width = column.variable.width() / self.learners.len();
        let per_rule = |f: &dyn Fn(&Learner) -> Vec<f64>| -> Vec<f64> {
            self.learners.iter().flat_map(|l| padded(f(l), width)).collect()
        };
        Ok(match &column.metric {
            Metric::Nse(m) => {
                let sums = self.sums(m);
                let relative = |(s, top): (&Sums, &mut f64)| {
                    *top = top.max(s.squares);
                    if *top > 0.0 { s.squares / *top } else { 0.0 }
                };
                sums.iter().zip(largest.iter_mut()).map(relative).collect()
            }
            Metric::Loss(m) => self.sums(m).iter().map(Sums::mean_loss).collect(),
            Metric::Error(m) => self.sums(m).iter().map(Sums::error).collect(),
            Metric::Abscissa(_) => {
                let mut values = Vec::new();
                for learner in self.learners {
                    // Missing where a rule has left the range of numbers, or is about to.
                    values.extend(padded(self.abscissas(learner).unwrap_or_default(), width));
                }
                values
            }
            Metric::FeedbackAngle(_) => per_rule(&|l| feedback_angles(l.rule(), l.network())),
            Metric::UpdateNorm(_) => per_rule(&|l| l.update_norms().to_vec()),
            Metric::WeightNorm(_) => {
                per_rule(&|l| l.network().layers().iter().map(|l| l.weights.norm()).collect())
            }
            Metric::Angle(c) | Metric::UpdateAngle(c) => {
                let mut values = Vec::new();
                for k in 0..self.learners.len() {
                    let found = match self.proposals(k, c, rebuild)? {
                        None => Vec::new(),
                        Some((a, b)) if matches!(column.metric, Metric::Angle(_)) => {
                            layer_angles(&a.errors, &b.errors)
                        }
                        Some((a, b)) => vec![update_angle(&a, &b, self.biases)],
                    };
                    values.extend(padded(found, width));
                }
                values
            }
            Metric::RowSpace(_) => {
                per_rule(&|l| vec![row_space(l, self.probes).unwrap_or(f64::NAN)])
            }
            Metric::Condition1(_) => per_rule(&|l| vec![condition_1(l, self.probes)]),
            Metric::WallTime(_) => per_rule(&|l| vec![l.progress().elapsed.as_secs_f64()]),
        })
    }

    /// Sums over a set for every learner.
    fn sums(&self, measure: &Measure) -> Vec<Sums> {
        let set = match measure.set {
            DataSet::Train => self.train,
            // A test set is there: the model was checked.
            DataSet::Test => self.test.unwrap_or(self.train),
        };
        let first = measure.first.unwrap_or(usize::MAX);
        self.learners.par_iter().map(|l| evaluate(l.network(), set, first)).collect()
    }

    /// Abscissas of the loops, or of the network under control.
    fn abscissas(&self, learner: &Learner) -> Result<Vec<f64>, LearningError> {
        Ok(match control_abscissa(learner, self.probes)? {
            Some(found) => vec![found],
            None => abscissas(learner.rule(), learner.network())?,
        })
    }
}

/// The values, completed with missing ones.
fn padded(mut values: Vec<f64>, width: usize) -> Vec<f64> {
    values.resize(width, f64::NAN);
    values
}

/// Sums over the first examples of a set, in an order that does not depend on threads.
pub(super) fn evaluate(network: &Network, data: &Dataset, first: usize) -> Sums {
    let count = first.min(data.len());
    let starts: Vec<usize> = (0..count).step_by(EVALUATED).collect();
    let parts: Vec<Sums> = starts
        .par_iter()
        .map(|&start| part(network, data, start, (start + EVALUATED).min(count)))
        .collect();
    parts.iter().fold(Sums::default(), |a, b| Sums {
        count: a.count + b.count,
        squares: a.squares + b.squares,
        loss: a.loss + b.loss,
        wrong: a.wrong + b.wrong,
    })
}

fn part(network: &Network, data: &Dataset, start: usize, end: usize) -> Sums {
    let count = end - start;
    let mut forward = Forward::new(network, count);
    data.copy_inputs(start..end, forward.inputs.as_mut_slice());
    network.propagate(&mut forward);
    let mut targets = vec![0.0; count * data.target_size()];
    data.copy_targets(start..end, &mut targets);
    let differences = targets.iter().zip(forward.output().as_slice());
    let squares = differences.map(|(t, y)| (t - y) * (t - y)).sum();
    let loss = network.loss(&forward, &targets).expect("targets fit the network");
    let wrong = |(c, class): &(usize, usize)| data.label(start + c).is_some_and(|l| l != *class);
    let wrong = forward.classes().enumerate().filter(wrong).count();
    Sums { count, squares, loss, wrong }
}
