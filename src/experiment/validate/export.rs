//! Files beside the result: model files of the worst instances, and texts.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::report::ValidateReport;
use super::{Findings, ValidateError};
use crate::experiment::Context;
use crate::theory::Check;

/// Creates the folder and refuses to overwrite model files.
pub(super) fn prepare(folder: &Path, checks: &[Check], force: bool) -> Result<(), ValidateError> {
    let failed = |source| ValidateError::Write {
        path: folder.to_owned(),
        action: "create the folder",
        source,
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let files = checks.iter().map(|check| file_of(folder, check));
    match files.into_iter().find(|file| !force && file.exists()) {
        Some(path) => Err(ValidateError::Exists { path }),
        None => Ok(()),
    }
}

/// Refuses a page that cannot be written, before anything is computed.
pub(super) fn check_page(path: &Path, force: bool) -> Result<(), ValidateError> {
    if !force && path.exists() {
        return Err(ValidateError::Exists { path: path.to_owned() });
    }
    let failed =
        |source| ValidateError::Write { path: path.to_owned(), action: "write the page", source };
    if path.is_dir() {
        return Err(failed(std::io::ErrorKind::IsADirectory.into()));
    }
    tempfile::tempfile_in(folder_of(path)).map(drop).map_err(failed)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn file_of(folder: &Path, check: &Check) -> PathBuf {
    folder.join(format!("{}.toml", check.id))
}

/// Writes the worst instance of every check as a model file.
pub(super) fn export(
    folder: &Path,
    findings: &Findings<'_>,
    report: &mut ValidateReport,
    context: &Context<'_>,
) -> Result<(), ValidateError> {
    for (found, entry) in findings.reports.iter().zip(&mut report.checks) {
        let Some(index) = found.worst_instance() else { continue };
        let options = &findings.options;
        let text = match found.check.model_text(options, index) {
            Ok(text) => text,
            Err(obstacle) => {
                let remark = format!("{}: no model file ({})", found.check.id, obstacle.reason);
                context.progress.message(&remark);
                continue;
            }
        };
        let thorough = if options.thorough { " --thorough" } else { "" };
        let head = format!(
            "# Instance {index} of `dinv validate {} --seed {}{thorough}`: {}.\n# {}\n\n",
            found.check.id,
            options.seed,
            found.verdict.name(),
            found.check.claim,
        );
        let path = file_of(folder, &found.check);
        write(&path, &(head + &text), true)?;
        entry.worst_model = Some(path.display().to_string());
    }
    Ok(())
}

/// Writes a text so that the file is either there as a whole or not at all.
pub(super) fn write(path: &Path, text: &str, force: bool) -> Result<(), ValidateError> {
    let failed =
        |source| ValidateError::Write { path: path.to_owned(), action: "write the file", source };
    let mut file =
        tempfile::Builder::new().prefix(".dinv-").tempfile_in(folder_of(path)).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    readable(file.as_file()).map_err(failed)?;
    let kept = if force { file.persist(path) } else { file.persist_noclobber(path) };
    kept.map(drop).map_err(|error| failed(error.error))
}

/// Temporary files are private; results are not.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}
