//! The arrays of a sweep with their axes, reduced over seeds.

use crate::error::Error;
use crate::plot::PlotError;
use crate::results::{Data, ResultReader, VariableInfo};

/// Axes over repeats and draws: what differs along them is chance.
const CHANCE: &[&str] = &["repeat", "draw"];

/// Most values of one field that are read.
const LARGEST: usize = 50_000_000;

/// An axis that was swept.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Swept {
    pub(super) name: String,
    pub(super) length: usize,
    /// Its values, where they are numbers.
    pub(super) values: Option<Vec<f64>>,
    /// Its values in words.
    pub(super) words: Vec<String>,
}

/// What of a field is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    /// Median over seeds at every point of the [`Cube::axes`], in row-major order.
    pub(super) median: Vec<f64>,
    /// Quantiles over seeds: 5 and 95 %, 25 and 75 %; empty without seeds.
    pub(super) bands: [Vec<(f64, f64)>; 2],
}

/// A sweep as it is drawn: axes, and fields over them.
pub(super) struct Cube {
    /// Axes with more than one value that are no chance.
    pub(super) axes: Vec<Swept>,
    pub(super) fields: Vec<Field>,
    /// Number of seeds and draws at every point.
    pub(super) chances: usize,
    /// Points that failed or are missing.
    pub(super) gaps: usize,
}

/// Positions of one value per axis: where a point is without its chance axes, and which of them.
struct Shape {
    lengths: Vec<usize>,
    is_chance: Vec<bool>,
}

impl Shape {
    fn points(&self) -> usize {
        let own = self.lengths.iter().zip(&self.is_chance).filter(|(_, chance)| !**chance);
        own.map(|(length, _)| *length).product()
    }

    /// The point without chance of value `k`.
    fn point(&self, mut k: usize) -> usize {
        let (mut point, mut stride) = (0, 1);
        for (length, chance) in self.lengths.iter().zip(&self.is_chance).rev() {
            if !chance {
                point += k % length * stride;
                stride *= length;
            }
            k /= length;
        }
        point
    }
}

impl Cube {
    /// Reads the sweep at the root of a file.
    pub(super) fn read(reader: &ResultReader) -> Result<Self, Error> {
        let status = reader.info("status")?;
        let total = status.len();
        if total > LARGEST {
            let reason = format!("{total} points; pictures are drawn of {LARGEST} at most");
            return Err(PlotError::Nothing { path: reader.path().to_owned(), reason }.into());
        }
        let shape = Shape {
            lengths: status.dims.iter().map(|dim| dim.length).collect(),
            is_chance: status.dims.iter().map(|d| CHANCE.contains(&d.name.as_str())).collect(),
        };
        let mut axes = Vec::new();
        for (dim, chance) in status.dims.iter().zip(&shape.is_chance) {
            if !chance && dim.length > 1 {
                axes.push(swept(reader, &dim.name, dim.length)?);
            }
        }
        let auxiliary = status.attribute_text("coordinates").unwrap_or_default();
        let is_field = |info: &VariableInfo| {
            // With one axis its coordinates look like fields.
            let is_coordinate = info.dims.iter().any(|dim| dim.name == info.path)
                || auxiliary.split(' ').any(|name| name == info.path);
            info.dims == status.dims
                && !is_coordinate
                && !["status", "error"].contains(&info.path.as_str())
        };
        let mut fields = Vec::new();
        for info in reader.variables("")? {
            if is_field(&info) {
                fields.extend(field(reader, &info, &shape)?);
            }
        }
        let gaps = match reader.variable("status")?.data {
            Data::U8(flags) => flags.iter().filter(|flag| **flag != 0).count(),
            _ => 0,
        };
        Ok(Self { axes, fields, chances: total / shape.points().max(1), gaps })
    }

