//! What a key of a model file may hold.
//!
//! Every section lists its keys once, as constants of type [`Key`]. Checking, defaults,
//! suggestions and the reference in `docs/models.md` all come from these lists.

use std::fmt;

/// One key of a table.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The name in the file.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// What holds when it is absent.
    pub preset: Preset,
    /// Physical unit; empty when dimensionless.
    pub unit: &'static str,
    /// One phrase for the reference.
    pub meaning: &'static str,
    /// The key whose reference describes the keys inside this one, when they are shared.
    pub like: &'static str,
}

/// The values a key takes.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// An integer, at least this; floats without a fraction are accepted.
    Integer(i64),
    /// A finite float; integers are accepted.
    Float(Bounds),
    /// Any text.
    Text,
    /// The path of a file, relative to the folder of the model file.
    File,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of finite floats, nested as deep as there are axes; the two innermost axes form a
    /// rectangle.
    Numbers(&'static [Axis]),
    /// As [`Kind::Numbers`], but lists may differ in length.
    Ragged(&'static [Axis]),
    /// Exactly these many finite floats, by name.
    Tuple(&'static [&'static str]),
    /// A list of values of one kind.
    List(&'static Kind),
    /// A table with these keys.
    Section(&'static [Key]),
    /// A table with exactly one of these keys, which names a variant. A variant that needs
    /// nothing may be given by its name alone.
    OneOf(&'static [Key]),
    /// A variant of [`Kind::OneOf`] that is only a word.
    Word,
    /// A table with free keys, all of one kind, beside these fixed ones.
    Map(&'static [Key], &'static Kind),
    /// Any of these, told apart by their form.
    Either(&'static [Kind]),
    /// A value of another key, which is checked against that key.
    Foreign,
}

/// An axis of a list of numbers.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    /// What its positions are called in messages.
    pub name: &'static str,
    /// The number of the first position in messages.
    pub first: usize,
}

impl Axis {
    /// An axis counted from 0.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, first: 0 }
    }
}

/// What holds when a key is absent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Preset {
    /// The key must be there.
    Required,
    /// Nothing; the text says what that means.
    Absent(&'static str),
    /// A value computed from the rest of the model; the text says how.
    Derived(&'static str),
    /// A float.
    Float(f64),
    /// An integer.
    Integer(i64),
    /// A boolean.
    Boolean(bool),
    /// A word; for [`Kind::OneOf`] the name of a variant with all its defaults.
    Word(&'static str),
    /// Numbers of a [`Kind::Tuple`].
    Numbers(&'static [f64]),
    /// A list of words.
    Words(&'static [&'static str]),
    /// A section with all its defaults.
    Defaults,
}

/// An interval of floats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    low: f64,
    low_included: bool,
    high: f64,
    high_included: bool,
}

impl Bounds {
    /// Every finite number.
    pub const FINITE: Self = Self::above(f64::NEG_INFINITY);
    /// `x > 0`.
    pub const POSITIVE: Self = Self::above(0.0);
    /// `x >= 0`.
    pub const NOT_NEGATIVE: Self = Self { low_included: true, ..Self::above(0.0) };

    const fn above(low: f64) -> Self {
        Self { low, low_included: false, high: f64::INFINITY, high_included: false }
    }

    /// `low <= x < high`.
    pub(crate) const fn from_to_below(low: f64, high: f64) -> Self {
        Self { low, low_included: true, high, high_included: false }
    }

    /// `low < x <= high`.
    pub(crate) const fn above_up_to(low: f64, high: f64) -> Self {
        Self { low, low_included: false, high, high_included: true }
    }

    /// Whether `x` lies inside.
    #[must_use]
    pub fn contains(&self, x: f64) -> bool {
        let above = if self.low_included { x >= self.low } else { x > self.low };
        let below = if self.high_included { x <= self.high } else { x < self.high };
        above && below
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = (number(self.low), number(self.high));
        let open = if self.low_included { ">=" } else { ">" };
        let close = if self.high_included { "<=" } else { "<" };
        match (self.low.is_finite(), self.high.is_finite()) {
            (false, false) => f.write_str("finite"),
            (true, false) => write!(f, "{open} {low}"),
            (false, true) => write!(f, "{close} {high}"),
            (true, true) => write!(f, "{open} {low} and {close} {high}"),
        }
    }
}

/// A number as people write it: `0`, `0.5`, `1e-8`.
pub(crate) fn number(x: f64) -> String {
    let text = format!("{x:?}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

impl Key {
    /// A key that must be there.
    pub(crate) const fn new(name: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self { name, kind, preset: Preset::Required, unit: "", meaning, like: "" }
    }

    /// The same key with a default.
    pub(crate) const fn or(self, preset: Preset) -> Self {
        Self { preset, ..self }
    }

    /// The same key, optional; `absent` says what its absence means.
    pub(crate) const fn optional(self, absent: &'static str) -> Self {
        self.or(Preset::Absent(absent))
    }

    /// The same key with a physical unit.
    pub(crate) const fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    /// The same key, its inner keys being those of `path`.
    pub(crate) const fn like(self, path: &'static str) -> Self {
        Self { like: path, ..self }
    }

    /// A positive or otherwise bounded float.
    pub(crate) const fn float(name: &'static str, bounds: Bounds, meaning: &'static str) -> Self {
        Self::new(name, Kind::Float(bounds), meaning)
    }

    /// A time constant in seconds, 1 by default.
    pub(crate) const fn time_constant(name: &'static str, meaning: &'static str) -> Self {
        Self::float(name, Bounds::POSITIVE, meaning).or(Preset::Float(1.0)).unit("s")
    }

    /// A flag.
    pub(crate) const fn flag(name: &'static str, preset: bool, meaning: &'static str) -> Self {
        Self::new(name, Kind::Boolean, meaning).or(Preset::Boolean(preset))
    }

    /// A variant that is only a word.
    pub(crate) const fn word(name: &'static str, meaning: &'static str) -> Self {
        Self::new(name, Kind::Word, meaning).or(Preset::Absent(""))
    }

    /// A variant with keys of its own.
    pub(crate) const fn variant(
        name: &'static str,
        keys: &'static [Key],
        meaning: &'static str,
    ) -> Self {
        Self::new(name, Kind::Section(keys), meaning).or(Preset::Absent(""))
    }
}

/// The entry of a vector.
pub(crate) const ENTRY: Axis = Axis::new("entry");
/// The row of a matrix.
pub(crate) const ROW: Axis = Axis::new("row");
/// The column of a matrix.
pub(crate) const COLUMN: Axis = Axis::new("column");
/// The target of a batch.
pub(crate) const TARGET: Axis = Axis::new("target");
/// A layer, counted from 1 as in the equations.
pub(crate) const LAYER: Axis = Axis { name: "layer", first: 1 };
/// A loop, counted from 1.
pub(crate) const LOOP: Axis = Axis { name: "loop", first: 1 };

/// A vector.
pub(crate) const VECTOR: Kind = Kind::Numbers(&[ENTRY]);
/// A matrix, row by row.
pub(crate) const MATRIX: Kind = Kind::Numbers(&[ROW, COLUMN]);
/// One vector, or a list of vectors.
pub(crate) const VECTOR_OR_BATCH: Kind = Kind::Either(&[VECTOR, Kind::Numbers(&[TARGET, ENTRY])]);

impl Kind {
    /// What the kind is called in "expected ...".
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Boolean => "true or false".to_owned(),
            Self::Integer(_) => "an integer".to_owned(),
            Self::Float(_) => "a number".to_owned(),
            Self::Text => "a text in quotes".to_owned(),
            Self::File => "the path of a file in quotes".to_owned(),
            Self::Choice(words) => format!("one of {}", quoted_list(words)),
            Self::Numbers([_]) => "a list of numbers".to_owned(),
            Self::Numbers([_, _]) if self.is_matrix() => "a matrix (a list of rows)".to_owned(),
            Self::Numbers(_) if self.is_matrix() => {
                "a list of matrices (each a list of rows)".to_owned()
            }
            Self::Numbers(_) | Self::Ragged(_) => "a list of lists of numbers".to_owned(),
            Self::Tuple(names) => format!("the list [{}] of numbers", names.join(", ")),
            Self::List(Self::Integer(_)) => "a list of integers".to_owned(),
            Self::List(Self::Text | Self::File | Self::Choice(_)) => "a list of texts".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Section(keys) => {
                let names: Vec<_> = keys.iter().map(|k| k.name).collect();
                format!("a table {{ {} }}", names.join(", "))
            }
            Self::OneOf(variants) => {
                let names: Vec<_> = variants.iter().map(|k| k.name).collect();
                format!("one of {}", quoted_list(&names))
            }
            Self::Word => "nothing".to_owned(),
            Self::Map(..) => "a table".to_owned(),
            Self::Either(kinds) => {
                let all: Vec<_> = kinds.iter().map(Self::expected).collect();
                all.join(", or ")
            }
            Self::Foreign => "a value".to_owned(),
        }
    }

    /// Type and range for the reference in `docs/models.md`.
    #[must_use]
    pub fn form(&self) -> String {
        match self {
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::Integer(least) => format!("integer >= {least}"),
            Self::Float(bounds) => format!("number, {bounds}"),
            Self::Text => "text".to_owned(),
            Self::File => "path".to_owned(),
            Self::Choice(words) => {
                let words: Vec<_> = words.iter().map(|w| format!("`\"{w}\"`")).collect();
                words.join(", ")
            }
            Self::Numbers([_]) => "list of numbers".to_owned(),
            Self::Numbers([_, _]) if self.is_matrix() => "matrix: list of rows".to_owned(),
            Self::Numbers(_) if self.is_matrix() => "list of matrices".to_owned(),
            Self::Numbers(_) | Self::Ragged(_) => "list of lists of numbers".to_owned(),
            Self::Tuple(names) => format!("`[{}]`", names.join(", ")),
            Self::List(kind) => format!("list of: {}", kind.form()),
            Self::Section([]) => "`{}`, or the name alone".to_owned(),
            Self::Section(_) => "table".to_owned(),
            Self::OneOf(_) => "exactly one variant".to_owned(),
            Self::Word => "the word alone".to_owned(),
            Self::Map(_, kind) => format!("table of: {}", kind.form()),
            Self::Either(kinds) => {
                let all: Vec<_> = kinds.iter().map(Self::form).collect();
                all.join("; or ")
            }
            Self::Foreign => "any value the swept key takes".to_owned(),
        }
    }

    fn is_matrix(&self) -> bool {
        matches!(self, Self::Numbers([.., row, _]) if row.name == ROW.name)
    }

    /// The keys inside, for kinds that are tables of known keys.
    #[must_use]
    pub fn keys(&self) -> &'static [Key] {
        match self {
            Self::Section(keys) | Self::OneOf(keys) | Self::Map(keys, _) => keys,
            Self::List(kind) => kind.keys(),
            Self::Either(kinds) => {
                kinds.iter().map(Self::keys).find(|k| !k.is_empty()).unwrap_or(&[])
            }
            _ => &[],
        }
    }
}

/// `"a", "b" or "c"`.
pub(crate) fn quoted_list<S: AsRef<str>>(words: &[S]) -> String {
    let quoted: Vec<_> = words.iter().map(|w| format!("\"{}\"", w.as_ref())).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => f.write_str("required"),
            Self::Absent(text) | Self::Derived(text) => f.write_str(text),
            Self::Float(x) => f.write_str(&number(*x)),
            Self::Integer(i) => write!(f, "{i}"),
            Self::Boolean(b) => write!(f, "{b}"),
            Self::Word(word) => write!(f, "\"{word}\""),
            Self::Numbers(xs) => {
                let all: Vec<_> = xs.iter().map(|x| number(*x)).collect();
                write!(f, "[{}]", all.join(", "))
            }
            Self::Words(words) => {
                let all: Vec<_> = words.iter().map(|w| format!("\"{w}\"")).collect();
                write!(f, "[{}]", all.join(", "))
            }
            Self::Defaults => f.write_str("as below"),
        }
    }
}
