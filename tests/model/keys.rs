//! The list of keys against the structures that are read from it.

use dynamic_inversion::model::{Bounds, Key, Kind, Preset, Problem, spec::KEYS};

use crate::support::parse;

/// A key and the table texts that lead to it, outermost last.
pub struct Place {
    /// Dotted path; `[]` marks a list.
    pub path: String,
    /// The key itself.
    pub key: &'static Key,
    /// Wraps a table that holds the key into a whole model.
    wrap: Vec<Wrap>,
}

#[derive(Clone)]
enum Wrap {
    /// Other required keys of the table, and whether it may have others at all.
    Siblings(&'static [Key], &'static str),
    /// The only key of a table.
    Variant(&'static str),
    /// An entry of a list.
    Item,
    /// A free key beside these.
    Free(&'static [Key]),
}

impl Place {
    /// A model in which the key is called `name` and has a value it takes.
    pub fn model(&self, name: &str) -> String {
        let mut text = sample(&self.key.kind, self.key.name);
        for (depth, wrap) in self.wrap.iter().rev().enumerate() {
            let name_of =
                |own: &'static str| if depth == 0 { name.to_owned() } else { own.to_owned() };
            text = match wrap {
                Wrap::Siblings(keys, own) => {
                    let others = keys
                        .iter()
                        .filter(|k| k.preset == Preset::Required && k.name != *own)
                        .map(|k| format!("{} = {}", k.name, sample(&k.kind, k.name)));
                    let own = format!("{} = {text}", name_of(own));
                    let all: Vec<_> = std::iter::once(own).chain(others).collect();
                    format!("{{ {} }}", all.join(", "))
                }
                Wrap::Variant(own) => format!("{{ {} = {text} }}", name_of(own)),
                Wrap::Item => format!("[{text}]"),
                Wrap::Free(keys) => {
                    let fixed = sample(&Kind::Section(keys), "");
                    let fixed = fixed.trim_start_matches("{ ").trim_end_matches(" }").trim();
                    let comma = if fixed.is_empty() { "" } else { ", " };
                    format!("{{ \"initial.normal.scale\" = {text}{comma}{fixed} }}")
                }
            };
        }
        // The outermost table is the file itself: no braces, one key per line.
        let inside = text.trim_start_matches("{ ").trim_end_matches(" }");
        let (first, rest) = split_top_level(inside);
        let version = if rest.is_empty() && !first.starts_with("schema_version") {
            "schema_version = 1\n"
        } else {
            ""
        };
        format!("{version}{first}{}\n", rest.replace(", schema_version", "\nschema_version"))
    }
}

/// Splits off the siblings of the outermost key, which is only ever `schema_version`.
fn split_top_level(text: &str) -> (&str, &str) {
    text.rfind(", schema_version").map_or((text, ""), |at| text.split_at(at))
}

/// Every key, in the order of the lists, with shared keys at each of their places.
pub fn places() -> Vec<Place> {
    let mut all = Vec::new();
    collect(&Kind::Section(KEYS), "", &[], &mut all);
    all
}

fn collect(kind: &Kind, path: &str, wrap: &[Wrap], all: &mut Vec<Place>) {
    let with = |last: Wrap| [wrap, &[last]].concat();
    let inner =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match *kind {
        Kind::Section(keys) => {
            for key in keys {
                let wrap = with(Wrap::Siblings(keys, key.name));
                collect(&key.kind, &inner(key.name), &wrap, all);
                all.push(Place { path: inner(key.name), key, wrap });
            }
        }
        Kind::OneOf(variants) => {
            for key in variants.iter().filter(|k| !matches!(k.kind, Kind::Word)) {
                let wrap = with(Wrap::Variant(key.name));
                collect(&key.kind, &inner(key.name), &wrap, all);
                all.push(Place { path: inner(key.name), key, wrap });
            }
        }
        Kind::List(item) => collect(item, &format!("{path}[]"), &with(Wrap::Item), all),
        Kind::Map(keys, item) => {
            for key in keys {
                let wrap = with(Wrap::Siblings(keys, key.name));
                all.push(Place { path: inner(key.name), key, wrap });
            }
            collect(item, &inner("*"), &with(Wrap::Free(keys)), all);
        }
        Kind::Either(kinds) => kinds.iter().for_each(|k| collect(k, path, wrap, all)),
        _ => {}
    }
}

/// A value of this kind.
fn sample(kind: &Kind, name: &str) -> String {
    match kind {
        Kind::Boolean => "true".to_owned(),
        Kind::Integer(least) => least.max(&1).to_string(),
        Kind::Float(bounds) => inside(bounds),
        Kind::Text => "\"x\"".to_owned(),
        Kind::File => "\"file.npz\"".to_owned(),
        Kind::Choice(words) => format!("\"{}\"", words[words.len() - 1]),
        Kind::Numbers(axes) | Kind::Ragged(axes) => {
            format!("{}0.5{}", "[".repeat(axes.len()), "]".repeat(axes.len()))
        }
        Kind::Tuple(_) => "[0, 1]".to_owned(),
        Kind::List(item) => format!("[{}]", sample(item, "")),
        Kind::Section(keys) => {
            let required = keys.iter().filter(|k| k.preset == Preset::Required);
            let all: Vec<_> =
                required.map(|k| format!("{} = {}", k.name, sample(&k.kind, k.name))).collect();
            format!("{{ {} }}", all.join(", "))
        }
        Kind::OneOf(variants) => match variants[0].kind {
            Kind::Word => format!("\"{}\"", variants[0].name),
            ref kind => format!("{{ {} = {} }}", variants[0].name, sample(kind, variants[0].name)),
        },
        Kind::Word => format!("\"{name}\""),
        Kind::Map(keys, item) => {
            let fixed = sample(&Kind::Section(keys), "");
            let fixed = fixed.trim_start_matches("{ ").trim_end_matches(" }");
            let comma = if fixed.trim().is_empty() { "" } else { ", " };
            format!("{{ \"initial.normal.scale\" = {}{comma}{fixed} }}", sample(item, ""))
        }
        Kind::Either(kinds) => sample(&kinds[0], name),
        Kind::Foreign => "1".to_owned(),
    }
}

fn inside(bounds: &Bounds) -> String {
    let candidates = [0.5, 1.0, 2.0, 0.0, -1.0];
    let found = candidates.into_iter().find(|x| bounds.contains(*x));
    found.expect("every interval has one of these").to_string()
}

#[test]
fn every_key_is_read_into_the_specification() {
    let places = places();
    assert!(places.len() > 500, "{} keys", places.len());
    for place in places {
        let text = place.model(place.key.name);
        let Err(error) = parse(&text) else { continue };
        // Values that do not fit each other are refused later; form must be right.
        let formal = matches!(
            error.problem(),
            Problem::Inconsistent { .. }
                | Problem::UnknownKey { .. }
                | Problem::MissingKey { .. }
                | Problem::WrongType { .. }
                | Problem::Syntax { .. }
        );
        assert!(!formal, "{}: {error}\n{text}", place.path);
    }
}

#[test]
fn every_misspelt_key_is_refused_with_the_right_one_suggested() {
    for place in places() {
        let name = place.key.name;
        for wrong in [format!("{name}{}", &name[name.len() - 1..]), name.to_uppercase()] {
            if wrong == name {
                continue;
            }
            let text = place.model(&wrong);
            let error = parse(&text).expect_err(&text);
            match error.problem() {
                Problem::UnknownKey { key, suggestion, .. } => {
                    assert_eq!(key, &wrong, "{}: {error}", place.path);
                    assert_eq!(suggestion.as_deref(), Some(name), "{}: {error}", place.path);
                }
                other => panic!("{}: {other:?}\n{text}", place.path),
            }
        }
    }
}

#[test]
fn names_are_unique_and_every_key_is_explained() {
    fn check(keys: &'static [Key], path: &str) {
        for (i, key) in keys.iter().enumerate() {
            let path = format!("{path}.{}", key.name);
            assert!(keys[..i].iter().all(|k| k.name != key.name), "{path} is listed twice");
            assert!(!key.meaning.is_empty(), "{path} has no meaning");
            assert!(!key.meaning.ends_with('.'), "{path}: a phrase, not a sentence");
            check(key.kind.keys(), &path);
        }
    }
    check(KEYS, "");
}
