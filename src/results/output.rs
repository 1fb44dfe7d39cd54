//! The life of an output file: checked before anything is computed, written under a temporary
//! name in the same folder, renamed when it is done.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Format, ResultError, Written};

/// What unfinished files are called: `<name>.partial`.
const SUFFIX: &str = ".partial";

/// The longest file name common file systems take, in bytes (NAME_MAX of Linux and macOS).
const LONGEST_NAME: usize = 255;

/// Verifies that a result can be written to `path`, so that a run fails before it computes.
///
/// # Errors
/// [`ResultError::Exists`] unless `force`; [`ResultError::InUse`] if another process holds the
/// output or its partial file; [`ResultError::Io`] for a missing folder, one that cannot be
/// written, or a name that is too long; [`ResultError::NotAFile`]; [`ResultError::UnknownFormat`].
pub fn check_output(path: &Path, force: bool) -> Result<(), ResultError> {
    Format::of(path)?;
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            return Err(ResultError::NotAFile { path: path.to_owned() });
        }
        Ok(_) if !force => return Err(ResultError::Exists { path: path.to_owned() }),
        Ok(_) => refuse_if_held(path)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(ResultError::io(path, "write there", error)),
    }
    let partial = partial_path(path);
    let failed = |error| ResultError::io(path, "write in its folder", error);
    if partial.exists() {
        OpenOptions::new().append(true).open(&partial).map_err(failed)?;
        return refuse_if_held(&partial);
    }
    // Under a name of its own, for two programs may ask at the same time.
    tempfile::tempfile_in(folder_of(path)).map_err(failed)?;
    Ok(())
}

/// Bytes free for an ordinary user in the folder `path` will be written to, where the system
/// tells.
#[must_use]
pub fn free_space(path: &Path) -> Option<u64> {
    let statistics = rustix::fs::statvfs(folder_of(path)).ok()?;
    Some(statistics.f_bavail.saturating_mul(statistics.f_frsize))
}

/// A result that is still being written.
#[derive(Debug)]
pub(crate) struct PendingFile {
    target: PathBuf,
    partial: PathBuf,
    replace: bool,
}

impl PendingFile {
    /// Claims `path`; a partial file left by a killed run is replaced.
    pub(crate) fn new(path: &Path, replace: bool) -> Result<Self, ResultError> {
        check_output(path, replace)?;
        Ok(Self { target: path.to_owned(), partial: partial_path(path), replace })
    }

    /// Opens the partial file, empty, and holds it against other runs.
    pub(crate) fn create(&self) -> Result<File, ResultError> {
        let file = File::create(&self.partial)
            .map_err(|error| ResultError::io(&self.partial, "create it", error))?;
        // Where locks do not work two runs to one file are not noticed; that is no reason to refuse.
        let _ = file.try_lock();
        Ok(file)
    }

    /// Where the bytes go for now.
    pub(crate) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Makes the file durable and gives it its name. Nothing may have it open any more.
    ///
    /// # Errors
    /// [`ResultError::Exists`] if the name was taken meanwhile; [`ResultError::Io`]. The partial
    /// file stays in both cases.
    pub(crate) fn commit(self) -> Result<PathBuf, ResultError> {
        let failed = |error| ResultError::io(&self.partial, "make the file durable", error);
        File::open(&self.partial).and_then(|file| file.sync_all()).map_err(failed)?;
        if self.replace {
            std::fs::rename(&self.partial, &self.target).map_err(|error| {
                ResultError::io(&self.target, "give the finished file its name", error)
            })?;
        } else {
            self.name_unless_taken()?;
        }
        // Without this a power cut can lose the new name; folders cannot be synced everywhere.
        let _ = File::open(folder_of(&self.target)).and_then(|folder| folder.sync_all());
        Ok(self.target)
    }

    /// [`commit`](Self::commit), and what there is to say about the file.
    pub(crate) fn finished(self, rows: usize) -> Result<Written, ResultError> {
        let path = self.commit()?;
        let bytes = std::fs::metadata(&path).map_or(0, |found| found.len());
        Ok(Written { path, rows, bytes })
    }

    fn name_unless_taken(&self) -> Result<(), ResultError> {
        let failed =
            |error| ResultError::io(&self.target, "give the finished file its name", error);
        let partial = tempfile::TempPath::try_from_path(&self.partial).map_err(failed)?;
        let Err(refused) = partial.persist_noclobber(&self.target) else { return Ok(()) };
        // Dropping the path would delete the result.
        let _ = refused.path.keep();
        Err(match refused.error.kind() {
            ErrorKind::AlreadyExists => ResultError::Exists { path: self.target.clone() },
            _ => failed(refused.error),
        })
    }
}

/// A name the HDF5 library can open. It takes UTF-8 only; on Linux any other file is reached
/// through an open descriptor, which the second part keeps alive.
pub(crate) fn name_for_hdf5(
    path: &Path,
    create: bool,
) -> Result<(PathBuf, Option<File>), ResultError> {
    if path.to_str().is_some() {
        return Ok((path.to_owned(), None));
    }
    if !cfg!(target_os = "linux") {
        return Err(ResultError::NotUnicode { path: path.to_owned() });
    }
    let file = if create {
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)
    } else {
        File::open(path)
    };
    let file = file.map_err(|error| ResultError::io(path, "open the file", error))?;
    Ok((PathBuf::from(format!("/proc/self/fd/{}", descriptor(&file))), Some(file)))
}

#[cfg(unix)]
fn descriptor(file: &File) -> i32 {
    use std::os::fd::AsRawFd;
    file.as_raw_fd()
}

#[cfg(not(unix))]
fn descriptor(_: &File) -> i32 {
    -1
}

/// `<name>.partial` beside `path`, injective in `path`; a name too long for the suffix is
/// replaced by its digest.
pub(crate) fn partial_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or(OsStr::new(""));
    let mut partial = OsString::from(name);
    partial.push(SUFFIX);
    if name.len() <= LONGEST_NAME && partial.len() > LONGEST_NAME {
        let digest = Sha256::digest(name.as_encoded_bytes());
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        partial = OsString::from(format!("{hex}{SUFFIX}"));
    }
    path.with_file_name(partial)
}

/// The HDF5 library and we ourselves lock what is open; a lock that cannot even be tried (some
/// network file systems) is not a reason to refuse.
fn refuse_if_held(path: &Path) -> Result<(), ResultError> {
    let Ok(file) = File::open(path) else { return Ok(()) };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(ResultError::InUse { path: path.to_owned() }),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
