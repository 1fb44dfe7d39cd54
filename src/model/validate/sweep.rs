//! `[sweep]`: every key and value is checked before anything runs.

use std::collections::HashMap;

use super::{Scope, Valid};
use crate::model::check::Checker;
use crate::model::error::{ModelError, Problem};
use crate::model::key::{Kind, number};
use crate::model::key_path::{KeyPath, Segment};
use crate::model::lookup::find_kind;
use crate::model::points;
use crate::model::spec::{Draw, KEYS, Named, PointRange, Points, Sweep};
use crate::model::suggest::nearest;

/// Checks the axes of a sweep: keys, values, lengths, duplicates.
pub(crate) fn check_axes(scope: &Scope<'_>, sweep: &Sweep) -> Valid {
    let mut used: HashMap<String, &str> = HashMap::new();
    for (table, axes) in [("grid", &sweep.grid), ("zip", &sweep.zip)] {
        for (key, values) in &axes.0 {
            let at = KeyPath::parse("sweep").expect("a bare key").key(table).key(key);
            once(scope, &mut used, key, table, &at)?;
            let kind = swept_kind(scope, key, &at)?;
            points(scope, &at.to_string(), values)?;
            values_fit(scope, &kind, values, &at)?;
        }
    }
    if let Some(random) = &sweep.random {
        drawn(scope, &random.keys, &mut used)?;
    }
    lengths(scope, &sweep.zip)?;
    if sweep.seeds > 1
        && let Some(table) = used.get("seed")
    {
        let problem = Problem::SeveralVariants {
            first: "sweep.seeds".to_owned(),
            second: format!("sweep.{table}.seed"),
        };
        return Err(scope.error(&format!("sweep.{table}.seed"), problem));
    }
    scope.require(!used.is_empty() || sweep.seeds > 1, "sweep", || Problem::Needs {
        what: "a sweep".to_owned(),
        needs: "something to vary".to_owned(),
        remedy: "add keys to [sweep.grid], [sweep.zip] or [sweep.random], or seeds = 2".to_owned(),
    })
}

fn once<'a>(
    scope: &Scope<'_>,
    used: &mut HashMap<String, &'a str>,
    key: &str,
    table: &'a str,
    at: &KeyPath,
) -> Valid {
    match used.insert(key.to_owned(), table) {
        None => Ok(()),
        Some(_) => {
            let problem =
                Problem::DuplicateName { what: "the sweep".to_owned(), name: key.to_owned() };
            Err(scope.document.error_at(at, problem))
        }
    }
}

/// The kind of a swept key, which must exist and may not belong to the sweep itself.
fn swept_kind(scope: &Scope<'_>, key: &str, at: &KeyPath) -> Result<Kind, ModelError> {
    let unknown = |key: &str, suggestion: Option<String>, known| {
        let key = key.to_owned();
        scope.key_error(at, Problem::UnknownKey { key, suggestion, elsewhere: None, known })
    };
    let path = KeyPath::parse(key).map_err(|_| unknown(key, None, Vec::new()))?;
    let kind = find_kind(KEYS, &path).map_err(|(depth, known)| {
        let wrong = path.segments().get(depth).map(ToString::to_string).unwrap_or_default();
        let suggestion = nearest(&wrong, &known).map(str::to_owned);
        unknown(&wrong, suggestion, known)
    })?;
    let first = path.segments().first();
    let fixed = ["sweep", "schema_version", "title", "references"];
    let may_vary = !matches!(first, Some(Segment::Key(k)) if fixed.contains(&k.as_str()));
    if may_vary {
        return Ok(kind);
    }
    let problem = Problem::NotAllowed {
        what: format!("`{key}`"),
        with: "a sweep: it does not change what is computed".to_owned(),
        allowed: Vec::new(),
    };
    Err(scope.key_error(at, problem))
}

/// Refuses ranges that are empty or run away, and lists that are empty or repeat a value.
pub(super) fn points(scope: &Scope<'_>, at: &str, points: &Points) -> Valid {
    let refuse = |key: String, what: &str, value: f64, range: String| {
        let (what, value) = (what.to_owned(), value.to_string());
        Err(scope.error(&key, Problem::OutOfRange { what, value, range }))
    };
    match *points {
        Points::Range(PointRange::Linear { from, to, .. }) if from == to => {
            refuse(format!("{at}.linear.to"), "to", to, format!("different from `from`, {from}"))
        }
        Points::Range(PointRange::Log { from, to, .. }) if from * to <= 0.0 => refuse(
            format!("{at}.log.from"),
            "from",
            from,
            format!("of the sign of `to`, {to}, and neither 0: a logarithmic range has no zero"),
        ),
        Points::Range(PointRange::Log { from, to, .. }) if from == to => {
            refuse(format!("{at}.log.to"), "to", to, format!("different from `from`, {from}"))
        }
        Points::Range(PointRange::Step { from, to, step })
            if crate::model::grid::range_len(from, to, step) == 0 =>
        {
            let range = if step == 0.0 { "not 0" } else { "of the sign of to - from" };
            refuse(format!("{at}.step.step"), "step", step, range.to_owned())
        }
        _ => distinct(scope, at, points),
    }
}

