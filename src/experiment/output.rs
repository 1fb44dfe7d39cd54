//! Where a result goes, and what every result file says about itself.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Context;
use crate::model::Model;
use crate::model::spec::Specification;
use crate::results::{self, Header, Provenance, ResultError, ResultWriter, check_output};

/// Where to write, as asked for on the command line.
#[derive(Debug, Clone, Default)]
pub struct OutputOptions {
    /// The file; by default the model's name with `.h5`, in the working directory.
    pub path: Option<PathBuf>,
    /// Whether an existing file may be replaced.
    pub force: bool,
    /// The command line, for the record.
    pub argv: Vec<String>,
    /// Nothing is written at all; the report alone counts, as for a point of a sweep.
    pub discard: bool,
}

impl OutputOptions {
    /// The file to write for the model read from `model` (`-` for standard input).
    #[must_use]
    pub fn path_for(&self, model: &Path) -> PathBuf {
        if let Some(path) = &self.path {
            return path.clone();
        }
        let stem = model.file_stem().filter(|stem| *stem != "-");
        let mut name = stem.map_or_else(|| "run".into(), std::ffi::OsStr::to_os_string);
        name.push(".h5");
        PathBuf::from(name)
    }

    /// Refuses an output that cannot be written, before anything is computed.
    ///
    /// # Errors
    /// As [`check_output`].
    pub(crate) fn check(&self, path: &Path) -> Result<(), ResultError> {
        if self.discard { Ok(()) } else { check_output(path, self.force) }
    }

    /// Opens the result file and writes its header and provenance.
    ///
    /// # Errors
    /// What [`results::create`] refuses.
    pub(crate) fn open(
        &self,
        path: &Path,
        model: &Model,
        context: &Context<'_>,
    ) -> Result<Box<dyn ResultWriter>, ResultError> {
        if self.discard {
            return Ok(results::discard());
        }
        let specification = model.specification();
        let header = Header {
            title: specification.title.clone().unwrap_or_else(|| description(specification)),
            history: self.argv.join(" "),
            references: specification.references.clone(),
        };
        let mut writer = results::create(path, self.force, &header)?;
        let provenance = Provenance {
            model: Some(model.text().to_owned()),
            resolved_model: Some(model.resolved_text()),
            argv: self.argv.clone(),
            seed: Some(specification.seed),
            threads: context.threads.get(),
            start: SystemTime::now(),
        };
        writer.write_group(&provenance.group())?;
        Ok(writer)
    }
}

/// What stands for a missing title: the dynamics, or the sizes of the network.
fn description(specification: &Specification) -> String {
    match (&specification.dynamics, &specification.network) {
        (Some(dynamics), _) => dynamics.name().to_owned(),
        (None, Some(network)) => {
            let sizes: Vec<String> = network.sizes.iter().map(usize::to_string).collect();
            format!("{} network", sizes.join("-"))
        }
        (None, None) => "dinv".to_owned(),
    }
}
