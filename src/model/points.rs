//! The values along a swept axis.

use super::document::{Entry, Node, Origin, Value};
use super::grid;
use super::print;
use super::spec::{PointRange, Points};

/// Number of values.
pub(crate) fn len(points: &Points) -> usize {
    match *points {
        Points::List(ref values) => values.len(),
        Points::Range(PointRange::Linear { count, .. } | PointRange::Log { count, .. }) => count,
        Points::Range(PointRange::Step { from, to, step }) => grid::range_len(from, to, step),
    }
}

/// Value `k`.
pub(crate) fn value(points: &Points, k: usize) -> toml::Value {
    let x = match *points {
        Points::List(ref values) => return values[k].clone(),
        Points::Range(PointRange::Linear { from, to, count }) => grid::linear(from, to, count, k),
        Points::Range(PointRange::Log { from, to, count }) => grid::log(from, to, count, k),
        Points::Range(PointRange::Step { from, step, .. }) => grid::range(from, step, k),
    };
    toml::Value::Float(x)
}

/// A value as it is written in a model file.
pub(crate) fn written(value: &toml::Value) -> String {
    print::inline(&node(value))
}

/// A text that is equal for equal values: 1 and 1.0 are one value.
pub(crate) fn identity(value: &toml::Value) -> String {
    match value {
        toml::Value::Integer(i) => print::inline(&Node::default_value(Value::Float(*i as f64))),
        _ => written(value),
    }
}

/// A value as a node that nobody wrote.
pub(crate) fn node(value: &toml::Value) -> Node {
    Node::default_value(match value {
        toml::Value::String(s) => Value::Text(s.clone()),
        toml::Value::Integer(i) => Value::Integer(*i),
        toml::Value::Float(x) => Value::Float(*x),
        toml::Value::Boolean(b) => Value::Boolean(*b),
        toml::Value::Datetime(d) => Value::Datetime(d.to_string()),
        toml::Value::Array(items) => Value::Array(items.iter().map(node).collect()),
        toml::Value::Table(table) => Value::Table(
            table
                .iter()
                .map(|(name, value)| Entry {
                    name: name.clone(),
                    name_origin: Origin::DEFAULT,
                    node: node(value),
                })
                .collect(),
        ),
    })
}

impl Points {
    /// The values of a numeric axis; entries of a list that are no numbers are left out.
    #[must_use]
    pub fn numbers(&self) -> Vec<f64> {
        let number = |value: toml::Value| match value {
            toml::Value::Float(x) => Some(x),
            toml::Value::Integer(i) => Some(i as f64),
            _ => None,
        };
        (0..len(self)).filter_map(|k| number(value(self, k))).collect()
    }
}
