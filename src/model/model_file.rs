//! A loaded model: its text, its specification and the way from one to the other.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::check::Checker;
use super::decode::NodeDeserializer;
use super::derive::{self, Change};
use super::document::{Document, Source};
use super::error::{Location, ModelError, Problem};
use super::key::{Kind, quoted_list};
use super::key_path::{KeyPath, Segment};
use super::overrides::{self, Override};
use super::print;
use super::shared::Shared;
use super::spec::{Atol, Event, KEYS, Specification};
use super::validate::{self, Scope};

/// The version of the format this program reads.
pub const SCHEMA_VERSION: i64 = 1;

/// Most bytes of a model file: enough for ten million numbers, and an end for what has none.
const LARGEST: u64 = 256 << 20;

/// A model file that has been read, checked and completed with its defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// As parsed, before overrides and defaults.
    written: Document,
    /// Checked, with overrides and defaults.
    resolved: Document,
    specification: Specification,
    text: Arc<str>,
    folder: PathBuf,
    overrides: Vec<Override>,
    shared: Shared,
}

impl Model {
    /// Reads a model file; `-` is standard input.
    ///
    /// # Errors
    /// [`ModelError`] when the file cannot be read, or is not a valid model.
    pub fn load(path: &Path, overrides: &[Override]) -> Result<Self, ModelError> {
        let (name, folder, bytes) = if path.as_os_str() == "-" {
            ("standard input".to_owned(), PathBuf::new(), read(std::io::stdin().lock()))
        } else {
            let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
            (path.display().to_string(), folder, File::open(path).and_then(read))
        };
        let nowhere = |problem| {
            let source = Source { name: name.as_str().into(), text: "".into() };
            ModelError::new(problem, Location::new(&source, 0..0, String::new()))
        };
        let bytes = bytes.map_err(|error| {
            let (kind, message) = (error.kind(), error.to_string());
            nowhere(Problem::Unreadable { path: name.clone(), kind, message })
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            nowhere(Problem::NotUtf8 { offset: error.utf8_error().valid_up_to() })
        })?;
        Self::parse(&name, &text, &folder, overrides)
    }

    /// Reads a model from its text. `name` is what messages call it, and relative paths in it are
    /// relative to `folder`.
    ///
    /// # Errors
    /// [`ModelError`] when the text is not a valid model.
    pub fn parse(
        name: &str,
        text: &str,
        folder: &Path,
        overrides: &[Override],
    ) -> Result<Self, ModelError> {
        let written = Document::parse(name, text)?;
        Self::build(
            written,
            text.into(),
            folder.to_path_buf(),
            overrides.to_vec(),
            Shared::default(),
        )
    }

    /// The same model with further values set, as for one point of a sweep.
    ///
    /// # Errors
    /// [`ModelError`] when the result is not a valid model.
    pub fn with(&self, overrides: &[Override]) -> Result<Self, ModelError> {
        let all = self.overrides.iter().chain(overrides).cloned().collect();
        let text = Arc::clone(&self.text);
        Self::build(self.written.clone(), text, self.folder.clone(), all, self.shared.clone())
    }

    /// The same model without its sweep, to which the values of a point are added.
    pub(crate) fn without_sweep(&self) -> Result<Self, ModelError> {
        let mut written = self.written.clone();
        written.set_default(&KeyPath::root().key("sweep"), None);
        let of_sweep =
            |o: &&Override| o.key.segments().first() != Some(&Segment::Key("sweep".to_owned()));
        let overrides = self.overrides.iter().filter(of_sweep).cloned().collect();
        let text = Arc::clone(&self.text);
        Self::build(written, text, self.folder.clone(), overrides, Shared::start())
    }

    fn build(
        written: Document,
        text: Arc<str>,
        folder: PathBuf,
        overrides: Vec<Override>,
        shared: Shared,
    ) -> Result<Self, ModelError> {
        let mut document = written.clone();
        for change in &overrides {
            overrides::apply(&mut document, change)?;
        }
        check_version(&document)?;
        check(&mut document)?;
        let sections = derive::sections(&document.root);
        complete(&mut document, sections)?;
        let mut specification = decode(&document)?;
        validate::validate(&Scope { document: &document, spec: &specification })?;
        let keys = derive::keys(&document.root, &specification);
        if complete(&mut document, keys)? {
            specification = decode(&document)?;
        }
        if let Some(sweep) = &specification.sweep {
            validate::check_sweep(&Scope { document: &document, spec: &specification }, sweep)?;
        }
        Ok(Self { written, resolved: document, specification, text, folder, overrides, shared })
    }

    /// What the model says, with all defaults.
    #[must_use]
    pub fn specification(&self) -> &Specification {
        &self.specification
    }

    /// What this model shares with those derived from it.
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The text as it was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The values set outside the file, in the order in which they were applied.
    #[must_use]
    pub fn overrides(&self) -> &[Override] {
        &self.overrides
    }

    /// The whole model in canonical form: overrides applied, every default written out. Reading it
    /// gives the same specification, and equal specifications have equal texts.
    #[must_use]
    pub fn resolved_text(&self) -> String {
        print::canonical(&self.resolved.root, KEYS)
    }

