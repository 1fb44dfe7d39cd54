//! The groups of a training's result file beside the learning curves.

use std::time::Duration;

use super::report::{RuleReport, TrainReport};
use super::session::Session;
use crate::network::Forward;
use crate::results::{Data, Dimension, Group, Variable, weights_group};

/// Images of the test set that an autoencoder's reconstructions are kept of.
const RECONSTRUCTED: usize = 16;

pub(super) fn groups(session: &Session<'_>, report: &TrainReport, elapsed: Duration) -> Vec<Group> {
    let seconds = Variable::scalar("duration", elapsed.as_secs_f64());
    let seconds = seconds.units("s").long_name("wall-clock time of the command");
    let mut groups = vec![training(session, report), weights(session)];
    groups.extend(reconstructions(session));
    groups.push(Group::new("provenance").with(seconds));
    groups
}

/// Names and final figures of the rules, and what happened to their loops.
fn training(session: &Session<'_>, report: &TrainReport) -> Group {
    let rules = &report.rules;
    let figure = |name: &str, of: fn(&RuleReport) -> f64, units: &str, long: &str| {
        Variable::vector(name, "rule", rules.iter().map(of).collect::<Vec<_>>())
            .units(units)
            .long_name(long)
    };
    let statuses = rules.iter().map(|r| match &r.reason {
        Some(reason) => format!("stopped: {reason}"),
        None => r.status.clone(),
    });
    let counts = rules.iter().map(|r| i64::try_from(r.unconverged).unwrap_or(i64::MAX));
    let mut group = Group::new("training")
        .with(
            Variable::texts("rule_name", "rule", session.names().to_vec())
                .long_name("name of the rule"),
        )
        .with(
            Variable::texts("rule_status", "rule", statuses.collect())
                .long_name("how the rule ended"),
        )
        .with(
            Variable::integers("unconverged", "rule", counts.collect())
                .units("1")
                .long_name("examples whose inversion failed"),
        )
        .with(figure("final_train_loss", |r| r.train_loss, "1", "mean loss over the training set"))
        .with(figure(
            "final_test_loss",
            |r| r.test_loss.unwrap_or(f64::NAN),
            "1",
            "mean loss over the test set",
        ));
    if rules.iter().any(|r| r.test_error.is_some()) {
        let of = |r: &RuleReport| r.test_error.unwrap_or(f64::NAN);
        let long = "fraction of the test set classified wrongly";
        group.push(figure("final_test_error", of, "1", long));
    }
    if !session.events.is_empty() {
        let events = &session.events;
        let texts = |of: fn(&super::checkpoint::Event) -> String| events.iter().map(of).collect();
        let steps = events.iter().map(|e| e.step as i64).collect();
        let layers = events.iter().map(|e| e.layer as i64).collect();
        let loops = [
            Variable::integers("event_step", "event", steps).units("1").long_name("updates made"),
            Variable::texts("event_rule", "event", texts(|e| e.rule.clone()))
                .long_name("rule whose loop it is"),
            Variable::integers("event_hidden_layer", "event", layers)
                .units("1")
                .long_name("hidden layer that the loop drives"),
            Variable::texts("event_what", "event", texts(|e| e.what.clone()))
                .long_name("what happened to the loop"),
        ];
        loops.into_iter().for_each(|variable| group.push(variable));
    }
    group
}

/// The final networks, one group per rule.
fn weights(session: &Session<'_>) -> Group {
    session.learners.iter().fold(Group::new("weights"), |group, learner| {
        let mut own = weights_group(learner.network());
        own.name = learner.name().replace('/', "_");
        group.with_group(own)
    })
}

/// Test images and what every rule's autoencoder makes of them.
fn reconstructions(session: &Session<'_>) -> Option<Group> {
    let set = session.data.test.as_ref().unwrap_or(&session.data.train);
    let size = set.input_size();
    let side = (size as f64).sqrt() as usize;
    let is_autoencoder = set.label(0).is_none() && set.target_size() == size;
    if !is_autoencoder || side * side != size || session.data.teacher.is_some() {
        return None;
    }
    let count = RECONSTRUCTED.min(set.len());
    let dims = vec![
        Dimension::new("image", count),
        Dimension::new("row", side),
        Dimension::new("column", side),
    ];
    let mut inputs = vec![0.0; count * size];
    set.copy_inputs(0..count, &mut inputs);
    let variable = |name: &str, values: Vec<f64>, long: &str| {
        Variable::new(name, dims.clone(), Data::F64(values)).units("1").long_name(long)
    };
    let mut group = Group::new("reconstructions");
    group.push(variable("original", inputs.clone(), "image of the test set"));
    for (k, learner) in session.learners.iter().enumerate() {
        let mut forward = Forward::new(learner.network(), count);
        forward.inputs.as_mut_slice().copy_from_slice(&inputs);
        learner.network().propagate(&mut forward);
        let name = format!("reconstruction_{}", k + 1);
        let long = format!("reconstruction by {}", learner.name());
        group.push(variable(&name, forward.output().as_slice().to_vec(), &long));
    }
    Some(group)
}
