//! The document tree: TOML values that remember where they were written.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Location, ModelError, Problem};
use super::key_path::{KeyPath, Segment};

/// A text that values come from: the model file, or one `--set` override.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Source {
    /// Name for messages, e.g. `model.toml` or `--set`.
    pub name: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

/// Where a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Index into [`Document::sources`]; [`Origin::DEFAULT`] for values nobody wrote.
    source: u32,
    start: u32,
    end: u32,
}

impl Origin {
    /// The origin of default values.
    pub const DEFAULT: Self = Self { source: u32::MAX, start: 0, end: 0 };

    fn new(source: u32, span: Range<usize>) -> Self {
        // Sources longer than 4 GiB are refused when they are read.
        Self { source, start: span.start as u32, end: span.end as u32 }
    }

    fn is_written(self) -> bool {
        self.source != u32::MAX
    }
}

/// A value and its origin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub value: Value,
    pub origin: Origin,
}

/// A TOML value. Tables keep the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// Dates and times, which no key takes; kept as written for the message.
    Datetime(String),
    Array(Vec<Node>),
    Table(Vec<Entry>),
}

/// One `key = value` of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub name: String,
    pub name_origin: Origin,
    pub node: Node,
}

impl Node {
    /// A value nobody wrote.
    pub fn default_value(value: Value) -> Self {
        Self { value, origin: Origin::DEFAULT }
    }

    /// The entry `name` of a table.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        match &self.value {
            Value::Table(entries) => entries.iter().find(|e| e.name == name),
            _ => None,
        }
    }

    /// The value of entry `name` of a table.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|e| &e.node)
    }

    /// Kind and value for messages, e.g. `the text "abc"`, shortened when long.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Text(s) => format!("the text {:?}", shorten(s)),
            Value::Integer(i) => format!("the integer {i}"),
            Value::Float(x) => format!("the number {x:?}"),
            Value::Boolean(b) => format!("the boolean {b}"),
            Value::Datetime(s) => format!("the date or time {s}"),
            Value::Array(items) => match items.len() {
                0 => "an empty list".to_owned(),
                1 => "a list of 1 entry".to_owned(),
                n => format!("a list of {n} entries"),
            },
            Value::Table(entries) => match entries.as_slice() {
                [] => "an empty table".to_owned(),
                [one] => format!("a table with the key `{}`", one.name),
                many => format!("a table of {} keys", many.len()),
            },
        }
    }
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 40;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// A parsed model: the tree and the texts its values point into.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    pub root: Node,
    sources: Vec<Source>,
}

impl Document {
    /// Parses the text of a model file; `name` is what messages call it.
    pub fn parse(name: &str, text: &str) -> Result<Self, ModelError> {
        let source = Source { name: name.into(), text: text.into() };
        if u32::try_from(text.len()).is_err() {
            return Err(syntax(&source, 0..0, "the file is larger than 4 GiB"));
        }
        let table = DeTable::parse(&source.text)
            .map_err(|e| syntax(&source, e.span().unwrap_or(0..0), e.message()))?;
        let origin = Origin::new(0, 0..0);
        let value =
            table_value(table.into_inner(), 0).map_err(|span| syntax(&source, span, TOO_LARGE))?;
        Ok(Self { root: Node { value, origin }, sources: vec![source] })
    }

    /// Parses one value written outside the file, e.g. on the command line.
    ///
    /// `text` is what messages show and `value` the part of it to parse. What is not a TOML value
    /// is a text, so that names need no quotes.
    pub fn parse_value(&mut self, name: &str, text: &str, value: Range<usize>) -> Node {
        let source = self.add_source(name, text);
        let written = &text[value.clone()];
        let shift = |span: Range<usize>| span.start + value.start..span.end + value.start;
        let parsed = DeValue::parse(written).ok().and_then(|v| {
            let mut node = node(v, source).ok()?;
            shift_origins(&mut node, value.start as u32);
            Some(node)
        });
        parsed.unwrap_or_else(|| Node {
            value: Value::Text(written.trim().to_owned()),
            origin: Origin::new(source, shift(0..written.len())),
        })
    }

    /// The origin of a part of a text that was given outside the file.
    pub fn foreign_origin(&mut self, name: &str, text: &str, span: Range<usize>) -> Origin {
        let source = self.add_source(name, text);
        Origin::new(source, span)
    }

    fn add_source(&mut self, name: &str, text: &str) -> u32 {
        let known = self.sources.iter().skip(1).position(|s| &*s.name == name && &*s.text == text);
        let index = known.map_or(self.sources.len(), |i| i + 1);
        if index == self.sources.len() {
            self.sources.push(Source { name: name.into(), text: text.into() });
        }
        index as u32
    }

    /// The node at `path`.
    pub fn get(&self, path: &KeyPath) -> Option<&Node> {
        path.segments().iter().try_fold(&self.root, |node, segment| child(node, segment))
    }

    /// Where `path` was written: the value there, or the nearest thing around it.
    pub fn origin_of(&self, path: &KeyPath) -> Origin {
        let mut node = &self.root;
        let mut origin = node.origin;
        for segment in path.segments() {
            let Some(next) = child(node, segment) else { break };
            if next.origin.is_written() {
                origin = next.origin;
            }
            // A table is best shown by its name: its own span may run over many lines.
            if let (Value::Table(_), Segment::Key(name)) = (&next.value, segment)
                && let Some(entry) = node.entry(name)
                && entry.name_origin.is_written()
            {
                origin = entry.name_origin;
            }
            node = next;
        }
        origin
    }

