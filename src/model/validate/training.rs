//! `[training]` and `[invert]`.

use super::dynamics::{
    CONTROL_FEEDBACK, LOOP_FEEDBACK, feedback_form, feedback_matrices, loop_shapes,
};
use super::{Scope, Valid, network};
use crate::model::error::Problem;
use crate::model::spec::{
    Data, DataSet, IdxData, Invert, Matrix, Metric, OutputKind, Rule, Task, Teacher, Training,
    ValueData,
};

/// Feedback of feedback alignment.
const ALIGNMENT_FEEDBACK: &[&str] = &[
    "random-uniform",
    "random-normal",
    "transpose",
    "negative-transpose",
    "negative-sign",
    "values",
    "file",
];
/// Feedback of direct feedback alignment.
const DIRECT_FEEDBACK: &[&str] =
    &["random-uniform", "random-normal", "weight-product", "values", "file"];
/// Directions that every rule may be compared with, whether they train or not.
const DIRECTIONS: &[&str] = &["bp", "gauss-newton", "minimum-norm", "dfc-ssa"];

pub(super) fn validate(scope: &Scope<'_>, training: &Training) -> Valid {
    let Some(network) = &scope.spec.network else {
        let problem =
            Problem::MissingSection { section: "network", needed_by: "[training]".to_owned() };
        return Err(scope.error("training", problem));
    };
    let sizes = &network.sizes;
    length_of_training(scope, training)?;
    data(scope, &training.data, sizes)?;
    rules(scope, "training.rules", &training.rules, sizes)?;
    metrics(scope, training)?;
    let sleeps = training.sleep.is_some();
    let control = |rule: &Rule| {
        matches!(rule, Rule::Dfc(_) | Rule::DfcSs(_) | Rule::DfcSsa(_) | Rule::StrongDfc(_))
    };
    let useful = training.rules.iter().any(control);
    scope.require(!sleeps || useful, "training.sleep", || Problem::Needs {
        what: "`sleep`".to_owned(),
        needs: "a rule of deep feedback control".to_owned(),
        remedy: "remove it, or add one of dfc, dfc-ss, dfc-ssa, strong-dfc to rules".to_owned(),
    })
}

pub(super) fn validate_invert(scope: &Scope<'_>, invert: &Invert) -> Valid {
    let Some(network) = &scope.spec.network else {
        let problem =
            Problem::MissingSection { section: "network", needed_by: "[invert]".to_owned() };
        return Err(scope.error("invert", problem));
    };
    if let Some(rules) = &invert.rules {
        self::rules(scope, "invert.rules", rules, &network.sizes)?;
    }
    let negative = invert.dampings.iter().position(|d| *d < 0.0);
    let key = format!("invert.dampings[{}]", negative.unwrap_or(0));
    scope.require(negative.is_none(), &key, || Problem::OutOfRange {
        what: "a damping".to_owned(),
        value: invert.dampings[negative.unwrap_or(0)].to_string(),
        range: ">= 0".to_owned(),
    })
}

fn length_of_training(scope: &Scope<'_>, training: &Training) -> Valid {
    match (training.steps, training.epochs) {
        (Some(_), Some(_)) => {
            let problem =
                Problem::SeveralVariants { first: "steps".to_owned(), second: "epochs".to_owned() };
            Err(scope.error("training.epochs", problem))
        }
        (None, None) => {
            Err(scope.error("training", Problem::NoVariant { known: vec!["epochs", "steps"] }))
        }
        _ => Ok(()),
    }
}

fn data(scope: &Scope<'_>, data: &Data, sizes: &[usize]) -> Valid {
    match data {
        Data::Teacher(teacher) => self::teacher(scope, teacher, sizes),
        Data::Idx(idx) => self::idx(scope, idx, sizes),
        Data::Arrays(arrays) => {
            let key = "training.data.arrays";
            together(scope, key, arrays.test_inputs.is_some(), arrays.test_outputs.is_some())
        }
        Data::Values(values) => self::values(scope, values, sizes),
    }
}

/// A test set needs both inputs and outputs.
fn together(scope: &Scope<'_>, key: &str, inputs: bool, outputs: bool) -> Valid {
    let (given, missing) =
        if inputs { ("test_inputs", "test_outputs") } else { ("test_outputs", "test_inputs") };
    scope.require(inputs == outputs, &format!("{key}.{given}"), || Problem::Needs {
        what: format!("`{given}`"),
        needs: format!("`{missing}`"),
        remedy: format!("add `{missing}`, or remove `{given}`"),
    })
}

