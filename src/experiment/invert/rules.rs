//! The rules to compare: those of the model, or every one the network admits.

use super::report::LeftOut;
use crate::error::Error;
use crate::experiment::train::Builder;
use crate::learning::{RULES, Rule};
use crate::model::spec::{self, Invert};
use crate::model::{Model, ModelError, Override, Problem};
use crate::network::Network;

/// Options of rules that the model does not list, where their defaults do not say all: loops have no
/// leak by default; dynamic inversion runs for the time of the published scripts, so that it is not
/// just `ndi`; means over time need one, and infinitely fast voltages keep that control stable in
/// every network.
const OPTIONS: &[(&str, &str)] = &[
    ("ndi", "leak = 0.01"),
    ("di", "leak = 0.01, until = { time = 500 }"),
    ("sdi", "leak = 0.01"),
    ("dfc", "leak = 0.01, instantaneous = true, until = { time = 100 }"),
    ("dfc-ss", "leak = 0.01"),
    ("dfc-ssa", "leak = 0.01"),
    ("strong-dfc", "leak = 0.01"),
];

/// A rule ready to be applied.
pub(super) struct Candidate {
    pub name: String,
    pub kind: String,
    pub rule: Box<dyn Rule>,
}

pub(super) fn candidates(
    model: &Model,
    network: &Network,
    section: &Invert,
) -> Result<(Vec<Candidate>, Vec<LeftOut>), Error> {
    let biases = model.specification().training.as_ref().is_none_or(|t| t.learn_biases);
    let build = |model: &Model, k: usize, spec: &spec::Rule| {
        let key = format!("invert.rules[{k}]");
        let builder = Builder { model, key: key.clone(), spec, network, optimises: true, biases };
        let mut rule = builder.build()?;
        require_admitted(model, &format!("{key}.{}", spec.kind()), rule.as_mut(), network)?;
        let (name, kind) = (spec.name().to_owned(), spec.kind().to_owned());
        Ok::<_, ModelError>(Candidate { name, kind, rule })
    };
    if let Some(rules) = &section.rules {
        let built = rules.iter().enumerate().map(|(k, spec)| build(model, k, spec));
        return Ok((built.collect::<Result<_, _>>()?, Vec::new()));
    }
    let (mut candidates, mut left_out) = (Vec::new(), Vec::new());
    for entry in RULES {
        let options = OPTIONS.iter().find(|(name, _)| *name == entry.name).map_or("", |(_, o)| o);
        let (model, spec) = defaults(model, entry.name, options)?;
        match build(&model, 0, &spec) {
            Ok(candidate) => candidates.push(candidate),
            Err(reason) => {
                let (rule, reason) = (entry.name.to_owned(), reason.problem().to_string());
                left_out.push(LeftOut { rule, reason });
            }
        }
    }
    Ok((candidates, left_out))
}

/// A rule that keeps weights to a form of its own says nothing about others.
fn require_admitted(
    model: &Model,
    key: &str,
    rule: &mut dyn Rule,
    network: &Network,
) -> Result<(), ModelError> {
    let mut admitted = network.clone();
    rule.constrain(&mut admitted);
    if admitted == *network {
        return Ok(());
    }
    let name = rule.name();
    let message =
        format!("the rule {name} trains weights of a form of its own, which these do not have");
    let remedy = "give weights that `dinv train` made by this rule".to_owned();
    Err(model.error(key, Problem::Refused { message, remedy }))
}

/// The model with one rule in `[invert]`, its other options at their defaults.
fn defaults(model: &Model, name: &str, options: &str) -> Result<(Model, spec::Rule), Error> {
    let text = format!("invert.rules=[{{ {name} = {{ {options} }} }}]");
    let with = model.with(&[Override::parse(&text)?])?;
    let rules = with.specification().invert.as_ref().and_then(|invert| invert.rules.clone());
    let spec = rules.and_then(|mut rules| rules.pop()).expect("the override names one rule");
    Ok((with, spec))
}
