//! Checks a document against the lists of keys and fills in the defaults.

use super::document::{Document, Entry, Node, Origin, Value};
use super::error::{ModelError, Problem};
use super::key::{Bounds, Key, Kind, Preset, number};
use super::key_path::KeyPath;
use super::lookup::belongs_to;
use super::numbers;
use super::suggest::nearest;

/// Walks one document.
pub(crate) struct Checker<'a> {
    /// For locations in messages.
    document: &'a Document,
    /// All keys, to find where a misplaced one belongs.
    root: &'static [Key],
}

type Checked = Result<(), ModelError>;

impl<'a> Checker<'a> {
    pub fn new(document: &'a Document, root: &'static [Key]) -> Self {
        Self { document, root }
    }

    /// Checks `node` and brings it into its canonical form: floats where floats are meant,
    /// variants as tables, defaults filled in. Stops at the first error in the order of the file.
    pub fn check(&self, node: &mut Node, kind: &Kind, path: &mut KeyPath) -> Checked {
        match kind {
            Kind::Boolean => match node.value {
                Value::Boolean(_) => Ok(()),
                _ => Err(self.wrong_type(node, kind, path)),
            },
            Kind::Integer(least) => self.integer(node, *least, kind, path),
            Kind::Float(bounds) => {
                let x = self.float(node, kind, path)?;
                if bounds.contains(x) {
                    return Ok(());
                }
                Err(self.out_of_range(node.origin, number(x), bounds.to_string(), path))
            }
            Kind::Text | Kind::File => match &node.value {
                Value::Text(s) if s.is_empty() && matches!(kind, Kind::File) => {
                    let range = "a path".to_owned();
                    Err(self.out_of_range(node.origin, "\"\"".to_owned(), range, path))
                }
                // Result files and the file system end a text there.
                Value::Text(s) if s.contains('\0') => {
                    let message = "a text cannot hold the character NUL".to_owned();
                    let remedy = "remove \\u0000".to_owned();
                    let problem = Problem::Refused { message, remedy };
                    Err(self.error(node.origin, path, problem))
                }
                Value::Text(_) => Ok(()),
                _ => Err(self.wrong_type(node, kind, path)),
            },
            Kind::Choice(words) => match &node.value {
                Value::Text(word) if words.contains(&word.as_str()) => Ok(()),
                Value::Text(word) => Err(self.unknown_name(node.origin, word, words, path)),
                _ => Err(self.wrong_type(node, kind, path)),
            },
            Kind::Numbers(axes) | Kind::Ragged(axes) => {
                let ragged = matches!(kind, Kind::Ragged(_));
                numbers::check(node, axes, ragged, path)
                    .map_err(|fault| self.number_fault(*fault, kind))
            }
            Kind::Tuple(names) => self.tuple(node, names, kind, path),
            Kind::List(item) => self.list(node, item, kind, path),
            Kind::Section(keys) => self.section(node, keys, kind, path),
            Kind::OneOf(variants) => self.one_of(node, variants, kind, path),
            Kind::Map(keys, item) => self.map(node, keys, item, path),
            Kind::Either(kinds) => {
                let fitting = kinds.iter().find(|k| fits(node, k));
                let fitting = fitting.ok_or_else(|| self.wrong_type(node, kind, path))?;
                self.check(node, fitting, path)
            }
            // A word variant is handled by `one_of`, a foreign value by the section that owns it.
            Kind::Word | Kind::Foreign => Ok(()),
        }
    }

