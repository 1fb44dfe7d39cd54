//! Models that together use every key.

use crate::support::valid;

/// Every fixture with its name.
pub const FULL: &[(&str, &str)] = &[
    ("layerwise", include_str!("full/layerwise.toml")),
    ("control", include_str!("full/control.toml")),
    ("variants", include_str!("full/variants.toml")),
    ("training", include_str!("full/training.toml")),
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
#[ignore = "prints"]
fn print_resolved() {
    for (_, text) in FULL {
        println!("{}\n=========", valid(text).resolved_text());
    }
}
