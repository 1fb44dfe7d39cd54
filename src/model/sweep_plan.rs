//! The points of a sweep: which values every point sets.

use rand::RngExt;

use super::error::{ModelError, Problem};
use super::key_path::KeyPath;
use super::model_file::Model;
use super::overrides::Override;
use super::points;
use super::spec::{Draw, Points, RandomSweep, Sweep};
use crate::network::random::{derived_seed, generator};

/// The repeat whose seed draws use instead: no sweep has so many, so draws share nothing with what
/// the points draw themselves.
const DRAWS: u64 = u32::MAX as u64;

/// Numbers kept per finished point, in 8 bytes each: where its record lies and how long it is.
const NUMBERS_PER_POINT: usize = 4;

/// Every point of a sweep, by number.
///
/// The axes are those of `[sweep.grid]` in the order of the file, then `zip`, `draw` and `repeat`
/// where there are any; the last axis varies fastest. Nothing is stored per point.
#[derive(Debug, Clone)]
pub struct SweepPlan {
    base: Model,
    seed: u64,
    axes: Vec<SweepAxis>,
}

/// One axis of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepAxis {
    /// Name of the axis in result files: the last key where that is unique, `zip`, `draw` or
    /// `repeat`.
    pub name: String,
    /// Number of points.
    pub len: usize,
    /// The keys that vary along it.
    pub keys: Vec<String>,
    values: AxisValues,
}

#[derive(Debug, Clone, PartialEq)]
enum AxisValues {
    /// Values of each key.
    Listed(Vec<Points>),
    /// Distribution of each key.
    Drawn(Vec<Draw>),
    /// Seeds.
    Repeats,
}

/// One point of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepPoint {
    /// Its number.
    pub index: usize,
    /// Its position along every axis.
    pub position: Vec<usize>,
    /// What it sets.
    pub overrides: Vec<Override>,
}

impl SweepPlan {
    /// The plan of a model's `[sweep]` section.
    ///
    /// # Errors
    /// When there is no such section, when there are more points than can be counted, or when a
    /// point that differs from the first along one axis only is not a valid model.
    pub fn new(model: &Model) -> Result<Self, ModelError> {
        let spec = model.specification();
        let sweep = model.require("sweep", &spec.sweep, "a sweep")?;
        let base = model.without_sweep()?;
        let plan = Self { base, seed: spec.seed, axes: axes(sweep) };
        let total = plan.axes.iter().try_fold(1usize, |n, axis| n.checked_mul(axis.len));
        // Half the range leaves room for arithmetic with numbers of points.
        let Some(total) = total.filter(|n| *n <= usize::MAX / 2) else {
            let message = "the sweep has more points than can be counted".to_owned();
            let remedy = "shorten or remove an axis".to_owned();
            return Err(model.error("sweep", Problem::Refused { message, remedy }));
        };
        model.require_memory("sweep", "the records of all points", [(total, NUMBERS_PER_POINT)])?;
        plan.check_axes()?;
        Ok(plan)
    }

    /// Builds the models along each axis through the first point, so that most combinations that
    /// make no valid model are refused before anything runs.
    fn check_axes(&self) -> Result<(), ModelError> {
        /// Models built per axis; longer axes are checked at evenly spaced places.
        const MOST: usize = 200;
        let mut position = vec![0; self.axes.len()];
        for (i, axis) in self.axes.iter().enumerate() {
            let count = axis.len.min(MOST);
            for k in 0..count {
                position[i] = k * (axis.len - 1) / (count - 1).max(1);
                self.base.with(&self.overrides(&position))?;
            }
            position[i] = 0;
        }
        Ok(())
    }

    /// The model that the values of a point are set in: the same without its sweep.
    #[must_use]
    pub fn base(&self) -> &Model {
        &self.base
    }

    /// The axes, the last varying fastest.
    #[must_use]
    pub fn axes(&self) -> &[SweepAxis] {
        &self.axes
    }

    /// Number of points.
    #[must_use]
    pub fn len(&self) -> usize {
        self.axes.iter().map(|axis| axis.len).product()
    }

    /// Whether there are no points, which a valid sweep excludes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Point `index`.
    ///
    /// # Panics
    /// When `index` is not below [`len`](Self::len).
    #[must_use]
    pub fn point(&self, index: usize) -> SweepPoint {
        assert!(index < self.len(), "point {index} of {}", self.len());
        let mut position = vec![0; self.axes.len()];
        let mut rest = index;
        for (place, axis) in position.iter_mut().zip(&self.axes).rev() {
            *place = rest % axis.len;
            rest /= axis.len;
        }
        let overrides = self.overrides(&position);
        SweepPoint { index, position, overrides }
    }

