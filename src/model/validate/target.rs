//! `[target]` and how it fits network and dynamics.

use super::{Scope, Valid};
use crate::model::error::Problem;
use crate::model::spec::{
    ChosenLayer, DrawnInput, Dynamics, Examples, Input, OneOrManyVectors, Source, Target,
};

pub(super) fn validate(scope: &Scope<'_>) -> Valid {
    let spec = scope.spec;
    if let Some(target) = &spec.target {
        let source = exactly_one(scope, target)?;
        let Some(network) = &spec.network else {
            let problem =
                Problem::MissingSection { section: "network", needed_by: "[target]".to_owned() };
            return Err(scope.error("target", problem));
        };
        fits_dynamics(scope, source)?;
        sizes(scope, target, source, &network.sizes)?;
        input(scope, target, source, &network.sizes)?;
    }
    operating_point(scope)
}

fn exactly_one<'a>(
    scope: &Scope<'_>,
    target: &'a Target,
) -> Result<Source<'a>, crate::model::ModelError> {
    let mut given = target.sources();
    let Some((first, source)) = given.next() else {
        let known = vec!["delta", "normal", "output", "example", "examples"];
        return Err(scope.error("target", Problem::NoVariant { known }));
    };
    if let Some((second, _)) = given.next() {
        let problem =
            Problem::SeveralVariants { first: first.to_owned(), second: second.to_owned() };
        return Err(scope.error(&format!("target.{second}"), problem));
    }
    Ok(source)
}

/// Which targets a dynamics takes, and at which layer an output error arrives.
fn fits_dynamics(scope: &Scope<'_>, source: Source<'_>) -> Valid {
    let spec = scope.spec;
    let Some(dynamics) = &spec.dynamics else { return Ok(()) };
    let name = key_of(source);
    let is_error = matches!(source, Source::Delta(_) | Source::Normal(_));
    match dynamics {
        Dynamics::DeepFeedbackControl(_) | Dynamics::PredictiveCoding(_) => {
            scope.require(!is_error, &format!("target.{name}"), || Problem::NotAllowed {
                what: format!("the target `{name}`"),
                with: format!("the dynamics \"{}\", which steers the output", dynamics.name()),
                allowed: vec!["output", "example", "examples"],
            })
        }
        Dynamics::LayerwiseInversion(d) => {
            let layers = spec.network.as_ref().map_or(0, |n| n.sizes.len() - 1);
            let ChosenLayer::Number(layer) = d.layer else { return Ok(()) };
            scope.require(is_error || layer == layers, &format!("target.{name}"), || {
                Problem::NotAllowed {
                    what: format!("`{name}`, an error at layer {layers},"),
                    with: format!(
                        "layer = {layer}: use layer = {layers} or \"all\", or give `delta`"
                    ),
                    allowed: vec!["delta", "normal"],
                }
            })
        }
        _ => Ok(()),
    }
}

