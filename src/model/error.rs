//! What can be wrong with a model file, where, and what to do about it.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::document::Source;
use super::key::quoted_list;
use crate::error::{ExitCode, Failure};

/// A model file that cannot be used.
///
/// Says what is wrong, where it is written and what was found; its [`Diagnostic`] adds the source
/// text to underline and what to do. It shows nothing itself.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{location}: {problem}")]
pub struct ModelError {
    problem: Box<Problem>,
    location: Box<Location>,
}

impl ModelError {
    pub(crate) fn new(problem: Problem, location: Location) -> Self {
        Self { problem: Box::new(problem), location: Box::new(location) }
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Where it is written.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Whether the file could not be read, rather than understood.
    #[must_use]
    pub fn is_input_output(&self) -> bool {
        matches!(*self.problem, Problem::Unreadable { .. })
    }
}

impl Failure for ModelError {
    fn exit_code(&self) -> ExitCode {
        if self.is_input_output() { ExitCode::InputOutput } else { ExitCode::Usage }
    }

    fn remedy(&self) -> Option<String> {
        Some(self.problem.remedy())
    }

    fn diagnostic(&self) -> Option<Box<dyn Diagnostic + '_>> {
        Some(Box::new(self.clone()))
    }
}

impl Diagnostic for ModelError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.problem.remedy()))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.location.is_shown().then_some(&self.location.text)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if !self.location.is_shown() {
            return None;
        }
        let span = self.location.span.clone();
        Some(Box::new(std::iter::once(LabeledSpan::at(span, self.problem.label()))))
    }
}

/// A place in a model file or in an override.
#[derive(Clone)]
pub struct Location {
    /// The file as it was named by the user, `standard input`, or `--set`.
    pub source: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Dotted path of the key; empty for the file as a whole.
    pub key: String,
    span: Range<usize>,
    text: NamedSource<Arc<str>>,
}

impl Location {
    pub(crate) fn new(source: &Source, span: Range<usize>, key: String) -> Self {
        let text = &source.text;
        let start = floor_boundary(text, span.start);
        let end = floor_boundary(text, span.end).max(start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        Self {
            source: Arc::clone(&source.name),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            key,
            span: start..end,
            text: NamedSource::new(&source.name, Arc::clone(text)),
        }
    }

    /// The written text that the location covers.
    #[must_use]
    pub fn excerpt(&self) -> &str {
        &self.text.inner()[self.span.clone()]
    }

    /// Whether there is a text to show.
    fn is_shown(&self) -> bool {
        !self.text.inner().is_empty()
    }
}

/// The largest character boundary at or below `index`.
fn floor_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

impl PartialEq for Location {
    fn eq(&self, other: &Self) -> bool {
        let parts = |l: &Self| (Arc::clone(&l.source), l.span.clone(), l.key.clone());
        parts(self) == parts(other)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        if self.is_shown() {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if self.key.is_empty() { Ok(()) } else { write!(f, ": {}", self.key) }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

/// What is wrong with a model file.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs)] // each variant's message says what its fields are
pub enum Problem {
    #[error("the file cannot be read: {message}")]
    Unreadable { path: String, kind: io::ErrorKind, message: String },
    #[error("this is not UTF-8 text: invalid byte at offset {offset}")]
    NotUtf8 { offset: usize },
    #[error("this is not valid TOML: {message}")]
    Syntax { message: String },
    #[error("--set {text:?} is not of the form key.path=value")]
    Override { text: String },
    #[error("the key `{key}` does not exist here")]
    UnknownKey {
        key: String,
        suggestion: Option<String>,
        elsewhere: Option<String>,
        known: Vec<&'static str>,
    },
    #[error("{value:?} is not known here")]
    UnknownName { value: String, suggestion: Option<String>, known: Vec<&'static str> },
    #[error("the dynamics has no `{name}`")]
    UnknownBlock { name: String, suggestion: Option<String>, known: Vec<String> },
    #[error("exactly one of {} is needed, none is given", quoted_list(known))]
    NoVariant { known: Vec<&'static str> },
    #[error("`{first}` and `{second}` exclude each other")]
    SeveralVariants { first: String, second: String },
    #[error("the key `{key}` is missing: {meaning}")]
    MissingKey { key: &'static str, meaning: &'static str },
    #[error("the section [{section}] is missing, which {needed_by} needs")]
    MissingSection { section: &'static str, needed_by: String },
    #[error("expected {expected}, found {found}")]
    WrongType { expected: String, found: String },
    #[error("{value} is out of range: {what} must be {range}")]
    OutOfRange { what: String, value: String, range: String },
    #[error("{what} is {value}")]
    NotFinite { what: String, value: f64 },
    #[error("ragged matrix: {row} has {found} entries, {first_row} has {expected}")]
    Ragged { row: String, found: usize, first_row: String, expected: usize },
    #[error("{what} has {found} entries, but {expected} are needed: {because}")]
    WrongLength { what: String, found: usize, expected: usize, because: String },
    #[error(
        "{what} is {} x {}, but {} x {} is needed: {because}", found.0, found.1, expected.0, expected.1
    )]
    WrongShape { what: String, found: (usize, usize), expected: (usize, usize), because: String },
    #[error("{what} does not go with {with}")]
    NotAllowed { what: String, with: String, allowed: Vec<&'static str> },
    #[error("{what} needs {needs}")]
    Needs { what: String, needs: String, remedy: String },
    #[error("the point {value} appears twice, at positions {first} and {second}")]
    DuplicatePoint { value: String, first: usize, second: usize },
    #[error("{what} names {name:?} twice")]
    DuplicateName { what: String, name: String },
    #[error(
        "the model differs from the one that was started, in `{key}`: it was {was}, it is {is}"
    )]
    Changed { key: String, was: String, is: String },
    #[error("{what} would take {}; {} of memory are available", size(*needed), size(u128::from(*available)))]
    TooLarge { what: String, needed: u128, available: u64 },
    #[error("{message}")]
    Refused { message: String, remedy: String },
    #[error("the checked model does not fit the specification: {message}")]
    Inconsistent { message: String },
}

impl Problem {
    /// What the user can do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Unreadable { .. } => {
                "check the path and its permissions; `-` reads standard input".to_owned()
            }
            Self::NotUtf8 { .. } => "save the file as UTF-8".to_owned(),
            Self::Syntax { .. } => "see https://toml.io for the format".to_owned(),
            Self::Override { .. } => "write, for example, --set seed=3".to_owned(),
            Self::UnknownKey { suggestion: None, elsewhere: Some(section), .. } => {
                format!("it belongs to [{section}]")
            }
            Self::UnknownKey { suggestion, known, .. }
            | Self::UnknownName { suggestion, known, .. } => suggest(suggestion.as_deref(), known),
            Self::UnknownBlock { suggestion, known, .. } => suggest(suggestion.as_deref(), known),
            Self::NoVariant { known } => format!("name one, for example `{}`", known[0]),
            Self::SeveralVariants { .. } => "remove one of them".to_owned(),
            Self::MissingKey { key, .. } => format!("add `{key} = ...`"),
            Self::MissingSection { section, .. } => format!("add [{section}]"),
            Self::WrongType { expected, .. } => format!("write {expected}"),
            // Ranges such as `1, the only layer` and `a path` name what to choose.
            Self::OutOfRange { range, .. }
                if range.starts_with(|c: char| c.is_ascii_digit()) || range.starts_with("a ") =>
            {
                format!("choose {range}")
            }
            Self::OutOfRange { range, .. } => format!("choose a value {range}"),
            Self::NotFinite { .. } => "every number in a model must be finite".to_owned(),
            Self::Ragged { .. } => "give every row the same number of entries".to_owned(),
            Self::WrongLength { expected, .. } => format!("give {expected} entries"),
            Self::WrongShape { expected: (rows, columns), .. } => {
                format!("give {rows} rows of {columns} entries")
            }
            Self::NotAllowed { allowed, .. } if allowed.is_empty() => "remove it".to_owned(),
            Self::NotAllowed { allowed, .. } => format!("use {}", quoted_list(allowed)),
            Self::Needs { remedy, .. } | Self::Refused { remedy, .. } => remedy.clone(),
            Self::DuplicatePoint { .. } => "remove one of them".to_owned(),
            Self::DuplicateName { .. } => "give each its own name".to_owned(),
            Self::TooLarge { .. } => {
                "make it smaller, or use a machine with more memory".to_owned()
            }
            Self::Changed { .. } => "restore the model, or start anew with --force".to_owned(),
            Self::Inconsistent { .. } => {
                "this is a fault of the program: please report it".to_owned()
            }
        }
    }

