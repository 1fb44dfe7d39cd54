//! Where the variables of a picture lie: in the group `stability`, or in one group below it per
//! loop of a cascade.

use crate::error::Error;
use crate::plot::PlotError;
use crate::plot::chart::{Axis, Extent};
use crate::results::ResultReader;

/// The groups that hold `variable`, each with what its panels are called first.
pub(super) fn places(reader: &ResultReader, variable: &str) -> Vec<(String, String)> {
    let holds = |group: &str| reader.contains(&format!("{group}/{variable}"));
    let mut found = Vec::new();
    if holds("stability") {
        found.push(("stability".to_owned(), String::new()));
    }
    for name in reader.groups("stability").unwrap_or_default() {
        let group = format!("stability/{name}");
        if holds(&group) {
            found.push((group, format!("{}: ", name.replace('_', " "))));
        }
    }
    found
}

/// Complex numbers stored as `<name>_re` and `<name>_im`.
pub(super) fn complex(
    reader: &ResultReader,
    group: &str,
    name: &str,
) -> Result<Vec<(f64, f64)>, Error> {
    let (re, im) = (format!("{group}/{name}_re"), format!("{group}/{name}_im"));
    let (re, im) = (reader.f64s(&re)?, companion(reader, &im, &re)?);
    Ok(re.into_iter().zip(im).collect())
}

/// The values at `path`, of which there must be as many as of its companion.
pub(super) fn companion(reader: &ResultReader, path: &str, other: &str) -> Result<Vec<f64>, Error> {
    let values = reader.f64s(path)?;
    let expected = reader.info(other)?.len();
    if values.len() == expected {
        return Ok(values);
    }
    Err(PlotError::Shape {
        path: reader.path().to_owned(),
        variable: path.to_owned(),
        found: vec![values.len()],
        expected: "as many values as its companion",
    }
    .into())
}

/// Values over a grid: columns along the axis `x`, rows along `y`.
pub(super) struct Field {
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) values: Vec<f64>,
}

/// Reads `group/name` over the coordinates `group/x` and `group/y`.
pub(super) fn field(
    reader: &ResultReader,
    group: &str,
    (name, x, y): (&str, &str, &str),
) -> Result<Field, Error> {
    let [path, x, y] = [name, x, y].map(|variable| format!("{group}/{variable}"));
    let (values, x, y) = (reader.f64s(&path)?, reader.f64s(&x)?, reader.f64s(&y)?);
    let found: Vec<usize> = reader.info(&path)?.dims.iter().map(|d| d.length).collect();
    if found != [y.len(), x.len()] || values.is_empty() {
        let expected = "one row per value of its second axis, one column per value of its first";
        let path_of_file = reader.path().to_owned();
        return Err(PlotError::Shape { path: path_of_file, variable: path, found, expected }.into());
    }
    Ok(Field { x, y, values })
}

/// An axis whose ends lie half a cell beyond the first and last value, so that cells are centred.
/// Geometric values get a log axis. The values are ascending.
pub(super) fn cell_axis(label: &str, values: &[f64], ticks: usize) -> Axis {
    let (Some(&first), Some(&last)) = (values.first(), values.last()) else {
        return Axis::tight(label, Extent::EMPTY, ticks);
    };
    let cells = (values.len().max(2) - 1) as f64;
    if is_geometric(values) {
        let half = (last / first).powf(0.5 / cells);
        return Axis::decades(label, first / half, last * half, ticks);
    }
    let half = 0.5 * (last - first) / cells;
    Axis::tight(label, Extent::of([first - half, last + half]), ticks)
}

/// Whether neighbours have one ratio rather than one difference.
fn is_geometric(values: &[f64]) -> bool {
    let [first, second, .., last] = values else { return false };
    let steps = (values.len() - 1) as f64;
    *first > 0.0
        && last > first
        && ((second / first).ln() - (last / first).ln() / steps).abs() < 1e-6 * (last / first).ln()
}