    /// The location of `path`: the value there, or the nearest thing around it that was written.
    pub fn locate(&self, path: &KeyPath) -> Location {
        self.location(self.origin_of(path), path)
    }

    /// The location of the key that ends `path`, rather than its value.
    pub fn locate_name(&self, path: &KeyPath) -> Location {
        let mut parent = path.clone();
        parent.pop();
        let entry = path.last_key().and_then(|name| self.get(&parent)?.entry(name));
        let written = entry.filter(|e| e.name_origin.is_written());
        self.location(written.map_or_else(|| self.origin_of(path), |e| e.name_origin), path)
    }

    /// The location of a known origin.
    pub fn location(&self, origin: Origin, path: &KeyPath) -> Location {
        let source = self.sources.get(origin.source as usize).unwrap_or(&self.sources[0]);
        let span = origin.start as usize..origin.end as usize;
        Location::new(source, span, path.to_string())
    }

    /// Puts a default into the tree, or removes what is there; what was written keeps its place.
    pub fn set_default(&mut self, path: &KeyPath, value: Option<Value>) {
        let Some((last, before)) = path.segments().split_last() else { return };
        let Some(parent) = before.iter().try_fold(&mut self.root, child_mut) else { return };
        let (Segment::Key(name), Value::Table(entries)) = (last, &mut parent.value) else { return };
        let known = entries.iter_mut().find(|e| e.name == *name);
        match (value, known) {
            (Some(value), Some(entry)) => entry.node.value = value,
            (Some(value), None) => entries.push(Entry {
                name: name.clone(),
                name_origin: Origin::DEFAULT,
                node: Node::default_value(value),
            }),
            (None, _) => entries.retain(|e| e.name != *name),
        }
    }

    /// An error at `path`.
    pub fn error_at(&self, path: &KeyPath, problem: Problem) -> ModelError {
        ModelError::new(problem, self.locate(path))
    }
}

fn child<'a>(node: &'a Node, segment: &Segment) -> Option<&'a Node> {
    match (segment, &node.value) {
        (Segment::Key(name), _) => node.get(name),
        (Segment::Index(i), Value::Array(items)) => items.get(*i),
        (Segment::Index(_), _) => None,
    }
}

fn child_mut<'a>(node: &'a mut Node, segment: &Segment) -> Option<&'a mut Node> {
    match (segment, &mut node.value) {
        (Segment::Key(name), Value::Table(entries)) => {
            entries.iter_mut().find(|e| e.name == *name).map(|e| &mut e.node)
        }
        (Segment::Index(i), Value::Array(items)) => items.get_mut(*i),
        _ => None,
    }
}

const TOO_LARGE: &str = "this number is out of range: integers have 64 bits, floats end at 1.8e308";

fn syntax(source: &Source, span: Range<usize>, message: &str) -> ModelError {
    let problem = Problem::Syntax { message: message.to_owned() };
    ModelError::new(problem, Location::new(source, span, String::new()))
}

/// Converts a parsed table; the error is the span of a number that does not fit.
fn table_value(table: DeTable<'_>, source: u32) -> Result<Value, Range<usize>> {
    let mut entries = Vec::with_capacity(table.len());
    for (key, value) in table {
        entries.push(Entry {
            name_origin: Origin::new(source, key.span()),
            name: key.into_inner().into_owned(),
            node: node(value, source)?,
        });
    }
    entries.sort_by_key(|e| e.name_origin.start);
    Ok(Value::Table(entries))
}

fn node(value: Spanned<DeValue<'_>>, source: u32) -> Result<Node, Range<usize>> {
    let span = value.span();
    let origin = Origin::new(source, span.clone());
    let value = match value.into_inner() {
        DeValue::String(s) => Value::Text(s.into_owned()),
        DeValue::Boolean(b) => Value::Boolean(b),
        DeValue::Datetime(d) => Value::Datetime(d.to_string()),
        DeValue::Integer(i) => {
            Value::Integer(i64::from_str_radix(i.as_str(), i.radix()).map_err(|_| span)?)
        }
        DeValue::Float(x) => {
            let number: f64 = x.as_str().parse().map_err(|_| span.clone())?;
            if number.is_infinite() && !x.as_str().contains("inf") {
                return Err(span);
            }
            Value::Float(number)
        }
        DeValue::Array(items) => {
            Value::Array(items.into_iter().map(|v| node(v, source)).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => table_value(table, source)?,
    };
    Ok(Node { value, origin })
}

fn shift_origins(node: &mut Node, offset: u32) {
    node.origin.start += offset;
    node.origin.end += offset;
    match &mut node.value {
        Value::Array(items) => items.iter_mut().for_each(|n| shift_origins(n, offset)),
        Value::Table(entries) => {
            for entry in entries {
                entry.name_origin.start += offset;
                entry.name_origin.end += offset;
                shift_origins(&mut entry.node, offset);
            }
        }
        _ => {}
    }
}