    /// The model of point `index`.
    ///
    /// # Errors
    /// When the values of the point do not make a valid model together.
    ///
    /// # Panics
    /// As [`point`](Self::point).
    pub fn model(&self, index: usize) -> Result<Model, ModelError> {
        self.base.with(&self.point(index).overrides)
    }

    /// The value of `axis.keys[key]` at `position` along the axis, as it is written in a model
    /// file.
    #[must_use]
    pub fn coordinate(&self, axis: &SweepAxis, key: usize, position: usize) -> toml::Value {
        match &axis.values {
            AxisValues::Listed(values) => points::value(&values[key], position),
            AxisValues::Drawn(draws) => self.draw(draws, position).swap_remove(key),
            AxisValues::Repeats => toml::Value::Integer(self.repeat_seed(position)),
        }
    }

    fn overrides(&self, position: &[usize]) -> Vec<Override> {
        let mut overrides = Vec::new();
        for (axis, &k) in self.axes.iter().zip(position) {
            let values = match &axis.values {
                AxisValues::Listed(values) => values.iter().map(|p| points::value(p, k)).collect(),
                AxisValues::Drawn(draws) => self.draw(draws, k),
                AxisValues::Repeats => vec![toml::Value::Integer(self.repeat_seed(k))],
            };
            for (key, value) in axis.keys.iter().zip(values) {
                let path = KeyPath::parse(key).expect("checked with the model");
                overrides.push(Override::new("[sweep]", path, &points::written(&value)));
            }
        }
        overrides
    }

    /// Seeds are the integers that TOML can write.
    fn repeat_seed(&self, repeat: usize) -> i64 {
        (derived_seed(self.seed, repeat as u64) >> 1) as i64
    }

    /// The values of all drawn keys of draw `k`.
    fn draw(&self, draws: &[Draw], k: usize) -> Vec<toml::Value> {
        let mut generator = generator(derived_seed(self.seed, DRAWS), k as u64);
        let mut unit = || generator.random::<f64>();
        let sample = |draw: &Draw| match draw {
            Draw::Uniform { low, high } => toml::Value::Float(low + (high - low) * unit()),
            Draw::LogUniform { low, high } => {
                let exponent = low.ln() + (high.ln() - low.ln()) * unit();
                toml::Value::Float(exponent.exp().clamp(*low, *high))
            }
            Draw::Choice(values) => {
                let k = (unit() * values.len() as f64) as usize;
                values[k.min(values.len() - 1)].clone()
            }
        };
        draws.iter().map(sample).collect()
    }
}

/// The axes of a sweep in their order.
fn axes(sweep: &Sweep) -> Vec<SweepAxis> {
    let mut axes = Vec::new();
    for (key, values) in &sweep.grid.0 {
        axes.push(SweepAxis {
            name: short_name(sweep, key),
            len: points::len(values),
            keys: vec![key.clone()],
            values: AxisValues::Listed(vec![values.clone()]),
        });
    }
    if let Some((_, first)) = sweep.zip.0.first() {
        let (keys, values): (_, Vec<_>) = sweep.zip.0.iter().cloned().unzip();
        let (name, len) = ("zip".to_owned(), points::len(first));
        axes.push(SweepAxis { name, len, keys, values: AxisValues::Listed(values) });
    }
    if let Some(RandomSweep { count, keys }) = &sweep.random {
        let (keys, draws): (_, Vec<_>) = keys.0.iter().cloned().unzip();
        let name = "draw".to_owned();
        axes.push(SweepAxis { name, len: *count, keys, values: AxisValues::Drawn(draws) });
    }
    if sweep.seeds > 1 {
        axes.push(SweepAxis {
            name: "repeat".to_owned(),
            len: sweep.seeds,
            keys: vec!["seed".to_owned()],
            values: AxisValues::Repeats,
        });
    }
    axes
}

/// The last key of a path, or all of it when another swept key ends alike.
fn short_name(sweep: &Sweep, key: &str) -> String {
    let last = |key: &str| {
        KeyPath::parse(key).ok().and_then(|p| p.last_key().map(str::to_owned)).unwrap_or_default()
    };
    let name = last(key);
    let taken = ["zip", "draw", "repeat"].contains(&name.as_str());
    let alike = sweep.grid.0.iter().filter(|(other, _)| last(other) == name).count() > 1;
    if taken || alike { key.to_owned() } else { name }
}
