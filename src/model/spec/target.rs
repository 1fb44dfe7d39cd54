//! `[target]`: what is inverted.

use serde::{Deserialize, Serialize};

use crate::model::key::{Bounds, Key, Kind, Preset, VECTOR_OR_BATCH};

/// What is inverted: exactly one of `delta`, `normal`, `output`, `example` and `examples`.
/// [`source`](Self::source) tells which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Errors, written out: one vector, or one per target.
    pub delta: Option<OneOrManyVectors>,
    /// Errors, drawn.
    pub normal: Option<Drawn>,
    /// Desired outputs: one vector, or one per target.
    pub output: Option<OneOrManyVectors>,
    /// The output error of one example.
    pub example: Option<Example>,
    /// The output errors of several examples, side by side.
    pub examples: Option<Examples>,
    /// The network's input beside `delta`, `normal` or `output`.
    pub input: Option<Input>,
    /// Fraction of the way from the output to `output` that is asked for.
    pub nudge: Option<f64>,
}

/// One vector or a batch of vectors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrManyVectors {
    /// One vector.
    One(Vec<f64>),
    /// One vector per target.
    Many(Vec<Vec<f64>>),
}

impl OneOrManyVectors {
    /// The vectors, one per target.
    #[must_use]
    pub fn vectors(&self) -> &[Vec<f64>] {
        match self {
            Self::One(vector) => std::slice::from_ref(vector),
            Self::Many(vectors) => vectors,
        }
    }
}

/// Independent normal entries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drawn {
    /// Standard deviation.
    pub scale: f64,
    /// Number of targets.
    pub count: usize,
}

/// The network's input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// Written out: one for all targets, or one per target.
    Values(OneOrManyVectors),
    /// Drawn, one per target.
    Drawn(DrawnInput),
}

/// A drawn input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum DrawnInput {
    /// Independent normal entries.
    Normal {
        /// Standard deviation.
        scale: f64,
    },
    /// Independent uniform entries.
    Uniform {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
}

/// One example of a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Inputs.
    pub images: DataFile,
    /// Class labels.
    pub labels: DataFile,
    /// Position in the data set, from 0.
    pub index: usize,
    /// How pixels become inputs; absent only before the defaults are resolved.
    pub pixels: Option<Pixels>,
    /// Fraction of the output error that is asked for.
    pub nudge: f64,
}

/// Several examples of a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// Inputs.
    pub images: DataFile,
    /// Class labels.
    pub labels: DataFile,
    /// Positions in the data set, from 0.
    pub indices: Option<Vec<usize>>,
    /// The first so many.
    pub first: Option<usize>,
    /// How pixels become inputs; absent only before the defaults are resolved.
    pub pixels: Option<Pixels>,
    /// Fraction of the output error that is asked for.
    pub nudge: f64,
}

/// An IDX file, or an array of a file with several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DataFile {
    /// An IDX file, plain or gzipped.
    Idx(String),
    /// An array of a .npz, .safetensors, .h5 or .json file, one example per row.
    Array(ArrayOfFile),
}

impl DataFile {
    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Idx(path) | Self::Array(ArrayOfFile { path, .. }) => path,
        }
    }
}

/// An array of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArrayOfFile {
    /// The file.
    pub path: String,
    /// The name of the array.
    pub array: String,
}

/// How pixels become inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Pixels {
    /// As they are.
    Raw,
    /// Divided by 255.
    Unit,
    /// Standardised by the mean and standard deviation of all pixels of the data set.
    Standardized,
    /// Divided by 255, minus `mean`, divided by `std`.
    Affine {
        /// Subtracted.
        mean: f64,
        /// Divided by.
        std: f64,
    },
}

