//! Rows of a result file on their way to a picture: read in blocks, thinned out to what a page
//! resolves.

use std::ops::Range;

use super::chart::Extent;
use crate::results::{ResultError, ResultReader};

/// Columns of the page a curve is resolved into: twice the pixels of a panel.
const COLUMNS: usize = 600;

/// Values read of one variable; of longer runs the first rows of every column are read.
const VALUES: usize = 20_000_000;

/// Values in memory at once.
const BLOCK: usize = 1 << 20;

/// The row axis, cut into the columns of the page.
pub(crate) struct Timeline {
    pub(crate) times: Vec<f64>,
    pub(crate) extent: Extent,
    columns: Vec<Range<usize>>,
}

impl Timeline {
    pub(crate) fn new(times: Vec<f64>) -> Self {
        let extent = Extent::of(times.iter().copied());
        let columns = columns(&times, extent);
        Self { times, extent, columns }
    }

    /// Rows of each column that are read when a row has `width` values.
    fn rows_per_column(&self, width: usize) -> usize {
        (VALUES / (self.columns.len() * width).max(1)).max(1)
    }

    /// Rows that are read when a row has `width` values.
    pub(crate) fn rows_read(&self, width: usize) -> usize {
        let cap = self.rows_per_column(width);
        self.columns.iter().map(|column| column.len().min(cap)).sum()
    }

    /// Calls `visit(column, time, row)` for the rows of the variable at `path`, `width` values
    /// each.
    pub(crate) fn visit(
        &self,
        reader: &ResultReader,
        path: &str,
        width: usize,
        mut visit: impl FnMut(usize, f64, &[f64]),
    ) -> Result<(), ResultError> {
        let cap = self.rows_per_column(width);
        let block = (BLOCK / width.max(1)).max(1);
        let (mut start, mut values) = (0, Vec::new());
        for (column, rows) in self.columns.iter().enumerate() {
            for row in rows.start..rows.end.min(rows.start + cap) {
                let held = values.len() / width.max(1);
                if !(start..start + held).contains(&row) {
                    // What lies beyond the cap is not worth reading.
                    let end = if rows.len() > cap { rows.start + cap } else { self.times.len() };
                    values = reader.rows(path, row..end.min(row + block))?;
                    start = row;
                }
                let at = (row - start) * width;
                visit(column, self.times[row], &values[at..at + width]);
            }
        }
        Ok(())
    }
}

/// Rows by column of the page. Times that do not run one way are taken in the order they come.
fn columns(times: &[f64], extent: Extent) -> Vec<Range<usize>> {
    let rows = times.len();
    if rows <= 2 * COLUMNS {
        return (0..rows).map(|row| row..row + 1).collect();
    }
    let span = extent.high - extent.low;
    let forward = times.is_sorted_by(|a, b| a <= b);
    let backward = times.is_sorted_by(|a, b| a >= b);
    let even = !(forward || backward) || extent.is_empty() || span <= 0.0;
    let column = |row: usize| {
        let share = if even {
            row as f64 / rows as f64
        } else if forward {
            (times[row] - extent.low) / span
        } else {
            (extent.high - times[row]) / span
        };
        ((share * COLUMNS as f64) as usize).min(COLUMNS - 1)
    };
    let mut columns: Vec<Range<usize>> = Vec::new();
    let mut current = usize::MAX;
    for row in 0..rows {
        let next = column(row);
        match columns.last_mut().filter(|_| next == current) {
            Some(last) => last.end = row + 1,
            None => columns.push(row..row + 1),
        }
        current = next;
    }
    columns
}

/// A curve thinned out to the first, lowest, highest and last point of every column: within a
/// pixel it looks like all points.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tracer {
    pieces: Vec<Vec<(f64, f64)>>,
    column: Option<Column>,
    is_open: bool,
}

#[derive(Debug, Clone, Copy)]
struct Column {
    number: usize,
    points: [(f64, f64); 4],
}

const FIRST: usize = 0;
const LOWEST: usize = 1;
const HIGHEST: usize = 2;
const LAST: usize = 3;

