//! Names for the parts of a state vector.

use std::ops::Range;

/// Sums of squares below this may have lost squares to underflow: the smallest normal number over
/// the rounding unit, with a margin.
const SMALLEST_SUM: f64 = 1e-280;

/// One named block of the state: a `rows x columns` matrix stored column by column, one column
/// per target.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Name in model files, result files and messages, e.g. `state`, `controller`, `stage_1`.
    pub name: String,
    /// Position in the state vector.
    pub range: Range<usize>,
    /// Units per target.
    pub rows: usize,
    /// Name of the axis over units in result files, e.g. `state_unit`.
    pub dimension: String,
    /// Physical units, `"1"` when dimensionless.
    pub units: String,
    /// One phrase for axis labels.
    pub long_name: String,
}

impl Block {
    /// Position of target `column` in the state vector.
    #[must_use]
    pub fn column_range(&self, column: usize) -> Range<usize> {
        let start = self.range.start + column * self.rows;
        start..start + self.rows
    }
}

/// Blocks that tile a state vector exactly, for one or many targets.
#[derive(Debug, Clone, PartialEq)]
pub struct StateLayout {
    blocks: Vec<Block>,
    columns: usize,
}

impl StateLayout {
    /// An empty layout for `columns` targets.
    #[must_use]
    pub fn new(columns: usize) -> Self {
        Self { blocks: Vec::new(), columns }
    }

    /// Appends a dimensionless block of `rows` units per target; its axis is `<name>_unit`.
    #[must_use]
    pub fn with(mut self, name: &str, rows: usize, long_name: &str) -> Self {
        let start = self.dim();
        self.blocks.push(Block {
            name: name.to_owned(),
            range: start..start + rows * self.columns,
            rows,
            dimension: format!("{name}_unit"),
            units: "1".to_owned(),
            long_name: long_name.to_owned(),
        });
        self
    }

    /// The blocks in state order.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The block called `name`.
    #[must_use]
    pub fn block(&self, name: &str) -> Option<&Block> {
        self.blocks.iter().find(|b| b.name == name)
    }

    /// Number of targets integrated side by side.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Length of the state vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.blocks.last().map_or(0, |b| b.range.end)
    }

    /// The target column of state component `index`.
    #[must_use]
    pub fn column_of(&self, index: usize) -> usize {
        self.block_at(index).map_or(0, |b| (index - b.range.start) / b.rows)
    }

    /// `controller[3]`, or `controller[3] of target 7` when there are several targets.
    #[must_use]
    pub fn component_name(&self, index: usize) -> String {
        let Some(block) = self.block_at(index) else { return format!("y[{index}]") };
        let offset = index - block.range.start;
        let unit = format!("{}[{}]", block.name, offset % block.rows);
        if self.columns == 1 { unit } else { format!("{unit} of target {}", offset / block.rows) }
    }

    /// Writes the Euclidean norm of each target's part of `y` to `out`.
    pub fn column_norms(&self, y: &[f64], out: &mut [f64]) {
        out.fill(0.0);
        for block in &self.blocks {
            for (column, out) in y[block.range.clone()].chunks_exact(block.rows).zip(out.iter_mut())
            {
                *out += column.iter().map(|x| x * x).sum::<f64>();
            }
        }
        for (column, x) in out.iter_mut().enumerate() {
            let is_accurate = (SMALLEST_SUM..=f64::MAX).contains(x);
            *x = if is_accurate { x.sqrt() } else { self.scaled_norm(column, y) };
        }
    }

    /// The norm of one target where squares leave the range of numbers.
    fn scaled_norm(&self, column: usize, y: &[f64]) -> f64 {
        let entries = || self.blocks.iter().flat_map(move |b| &y[b.column_range(column)]);
        let largest = entries().fold(0.0_f64, |m, x| m.max(x.abs()));
        if largest == 0.0 || largest.is_infinite() {
            // Zero, infinite or, with a NaN among the entries, NaN.
            return entries().map(|x| x.abs()).sum();
        }
        largest * entries().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
    }

    /// The part of `y` that belongs to target `column`: the state of a run with that target alone.
    #[must_use]
    pub fn column_state(&self, column: usize, y: &[f64]) -> Vec<f64> {
        let parts = self.blocks.iter().flat_map(|b| &y[b.column_range(column)]);
        parts.copied().collect()
    }

    /// Writes the state of a run with one target to the places of target `column` in `y`.
    pub fn set_column_state(&self, column: usize, state: &[f64], y: &mut [f64]) {
        let mut start = 0;
        for block in &self.blocks {
            y[block.column_range(column)].copy_from_slice(&state[start..start + block.rows]);
            start += block.rows;
        }
    }

    fn block_at(&self, index: usize) -> Option<&Block> {
        self.blocks.iter().find(|b| b.range.contains(&index))
    }
}

/// A scalar function of the state recorded beside it, one value per target.
#[derive(Debug, Clone, PartialEq)]
pub struct Observable {
    /// Name in model files and result files, e.g. `residual`.
    pub name: String,
    /// One phrase for axis labels.
    pub long_name: String,
    /// Physical units, `"1"` when dimensionless.
    pub units: String,
}

impl Observable {
    /// A dimensionless observable.
    #[must_use]
    pub fn new(name: &str, long_name: &str) -> Self {
        Self { name: name.to_owned(), long_name: long_name.to_owned(), units: "1".to_owned() }
    }
}

/// The methods of [`VectorField`](super::VectorField) that a field named by a `layout` shares with
/// every other.
macro_rules! named_by_layout {
    () => {
        fn columns(&self) -> usize {
            self.layout.columns()
        }

        fn column_of(&self, index: usize) -> usize {
            self.layout.column_of(index)
        }

        fn component_name(&self, index: usize) -> String {
            self.layout.component_name(index)
        }
    };
}

pub(super) use named_by_layout;
