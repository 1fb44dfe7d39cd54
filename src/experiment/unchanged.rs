//! Whether a model is still the one that was started.

use crate::model::{Model, ModelError, Problem};

/// Refuses to go on with another model than the one whose completed text is `was`, naming the first
/// key that differs. Sections and keys in `irrelevant` do not change what is computed.
pub(super) fn require_unchanged(
    model: &Model,
    was: &str,
    irrelevant: &[&str],
) -> Result<(), ModelError> {
    let now = model.resolved_text();
    let parse = |text: &str| text.parse::<toml::Table>().map(toml::Value::Table);
    let (Ok(was), Ok(is)) = (parse(was), parse(&now)) else {
        let message = "the model that was kept when it was started cannot be read".to_owned();
        let remedy = "start anew with --force".to_owned();
        return Err(model.error("", Problem::Refused { message, remedy }));
    };
    match difference("", Some(&was), Some(&is), irrelevant) {
        None => Ok(()),
        Some((key, was, is)) => {
            Err(model.error(&key, Problem::Changed { key: key.clone(), was, is }))
        }
    }
}

/// The first key, in alphabetical order, whose values differ.
fn difference(
    key: &str,
    was: Option<&toml::Value>,
    is: Option<&toml::Value>,
    irrelevant: &[&str],
) -> Option<(String, String, String)> {
    use toml::Value::{Array, Table};
    if was == is || irrelevant.contains(&key) {
        return None;
    }
    match (was, is) {
        (Some(Table(a)), Some(Table(b))) => {
            let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
            names.sort();
            let below = |name: &&String| {
                let key = if key.is_empty() { (*name).clone() } else { format!("{key}.{name}") };
                difference(&key, a.get(name.as_str()), b.get(name.as_str()), irrelevant)
            };
            names.iter().find_map(below)
        }
        (Some(Array(a)), Some(Array(b))) if a.len() == b.len() => {
            let below = |(i, (a, b)): (usize, (&toml::Value, &toml::Value))| {
                difference(&format!("{key}[{i}]"), Some(a), Some(b), irrelevant)
            };
            a.iter().zip(b).enumerate().find_map(below)
        }
        _ => {
            let show = |value: Option<&toml::Value>| match value {
                None => "absent".to_owned(),
                Some(value) => shortened(&value.to_string()),
            };
            Some((key.to_owned(), show(was), show(is)))
        }
    }
}

fn shortened(text: &str) -> String {
    /// Longer values would hide the message.
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain("...".chars()).collect()
}
