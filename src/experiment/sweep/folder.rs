//! The folder of a sweep: the plan it was started with and the logs of its points.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::SweepError;
use super::log::{Found, logs};
use super::record::{ModelHash, PointRecord, PointStatus, decode, encode};
use crate::error::Error;
use crate::experiment::unchanged::require_unchanged;
use crate::model::{KeyPath, Model, ModelError, Override, Problem, SweepPlan};

/// Version of the files in the folder.
const FORMAT: u32 = 1;

/// The file with the plan.
const PLAN: &str = "plan.json";

/// The folder inside with the full results of points.
const RESULTS: &str = "results";

/// What a folder's name ends in, after that of the result file.
const SUFFIX: &str = ".points";

/// The model as it was when the sweep was started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PlanFile {
    format: u32,
    version: String,
    commit: String,
    /// The model file, as read.
    pub(super) text: String,
    /// The folder that its paths start from.
    folder: PathBuf,
    /// Values set on the command line: who set it, key, value.
    overrides: Vec<(String, String, String)>,
    /// The model completed.
    pub(super) resolved: String,
}

/// What to do about points that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Earlier {
    /// Refuse to start.
    Refuse,
    /// Delete them.
    Delete,
    /// Keep those of the same model.
    Keep,
}

/// The folder of a sweep.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) plan: PlanFile,
}

impl Folder {
    /// The folder beside the result file `output`.
    pub(super) fn beside(output: &Path) -> PathBuf {
        let mut name = output.file_name().map_or_else(OsString::new, OsString::from);
        name.push(SUFFIX);
        output.with_file_name(name)
    }

    /// The result file that the folder lies beside.
    pub(super) fn output(path: &Path) -> PathBuf {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.strip_suffix(SUFFIX).unwrap_or("sweep.h5").to_owned();
        path.with_file_name(name)
    }

    /// Creates the folder, or joins the one that is there; unless it `writes`, nothing is changed.
    pub(super) fn prepare(
        path: &Path,
        model: &Model,
        earlier: Earlier,
        writes: bool,
    ) -> Result<Self, Error> {
        let plan = PlanFile::new(model);
        let exists = path.join(PLAN).exists() || (path.exists() && !logs(path)?.is_empty());
        match (exists, earlier) {
            (true, Earlier::Refuse) => {
                return Err(SweepError::PointsExist { path: path.to_owned() }.into());
            }
            (true, Earlier::Keep) => {
                let found = Self::open(path)?;
                found.require_same(model, &plan)?;
                return Ok(found);
            }
            (true, Earlier::Delete) if writes => clear(path)?,
            _ => {}
        }
        if !writes {
            return Ok(Self { path: path.to_owned(), plan });
        }
        let failed = |error| SweepError::io(path, "create the folder", error);
        std::fs::create_dir_all(path).map_err(failed)?;
        store(&path.join(PLAN), &encode(&plan))?;
        Ok(Self { path: path.to_owned(), plan })
    }

    /// Opens the folder of a sweep that was started.
    pub(super) fn open(path: &Path) -> Result<Self, SweepError> {
        let not = |reason: &str| SweepError::NotASweep {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        let text = match std::fs::read_to_string(path.join(PLAN)) {
            Ok(text) => text,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Err(not("it has no plan.json"));
            }
            Err(error) => return Err(SweepError::io(&path.join(PLAN), "read it", error)),
        };
        let plan: PlanFile =
            decode(text.trim_end().as_bytes()).ok_or_else(|| not("its plan.json is damaged"))?;
        if plan.format != FORMAT {
            return Err(not("its files have the form of another version of dinv"));
        }
        Ok(Self { path: path.to_owned(), plan })
    }

    /// Refuses points of another model or another version.
    fn require_same(&self, model: &Model, now: &PlanFile) -> Result<(), Error> {
        require_unchanged(model, &self.plan.resolved, &[])?;
        if self.plan.resolved != now.resolved {
            // Equal key by key, so what differs is the order of the axes.
            let (was, is) = ("in another order".to_owned(), "as written".to_owned());
            let changed = Problem::Changed { key: "sweep.grid".to_owned(), was, is };
            return Err(model.error("sweep.grid", changed).into());
        }
        let name = |plan: &PlanFile| format!("{} ({})", plan.version, plan.commit);
        if (&self.plan.version, &self.plan.commit) != (&now.version, &now.commit) {
            let (was, is) = (name(&self.plan), name(now));
            return Err(SweepError::OtherVersion { path: self.path.clone(), was, is }.into());
        }
        Ok(())
    }

    /// The model the sweep was started with.
    pub(super) fn model(&self) -> Result<Model, ModelError> {
        let overrides: Vec<Override> = self
            .plan
            .overrides
            .iter()
            .map(|(source, key, value)| {
                Override::new(source, KeyPath::parse(key).unwrap_or_default(), value)
            })
            .collect();
        let name = self.path.join(PLAN).display().to_string();
        Model::parse(&name, &self.plan.text, &self.plan.folder, &overrides)
    }

    /// The finished points. Where full results are kept, a point without one is not finished.
    pub(super) fn scan(&self, plan: &SweepPlan, keeps_results: bool) -> Result<Found, SweepError> {
        let hash = ModelHash::new(&plan.base().resolved_text());
        let total = plan.len();
        Found::scan(&self.path, |record: &PointRecord| {
            record.point < total
                && record.model == hash.with(&plan.point(record.point).overrides)
                && (!keeps_results
                    || record.status == PointStatus::Failed
                    || self.result_of(record.point).exists())
        })
    }

    /// Where the full result of a point goes. The number makes the name unique, whatever the
    /// values of the point look like when rounded.
    pub(super) fn result_of(&self, point: usize) -> PathBuf {
        self.path.join(RESULTS).join(format!("point-{point:07}.h5"))
    }

    /// Creates the folder for full results.
    pub(super) fn create_results(&self) -> Result<(), SweepError> {
        let path = self.path.join(RESULTS);
        std::fs::create_dir_all(&path)
            .map_err(|error| SweepError::io(&path, "create the folder", error))
    }
}

impl PlanFile {
    fn new(model: &Model) -> Self {
        let folder = std::path::absolute(model.path(".")).unwrap_or_else(|_| model.path("."));
        let overrides = model.overrides().iter();
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: env!("DINV_COMMIT").to_owned(),
            text: model.text().to_owned(),
            folder,
            overrides: overrides
                .map(|o| (o.source.clone(), o.key.to_string(), o.value.clone()))
                .collect(),
            resolved: model.resolved_text(),
        }
    }
}

/// Writes a file under a temporary name, makes it durable and gives it its name.
pub(super) fn store(path: &Path, text: &str) -> Result<(), SweepError> {
    let failed = |error| SweepError::io(path, "write it", error);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    // Temporary files are private; a sweep's files are for whoever may see its folder.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.prefix(".sweep-").tempfile_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    // Without this a power cut can lose the new name; folders cannot be synced everywhere.
    let _ = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Deletes what a sweep puts into its folder, and nothing else.
fn clear(path: &Path) -> Result<(), SweepError> {
    let results = path.join(RESULTS);
    let mut ours = logs(path)?;
    ours.extend(super::slurm::files(path));
    if let Ok(entries) = std::fs::read_dir(&results) {
        let is_point = |path: &PathBuf| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("point-"))
        };
        ours.extend(entries.flatten().map(|entry| entry.path()).filter(is_point));
    }
    // The plan goes last: until then the folder is recognised.
    ours.push(path.join(PLAN));
    for file in ours {
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(SweepError::io(&file, "delete it", error));
            }
            _ => {}
        }
    }
    Ok(())
}
