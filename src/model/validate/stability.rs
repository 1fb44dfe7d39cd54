//! `[stability]`.

use super::{Scope, Valid};
use crate::model::error::Problem;
use crate::model::key::{Kind, number};
use crate::model::key_path::KeyPath;
use crate::model::lookup::find_kind;
use crate::model::spec::{
    At, Continuation, Critical, Dynamics, KEYS, MapAxis, PointRange, Points, Stability,
};
use crate::model::suggest::nearest;

pub(super) fn validate(scope: &Scope<'_>, stability: &Stability) -> Valid {
    starting(scope, stability)?;
    if let Some(grid) = &stability.pseudospectrum {
        for (name, range) in [("re", grid.re), ("im", grid.im)] {
            let Some([low, high]) = range else { continue };
            let key = format!("stability.pseudospectrum.{name}");
            scope.require(low < high, &key, || Problem::OutOfRange {
                what: name.to_owned(),
                value: format!("[{low}, {high}]"),
                range: "an increasing pair".to_owned(),
            })?;
        }
    }
    if let Some(continuation) = &stability.continuation {
        self::continuation(scope, continuation)?;
    }
    if let Some(map) = &stability.map {
        axis(scope, "stability.map.x", &map.x)?;
        axis(scope, "stability.map.y", &map.y)?;
        let distinct = map.x.parameter != map.y.parameter;
        scope.require(distinct, "stability.map.y.parameter", || Problem::DuplicateName {
            what: "the map".to_owned(),
            name: name_of(map.y.parameter).to_owned(),
        })?;
    }
    Ok(())
}

fn starting(scope: &Scope<'_>, stability: &Stability) -> Valid {
    scope.require(!stability.starts.is_empty(), "stability.starts", || Problem::Refused {
        message: "Newton's method has nowhere to start".to_owned(),
        remedy: "give at least one of \"initial\", \"zero\" and \"drawn\"".to_owned(),
    })?;
    let at_run = stability.at == At::Trajectory && scope.spec.run.is_none();
    scope.require(!at_run, "stability.at", || Problem::MissingSection {
        section: "run",
        needed_by: "at = \"trajectory\"".to_owned(),
    })?;
    match (stability.at, &stability.checkpoints) {
        (At::Checkpoints, None) => Err(scope.error(
            "stability.at",
            Problem::Needs {
                what: "at = \"checkpoints\"".to_owned(),
                needs: "the file with them".to_owned(),
                remedy: "add `checkpoints = \"FILE\"` to [stability]".to_owned(),
            },
        )),
        (At::Equilibrium | At::Trajectory, Some(_)) => Err(scope.error(
            "stability.checkpoints",
            Problem::NotAllowed {
                what: "`checkpoints`".to_owned(),
                with: "another `at` than \"checkpoints\"".to_owned(),
                allowed: Vec::new(),
            },
        )),
        _ => Ok(()),
    }?;
    let controlled = match &scope.spec.dynamics {
        Some(Dynamics::RateNetwork(rate)) => rate.controller.is_some(),
        Some(Dynamics::Linear(_) | Dynamics::PredictiveCoding(_)) => false,
        // Without dynamics there are the loops of checkpoints.
        Some(_) | None => true,
    };
    let ratio = stability.critical.iter().position(|c| *c == Critical::TauRatio);
    let key = format!("stability.critical[{}]", ratio.unwrap_or(0));
    scope.require(ratio.is_none() || controlled, &key, || Problem::NotAllowed {
        what: "\"tau_ratio\"".to_owned(),
        with: "dynamics without a controller of its own time constant".to_owned(),
        allowed: vec!["leak", "gain"],
    })
}

fn name_of(critical: Critical) -> &'static str {
    match critical {
        Critical::Leak => "leak",
        Critical::Gain => "gain",
        Critical::TauRatio => "tau_ratio",
    }
}

fn continuation(scope: &Scope<'_>, c: &Continuation) -> Valid {
    let key = "stability.continuation.parameter";
    let path = KeyPath::parse(&c.parameter)
        .map_err(|_| scope.error(key, unknown(&c.parameter, None, Vec::new())))?;
    let kind = find_kind(KEYS, &path).map_err(|(depth, known)| {
        let wrong = path.segments().get(depth).map(ToString::to_string).unwrap_or_default();
        let suggestion = nearest(&wrong, &known).map(str::to_owned);
        scope.error(key, unknown(&wrong, suggestion, known))
    })?;
    scope.require(is_number(&kind), key, || Problem::WrongType {
        expected: "the path of a number".to_owned(),
        found: format!("`{}`, which is {}", c.parameter, kind.expected()),
    })?;
    scope.require(scope.document.get(&path).is_some(), key, || Problem::Needs {
        what: format!("continuation in `{}`", c.parameter),
        needs: "this key in the model".to_owned(),
        remedy: format!("set `{}`, or follow another parameter", c.parameter),
    })?;
    scope.require(c.from != c.to, "stability.continuation.to", || Problem::OutOfRange {
        what: "to".to_owned(),
        value: number(c.to),
        range: "different from `from`".to_owned(),
    })
}

fn is_number(kind: &Kind) -> bool {
    match kind {
        Kind::Float(_) => true,
        Kind::Either(kinds) => kinds.iter().any(is_number),
        _ => false,
    }
}

fn unknown(key: &str, suggestion: Option<String>, known: Vec<&'static str>) -> Problem {
    Problem::UnknownKey { key: key.to_owned(), suggestion, elsewhere: None, known }
}

fn axis(scope: &Scope<'_>, key: &str, axis: &MapAxis) -> Valid {
    super::sweep::points(scope, &format!("{key}.points"), &axis.points)?;
    let lowest = match &axis.points {
        Points::List(values) => values.iter().filter_map(toml::Value::as_float).fold(0.0, f64::min),
        Points::Range(
            PointRange::Linear { from, to, .. }
            | PointRange::Log { from, to, .. }
            | PointRange::Step { from, to, .. },
        ) => from.min(*to),
    };
    scope.require(lowest >= 0.0, &format!("{key}.points"), || Problem::OutOfRange {
        what: name_of(axis.parameter).to_owned(),
        value: number(lowest),
        range: ">= 0".to_owned(),
    })
}