    /// The phrase written under the underlined text.
    fn label(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } | Self::NotUtf8 { .. } => "here",
            Self::Syntax { .. } | Self::Override { .. } => "here",
            Self::UnknownKey { .. } => "unknown key",
            Self::UnknownName { .. } | Self::UnknownBlock { .. } => "unknown name",
            Self::NoVariant { .. } => "needs one variant",
            Self::SeveralVariants { .. } => "the second of the two",
            Self::MissingKey { .. } | Self::MissingSection { .. } => "missing here",
            Self::WrongType { .. } => "wrong type",
            Self::OutOfRange { .. } => "out of range",
            Self::TooLarge { .. } => "too large",
            Self::NotFinite { .. } => "not finite",
            Self::Ragged { .. } | Self::WrongLength { .. } => "wrong length",
            Self::WrongShape { .. } => "wrong shape",
            Self::NotAllowed { .. } | Self::Refused { .. } => "not allowed",
            Self::Needs { .. } => "needs more",
            Self::DuplicatePoint { .. } | Self::DuplicateName { .. } => "second occurrence",
            Self::Changed { .. } => "changed",
            Self::Inconsistent { .. } => "read from here",
        }
    }
}

/// A size in bytes as a person reads it.
fn size(bytes: u128) -> String {
    const UNITS: [(&str, f64); 3] = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6)];
    let bytes = bytes as f64;
    let fitting = UNITS.iter().find(|(_, unit)| bytes >= *unit).unwrap_or(&UNITS[2]);
    format!("{:.1} {}", bytes / fitting.1, fitting.0)
}

fn suggest<S: AsRef<str>>(suggestion: Option<&str>, known: &[S]) -> String {
    let list = quoted_list(known);
    match (suggestion, known.is_empty()) {
        (Some(name), _) => format!("did you mean `{name}`? known here: {list}"),
        (None, true) => "nothing may be written here".to_owned(),
        (None, false) => format!("known here: {list}"),
    }
}
