//! Fields of a command's report.

use serde_json::{Map, Value};

use super::SweepError;
use crate::model::{KeyPath, Segment};

/// Fields that differ from run to run or say where files are: kept only when asked for by name.
const VOLATILE: &[&str] =
    &["wall_seconds", "examples_per_second", "seconds", "file", "bytes", "status"];

/// The fields that are kept of every point.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Collect {
    /// These.
    Named(Vec<(String, KeyPath)>),
    /// Every number, text and truth value that is not in a list.
    Scalars,
}

impl Collect {
    /// From `sweep.collect`.
    pub(super) fn new(fields: Option<&[String]>) -> Result<Self, SweepError> {
        let Some(fields) = fields else { return Ok(Self::Scalars) };
        let mut named: Vec<(String, KeyPath)> = Vec::new();
        for field in fields {
            let path = KeyPath::parse(field)
                .ok()
                .filter(|path| !path.segments().is_empty())
                .ok_or_else(|| SweepError::NotAField { field: field.clone() })?;
            if named.iter().all(|(known, _)| known != field) {
                named.push((field.clone(), path));
            }
        }
        Ok(Self::Named(named))
    }

    /// The values in a report.
    ///
    /// # Errors
    /// [`SweepError::UnknownField`].
    pub(super) fn from(
        &self,
        command: &'static str,
        report: &Value,
    ) -> Result<Map<String, Value>, SweepError> {
        match self {
            Self::Named(fields) => fields
                .iter()
                .map(|(name, path)| {
                    let value = find(report, path.segments()).map_err(|(wrong, known)| {
                        SweepError::UnknownField {
                            command,
                            field: name.clone(),
                            suggestion: nearest(&wrong, &known),
                            known,
                        }
                    })?;
                    Ok((name.clone(), value.clone()))
                })
                .collect(),
            Self::Scalars => {
                let mut values = Map::new();
                scalars("", report, &mut values);
                Ok(values)
            }
        }
    }
}

/// What a path leads to; below a section that is absent, nothing. An item of a list is named by its
/// position or by its `name`. The error is the wrong name and what could stand there.
fn find<'a>(value: &'a Value, path: &[Segment]) -> Result<&'a Value, (String, Vec<String>)> {
    let Some((first, rest)) = path.split_first() else { return Ok(value) };
    let name = first.to_string();
    match (value, first) {
        (Value::Null, _) => Ok(&Value::Null),
        (Value::Object(object), Segment::Key(key)) => match object.get(key) {
            Some(inner) => find(inner, rest),
            None => Err((name, object.keys().cloned().collect())),
        },
        (Value::Array(items), Segment::Index(k)) => {
            items.get(*k).map_or(Ok(&Value::Null), |item| find(item, rest))
        }
        (Value::Array(items), Segment::Key(key)) => {
            if let Ok(k) = key.parse::<usize>() {
                return items.get(k).map_or(Ok(&Value::Null), |item| find(item, rest));
            }
            let names = || items.iter().filter_map(|item| item.get("name")?.as_str());
            match items.iter().find(|item| item.get("name").and_then(Value::as_str) == Some(key)) {
                Some(item) => find(item, rest),
                None if items.is_empty() => Ok(&Value::Null),
                None => Err((name, names().map(str::to_owned).collect())),
            }
        }
        _ => Err((name, Vec::new())),
    }
}

fn nearest(wrong: &str, known: &[String]) -> Option<String> {
    /// Similarity below which a name is no misspelling.
    const LEAST: f64 = 0.7;
    known
        .iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(similarity, _)| *similarity >= LEAST)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.clone())
}

fn scalars(prefix: &str, value: &Value, found: &mut Map<String, Value>) {
    let Value::Object(object) = value else { return };
    for (name, value) in object {
        if VOLATILE.contains(&name.as_str()) {
            continue;
        }
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Object(_) => scalars(&path, value, found),
            Value::Array(_) => {}
            scalar => {
                found.insert(path, scalar.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report() -> Value {
        json!({
            "verdict": "stable", "spectral_abscissa": -1.5, "critical": { "leak": null, "details": [1] },
            "euler": null, "eigenvalues": [[-1.0, 2.0]], "file": "x.h5", "wall_seconds": 1.0,
            "rules": [{ "name": "bp", "test_error": 0.1 }, { "name": "DI .001", "test_error": 0.2 }]
        })
    }

    fn collect(field: &str) -> Result<Value, SweepError> {
        let fields = Collect::new(Some(&[field.to_owned()]))?;
        Ok(fields.from("stability", &report())?.values().next().cloned().unwrap_or_default())
    }

    #[test]
    fn fields_are_found_by_name_and_position() {
        let found = |field: &str| collect(field).expect(field);
        assert_eq!(found("critical.leak"), Value::Null);
        assert_eq!(found("eigenvalues[0][1]"), json!(2.0));
        assert_eq!(found("eigenvalues[7][1]"), Value::Null);
        assert_eq!(found("rules.bp.test_error"), json!(0.1));
        assert_eq!(found("rules.\"DI .001\".test_error"), json!(0.2));
        assert_eq!(found("euler.step"), Value::Null);
    }

    #[test]
    fn unknown_fields_are_refused_with_the_nearest() {
        let Err(SweepError::UnknownField { suggestion, known, .. }) = collect("verdicts") else {
            panic!("accepted")
        };
        assert_eq!(suggestion.as_deref(), Some("verdict"));
        assert!(known.contains(&"critical".to_owned()));
        assert!(matches!(collect("critical.leek"), Err(SweepError::UnknownField { .. })));
        assert!(matches!(collect("rules.fa.test_error"), Err(SweepError::UnknownField { .. })));
        assert!(matches!(collect("a b"), Err(SweepError::NotAField { .. })));
    }

    #[test]
    fn every_scalar_without_times_and_names_of_files() {
        let values = Collect::Scalars.from("stability", &report()).expect("an object");
        let names: Vec<&str> = values.keys().map(String::as_str).collect();
        assert_eq!(names, ["verdict", "spectral_abscissa", "critical.leak", "euler"]);
    }
}
