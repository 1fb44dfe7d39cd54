//! Dotted key paths such as `network.sizes[1]` or `dynamics.layerwise-inversion.leak`.

use std::fmt;

/// One step of a [`KeyPath`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// The key of a table.
    Key(String),
    /// The position in a list, from 0.
    Index(usize),
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// A place in a model: keys joined by dots, positions in square brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct KeyPath(Vec<Segment>);

impl KeyPath {
    /// The whole model.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Reads a path as it is written after `--set` or in a sweep.
    ///
    /// Keys with other characters than letters, digits, `_` and `-` are quoted as in TOML.
    ///
    /// # Errors
    /// The byte position at which the text stops being a path.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let mut segments = Vec::new();
        let mut rest = text;
        loop {
            let (key, after) = parse_key(rest).ok_or(text.len() - rest.len())?;
            segments.push(Segment::Key(key));
            rest = after;
            while let Some(inside) = rest.strip_prefix('[') {
                let position = text.len() - inside.len();
                let (digits, after) = inside.split_once(']').ok_or(position)?;
                segments.push(Segment::Index(digits.trim().parse().map_err(|_| position)?));
                rest = after;
            }
            rest = rest.trim_start();
            if rest.is_empty() {
                return Ok(Self(segments));
            }
            rest = rest.strip_prefix('.').ok_or(text.len() - rest.len())?;
        }
    }

    /// The steps from the root.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Appends a key.
    pub fn push_key(&mut self, key: &str) {
        self.0.push(Segment::Key(key.to_owned()));
    }

    /// Appends a position.
    pub fn push_index(&mut self, index: usize) {
        self.0.push(Segment::Index(index));
    }

    /// Removes the last step.
    pub fn pop(&mut self) {
        self.0.pop();
    }

    /// This path followed by a key.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut path = self.clone();
        path.push_key(key);
        path
    }

    /// This path followed by a position.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.push_index(index);
        path
    }

    /// The last key with the positions after it, e.g. `sizes[1]` for `network.sizes[1]`.
    #[must_use]
    pub fn tail(&self) -> Self {
        let last = self.0.iter().rposition(|s| matches!(s, Segment::Key(_))).unwrap_or(0);
        Self(self.0[last..].to_vec())
    }

    /// The last key, e.g. `sizes` for `network.sizes[1]`.
    #[must_use]
    pub fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|s| match s {
            Segment::Key(key) => Some(key.as_str()),
            Segment::Index(_) => None,
        })
    }
}

fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Splits one key, bare or quoted, off the front.
fn parse_key(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    for quote in ['"', '\''] {
        if let Some(inside) = text.strip_prefix(quote) {
            let (key, rest) = inside.split_once(quote)?;
            return Some((key.to_owned(), rest));
        }
    }
    let end = text.find(|c| !is_bare(c)).unwrap_or(text.len());
    (end > 0).then(|| (text[..end].to_owned(), &text[end..]))
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) => {
                    let dot = if i == 0 { "" } else { "." };
                    if !key.is_empty() && key.chars().all(is_bare) {
                        write!(f, "{dot}{key}")?;
                    } else {
                        write!(f, "{dot}{key:?}")?;
                    }
                }
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
