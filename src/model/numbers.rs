//! Lists of numbers: vectors, matrices and lists of matrices.

use super::document::{Node, Origin, Value};
use super::error::Problem;
use super::key::Axis;
use super::key_path::KeyPath;

/// What is wrong with a list of numbers, and where.
pub(crate) struct Fault {
    pub origin: Origin,
    pub path: KeyPath,
    pub problem: FaultKind,
}

/// The two ways in which a list of numbers can be wrong.
pub(crate) enum FaultKind {
    Problem(Problem),
    /// Something that is not a number; `expected` when it is not the whole value.
    Type {
        expected: Option<String>,
        found: String,
    },
}

/// Checks that `node` is nested like `axes` and all numbers are finite; integers become floats.
/// The two innermost axes must form a rectangle unless `ragged`.
pub(crate) fn check(
    node: &mut Node,
    axes: &[Axis],
    ragged: bool,
    path: &KeyPath,
) -> Result<(), Box<Fault>> {
    let mut walk = Walk { root: path, axes, ragged, position: Vec::new() };
    walk.descend(node)
}

struct Walk<'a> {
    root: &'a KeyPath,
    axes: &'a [Axis],
    ragged: bool,
    position: Vec<usize>,
}

impl Walk<'_> {
    fn descend(&mut self, node: &mut Node) -> Result<(), Box<Fault>> {
        let depth = self.position.len();
        if depth == self.axes.len() {
            return self.number(node);
        }
        let Value::Array(items) = &mut node.value else {
            let expected = match self.axes.len() - depth {
                _ if depth == 0 => None,
                1 => Some("a list of numbers".to_owned()),
                _ => Some("a matrix (a list of rows)".to_owned()),
            };
            let found = node.describe();
            return Err(self.fault(node.origin, FaultKind::Type { expected, found }));
        };
        for (i, item) in items.iter_mut().enumerate() {
            self.position.push(i);
            self.descend(item)?;
            self.position.pop();
        }
        if depth + 2 == self.axes.len() && !self.ragged { self.rectangular(items) } else { Ok(()) }
    }

    fn number(&mut self, node: &mut Node) -> Result<(), Box<Fault>> {
        let x = match node.value {
            Value::Float(x) => x,
            Value::Integer(i) => i as f64,
            _ => {
                let expected = Some("a number".to_owned());
                let found = node.describe();
                return Err(self.fault(node.origin, FaultKind::Type { expected, found }));
            }
        };
        node.value = Value::Float(x);
        if x.is_finite() {
            return Ok(());
        }
        let problem = Problem::NotFinite { what: self.place(), value: x };
        Err(self.fault(node.origin, FaultKind::Problem(problem)))
    }

    /// Every row must be as long as the first.
    fn rectangular(&mut self, rows: &[Node]) -> Result<(), Box<Fault>> {
        let length =
            |row: &Node| if let Value::Array(items) = &row.value { items.len() } else { 0 };
        let Some(expected) = rows.first().map(length) else { return Ok(()) };
        let Some(odd) = rows.iter().position(|row| length(row) != expected) else { return Ok(()) };
        self.position.push(0);
        let first_row = self.innermost();
        *self.position.last_mut().expect("pushed above") = odd;
        let problem =
            Problem::Ragged { row: self.place(), found: length(&rows[odd]), first_row, expected };
        Err(self.fault(rows[odd].origin, FaultKind::Problem(problem)))
    }

    /// The current position in words, e.g. `layer 1, row 0, column 1`.
    fn place(&self) -> String {
        let named: Vec<_> = self
            .axes
            .iter()
            .zip(&self.position)
            .map(|(axis, i)| format!("{} {}", axis.name, i + axis.first))
            .collect();
        match named.as_slice() {
            [] => self.root.tail().to_string(),
            [_] if self.axes.len() == 1 => self.path().tail().to_string(),
            _ => format!("{} ({})", self.path().tail(), named.join(", ")),
        }
    }

    fn innermost(&self) -> String {
        let last = self.position.len() - 1;
        format!("{} {}", self.axes[last].name, self.position[last] + self.axes[last].first)
    }

    fn path(&self) -> KeyPath {
        self.position.iter().fold(self.root.clone(), |path, i| path.index(*i))
    }

    fn fault(&self, origin: Origin, problem: FaultKind) -> Box<Fault> {
        Box::new(Fault { origin, path: self.path(), problem })
    }
}
