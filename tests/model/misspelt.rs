//! Slips of the pen in whole models: the exact place is named.

use dynamic_inversion::model::Problem;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::full::FULL;
use crate::support::{place, refused};

/// Keys whose inner keys are free: names of blocks, swept keys.
const FREE: &[&str] = &["atol", "grid", "zip", "random"];

/// Every key of a text: name and byte position of its first mention.
fn keys(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let table = DeTable::parse(text).expect("a valid model");
    walk_table(table.get_ref(), &mut found);
    found.sort_by_key(|(_, at)| *at);
    found
}

fn walk_table(table: &DeTable<'_>, found: &mut Vec<(String, usize)>) {
    for (key, value) in table {
        found.push((key.get_ref().to_string(), key.span().start));
        if !FREE.contains(&key.get_ref().as_ref()) {
            walk(value, found);
        }
    }
}

fn walk(value: &Spanned<DeValue<'_>>, found: &mut Vec<(String, usize)>) {
    match value.get_ref() {
        DeValue::Table(table) => walk_table(table, found),
        DeValue::Array(items) => items.iter().for_each(|item| walk(item, found)),
        _ => {}
    }
}

fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (before.matches('\n').count() + 1, at - line_start + 1)
}

#[test]
fn every_key_of_the_full_models_misspelt() {
    for (model, text) in FULL {
        for (name, at) in keys(text) {
            let end = at + name.len();
            let wrong = format!("{name}{}", &name[name.len() - 1..]);
            let mutated = format!("{}{wrong}{}", &text[..at], &text[end..]);
            let error = refused(&mutated);
            let (line, column, key) = place(&error);
            assert_eq!((line, column), line_and_column(text, at), "{model}: {error}");
            assert!(key.ends_with(&wrong), "{model}: {error}");
            let Problem::UnknownKey { suggestion, .. } = error.problem() else {
                panic!("{model}: {wrong}: {error}");
            };
            assert_eq!(suggestion.as_deref(), Some(name.as_str()), "{model}: {error}");
        }
    }
}

#[test]
fn every_value_of_the_full_models_of_the_wrong_type() {
    // A date is not a value of any key.
    for (model, text) in FULL {
        for (name, at) in keys(text) {
            let rest = &text[at + name.len()..];
            let Some(value) = rest.strip_prefix(" = ") else { continue };
            let line = value.lines().next().expect("a value");
            if line.ends_with('[') || line.contains('{') || line.contains('}') {
                continue;
            }
            let start = text.len() - value.len();
            let end = start + line.len();
            let mutated = format!("{}1979-05-27{}", &text[..start], &text[end..]);
            let error = refused(&mutated);
            assert!(
                matches!(error.problem(), Problem::WrongType { .. }),
                "{model}: {name}: {error}"
            );
            let (line, column, _) = place(&error);
            assert_eq!((line, column), line_and_column(text, start), "{model}: {error}");
        }
    }
}
