//! Models that together use every key.

use std::collections::BTreeSet;

use dynamic_inversion::model::{Key, Kind, spec::KEYS};

use crate::support::valid;

/// Every fixture with its name.
pub const FULL: &[(&str, &str)] = &[
    ("layerwise", include_str!("full/layerwise.toml")),
    ("control", include_str!("full/control.toml")),
    ("variants", include_str!("full/variants.toml")),
    ("training", include_str!("full/training.toml")),
    ("images", include_str!("full/images.toml")),
    ("examples", include_str!("full/examples.toml")),
    ("drawn", include_str!("full/drawn.toml")),
    ("array_example", include_str!("full/array_example.toml")),
    ("sweep", include_str!("full/sweep.toml")),
];

#[test]
fn full_models_are_valid_and_round_trip() {
    for (name, text) in FULL {
        let model = valid(text);
        let resolved = model.resolved_text();
        let again = valid(&resolved);
        assert_eq!(model.specification(), again.specification(), "{name}:\n{resolved}");
        assert_eq!(resolved, again.resolved_text(), "{name}");
    }
}

#[test]
fn resolved_text_spells_out_every_default() {
    let model = valid(
        "schema_version = 1\nnetwork = { sizes = [3, 4, 2], activation = \"tanh\", weights = \"normal\" }\n\
         dynamics = { layerwise-inversion = { layer = 2, leak = 0 } }\nrun = { t_span = [0, 1] }\n",
    );
    insta::assert_snapshot!(model.resolved_text());
}

#[test]
fn equal_models_have_equal_texts() {
    let one = "schema_version = 1\n[dynamics.linear]\na = [[1, 0.5], [2, 3]]\nb = [0, 1]\n\
               [run]\nt_span = [0, 1]\nsave_at = { count = 3 }\n";
    let other = "run = { save_at.count = 3.0, t_span = [0.0, 1e0] }\nseed = 0\nschema_version = 1\n\
                 [dynamics]\nlinear = { b = [0.0, 1], a = [[1.0, 0.5], [2.0, 3.0]] }\n";
    assert_eq!(valid(one).resolved_text(), valid(other).resolved_text());
}

/// Every key the fixtures mention, by its path in the lists.
fn mentioned() -> BTreeSet<String> {
    fn walk(value: &toml::Value, kind: &Kind, path: &str, found: &mut BTreeSet<String>) {
        match value {
            toml::Value::Table(table) => {
                for (name, value) in table {
                    let Some(key) = kind.keys().iter().find(|k| k.name == name) else { continue };
                    let path = format!("{path}.{name}");
                    walk(value, &key.kind, &path, found);
                    found.insert(path);
                }
            }
            toml::Value::Array(items) => items.iter().for_each(|v| walk(v, kind, path, found)),
            toml::Value::String(word) => {
                found.insert(format!("{path}.{word}"));
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for (_, text) in FULL {
        let value: toml::Value = toml::from_str(text).expect("a valid model");
        walk(&value, &Kind::Section(KEYS), "", &mut found);
    }
    found
}

#[test]
fn the_full_models_mention_every_key() {
    fn missing(keys: &[Key], path: &str, found: &BTreeSet<String>, all: &mut Vec<String>) {
        for key in keys {
            let path = format!("{path}.{}", key.name);
            // Variants beside the one a fixture uses are tried in the tests of their section.
            let is_variant = key.preset.to_string().is_empty();
            if !found.contains(&path) && !is_variant {
                all.push(path.clone());
            }
            if key.like.is_empty() && (found.contains(&path) || !is_variant) {
                missing(key.kind.keys(), &path, found, all);
            }
        }
    }
    let mut all = Vec::new();
    missing(KEYS, "", &mentioned(), &mut all);
    assert!(all.is_empty(), "no fixture has {all:#?}");
}