fn teacher(scope: &Scope<'_>, teacher: &Teacher, sizes: &[usize]) -> Valid {
    let own = teacher.sizes.as_deref().unwrap_or(sizes);
    let key = "training.data.teacher";
    scope.require(own.len() >= 2, &format!("{key}.sizes"), || Problem::Refused {
        message: format!("a network needs at least two sizes, found {}", own.len()),
        remedy: "give the number of inputs and the units of every layer".to_owned(),
    })?;
    let ends = |s: &[usize]| (s[0], s[s.len() - 1]);
    scope.require(ends(own) == ends(sizes), &format!("{key}.sizes"), || Problem::WrongShape {
        what: "the teacher, inputs x outputs,".to_owned(),
        found: ends(own),
        expected: ends(sizes),
        because: "it must have the network's inputs and outputs".to_owned(),
    })?;
    network::weights(scope, &format!("{key}.weights"), &teacher.weights, own)?;
    network::biases(scope, &format!("{key}.biases"), &teacher.biases, own)?;
    let network = scope.spec.network.as_ref().map(|n| n.output);
    let same = network == Some(teacher.output);
    scope.require(same, &format!("{key}.output"), || Problem::NotAllowed {
        what: "this output of the teacher".to_owned(),
        with: "another output of the network".to_owned(),
        allowed: match network {
            Some(OutputKind::Softmax) => vec!["softmax"],
            _ => vec!["linear"],
        },
    })
}

fn idx(scope: &Scope<'_>, idx: &IdxData, sizes: &[usize]) -> Valid {
    let key = |name: &str| format!("training.data.idx.{name}");
    match idx.task {
        Task::Classification => {
            let missing = [
                ("train_labels", idx.train_labels.is_none()),
                ("test_labels", idx.test_images.is_some() && idx.test_labels.is_none()),
            ];
            if let Some((name, _)) = missing.into_iter().find(|(_, missing)| *missing) {
                let problem = Problem::Needs {
                    what: "classification".to_owned(),
                    needs: format!("`{name}`"),
                    remedy: format!("add `{name}`"),
                };
                return Err(scope.error(&key("task"), problem));
            }
        }
        Task::Autoencoder => {
            let labels = [
                ("train_labels", idx.train_labels.is_some()),
                ("test_labels", idx.test_labels.is_some()),
            ];
            if let Some((name, _)) = labels.into_iter().find(|(_, given)| *given) {
                let problem = Problem::NotAllowed {
                    what: format!("`{name}`"),
                    with: "task = \"autoencoder\", which learns the images themselves".to_owned(),
                    allowed: Vec::new(),
                };
                return Err(scope.error(&key(name), problem));
            }
            let (inputs, outputs) = (sizes[0], sizes[sizes.len() - 1]);
            let because = "an autoencoder has as many outputs as inputs";
            scope.length("network.sizes", outputs, inputs, because)?;
        }
    }
    let orphan =
        [("test_labels", idx.test_labels.is_some()), ("test_first", idx.test_first.is_some())];
    let orphan = orphan.into_iter().find(|(_, given)| *given && idx.test_images.is_none());
    scope.require(orphan.is_none(), &key(orphan.map_or("", |o| o.0)), || Problem::Needs {
        what: format!("`{}`", orphan.map_or("", |o| o.0)),
        needs: "`test_images`".to_owned(),
        remedy: "add `test_images`".to_owned(),
    })
}

fn values(scope: &Scope<'_>, values: &ValueData, sizes: &[usize]) -> Valid {
    let key = "training.data.values";
    let (inputs, outputs) = (sizes[0], sizes[sizes.len() - 1]);
    together(scope, key, values.test_inputs.is_some(), values.test_outputs.is_some())?;
    let sets: [(&str, Option<&Matrix>, &str, Option<&Matrix>); 2] = [
        ("train_inputs", Some(&values.train_inputs), "train_outputs", Some(&values.train_outputs)),
        ("test_inputs", values.test_inputs.as_ref(), "test_outputs", values.test_outputs.as_ref()),
    ];
    for (x_name, x, y_name, y) in sets {
        let (Some(x), Some(y)) = (x, y) else { continue };
        let (x_name, y_name) = (format!("{key}.{x_name}"), format!("{key}.{y_name}"));
        scope.require(!x.is_empty(), &x_name, || Problem::Refused {
            message: "there are no examples".to_owned(),
            remedy: "give at least one row".to_owned(),
        })?;
        scope.shape(&x_name, x, (x.len(), inputs), "one column per input of the network")?;
        scope.shape(
            &y_name,
            y,
            (x.len(), outputs),
            "one row per example, one column per output",
        )?;
    }
    Ok(())
}

