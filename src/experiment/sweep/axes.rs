//! The axes of a sweep as dimensions with coordinates, and names for variables that differ.

use std::collections::HashSet;

use crate::model::{KeyPath, SweepAxis, SweepPlan};
use crate::results::{Data, Dimension, Variable};

/// Names of a sweep's own variables.
pub(super) const STATUS: &str = "status";
/// Why a point failed.
pub(super) const ERROR: &str = "error";

/// Dimensions and coordinates of a sweep.
pub(super) struct Axes {
    pub(super) dimensions: Vec<Dimension>,
    pub(super) coordinates: Vec<Variable>,
    /// Coordinates that are not called like their dimension, for the attribute `coordinates`.
    pub(super) auxiliary: Vec<String>,
    names: HashSet<String>,
}

impl Axes {
    pub(super) fn new(plan: &SweepPlan) -> Self {
        let names = [STATUS, ERROR, "provenance"].map(str::to_owned);
        let mut axes = Self {
            dimensions: Vec::new(),
            coordinates: Vec::new(),
            auxiliary: Vec::new(),
            names: names.into(),
        };
        axes.names.extend(plan.axes().iter().map(|axis| axis.name.clone()));
        for axis in plan.axes() {
            let dimension = Dimension::new(&axis.name, axis.len);
            if let [key] = axis.keys.as_slice()
                && axis.name != "repeat"
                && axis.name != "draw"
                && axis.name != "zip"
            {
                axes.coordinates.push(coordinate(plan, axis, 0, &axis.name).long_name(key));
            } else {
                let numbers = (0..axis.len as i64).collect();
                axes.coordinates.push(Variable::integers(&axis.name, &axis.name, numbers));
                for (k, key) in axis.keys.iter().enumerate() {
                    let name = axes.name(&last(key), key);
                    axes.coordinates.push(coordinate(plan, axis, k, &name).long_name(key));
                    axes.auxiliary.push(name);
                }
            }
            axes.dimensions.push(dimension);
        }
        axes
    }

    /// A name that no other variable has: the short one, else the long one, else one with a number.
    pub(super) fn name(&mut self, short: &str, long: &str) -> String {
        let numbered = (2..).map(|k| format!("{long}_{k}"));
        let mut candidates = [short.to_owned(), long.to_owned()].into_iter().chain(numbered);
        let free = candidates.find(|name| !self.names.contains(name));
        let name = free.expect("there are more numbers than names");
        self.names.insert(name.clone());
        name
    }

    /// A dimension for an axis of an array field.
    pub(super) fn dimension(&mut self, name: &str, length: usize) -> Dimension {
        let name = self.name(name, name);
        let dimension = Dimension::new(name, length);
        self.dimensions.push(dimension.clone());
        dimension
    }

    /// The lengths of the swept axes.
    pub(super) fn lengths(plan: &SweepPlan) -> Vec<usize> {
        plan.axes().iter().map(|axis| axis.len).collect()
    }
}

fn last(key: &str) -> String {
    let path = KeyPath::parse(key).ok();
    path.and_then(|p| p.last_key().map(str::to_owned)).unwrap_or_else(|| key.to_owned())
}

/// The values of a key along its axis: integers, numbers, or as they are written in a model file.
fn coordinate(plan: &SweepPlan, axis: &SweepAxis, key: usize, name: &str) -> Variable {
    use toml::Value::{Float, Integer, String};
    let values: Vec<toml::Value> = (0..axis.len).map(|k| plan.coordinate(axis, key, k)).collect();
    let data = if values.iter().all(|v| matches!(v, Integer(_))) {
        Data::I64(values.iter().filter_map(toml::Value::as_integer).collect())
    } else if values.iter().all(|v| matches!(v, Integer(_) | Float(_))) {
        let number = |v: &toml::Value| match v {
            Integer(i) => *i as f64,
            Float(x) => *x,
            _ => f64::NAN,
        };
        Data::F64(values.iter().map(number).collect())
    } else {
        let text = |v: &toml::Value| match v {
            String(text) => text.clone(),
            other => other.to_string(),
        };
        Data::Text(values.iter().map(text).collect())
    };
    Variable::new(name, vec![Dimension::new(&axis.name, axis.len)], data)
}
