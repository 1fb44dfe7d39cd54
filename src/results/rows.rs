//! The layout of streamed rows: which variables a row carries and where its values come from.

use std::ops::Range;

use super::{Dimension, ResultError};
use crate::dynamics::{Observable, StateLayout};

/// One variable of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct RowVariable {
    /// Name of the variable.
    pub name: String,
    /// Axes after the row axis, slowest first.
    pub dims: Vec<Dimension>,
    /// Physical units, `"1"` when dimensionless.
    pub units: String,
    /// One phrase for axis labels.
    pub long_name: String,
}

impl RowVariable {
    /// A dimensionless variable with one value per row and per entry of `dims`.
    #[must_use]
    pub fn new(name: &str, dims: Vec<Dimension>, long_name: &str) -> Self {
        Self { name: name.to_owned(), dims, units: "1".to_owned(), long_name: long_name.to_owned() }
    }

    /// Values per row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.dims.iter().map(|d| d.length).product()
    }
}

/// Where the values of a variable lie in what is handed to `append_row`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    /// A range of the state vector.
    State(Range<usize>),
    /// A range of the observables.
    Observables(Range<usize>),
}

impl Source {
    /// The values of one row.
    pub(crate) fn slice<'a>(&self, state: &'a [f64], observables: &'a [f64]) -> &'a [f64] {
        match self {
            Self::State(range) => &state[range.clone()],
            Self::Observables(range) => &observables[range.clone()],
        }
    }
}

/// A table that grows row by row along one axis: a trajectory along `time`, a learning curve
/// along `step`.
#[derive(Debug, Clone, PartialEq)]
pub struct RowLayout {
    /// The group that holds the table.
    pub group: String,
    /// The row axis; its values are the coordinate.
    pub axis: RowVariable,
    /// Rows expected, if known; only the chunk size depends on it.
    pub expected_rows: Option<usize>,
    pub(crate) columns: Vec<(RowVariable, Source)>,
    pub(crate) state_width: usize,
    pub(crate) observables_width: usize,
}

impl RowLayout {
    /// The group `trajectory`: `time` in seconds of model time, one variable per block of the
    /// state, one per observable. With several targets the axes are (time, target, unit) and
    /// (time, target), with one (time, unit) and (time).
    #[must_use]
    pub fn trajectory(layout: &StateLayout, observables: &[Observable]) -> Self {
        let targets = (layout.columns() > 1).then(|| Dimension::new("target", layout.columns()));
        let of_block = |block: &crate::dynamics::Block| {
            let dims = targets
                .iter()
                .cloned()
                .chain([Dimension::new(&block.dimension, block.rows)])
                .collect();
            let variable = RowVariable {
                name: block.name.clone(),
                dims,
                units: block.units.clone(),
                long_name: block.long_name.clone(),
            };
            (variable, Source::State(block.range.clone()))
        };
        let of_observable = |(k, observable): (usize, &Observable)| {
            let variable = RowVariable {
                name: observable.name.clone(),
                dims: targets.iter().cloned().collect(),
                units: observable.units.clone(),
                long_name: observable.long_name.clone(),
            };
            (variable, Source::Observables(k * layout.columns()..(k + 1) * layout.columns()))
        };
        let blocks = layout.blocks().iter().map(of_block);
        Self {
            group: "trajectory".to_owned(),
            axis: RowVariable {
                units: "s".to_owned(),
                ..RowVariable::new("time", Vec::new(), "model time")
            },
            expected_rows: None,
            columns: blocks.chain(observables.iter().enumerate().map(of_observable)).collect(),
            state_width: layout.dim(),
            observables_width: observables.len() * layout.columns(),
        }
    }

    /// A table of `variables` along `axis`; a row's values are handed over as the state, one
    /// variable after the other.
    #[must_use]
    pub fn table(group: &str, axis: RowVariable, variables: Vec<RowVariable>) -> Self {
        let mut end = 0;
        let columns: Vec<_> = variables
            .into_iter()
            .map(|variable| {
                let start = end;
                end += variable.width();
                (variable, Source::State(start..end))
            })
            .collect();
        Self {
            group: group.to_owned(),
            axis,
            expected_rows: None,
            columns,
            state_width: end,
            observables_width: 0,
        }
    }

    /// Keeps only the variables called in `names` (the `record` key of a model file).
    ///
    /// # Errors
    /// The first name that is no variable, with the names there are.
    pub fn keep(mut self, names: &[String]) -> Result<Self, UnknownVariable> {
        if let Some(unknown) =
            names.iter().find(|name| !self.names().any(|known| known == name.as_str()))
        {
            let known = self.names().map(str::to_owned).collect();
            return Err(UnknownVariable { name: unknown.clone(), known });
        }
        self.columns.retain(|(variable, _)| names.contains(&variable.name));
        Ok(self)
    }

    /// Tells how many rows will come.
    #[must_use]
    pub fn expecting(mut self, rows: usize) -> Self {
        self.expected_rows = Some(rows);
        self
    }

    /// The variables, in order, without the axis.
    pub fn variables(&self) -> impl Iterator<Item = &RowVariable> {
        self.columns.iter().map(|(variable, _)| variable)
    }

    /// Bytes one row takes before compression.
    #[must_use]
    pub fn row_bytes(&self) -> usize {
        size_of::<f64>() * (1 + self.variables().map(RowVariable::width).sum::<usize>())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.variables().map(|variable| variable.name.as_str())
    }

    /// A record of no rows, to have names and dimensions checked once for every writer.
    pub(crate) fn check(&self) -> Result<(), ResultError> {
        // A path names nested groups; each part must be a name.
        for part in self.group.split('/') {
            super::Group::new(part).dimensions()?;
        }
        let last = self.group.rsplit('/').next().unwrap_or(&self.group);
        let mut group = super::Group::new(last);
        let axis = Dimension::new(&self.axis.name, 1);
        for variable in std::iter::once(&self.axis).chain(self.variables()) {
            let dims = std::iter::once(axis.clone()).chain(variable.dims.iter().cloned()).collect();
            let zeros = super::Data::F64(vec![0.0; variable.width()]);
            group.push(super::Variable::new(&variable.name, dims, zeros));
        }
        group.dimensions().map(|_| ())
    }

    /// Panics unless the slices have the widths this layout was made for.
    pub(crate) fn assert_widths(&self, state: &[f64], observables: &[f64]) {
        assert_eq!(state.len(), self.state_width, "state of a row");
        assert_eq!(observables.len(), self.observables_width, "observables of a row");
    }
}

/// A name in `record` that no variable has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown variable `{name}`; there are {}", known.join(", "))]
pub struct UnknownVariable {
    /// The name asked for.
    pub name: String,
    /// The names there are.
    pub known: Vec<String>,
}
