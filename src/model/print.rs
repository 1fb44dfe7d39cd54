//! The canonical text of a checked document.

use std::fmt::Write;

use super::document::{Entry, Node, Value};
use super::key::{Key, Kind};
use super::key_path::KeyPath;

/// Writes the tree as TOML that reads back to the same tree: keys in the order of the lists of
/// keys, floats with the fewest digits that round-trip. Sections and their variants have headers,
/// everything below them is inline.
pub(crate) fn canonical(root: &Node, keys: &'static [Key]) -> String {
    let mut text = String::new();
    table(&mut text, root, keys, &mut KeyPath::root());
    text
}

/// One value on one line.
pub(crate) fn inline(node: &Node) -> String {
    let mut text = String::new();
    value(&mut text, node, &[], 0);
    text
}

/// An entry of a table with what its list of keys says about it.
struct Item<'a> {
    name: &'a str,
    node: &'a Node,
    kind: Kind,
}

fn table(text: &mut String, node: &Node, keys: &'static [Key], path: &mut KeyPath) {
    let depth = path.segments().len();
    let has_header = |item: &Item<'_>| {
        let section = matches!(item.kind, Kind::Section(_) | Kind::Map(..));
        let variants = depth == 0 && matches!(item.kind, Kind::OneOf(_));
        matches!(item.node.value, Value::Table(_)) && depth < 2 && (section || variants)
    };
    let (sections, values): (Vec<_>, Vec<_>) =
        ordered(node, keys).into_iter().partition(has_header);
    if depth > 0 && (!values.is_empty() || sections.is_empty()) {
        let _ = writeln!(text, "\n[{path}]");
    }
    for item in values {
        let _ = write!(text, "{} = ", quoted_key(item.name));
        value(text, item.node, item.kind.keys(), 1);
        text.push('\n');
    }
    for item in sections {
        path.push_key(item.name);
        table(text, item.node, item.kind.keys(), path);
        path.pop();
    }
}

/// The entries of a table in the order of its list of keys; free keys keep theirs.
fn ordered<'a>(node: &'a Node, keys: &'static [Key]) -> Vec<Item<'a>> {
    let Value::Table(entries) = &node.value else { return Vec::new() };
    let rank = |name: &str| keys.iter().position(|k| k.name == name).unwrap_or(keys.len());
    let kind = |name: &str| keys.iter().find(|k| k.name == name).map_or(Kind::Foreign, |k| k.kind);
    let item = |e: &'a Entry| Item { name: &e.name, node: &e.node, kind: kind(&e.name) };
    let mut all: Vec<_> = entries.iter().map(item).collect();
    all.sort_by_key(|item| rank(item.name));
    all
}

/// Writes a value. Lists of lists and of tables have one line per entry up to `levels` deep.
fn value(text: &mut String, node: &Node, keys: &'static [Key], levels: usize) {
    let _ = match &node.value {
        Value::Text(s) => write!(text, "{}", quoted(s)),
        Value::Integer(i) => write!(text, "{i}"),
        Value::Float(x) => write!(text, "{x:?}"),
        Value::Boolean(b) => write!(text, "{b}"),
        Value::Datetime(s) => write!(text, "{s}"),
        Value::Array(items) => {
            let nested = |n: &Node| matches!(n.value, Value::Array(_) | Value::Table(_));
            let lines = levels > 0 && items.iter().any(nested);
            text.push('[');
            for (i, item) in items.iter().enumerate() {
                text.push_str(if i == 0 { "" } else { "," });
                text.push_str(if lines {
                    "\n  "
                } else if i == 0 {
                    ""
                } else {
                    " "
                });
                value(text, item, keys, levels.saturating_sub(1));
            }
            text.push_str(if lines { ",\n]" } else { "]" });
            Ok(())
        }
        Value::Table(_) => {
            text.push('{');
            let items = ordered(node, keys);
            for (i, item) in items.iter().enumerate() {
                let gap = if i == 0 { " " } else { ", " };
                let _ = write!(text, "{gap}{} = ", quoted_key(item.name));
                value(text, item.node, item.kind.keys(), 0);
            }
            text.push_str(if items.is_empty() { "}" } else { " }" });
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
