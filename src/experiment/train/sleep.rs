//! Sleep phases: rules of deep feedback control learn their feedback.

use nalgebra::DMatrix;

use crate::dynamics::ControlParameters;
use crate::feedback::{SleepError, learn_feedback};
use crate::learning::Learner;
use crate::model::spec::{Feedback, LearnedFeedback, Rule};
use crate::network::datasets::Dataset;
use crate::network::random::derived_seed;

/// The options of the phase in which `rule` learns its feedback before training, if it does.
pub(super) fn initial(rule: &Rule) -> Option<&LearnedFeedback> {
    match rule.feedback() {
        Some(Feedback::Learned(options)) if parameters(rule).is_some() => Some(options),
        _ => None,
    }
}

/// Leak, gain and time constants of rules of deep feedback control.
fn parameters(rule: &Rule) -> Option<ControlParameters> {
    match rule {
        Rule::Dfc(rule) | Rule::DfcSs(rule) | Rule::StrongDfc(rule) => Some(rule.parameters()),
        Rule::DfcSsa(rule) => Some(rule.parameters()),
        _ => None,
    }
}

/// Lets the feedback of `learner` learn from inputs of `data`; nothing happens to rules whose feedback
/// follows from the weights, or that have none. `step` is the number of updates so far.
pub(super) fn learn(
    learner: &mut Learner,
    rule: &Rule,
    options: &LearnedFeedback,
    data: &Dataset,
    (seed, step): (u64, usize),
) -> Result<(), SleepError> {
    let start = learner.rule().feedback(learner.network());
    let Some(parameters) = parameters(rule).filter(|_| !start.is_empty()) else { return Ok(()) };
    let seed = derived_seed(seed, step as u64);
    let count = options.steps.min(data.len());
    let first = (seed % data.len() as u64) as usize;
    let mut inputs = DMatrix::zeros(data.input_size(), count);
    let examples = (0..count).map(|k| (first + k) % data.len());
    data.copy_inputs(examples, inputs.as_mut_slice());
    let sleep = options.sleep(seed);
    let learned = learn_feedback(learner.network(), &inputs, start, &parameters, &sleep)?;
    learner.set_feedback(learned);
    Ok(())
}