impl Tracer {
    pub(crate) fn push(&mut self, number: usize, t: f64, value: f64) {
        if !(value.is_finite() && t.is_finite()) {
            self.flush();
            self.is_open = false;
            return;
        }
        match self.column.as_mut().filter(|column| column.number == number) {
            Some(Column { points, .. }) => {
                if value < points[LOWEST].1 {
                    points[LOWEST] = (t, value);
                }
                if value > points[HIGHEST].1 {
                    points[HIGHEST] = (t, value);
                }
                points[LAST] = (t, value);
            }
            None => {
                self.flush();
                self.column = Some(Column { number, points: [(t, value); 4] });
            }
        }
    }

    fn flush(&mut self) {
        let Some(Column { mut points, .. }) = self.column.take() else { return };
        if !self.is_open {
            self.pieces.push(Vec::new());
            self.is_open = true;
        }
        let piece = self.pieces.last_mut().expect("a piece was opened");
        // Lowest and highest in the order they came; times may run backwards.
        let between = |x: f64, a: f64, b: f64| (x - a).abs() <= (b - a).abs();
        if !between(points[LOWEST].0, points[FIRST].0, points[HIGHEST].0) {
            points.swap(LOWEST, HIGHEST);
        }
        for point in points {
            if piece.last() != Some(&point) {
                piece.push(point);
            }
        }
    }

    /// The pieces between gaps.
    pub(crate) fn finish(mut self) -> Vec<Vec<(f64, f64)>> {
        self.flush();
        self.pieces
    }
}

/// Quantiles over a row, column by column.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bands {
    columns: Vec<(usize, f64, f64, [f64; LEVELS.len()])>,
    pub(crate) median: Tracer,
    sorted: Vec<f64>,
}

/// The quantiles of [`Bands`]; the middle one is the median.
const LEVELS: [f64; 7] = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0];

impl Bands {
    pub(crate) fn push(&mut self, number: usize, t: f64, row: impl Iterator<Item = f64>) {
        self.sorted.clear();
        self.sorted.extend(row.filter(|x| x.is_finite()));
        self.sorted.sort_unstable_by(f64::total_cmp);
        let Some(last) = self.sorted.len().checked_sub(1) else {
            self.median.push(number, t, f64::NAN);
            self.columns.push((number, t, t, [f64::NAN; 7]));
            return;
        };
        let quantiles = LEVELS.map(|level| self.sorted[(level * last as f64).round() as usize]);
        self.median.push(number, t, quantiles[3]);
        match self.columns.last_mut().filter(|c| c.0 == number && c.3[0].is_finite()) {
            None => self.columns.push((number, t, t, quantiles)),
            Some((_, _, end, known)) => {
                *end = t;
                for (k, (known, new)) in known.iter_mut().zip(quantiles).enumerate() {
                    *known = if k < 3 { known.min(new) } else { known.max(new) };
                }
            }
        }
    }

    /// The area between two levels, counted from outside: 0 the range, 1 from 5 to 95 %, 2 from 25
    /// to 75 %.
    pub(crate) fn band(&self, level: usize) -> Vec<(f64, f64, f64)> {
        let mut points = Vec::with_capacity(self.columns.len());
        for (_, start, end, levels) in &self.columns {
            let (low, high) = (levels[level], levels[6 - level]);
            points.push((*start, low, high));
            if end != start {
                points.push((*end, low, high));
            }
        }
        points
    }
}

/// A variable of one number per entry of its axes.
pub(crate) fn vector(reader: &ResultReader, path: &str) -> Result<Option<Vec<f64>>, ResultError> {
    if reader.contains(path) { reader.f64s(path).map(Some) } else { Ok(None) }
}

/// A variable of one number.
pub(crate) fn scalar(reader: &ResultReader, path: &str) -> Result<Option<f64>, ResultError> {
    Ok(vector(reader, path)?.and_then(|v| (v.len() == 1).then(|| v[0])))
}
