//! The canonical text of a checked document.

use std::fmt::Write;

use super::document::{Node, Value};
use super::key::Key;
use super::key_path::KeyPath;

/// Writes the tree as TOML that reads back to the same tree: keys in the order of the lists of
/// keys, floats with the fewest digits that round-trip. Tables two levels deep become sections,
/// deeper ones are inline.
pub(crate) fn canonical(root: &Node, keys: &'static [Key]) -> String {
    let mut text = String::new();
    table(&mut text, root, keys, &mut KeyPath::root());
    text
}

/// One value on one line.
pub(crate) fn inline(node: &Node) -> String {
    let mut text = String::new();
    value(&mut text, node, &[]);
    text
}

/// The depth of section headers: `[dynamics]` is 1, `[dynamics.linear]` is 2.
const DEEPEST_HEADER: usize = 2;

fn table(text: &mut String, node: &Node, keys: &'static [Key], path: &mut KeyPath) {
    let entries = ordered(node, keys);
    let depth = path.segments().len();
    let is_header = |n: &Node| matches!(n.value, Value::Table(_)) && depth < DEEPEST_HEADER;
    let (sections, values): (Vec<_>, Vec<_>) = entries.into_iter().partition(|e| is_header(e.1));
    let only_sections = values.is_empty() && !sections.is_empty();
    if depth > 0 && !only_sections {
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}[{path}]");
    }
    for (name, node, inner) in values {
        let _ = write!(text, "{} = ", quoted_key(name));
        value(text, node, inner);
        text.push('\n');
    }
    for (name, node, inner) in sections {
        path.push_key(name);
        table(text, node, inner, path);
        path.pop();
    }
}

/// The entries of a table in the order of its list of keys; free keys keep theirs.
fn ordered<'a>(node: &'a Node, keys: &'static [Key]) -> Vec<(&'a str, &'a Node, &'static [Key])> {
    let Value::Table(entries) = &node.value else { return Vec::new() };
    let rank = |name: &str| keys.iter().position(|k| k.name == name).unwrap_or(keys.len());
    let inner =
        |name: &str| keys.iter().find(|k| k.name == name).map_or(&[][..], |k| k.kind.keys());
    let mut all: Vec<_> =
        entries.iter().map(|e| (e.name.as_str(), &e.node, inner(&e.name))).collect();
    all.sort_by_key(|(name, ..)| rank(name));
    all
}

fn value(text: &mut String, node: &Node, keys: &'static [Key]) {
    let _ = match &node.value {
        Value::Text(s) => write!(text, "{}", quoted(s)),
        Value::Integer(i) => write!(text, "{i}"),
        Value::Float(x) => write!(text, "{x:?}"),
        Value::Boolean(b) => write!(text, "{b}"),
        Value::Datetime(s) => write!(text, "{s}"),
        Value::Array(items) => {
            text.push('[');
            for (i, item) in items.iter().enumerate() {
                text.push_str(if i == 0 { "" } else { ", " });
                value(text, item, keys);
            }
            text.push(']');
            Ok(())
        }
        Value::Table(_) => {
            let entries = ordered(node, keys);
            text.push('{');
            for (i, (name, node, inner)) in entries.iter().enumerate() {
                let _ = write!(text, "{}{} = ", if i == 0 { " " } else { ", " }, quoted_key(name));
                value(text, node, inner);
            }
            text.push_str(if entries.is_empty() { "}" } else { " }" });
            Ok(())
        }
    };
}

fn quoted_key(name: &str) -> String {
    KeyPath::root().key(name).to_string()
}

/// A basic string: what TOML requires to be escaped is escaped.
pub(crate) fn quoted(s: &str) -> String {
    let mut text = String::with_capacity(s.len() + 2);
    text.push('"');
    for c in s.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(text, "\\u{:04X}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
    text
}