    /// The field called `name`.
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

fn swept(reader: &ResultReader, name: &str, length: usize) -> Result<Swept, Error> {
    let name = name.to_owned();
    // Keys that walk together: the first that is a number tells where the others are.
    let path =
        if name == "zip" { companion(reader)?.unwrap_or(name.clone()) } else { name.clone() };
    let (values, words) = match reader.variable(&path)?.data {
        Data::F64(x) => (Some(x.clone()), x.iter().map(|x| format!("{x}")).collect()),
        Data::I64(i) => {
            (Some(i.iter().map(|i| *i as f64).collect()), i.iter().map(i64::to_string).collect())
        }
        Data::Text(texts) => (None, texts),
        Data::U8(flags) => (None, flags.iter().map(u8::to_string).collect()),
    };
    Ok(Swept { name: path, length, values, words })
}

fn companion(reader: &ResultReader) -> Result<Option<String>, Error> {
    let along = |v: &VariableInfo| v.dims.len() == 1 && v.dims[0].name == "zip" && v.path != "zip";
    Ok(reader.variables("")?.into_iter().find(along).map(|v| v.path))
}

/// A field of numbers, or the share of points that are stable.
fn field(
    reader: &ResultReader,
    info: &VariableInfo,
    shape: &Shape,
) -> Result<Option<Field>, Error> {
    let is_verdict = info.name() == "verdict";
    let (name, values) = match reader.variable(&info.path)?.data {
        Data::F64(values) => (info.name().to_owned(), values),
        Data::Text(words) if is_verdict => {
            let stable = |word: &String| match word.as_str() {
                "" => f64::NAN,
                "stable" => 1.0,
                _ => 0.0,
            };
            (STABLE.to_owned(), words.iter().map(stable).collect())
        }
        _ => return Ok(None),
    };
    if values.iter().all(|x| !x.is_finite()) {
        return Ok(None);
    }
    let mut samples: Vec<Vec<f64>> = vec![Vec::new(); shape.points()];
    for (k, value) in values.iter().enumerate().filter(|(_, x)| x.is_finite()) {
        samples[shape.point(k)].push(*value);
    }
    let several = values.len() > samples.len();
    for sample in &mut samples {
        sample.sort_unstable_by(f64::total_cmp);
    }
    let at = |level: f64| samples.iter().map(move |s| quantile(s, level));
    let median = if is_verdict {
        samples.iter().map(|s| s.iter().sum::<f64>() / s.len() as f64).collect()
    } else {
        at(0.5).collect()
    };
    let band = |low, high| -> Vec<(f64, f64)> { at(low).zip(at(high)).collect() };
    let bands = if several && !is_verdict {
        [band(0.05, 0.95), band(0.25, 0.75)]
    } else {
        [Vec::new(), Vec::new()]
    };
    Ok(Some(Field { name, median, bands }))
}

/// The field whose sign decides about stability.
pub(super) const ABSCISSA: &str = "spectral_abscissa";

/// What the share of stable points is called.
pub(super) const STABLE: &str = "fraction stable";

/// A quantile of sorted values, interpolated linearly between them.
fn quantile(sorted: &[f64], level: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = level * last as f64;
    let below = at.floor() as usize;
    let part = at - below as f64;
    let above = sorted[(below + 1).min(last)];
    if part > 0.0 { sorted[below] + part * (above - sorted[below]) } else { sorted[below] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        let sorted = [0.0, 1.0, 2.0, 10.0];
        assert_eq!(quantile(&sorted, 0.5), 1.5);
        assert_eq!(quantile(&sorted, 0.0), 0.0);
        assert_eq!(quantile(&sorted, 1.0), 10.0);
        assert_eq!(quantile(&[3.0], 0.95), 3.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn chance_is_taken_out_of_positions() {
        let shape = Shape { lengths: vec![2, 3, 4], is_chance: vec![false, true, false] };
        assert_eq!(shape.points(), 8);
        // Value (1, 2, 3) is point (1, 3).
        assert_eq!(shape.point(12 + 2 * 4 + 3), 7);
    }
}
