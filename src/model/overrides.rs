//! Values set outside the file: `--set key.path=value`, swept points.

use super::document::{Document, Entry, Node, Origin, Value};
use super::error::{Location, ModelError, Problem};
use super::key_path::{KeyPath, Segment};

/// One value that replaces or adds to what the file says.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// The key it sets.
    pub key: KeyPath,
    /// The value as it was written: TOML, or a bare text.
    pub value: String,
    /// Who set it, for messages: `--set`, `--seed`, `[sweep]`.
    pub source: String,
}

impl Override {
    /// An override from a key and a TOML value.
    #[must_use]
    pub fn new(source: &str, key: KeyPath, value: &str) -> Self {
        Self { key, value: value.to_owned(), source: source.to_owned() }
    }

    /// Reads `key.path=value`.
    ///
    /// # Errors
    /// [`Problem::Override`] when there is no `=` or the key is no dotted path.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let malformed = |at: usize| {
            let source = super::document::Source { name: "--set".into(), text: text.into() };
            let location = Location::new(&source, at..text.len(), String::new());
            ModelError::new(Problem::Override { text: text.to_owned() }, location)
        };
        let equals = split_position(text).ok_or_else(|| malformed(0))?;
        let key = KeyPath::parse(text[..equals].trim_end()).map_err(malformed)?;
        Ok(Self::new("--set", key, text[equals + 1..].trim()))
    }
}

/// The first `=` outside quotes.
fn split_position(text: &str) -> Option<usize> {
    let mut quote = None;
    for (i, c) in text.char_indices() {
        match (quote, c) {
            (None, '=') => return Some(i),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    None
}

/// Writes an override into the tree, making tables on the way.
pub(crate) fn apply(document: &mut Document, change: &Override) -> Result<(), ModelError> {
    let key = change.key.to_string();
    let text = format!("{key} = {}", change.value);
    let node = document.parse_value(&change.source, &text, key.len() + 3..text.len());
    let origin = document.foreign_origin(&change.source, &text, 0..key.len());
    let mut root = std::mem::replace(&mut document.root, Node::default_value(Value::Integer(0)));
    let placed = place(&mut root, change.key.segments(), node, origin);
    document.root = root;
    placed.map_err(|expected| {
        let problem =
            Problem::WrongType { expected, found: "something else in the file".to_owned() };
        ModelError::new(problem, document.location(origin, &change.key))
    })
}

/// Puts `value` at the end of `path`; the error says what would be needed on the way.
fn place(node: &mut Node, path: &[Segment], value: Node, origin: Origin) -> Result<(), String> {
    let Some((first, rest)) = path.split_first() else {
        *node = value;
        return Ok(());
    };
    match (first, &mut node.value) {
        (Segment::Key(name), Value::Table(entries)) => {
            if let Some(entry) = entries.iter_mut().find(|e| e.name == *name) {
                return place(&mut entry.node, rest, value, origin);
            }
            let mut inside = Node { value: Value::Table(Vec::new()), origin };
            place(&mut inside, rest, value, origin)?;
            entries.push(Entry { name: name.clone(), name_origin: origin, node: inside });
            Ok(())
        }
        // A variant given by its bare name becomes a table when a key inside it is set.
        (Segment::Key(name), Value::Text(word)) if word == name => {
            let table = Value::Table(Vec::new());
            let inner = Node { value: table, origin: node.origin };
            let entry = Entry { name: name.clone(), name_origin: node.origin, node: inner };
            node.value = Value::Table(vec![entry]);
            place(node, path, value, origin)
        }
        (Segment::Key(_), _) => Err("a table".to_owned()),
        (Segment::Index(index), Value::Array(items)) => {
            let length = items.len();
            let item = items.get_mut(*index);
            let item = item.ok_or_else(|| format!("a list of more than {length} entries"))?;
            place(item, rest, value, origin)
        }
        (Segment::Index(_), _) => Err("a list".to_owned()),
    }
}