/// Which of the exclusive keys of `[target]` is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Source<'a> {
    /// `delta`.
    Delta(&'a OneOrManyVectors),
    /// `normal`.
    Normal(&'a Drawn),
    /// `output`.
    Output(&'a OneOrManyVectors),
    /// `example`.
    Example(&'a Example),
    /// `examples`.
    Examples(&'a Examples),
}

impl Target {
    /// Which of the exclusive keys is given; `None` when not exactly one is, which a validated
    /// specification excludes.
    #[must_use]
    pub fn source(&self) -> Option<Source<'_>> {
        let mut given = self.sources();
        let first = given.next()?;
        given.next().is_none().then_some(first.1)
    }

    /// The exclusive keys that are given.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&'static str, Source<'_>)> {
        [
            self.delta.as_ref().map(|d| ("delta", Source::Delta(d))),
            self.normal.as_ref().map(|d| ("normal", Source::Normal(d))),
            self.output.as_ref().map(|d| ("output", Source::Output(d))),
            self.example.as_ref().map(|d| ("example", Source::Example(d))),
            self.examples.as_ref().map(|d| ("examples", Source::Examples(d))),
        ]
        .into_iter()
        .flatten()
    }

    /// Number of targets.
    #[must_use]
    pub fn count(&self) -> Option<usize> {
        Some(match self.source()? {
            Source::Delta(d) | Source::Output(d) => d.vectors().len(),
            Source::Normal(d) => d.count,
            Source::Example(_) => 1,
            Source::Examples(e) => e.first.or(e.indices.as_ref().map(Vec::len))?,
        })
    }
}

const STD: Key =
    Key::float("scale", Bounds::NOT_NEGATIVE, "standard deviation").or(Preset::Float(1.0));

const DATA_FILE: Kind = Kind::Either(&[
    Kind::File,
    Kind::Section(&[
        Key::new("path", Kind::File, "a .npz, .safetensors, .h5 or .json file"),
        Key::new("array", Kind::Text, "the name of the array"),
    ]),
]);

/// How pixels become inputs.
pub(crate) const PIXELS: Kind = Kind::OneOf(&[
    Key::word("raw", "as they are"),
    Key::word("unit", "divided by 255"),
    Key::word(
        "standardized",
        "standardised by the mean and standard deviation of the whole data set",
    ),
    Key::variant(
        "affine",
        &[
            Key::float("mean", Bounds::FINITE, "subtracted from the pixels divided by 255"),
            Key::float("std", Bounds::POSITIVE, "then divided by"),
        ],
        "divided by 255, then standardised with given figures",
    ),
]);

/// Fraction of an error that is asked for.
pub(crate) const NUDGE: Key = Key::float(
    "nudge",
    Bounds::above_up_to(0.0, 1.0),
    "fraction of the output error that is asked for",
)
.or(Preset::Float(1.0));

const IMAGES: Key = Key::new(
    "images",
    DATA_FILE,
    "inputs: an IDX file (plain or gzipped), or a float array with one example per row",
);
const LABELS: Key =
    Key::new("labels", DATA_FILE, "class labels: an IDX file (plain or gzipped), or a float array");
const PIXELS_KEY: Key = Key::new("pixels", PIXELS, "how pixels become inputs")
    .or(Preset::Derived("`\"unit\"` for IDX files, `\"raw\"` for arrays"));

/// Keys of `[target]`.
pub(crate) const KEYS: &[Key] = &[
    Key::new(
        "delta",
        VECTOR_OR_BATCH,
        "errors of the inverted layer: one vector, or a list of vectors (one per target)",
    )
    .optional("one of five"),
    Key::new(
        "normal",
        Kind::Section(&[
            STD,
            Key::new("count", Kind::Integer(1), "number of targets").or(Preset::Integer(1)),
        ]),
        "errors of the inverted layer, drawn from a normal distribution",
    )
    .optional("one of five"),
    Key::new(
        "output",
        VECTOR_OR_BATCH,
        "desired outputs of the network: one vector, or a list of vectors; needs `input`",
    )
    .optional("one of five"),
    Key::new(
        "example",
        Kind::Section(&[
            IMAGES,
            LABELS,
            Key::new("index", Kind::Integer(0), "position in the data set, from 0")
                .or(Preset::Integer(0)),
            PIXELS_KEY,
            NUDGE,
        ]),
        "the network's own output error for one example of a data set",
    )
    .optional("one of five"),
    Key::new(
        "examples",
        Kind::Section(&[
            IMAGES,
            LABELS,
            Key::new(
                "indices",
                Kind::List(&Kind::Integer(0)),
                "positions in the data set, from 0; or `first`",
            )
            .optional("`first`"),
            Key::new("first", Kind::Integer(1), "the first so many; or `indices`")
                .optional("`indices`"),
            PIXELS_KEY,
            NUDGE,
        ]),
        "the network's own output errors for several examples, side by side",
    )
    .optional("one of five"),
    Key::new(
        "input",
        Kind::Either(&[
            VECTOR_OR_BATCH,
            Kind::OneOf(&[
                Key::variant("normal", &[STD], "drawn, one per target"),
                super::network::UNIFORM,
            ]),
        ]),
        "input of the network beside `delta`, `normal` or `output`: its operating point",
    )
    .optional("no operating point"),
    Key::float(
        "nudge",
        Bounds::above_up_to(0.0, 1.0),
        "fraction of the way from the network's output to `output` that is asked for",
    )
    .optional("1"),
];