/// Most values along one axis: all of them are checked before anything runs.
const LONGEST: usize = 1_000_000;

/// No value may appear twice: two results would have one name.
fn distinct(scope: &Scope<'_>, at: &str, values: &Points) -> Valid {
    let count = points::len(values);
    scope.require(count > 0, at, || Problem::Refused {
        message: "there are no values".to_owned(),
        remedy: "give at least one value, or remove the key".to_owned(),
    })?;
    scope.require(count <= LONGEST, at, || Problem::Refused {
        message: format!("{count} values are more than {LONGEST}, the most along one axis"),
        remedy: "take fewer values, or draw them with [sweep.random]".to_owned(),
    })?;
    let mut seen = HashMap::with_capacity(count);
    for k in 0..count {
        let text = points::identity(&points::value(values, k));
        if let Some(first) = seen.insert(text.clone(), k) {
            let item = if matches!(values, Points::List(_)) {
                format!("{at}[{k}]")
            } else {
                at.to_owned()
            };
            let problem = Problem::DuplicatePoint { value: text, first, second: k };
            return Err(scope.error(&item, problem));
        }
    }
    Ok(())
}

/// Every value must be one that the key takes.
fn values_fit(scope: &Scope<'_>, kind: &Kind, values: &Points, at: &KeyPath) -> Valid {
    let checker = Checker::new(scope.document, KEYS);
    for k in 0..points::len(values) {
        let path = if matches!(values, Points::List(_)) { at.index(k) } else { at.clone() };
        let mut node = points::node(&points::value(values, k));
        checker.check(&mut node, kind, &mut path.clone())?;
    }
    Ok(())
}

fn drawn(scope: &Scope<'_>, keys: &Named<Draw>, used: &mut HashMap<String, &str>) -> Valid {
    let table = KeyPath::parse("sweep.random").expect("bare keys");
    scope.require(!keys.0.is_empty(), "sweep.random", || Problem::Needs {
        what: "[sweep.random]".to_owned(),
        needs: "a key to draw".to_owned(),
        remedy:
            "add, for example, \"dynamics.single-loop.leak\" = { uniform = { low = 0, high = 1 } }"
                .to_owned(),
    })?;
    let checker = Checker::new(scope.document, KEYS);
    for (key, draw) in &keys.0 {
        let at = table.key(key);
        once(scope, used, key, "random", &at)?;
        let kind = swept_kind(scope, key, &at)?;
        let samples = match draw {
            Draw::Uniform { low, high } => {
                scope.below(*low, *high, &at.key("uniform"))?;
                vec![
                    (at.key("uniform"), toml::Value::Float(*low)),
                    (at.key("uniform"), toml::Value::Float(*high)),
                ]
            }
            Draw::LogUniform { low, high } => {
                scope.below(*low, *high, &at.key("log-uniform"))?;
                vec![
                    (at.key("log-uniform"), toml::Value::Float(*low)),
                    (at.key("log-uniform"), toml::Value::Float(*high)),
                ]
            }
            Draw::Choice(values) => {
                let list = at.key("choice");
                distinct(scope, &list.to_string(), &Points::List(values.clone()))?;
                values.iter().enumerate().map(|(i, v)| (list.index(i), v.clone())).collect()
            }
        };
        for (mut path, value) in samples {
            checker.check(&mut points::node(&value), &kind, &mut path)?;
        }
    }
    Ok(())
}

fn lengths(scope: &Scope<'_>, zip: &Named<Points>) -> Valid {
    let Some((first, values)) = zip.0.first() else { return Ok(()) };
    let expected = points::len(values);
    for (key, values) in &zip.0[1..] {
        let at = KeyPath::parse("sweep.zip").expect("bare keys").key(key);
        let because =
            format!("keys in [sweep.zip] walk together, and `{first}` has {expected} values");
        scope.length(&at.to_string(), points::len(values), expected, &because)?;
    }
    Ok(())
}

impl Scope<'_> {
    /// An error about the name of a key rather than its value.
    fn key_error(&self, path: &KeyPath, problem: Problem) -> ModelError {
        ModelError::new(problem, self.document.locate_name(path))
    }

    fn below(&self, low: f64, high: f64, at: &KeyPath) -> Valid {
        self.require(low < high, &at.key("high").to_string(), || Problem::OutOfRange {
            what: "high".to_owned(),
            value: number(high),
            range: format!("> low, which is {low}"),
        })
    }
}