fn rules(scope: &Scope<'_>, key: &str, rules: &[Rule], sizes: &[usize]) -> Valid {
    scope.require(!rules.is_empty(), key, || Problem::Refused {
        message: "there are no rules".to_owned(),
        remedy: "give at least one, for example \"bp\"".to_owned(),
    })?;
    for (i, rule) in rules.iter().enumerate() {
        let twin = rules[..i].iter().any(|r| r.name() == rule.name());
        scope.require(!twin, &format!("{key}[{i}]"), || Problem::DuplicateName {
            what: "the list of rules".to_owned(),
            name: rule.name().to_owned(),
        })?;
        let Some(feedback) = rule.feedback() else { continue };
        let allowed = match rule {
            Rule::Fa { .. } => ALIGNMENT_FEEDBACK,
            Rule::Dfa { .. } => DIRECT_FEEDBACK,
            Rule::Ndi(_) | Rule::Di(_) | Rule::Sdi(_) => LOOP_FEEDBACK,
            _ => CONTROL_FEEDBACK,
        };
        let key = format!("{key}[{i}].{}.feedback", rule.kind());
        let with = format!("the rule \"{}\"", rule.kind());
        feedback_form(scope, &key, feedback, allowed, &with)?;
        feedback_matrices(scope, &key, feedback, &rule_shapes(rule, sizes))?;
    }
    Ok(())
}

/// Shapes of the feedback matrices of a rule.
fn rule_shapes(rule: &Rule, sizes: &[usize]) -> Vec<(usize, usize)> {
    let output = sizes[sizes.len() - 1];
    match rule {
        Rule::Sdi(_) => vec![(sizes[1], output)],
        Rule::Dfa { .. } => sizes[1..sizes.len() - 1].iter().map(|n| (*n, output)).collect(),
        Rule::Fa { .. } | Rule::Ndi(_) | Rule::Di(_) => loop_shapes(sizes),
        _ => sizes[1..].iter().map(|n| (*n, output)).collect(),
    }
}

fn metrics(scope: &Scope<'_>, training: &Training) -> Valid {
    let has_test = match &training.data {
        Data::Teacher(t) => t.test_count > 0,
        Data::Idx(idx) => idx.test_images.is_some(),
        Data::Arrays(a) => a.test_inputs.is_some(),
        Data::Values(v) => v.test_inputs.is_some(),
    };
    for (i, metric) in training.metrics.iter().enumerate() {
        let key = format!("training.metrics[{i}].{}", metric.name());
        match metric {
            Metric::Nse(m) | Metric::Loss(m) | Metric::Error(m) => {
                let missing = m.set == DataSet::Test && !has_test;
                scope.require(!missing, &format!("{key}.set"), || Problem::Needs {
                    what: "set = \"test\"".to_owned(),
                    needs: "a test set".to_owned(),
                    remedy: "add one to [training.data], or measure on \"train\"".to_owned(),
                })?;
            }
            Metric::Angle(comparison) | Metric::UpdateAngle(comparison) => {
                compared(scope, training, &format!("{key}.to"), &comparison.to, DIRECTIONS)?;
                if let Some(rule) = &comparison.rule {
                    compared(scope, training, &format!("{key}.rule"), rule, &[])?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A rule that a metric names must be one of those that train, or one of `others`.
fn compared(
    scope: &Scope<'_>,
    training: &Training,
    key: &str,
    name: &str,
    others: &[&'static str],
) -> Valid {
    let known = others.contains(&name) || training.rules.iter().any(|r| r.name() == name);
    scope.require(known, key, || {
        let names: Vec<_> =
            training.rules.iter().map(Rule::name).chain(others.iter().copied()).collect();
        Problem::UnknownName {
            value: name.to_owned(),
            suggestion: crate::model::suggest::nearest(name, &names).map(str::to_owned),
            known: others.to_vec(),
        }
    })
}
