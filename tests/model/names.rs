//! Names in model files against the lists of the layers they come from.

use dynamic_inversion::dynamics::{DYNAMICS, TRANSFERS};
use dynamic_inversion::feedback::FEEDBACK;
use dynamic_inversion::integrate::METHODS;
use dynamic_inversion::model::{Key, Kind, spec::KEYS};
use dynamic_inversion::network::{ACTIVATIONS, OUTPUTS};

fn find(path: &str) -> Key {
    let mut keys = KEYS;
    let mut found = None;
    for name in path.split('.') {
        let key = keys.iter().find(|k| k.name == name).unwrap_or_else(|| panic!("no {path}"));
        keys = key.kind.keys();
        found = Some(*key);
    }
    found.expect("a path has a name")
}

fn words(kind: &Kind) -> Vec<&'static str> {
    match kind {
        Kind::Choice(words) => words.to_vec(),
        Kind::Either(kinds) => words(&kinds[0]),
        other => other.keys().iter().map(|k| k.name).collect(),
    }
}

#[test]
fn activations_outputs_and_transfers_are_those_of_the_library() {
    let activations: Vec<_> = ACTIVATIONS.iter().map(|(name, _)| *name).collect();
    assert_eq!(words(&find("network.activation").kind), activations);
    let outputs: Vec<_> = OUTPUTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(words(&find("network.output").kind), outputs);
    assert_eq!(words(&find("dynamics.single-loop.transfer").kind), TRANSFERS);
}

#[test]
fn everything_the_library_lists_can_be_named() {
    let lists: [(&str, Vec<&str>); 3] = [
        ("dynamics", DYNAMICS.iter().map(|d| d.name).collect()),
        ("feedback", FEEDBACK.iter().map(|f| f.name).collect()),
        ("solver", METHODS.iter().map(|m| m.name).collect()),
    ];
    for (section, names) in lists {
        let known = words(&find(section).kind);
        for name in names {
            assert!(known.contains(&name), "[{section}.{name}] is not a section");
        }
    }
}