    /// The folder that relative paths in the model start from.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path of the model as seen from the working directory.
    #[must_use]
    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.join(relative)
    }

    /// An error at a dotted key, for problems found when the model is used.
    #[must_use]
    pub fn error(&self, key: &str, problem: Problem) -> ModelError {
        let path = KeyPath::parse(key).unwrap_or_default();
        self.resolved.error_at(&path, problem)
    }

    /// The section, or an error that says who needs it.
    ///
    /// # Errors
    /// [`Problem::MissingSection`].
    pub fn require<'a, T>(
        &self,
        section: &'static str,
        value: &'a Option<T>,
        needed_by: &str,
    ) -> Result<&'a T, ModelError> {
        value.as_ref().ok_or_else(|| {
            self.error("", Problem::MissingSection { section, needed_by: needed_by.to_owned() })
        })
    }

    /// Checks every name of a block or observable in the model against those of its dynamics.
    /// `blocks` are names and numbers of units.
    ///
    /// # Errors
    /// An unknown name in `solver.*.atol`, `run.record`, `run.events` or
    /// `stability.covariance.block`, or an event position out of range.
    pub fn check_names(
        &self,
        blocks: &[(&str, usize)],
        observables: &[&str],
    ) -> Result<(), ModelError> {
        let spec = &self.specification;
        let block_names: Vec<_> = blocks.iter().map(|(name, _)| *name).collect();
        let all: Vec<_> = block_names.iter().chain(observables).copied().collect();
        if let Some(solver) = &spec.solver
            && let Some(Atol::PerBlock(table)) = solver.adaptive().map(|o| &o.atol)
        {
            let key = format!("solver.{}.atol", solver.name());
            for name in table.keys() {
                self.known(&format!("{key}.{name:?}"), name, &block_names)?;
            }
            if let Some(missing) = block_names.iter().find(|b| !table.contains_key(**b)) {
                let problem = Problem::Needs {
                    what: "a table of absolute tolerances".to_owned(),
                    needs: "one for every block".to_owned(),
                    remedy: format!("add {missing}; the blocks are {}", quoted_list(&block_names)),
                };
                return Err(self.error(&key, problem));
            }
        }
        if let Some(run) = &spec.run {
            for (i, name) in run.record.iter().flatten().enumerate() {
                self.known(&format!("run.record[{i}]"), name, &all)?;
            }
            for (i, event) in run.events.iter().enumerate() {
                self.check_event(&format!("run.events[{i}].component"), event, blocks, &all)?;
            }
        }
        let covariance = spec.stability.as_ref().and_then(|s| s.covariance.as_ref());
        match covariance.and_then(|c| c.block.as_ref()) {
            Some(block) => self.known("stability.covariance.block", block, &block_names),
            None => Ok(()),
        }
    }

    fn check_event(
        &self,
        key: &str,
        event: &Event,
        blocks: &[(&str, usize)],
        all: &[&str],
    ) -> Result<(), ModelError> {
        let Some((name, index)) = event.component_parts() else { return Ok(()) };
        self.known(key, name, all)?;
        let units = blocks.iter().find(|(block, _)| *block == name).map(|(_, units)| *units);
        let refuse = |message: String, remedy: String| {
            Err(self.error(key, Problem::Refused { message, remedy }))
        };
        match (units, index) {
            (Some(units), None) => refuse(
                format!("`{name}` has {units} units"),
                format!("name one of them, `{name}[0]` to `{name}[{}]`", units.saturating_sub(1)),
            ),
            (Some(units), Some(index)) if index >= units => refuse(
                format!("`{name}` has {units} units, counted from 0"),
                format!("choose one of `{name}[0]` to `{name}[{}]`", units.saturating_sub(1)),
            ),
            (None, Some(_)) => {
                refuse(format!("the observable `{name}` is one number"), format!("write `{name}`"))
            }
            _ => Ok(()),
        }
    }

    fn known(&self, key: &str, name: &str, known: &[&str]) -> Result<(), ModelError> {
        if known.contains(&name) {
            return Ok(());
        }
        let problem = Problem::UnknownBlock {
            name: name.to_owned(),
            suggestion: super::suggest::nearest(name, known).map(str::to_owned),
            known: known.iter().map(|k| (*k).to_owned()).collect(),
        };
        Err(self.error(key, problem))
    }
}

/// Refuses other versions before anything else in the file is judged by the rules of this one.
fn check_version(document: &Document) -> Result<(), ModelError> {
    use super::document::Value;
    let Some(node) = document.root.get("schema_version") else { return Ok(()) };
    match node.value {
        Value::Integer(SCHEMA_VERSION) => Ok(()),
        Value::Float(x) if x == SCHEMA_VERSION as f64 => Ok(()),
        Value::Integer(_) | Value::Float(_) => {
            let path = KeyPath::root().key("schema_version");
            let problem = Problem::OutOfRange {
                what: "schema_version".to_owned(),
                value: node.describe(),
                range: format!("{SCHEMA_VERSION}, the version this program reads"),
            };
            Err(document.error_at(&path, problem))
        }
        _ => Ok(()),
    }
}

fn check(document: &mut Document) -> Result<(), ModelError> {
    let mut root = document.root.clone();
    Checker::new(document, KEYS).check(&mut root, &Kind::Section(KEYS), &mut KeyPath::root())?;
    document.root = root;
    Ok(())
}

/// Writes derived defaults into the tree; whether there were any.
fn complete(document: &mut Document, changes: Vec<Change>) -> Result<bool, ModelError> {
    if changes.is_empty() {
        return Ok(false);
    }
    for change in changes {
        document.set_default(&change.path, change.value);
    }
    check(document)?;
    Ok(true)
}

fn decode(document: &Document) -> Result<Specification, ModelError> {
    Specification::deserialize(NodeDeserializer(&document.root)).map_err(|error| {
        let problem = Problem::Inconsistent { message: error.to_string() };
        document.error_at(&KeyPath::root(), problem)
    })
}

/// All bytes of a model file.
fn read(source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("it has more than {LARGEST} bytes")));
    }
    Ok(bytes)
}
