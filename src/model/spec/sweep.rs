//! `[sweep]`: options of `dinv sweep`.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::model::key::{Bounds, Key, Kind, Preset, VECTOR};

/// What `dinv sweep` does: a command at every point of
/// `grid[0] x grid[1] x ... x zip x random x repeats`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// The command run at every point.
    pub command: SweepCommand,
    /// Repeats, each with its own seed.
    pub seeds: usize,
    /// Fields of the command's `--json` that are kept; every scalar one when absent.
    pub collect: Option<Vec<String>>,
    /// Whether the full result of every point is kept.
    pub keep_results: bool,
    /// Axes of an outer product, in this order.
    #[serde(default)]
    pub grid: Named<Points>,
    /// Keys that walk together along one axis.
    #[serde(default)]
    pub zip: Named<Points>,
    /// Keys that are drawn together along one axis.
    pub random: Option<RandomSweep>,
}

/// The command run at every point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SweepCommand {
    /// `dinv run`.
    Run,
    /// `dinv invert`.
    Invert,
    /// `dinv stability`.
    Stability,
    /// `dinv train`.
    Train,
}

/// The values of one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Points {
    /// Written out.
    List(Vec<toml::Value>),
    /// A range.
    Range(PointRange),
}

/// A range of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PointRange {
    /// Evenly spaced, both ends included.
    Linear {
        /// First value.
        from: f64,
        /// Last value.
        to: f64,
        /// Number of values.
        count: usize,
    },
    /// Geometrically spaced, both ends included.
    Log {
        /// First value.
        from: f64,
        /// Last value.
        to: f64,
        /// Number of values.
        count: usize,
    },
    /// `from`, `from + step`, ... up to and including `to`.
    Step {
        /// First value.
        from: f64,
        /// Bound on the last value.
        to: f64,
        /// Distance of the values; negative to walk down.
        step: f64,
    },
}

/// Keys that are drawn together.
#[derive(Debug, Clone, PartialEq)]
pub struct RandomSweep {
    /// Number of draws.
    pub count: usize,
    /// The distribution of every key.
    pub keys: Named<Draw>,
}

/// The distribution of a drawn key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Draw {
    /// Uniform.
    Uniform {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// The logarithm is uniform.
    LogUniform {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// One of these values.
    Choice(Vec<toml::Value>),
}

/// Named values in the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<T>(pub Vec<(String, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Named<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Named(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

const COUNT: &str = "count";

impl Serialize for RandomSweep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.keys.0.len() + 1))?;
        map.serialize_entry(COUNT, &self.count)?;
        for (key, draw) in &self.keys.0 {
            map.serialize_entry(key, draw)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for RandomSweep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = RandomSweep;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table with `count` and the drawn keys")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RandomSweep, A::Error> {
                let (mut count, mut keys) = (None, Named::default());
                while let Some(key) = map.next_key::<String>()? {
                    if key == COUNT {
                        count = Some(map.next_value()?);
                    } else {
                        keys.0.push((key, map.next_value()?));
                    }
                }
                let count = count.ok_or_else(|| A::Error::missing_field(COUNT))?;
                Ok(RandomSweep { count, keys })
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

const FROM: Key = Key::float("from", Bounds::FINITE, "first value");
const TO: Key = Key::float("to", Bounds::FINITE, "last value");
const RANGE: Kind = Kind::OneOf(&[
    Key::variant(
        "linear",
        &[FROM, TO, Key::new("count", Kind::Integer(2), "number of values")],
        "evenly spaced, both ends included and exact",
    ),
    Key::variant(
        "log",
        &[FROM, TO, Key::new("count", Kind::Integer(2), "number of values")],
        "geometrically spaced, both ends included and exact",
    ),
    Key::variant(
        "step",
        &[
            FROM,
            Key::float("to", Bounds::FINITE, "bound on the last value, itself included"),
            Key::float("step", Bounds::FINITE, "distance of the values; negative to walk down"),
        ],
        "from `from` by `step` up to and including `to`",
    ),
]);

/// Values of a swept key: any list, or a range.
const POINTS: Kind = Kind::Either(&[Kind::List(&Kind::Foreign), RANGE]);

/// Numbers: a list, or a range.
pub(crate) const AXIS_POINTS: Kind = Kind::Either(&[VECTOR, RANGE]);

const DRAW: Kind = Kind::OneOf(&[
    Key::variant(
        "uniform",
        &[
            Key::float("low", Bounds::FINITE, "lower end"),
            Key::float("high", Bounds::FINITE, "upper end, above `low`"),
        ],
        "uniform",
    ),
    Key::variant(
        "log-uniform",
        &[
            Key::float("low", Bounds::POSITIVE, "lower end"),
            Key::float("high", Bounds::POSITIVE, "upper end, above `low`"),
        ],
        "the logarithm is uniform",
    ),
    Key::new("choice", Kind::List(&Kind::Foreign), "one of these values, each as likely")
        .optional(""),
]);

/// Keys of `[sweep]`.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "command",
        Kind::Choice(&["run", "invert", "stability", "train"]),
        "the command run at every point",
    ),
    Key::new(
        "seeds",
        Kind::Integer(1),
        "repeats, each with a seed made from `seed` and its number",
    )
    .or(Preset::Integer(1)),
    Key::new(
        "collect",
        Kind::List(&Kind::Text),
        "fields of the command's `--json` to keep, e.g. `critical.leak`",
    )
    .optional("every scalar field"),
    Key::flag("keep_results", false, "keep the full result of every point"),
    Key::new(
        "grid",
        Kind::Map(&[], &POINTS),
        "an outer product: dotted keys and their values, the first key varying slowest",
    )
    .optional("none"),
    Key::new("zip", Kind::Map(&[], &POINTS), "keys that walk together along one axis")
        .like("sweep.grid")
        .optional("none"),
    Key::new(
        "random",
        Kind::Map(&[Key::new(COUNT, Kind::Integer(1), "number of draws")], &DRAW),
        "keys that are drawn together along one axis",
    )
    .optional("none"),
];