    fn integer(&self, node: &mut Node, least: i64, kind: &Kind, path: &KeyPath) -> Checked {
        /// Floats up to here name one integer each.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let value = match node.value {
            Value::Integer(i) => i,
            Value::Float(x) if x.fract() == 0.0 && x.abs() <= EXACT => x as i64,
            _ => return Err(self.wrong_type(node, kind, path)),
        };
        node.value = Value::Integer(value);
        if value >= least {
            return Ok(());
        }
        Err(self.out_of_range(node.origin, value.to_string(), format!(">= {least}"), path))
    }

    /// Accepts a finite float or an integer, which becomes a float.
    fn float(&self, node: &mut Node, kind: &Kind, path: &KeyPath) -> Result<f64, ModelError> {
        let x = match node.value {
            Value::Integer(i) => i as f64,
            Value::Float(x) => x,
            _ => return Err(self.wrong_type(node, kind, path)),
        };
        node.value = Value::Float(x);
        if x.is_finite() {
            return Ok(x);
        }
        let problem = Problem::NotFinite { what: path.tail().to_string(), value: x };
        Err(self.error(node.origin, path, problem))
    }

    fn tuple(&self, node: &mut Node, names: &[&str], kind: &Kind, path: &mut KeyPath) -> Checked {
        let Value::Array(items) = &mut node.value else {
            return Err(self.wrong_type(node, kind, path));
        };
        if items.len() != names.len() {
            let problem = Problem::WrongLength {
                what: path.tail().to_string(),
                found: items.len(),
                expected: names.len(),
                because: format!("[{}]", names.join(", ")),
            };
            return Err(self.error(node.origin, path, problem));
        }
        for (i, item) in items.iter_mut().enumerate() {
            let item_path = path.index(i);
            self.float(item, &Kind::Float(Bounds::FINITE), &item_path).map_err(
                |error| match error.problem() {
                    Problem::NotFinite { value, .. } => {
                        let what = format!("{} ({})", item_path.tail(), names[i]);
                        let problem = Problem::NotFinite { what, value: *value };
                        self.error(item.origin, &item_path, problem)
                    }
                    _ => error,
                },
            )?;
        }
        Ok(())
    }

    fn list(&self, node: &mut Node, item: &Kind, kind: &Kind, path: &mut KeyPath) -> Checked {
        let Value::Array(items) = &mut node.value else {
            return Err(self.wrong_type(node, kind, path));
        };
        for (i, value) in items.iter_mut().enumerate() {
            path.push_index(i);
            self.check(value, item, path)?;
            path.pop();
        }
        Ok(())
    }

    fn section(
        &self,
        node: &mut Node,
        keys: &'static [Key],
        kind: &Kind,
        path: &mut KeyPath,
    ) -> Checked {
        let Value::Table(entries) = &mut node.value else {
            return Err(self.wrong_type(node, kind, path));
        };
        for entry in entries.iter_mut() {
            let key = self.find_key(entry, keys, path)?;
            path.push_key(key.name);
            self.check(&mut entry.node, &key.kind, path)?;
            path.pop();
        }
        self.fill(node, keys, path)
    }

    fn find_key(
        &self,
        entry: &Entry,
        keys: &'static [Key],
        path: &KeyPath,
    ) -> Result<&'static Key, ModelError> {
        keys.iter().find(|k| k.name == entry.name).ok_or_else(|| {
            let known: Vec<_> = keys.iter().map(|k| k.name).collect();
            let problem = Problem::UnknownKey {
                key: entry.name.clone(),
                suggestion: nearest(&entry.name, &known).map(str::to_owned),
                elsewhere: belongs_to(&entry.name, self.root, &KeyPath::root()),
                known,
            };
            self.error(entry.name_origin, &path.key(&entry.name), problem)
        })
    }

    /// Adds the defaults of absent keys; a required one is an error.
    fn fill(&self, node: &mut Node, keys: &'static [Key], path: &mut KeyPath) -> Checked {
        for key in keys {
            if node.get(key.name).is_some() {
                continue;
            }
            let Some(value) = preset_value(&key.preset) else {
                if key.preset != Preset::Required {
                    continue;
                }
                let problem = Problem::MissingKey { key: key.name, meaning: key.meaning };
                return Err(self.error(self.owner(node, path), &path.key(key.name), problem));
            };
            let mut default = Node::default_value(value);
            path.push_key(key.name);
            self.check(&mut default, &key.kind, path)?;
            path.pop();
            let Value::Table(entries) = &mut node.value else { return Ok(()) };
            entries.push(Entry {
                name: key.name.to_owned(),
                name_origin: Origin::DEFAULT,
                node: default,
            });
        }
        Ok(())
    }

    /// Where a table is best pointed at: its header, or itself when it is inline.
    fn owner(&self, node: &Node, path: &KeyPath) -> Origin {
        if node.origin == Origin::DEFAULT { self.document.origin_of(path) } else { node.origin }
    }

    fn one_of(
        &self,
        node: &mut Node,
        variants: &'static [Key],
        kind: &Kind,
        path: &mut KeyPath,
    ) -> Checked {
        let known = || variants.iter().map(|v| v.name).collect::<Vec<_>>();
        if let Value::Text(word) = &node.value {
            let Some(variant) = variants.iter().find(|v| v.name == word) else {
                return Err(self.unknown_name(node.origin, word, &known(), path));
            };
            return match variant.kind {
                Kind::Word => Ok(()),
                Kind::Section(_) => self.expand(node, variant, path),
                _ => Err(self.wrong_type(node, &variant.kind, &path.key(variant.name))),
            };
        }
        let Value::Table(entries) = &mut node.value else {
            return Err(self.wrong_type(node, kind, path));
        };
        for entry in entries.iter() {
            self.find_key(entry, variants, path)?;
        }
        match entries.as_mut_slice() {
            [] => Err(self.error(node.origin, path, Problem::NoVariant { known: known() })),
            [one] => {
                let variant = self.find_key(one, variants, path)?;
                let path = &mut path.key(variant.name);
                match variant.kind {
                    Kind::Word => {
                        let expected = format!("the word \"{}\" alone", variant.name);
                        let found = format!("a table with the key `{}`", variant.name);
                        let problem = Problem::WrongType { expected, found };
                        Err(self.error(one.name_origin, path, problem))
                    }
                    _ => self.check(&mut one.node, &variant.kind, path),
                }
            }
            [first, second, ..] => {
                let (first_name, name) = (first.name.clone(), second.name.clone());
                let path = path.key(&name);
                let problem = Problem::SeveralVariants { first: first_name, second: name };
                Err(self.error(second.name_origin, &path, problem))
            }
        }
    }

    /// Turns the bare name of a variant into a table with its defaults.
    fn expand(&self, node: &mut Node, variant: &'static Key, path: &mut KeyPath) -> Checked {
        let origin = node.origin;
        let mut inside = Node { value: Value::Table(Vec::new()), origin };
        path.push_key(variant.name);
        self.check(&mut inside, &variant.kind, path)?;
        path.pop();
        let entry = Entry { name: variant.name.to_owned(), name_origin: origin, node: inside };
        node.value = Value::Table(vec![entry]);
        Ok(())
    }

    fn map(
        &self,
        node: &mut Node,
        keys: &'static [Key],
        item: &Kind,
        path: &mut KeyPath,
    ) -> Checked {
        let Value::Table(entries) = &mut node.value else {
            return Err(self.wrong_type(node, &Kind::Map(&[], &Kind::Word), path));
        };
        for entry in entries.iter_mut() {
            let fixed = keys.iter().find(|k| k.name == entry.name);
            if fixed.is_none() && is_slip(&entry.name, keys) {
                self.find_key(entry, keys, path)?;
            }
            path.push_key(&entry.name);
            self.check(&mut entry.node, fixed.map_or(item, |k| &k.kind), path)?;
            path.pop();
        }
        self.fill(node, keys, path)
    }

    fn number_fault(&self, fault: numbers::Fault, kind: &Kind) -> ModelError {
        let problem = match fault.problem {
            numbers::FaultKind::Problem(problem) => problem,
            numbers::FaultKind::Type { expected, found } => {
                Problem::WrongType { expected: expected.unwrap_or_else(|| kind.expected()), found }
            }
        };
        self.error(fault.origin, &fault.path, problem)
    }

    fn error(&self, origin: Origin, path: &KeyPath, problem: Problem) -> ModelError {
        let written =
            if origin == Origin::DEFAULT { self.document.origin_of(path) } else { origin };
        ModelError::new(problem, self.document.location(written, path))
    }

    fn wrong_type(&self, node: &Node, kind: &Kind, path: &KeyPath) -> ModelError {
        let problem = Problem::WrongType { expected: kind.expected(), found: node.describe() };
        self.error(node.origin, path, problem)
    }

    fn out_of_range(
        &self,
        origin: Origin,
        value: String,
        range: String,
        path: &KeyPath,
    ) -> ModelError {
        let what = path.last_key().unwrap_or_default().to_owned();
        self.error(origin, path, Problem::OutOfRange { what, value, range })
    }

    fn unknown_name(
        &self,
        origin: Origin,
        word: &str,
        known: &[&'static str],
        path: &KeyPath,
    ) -> ModelError {
        // The one name people look for here that has its home elsewhere.
        let softmax = (word == "softmax").then_some("output = \"softmax\"");
        let problem = Problem::UnknownName {
            value: word.to_owned(),
            suggestion: softmax.or_else(|| nearest(word, known)).map(str::to_owned),
            known: known.to_vec(),
        };
        self.error(origin, path, problem)
    }
}

