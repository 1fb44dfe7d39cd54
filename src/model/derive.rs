//! Defaults that depend on the rest of the model.

use super::document::{Entry, Node, Origin, Value};
use super::key_path::KeyPath;
use super::spec::{
    Biases, Data, DataFile, OneOrMany, Paths, Solver, Source, Specification, Weights,
};
use crate::network::Activation;

/// A value to be written into the tree; `None` removes what is there.
pub(crate) struct Change {
    pub path: KeyPath,
    pub value: Option<Value>,
}

/// Sections that follow from the dynamics, before the specification is read.
pub(crate) fn sections(root: &Node) -> Vec<Change> {
    let mut changes = Vec::new();
    let Some(Value::Table(dynamics)) = root.get("dynamics").map(|d| &d.value) else {
        return changes;
    };
    let Some(variant) = dynamics.first() else { return changes };
    let noisy = variant.node.get("noise").is_some();
    if root.get("solver").is_none() && !noisy {
        changes.push(set("solver", word("auto")));
    }
    let feedback = match variant.name.as_str() {
        "layerwise-inversion" | "concurrent-inversion" | "single-loop" => "negative-transpose",
        "deep-feedback-control" => "jacobian-transpose",
        _ => return changes,
    };
    if root.get("feedback").is_none() {
        changes.push(set("feedback", word(feedback)));
    }
    changes
}

/// Keys that follow from other keys of a valid specification.
pub(crate) fn keys(root: &Node, spec: &Specification) -> Vec<Change> {
    let mut changes = Vec::new();
    network(root, spec, &mut changes);
    target(spec, &mut changes);
    training(spec, &mut changes);
    if let Some(run) = &spec.run
        && run.save_at.is_none()
    {
        let exact = matches!(spec.solver, Some(Solver::Exact {}));
        let default = if exact { table("count", Value::Integer(201)) } else { word("steps") };
        changes.push(set("run.save_at", default));
    }
    changes
}

fn network(root: &Node, spec: &Specification, changes: &mut Vec<Change>) {
    let Some(network) = &spec.network else { return };
    let layers = network.sizes.len() - 1;
    if let OneOrMany::One(hidden) = network.activation {
        changes.push(set("network.activation", activations(hidden, layers)));
    }
    array_names("network.weights.file", &network.weights, layers, changes);
    let own = match &network.weights {
        Weights::File(file) => file.biases.as_ref(),
        _ => None,
    };
    match (&network.biases, own) {
        (Some(Biases::File(file)), _) if file.biases.is_none() && !nameless(&file.path) => {
            changes.push(set("network.biases.file.biases", numbered("b", layers)));
        }
        (None, Some(_)) => {
            if let Some(file) = bias_file(root) {
                changes.push(set("network.biases", Value::Table(vec![file])));
                changes.push(remove("network.weights.file.biases"));
            }
        }
        (None, None) => changes.push(set("network.biases", word("zero"))),
        _ => {}
    }
}

/// The biases of the weight file as a file of their own, written where they are written now.
fn bias_file(root: &Node) -> Option<Entry> {
    let file = root.get("network")?.get("weights")?.entry("file")?;
    let entries = ["path", "biases"].map(|name| file.node.entry(name).cloned());
    let value = Value::Table(entries.into_iter().flatten().collect());
    let node = Node { value, origin: file.node.origin };
    Some(Entry { name: file.name.clone(), name_origin: file.name_origin, node })
}

fn array_names(key: &str, weights: &Weights, layers: usize, changes: &mut Vec<Change>) {
    if let Weights::File(file) = weights
        && file.weights.is_none()
        && !nameless(&file.path)
    {
        changes.push(set(&format!("{key}.weights"), numbered("W", layers)));
    }
}

/// Whether the arrays have no names of their own, as in `.npy` files.
fn nameless(paths: &Paths) -> bool {
    paths.as_slice().iter().all(|path| path.to_ascii_lowercase().ends_with(".npy"))
}

fn target(spec: &Specification, changes: &mut Vec<Change>) {
    let Some(target) = &spec.target else { return };
    let pixels = |images: &DataFile| match images {
        DataFile::Idx(_) => word("unit"),
        DataFile::Array(_) => word("raw"),
    };
    match target.source() {
        Some(Source::Example(e)) if e.pixels.is_none() => {
            changes.push(set("target.example.pixels", pixels(&e.images)));
        }
        Some(Source::Examples(e)) if e.pixels.is_none() => {
            changes.push(set("target.examples.pixels", pixels(&e.images)));
        }
        Some(Source::Output(_)) if target.nudge.is_none() => {
            changes.push(set("target.nudge", Value::Float(1.0)));
        }
        _ => {}
    }
}

fn training(spec: &Specification, changes: &mut Vec<Change>) {
    let (Some(training), Some(network)) = (&spec.training, &spec.network) else { return };
    let Data::Teacher(teacher) = &training.data else { return };
    let key = "training.data.teacher";
    let sizes = teacher.sizes.as_ref().unwrap_or(&network.sizes);
    let layers = sizes.len() - 1;
    if teacher.sizes.is_none() {
        let sizes = sizes.iter().map(|n| Node::default_value(Value::Integer(*n as i64)));
        changes.push(set(&format!("{key}.sizes"), Value::Array(sizes.collect())));
    }
    let own = teacher.activation.as_ref().unwrap_or(&network.activation);
    match own {
        OneOrMany::One(hidden) => {
            changes.push(set(&format!("{key}.activation"), activations(*hidden, layers)));
        }
        OneOrMany::Many(all) if teacher.activation.is_none() => {
            let names = Value::Array(all.iter().map(|a| node(word(a.name()))).collect());
            changes.push(set(&format!("{key}.activation"), names));
        }
        OneOrMany::Many(_) => {}
    }
    array_names(&format!("{key}.weights.file"), &teacher.weights, layers, changes);
    if let Biases::File(file) = &teacher.biases
        && file.biases.is_none()
        && !nameless(&file.path)
    {
        changes.push(set(&format!("{key}.biases.file.biases"), numbered("b", layers)));
    }
}

/// The hidden layers' activation, and a linear output layer.
fn activations(hidden: Activation, layers: usize) -> Value {
    let name = |l| if l + 1 < layers { hidden.name() } else { Activation::Linear.name() };
    Value::Array((0..layers).map(|l| node(word(name(l)))).collect())
}

/// `prefix1`, `prefix2`, ...
fn numbered(prefix: &str, layers: usize) -> Value {
    Value::Array((1..=layers).map(|l| node(word(&format!("{prefix}{l}")))).collect())
}

fn word(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn node(value: Value) -> Node {
    Node::default_value(value)
}

fn entry(name: &str, value: Value) -> Entry {
    Entry { name: name.to_owned(), name_origin: Origin::DEFAULT, node: node(value) }
}

fn table(name: &str, value: Value) -> Value {
    Value::Table(vec![entry(name, value)])
}

fn set(key: &str, value: Value) -> Change {
    Change { path: KeyPath::parse(key).expect("a literal key"), value: Some(value) }
}

fn remove(key: &str) -> Change {
    Change { path: KeyPath::parse(key).expect("a literal key"), value: None }
}