fn key_of(source: Source<'_>) -> &'static str {
    match source {
        Source::Delta(_) => "delta",
        Source::Normal(_) => "normal",
        Source::Output(_) => "output",
        Source::Example(_) => "example",
        Source::Examples(_) => "examples",
    }
}

fn sizes(scope: &Scope<'_>, target: &Target, source: Source<'_>, sizes: &[usize]) -> Valid {
    let output = sizes.len() - 1;
    let layer = match &scope.spec.dynamics {
        Some(Dynamics::LayerwiseInversion(d)) => match d.layer {
            ChosenLayer::Number(layer) => layer,
            ChosenLayer::All(_) => output,
        },
        _ => output,
    };
    match source {
        Source::Delta(delta) => {
            let because = format!("layer {layer} has {} units", sizes[layer]);
            vectors(scope, "target.delta", delta, sizes[layer], &because)?;
        }
        Source::Output(outputs) => {
            let because = format!("the network has {} outputs", sizes[output]);
            vectors(scope, "target.output", outputs, sizes[output], &because)?;
        }
        Source::Examples(examples) => self::examples(scope, examples)?,
        Source::Normal(_) | Source::Example(_) => {}
    }
    let misplaced = target.nudge.is_some() && !matches!(source, Source::Output(_));
    scope.require(!misplaced, "target.nudge", || Problem::NotAllowed {
        what: "`nudge` in [target]".to_owned(),
        with: format!("`{}`: it scales `output`, and examples have their own", key_of(source)),
        allowed: Vec::new(),
    })
}

fn vectors(
    scope: &Scope<'_>,
    key: &str,
    vectors: &OneOrManyVectors,
    size: usize,
    because: &str,
) -> Valid {
    match vectors {
        OneOrManyVectors::One(vector) => scope.length(key, vector.len(), size, because),
        OneOrManyVectors::Many(rows) => {
            for (i, row) in rows.iter().enumerate() {
                scope.length(&format!("{key}[{i}]"), row.len(), size, because)?;
            }
            Ok(())
        }
    }
}

fn examples(scope: &Scope<'_>, examples: &Examples) -> Valid {
    match (&examples.indices, &examples.first) {
        (Some(_), Some(_)) => {
            let problem = Problem::SeveralVariants {
                first: "indices".to_owned(),
                second: "first".to_owned(),
            };
            Err(scope.error("target.examples.first", problem))
        }
        (None, None) => {
            let problem = Problem::NoVariant { known: vec!["first", "indices"] };
            Err(scope.error("target.examples", problem))
        }
        (Some(indices), None) => {
            scope.require(!indices.is_empty(), "target.examples.indices", || Problem::Refused {
                message: "no examples are chosen".to_owned(),
                remedy: "give at least one position, counted from 0".to_owned(),
            })
        }
        (None, Some(_)) => Ok(()),
    }
}

fn input(scope: &Scope<'_>, target: &Target, source: Source<'_>, sizes: &[usize]) -> Valid {
    let from_data = matches!(source, Source::Example(_) | Source::Examples(_));
    let Some(input) = &target.input else {
        let missing = matches!(source, Source::Output(_));
        return scope.require(!missing, "target.output", || Problem::Needs {
            what: "`output`".to_owned(),
            needs: "the input that should lead to it".to_owned(),
            remedy: "add `input` to [target]".to_owned(),
        });
    };
    scope.require(!from_data, "target.input", || Problem::SeveralVariants {
        first: key_of(source).to_owned(),
        second: "input".to_owned(),
    })?;
    match input {
        Input::Drawn(DrawnInput::Uniform { low, high }) => {
            scope.ordered(*low, *high, "target.input.uniform")
        }
        Input::Drawn(DrawnInput::Normal { .. }) => Ok(()),
        Input::Values(values) => {
            let because = format!("the network has {} inputs", sizes[0]);
            vectors(scope, "target.input", values, sizes[0], &because)?;
            let OneOrManyVectors::Many(rows) = values else { return Ok(()) };
            let count = target.count().unwrap_or(1);
            scope.length(
                "target.input",
                rows.len(),
                count,
                "one input for all targets, or one each",
            )
        }
    }
}

/// Transfers that are taken at an operating point need an input of the network.
fn operating_point(scope: &Scope<'_>) -> Valid {
    let spec = scope.spec;
    let Some(dynamics) = &spec.dynamics else { return Ok(()) };
    let Some(transfer) = dynamics.transfer().filter(|t| t.needs_operating_point()) else {
        return Ok(());
    };
    let known = spec.target.as_ref().is_some_and(|target| {
        target.input.is_some()
            || matches!(target.source(), Some(Source::Example(_) | Source::Examples(_)))
    });
    let key = format!("dynamics.{}.transfer", dynamics.name());
    scope.require(known, &key, || Problem::Needs {
        what: format!("the transfer \"{}\"", transfer.name()),
        needs: "an operating point of the network".to_owned(),
        remedy: "add `input` to [target], or use an example".to_owned(),
    })
}