/// Whether the form of a value is that of a kind, to choose between alternatives.
fn fits(node: &Node, kind: &Kind) -> bool {
    let nested = |items: &[Node]| items.iter().any(|n| matches!(n.value, Value::Array(_)));
    match (kind, &node.value) {
        (Kind::Either(kinds), _) => kinds.iter().any(|k| fits(node, k)),
        (Kind::Foreign, _) | (Kind::Boolean, Value::Boolean(_)) => true,
        (Kind::Integer(_) | Kind::Float(_), Value::Integer(_) | Value::Float(_)) => true,
        (Kind::Text | Kind::File | Kind::Choice(_) | Kind::OneOf(_), Value::Text(_)) => true,
        (Kind::Numbers([_]), Value::Array(items)) => !nested(items),
        (Kind::Numbers(_) | Kind::Ragged(_), Value::Array(items)) => nested(items),
        (Kind::Tuple(_) | Kind::List(_), Value::Array(_)) => true,
        (Kind::Section(_) | Kind::OneOf(_) | Kind::Map(..), Value::Table(_)) => true,
        _ => false,
    }
}

/// Whether a free key looks like a misspelt fixed one: free keys beside fixed ones are dotted paths.
fn is_slip(name: &str, keys: &[Key]) -> bool {
    let fixed: Vec<_> = keys.iter().map(|k| k.name).collect();
    !name.contains('.') && nearest(name, &fixed).is_some()
}

fn preset_value(preset: &Preset) -> Option<Value> {
    let text = |word: &&str| Node::default_value(Value::Text((*word).to_owned()));
    Some(match preset {
        Preset::Required | Preset::Absent(_) | Preset::Derived(_) => return None,
        Preset::Float(x) => Value::Float(*x),
        Preset::Integer(i) => Value::Integer(*i),
        Preset::Boolean(b) => Value::Boolean(*b),
        Preset::Word(word) => Value::Text((*word).to_owned()),
        Preset::Numbers(xs) => {
            Value::Array(xs.iter().map(|x| Node::default_value(Value::Float(*x))).collect())
        }
        Preset::Words(words) => Value::Array(words.iter().map(text).collect()),
        Preset::Defaults => Value::Table(Vec::new()),
    })
}
