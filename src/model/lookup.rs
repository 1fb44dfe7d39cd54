//! Finds keys by their path or name.

use super::key::{Bounds, Key, Kind};
use super::key_path::{KeyPath, Segment};

/// The section in which a key of this name exists, when there is exactly one.
pub(crate) fn belongs_to(name: &str, keys: &'static [Key], at: &KeyPath) -> Option<String> {
    let mut found = Vec::new();
    collect_sections(name, keys, at, &mut found);
    let [only] = found.as_slice() else { return None };
    Some(only.clone())
}

fn collect_sections(name: &str, keys: &'static [Key], at: &KeyPath, found: &mut Vec<String>) {
    for key in keys.iter().filter(|k| k.like.is_empty()) {
        if key.name == name {
            found.push(at.to_string());
        }
        collect_sections(name, key.kind.keys(), &at.key(key.name), found);
    }
}

/// The key or value that `path` names, as far as the lists of keys know it.
///
/// # Errors
/// The number of steps that could be followed, and the names known at that place.
pub(crate) fn find_kind(
    root: &'static [Key],
    path: &KeyPath,
) -> Result<Kind, (usize, Vec<&'static str>)> {
    let mut kind = Kind::Section(root);
    for (depth, segment) in path.segments().iter().enumerate() {
        kind = match (segment, kind) {
            (Segment::Key(name), kind) => {
                let inner = kind.keys();
                match (inner.iter().find(|k| k.name == name), kind) {
                    (Some(key), _) => key.kind,
                    (None, Kind::Map(_, item)) => *item,
                    (None, Kind::Either(kinds)) => *kinds
                        .iter()
                        .find_map(|k| if let Kind::Map(_, item) = k { Some(*item) } else { None })
                        .ok_or_else(|| (depth, inner.iter().map(|k| k.name).collect()))?,
                    _ => return Err((depth, inner.iter().map(|k| k.name).collect())),
                }
            }
            (Segment::Index(_), Kind::List(item)) => *item,
            (Segment::Index(_), Kind::Numbers([_])) => Kind::Float(Bounds::FINITE),
            (Segment::Index(_), Kind::Numbers([_, axes @ ..])) => Kind::Numbers(axes),
            (Segment::Index(_), Kind::Tuple(_)) => Kind::Float(Bounds::FINITE),
            _ => return Err((depth, Vec::new())),
        };
    }
    Ok(kind)
}
