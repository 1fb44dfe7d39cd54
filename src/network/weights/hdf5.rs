//! `.h5`: HDF5 datasets, named by their path. Any byte order, chunked or compressed.

use std::fs::TryLockError;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ::hdf5::types::TypeDescriptor;
use ::hdf5::{Dataset, File, Group};

use super::WeightsError;
use super::array::{self, Arrays};

const FORMAT: &str = "HDF5";
const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";
/// Depth of groups searched for names; hard links can form cycles.
const MAX_DEPTH: usize = 8;
/// Names collected for messages.
const MAX_NAMES: usize = 1000;

struct Hdf5 {
    path: PathBuf,
    file: File,
}

pub(super) fn open(path: &Path) -> Result<Box<dyn Arrays>, WeightsError> {
    if !has_signature(path)? {
        let reason = "it lacks the HDF5 signature";
        return Err(WeightsError::NotFormat { path: path.to_owned(), format: FORMAT, reason });
    }
    let file = File::open(path).map_err(|e| {
        if is_locked(path) {
            return WeightsError::InUse { path: path.to_owned() };
        }
        damaged(path, e)
    })?;
    Ok(Box::new(Hdf5 { path: path.to_owned(), file }))
}

/// Whether another process holds the file for writing, by the lock that HDF5 itself takes.
fn is_locked(path: &Path) -> bool {
    let shared = std::fs::File::open(path).map(|file| file.try_lock_shared());
    matches!(shared, Ok(Err(TryLockError::WouldBlock)))
}

/// The signature stands at byte 0, or behind a user block of 512, 1024, 2048, ... bytes.
fn has_signature(path: &Path) -> Result<bool, WeightsError> {
    let mut file = super::open_file(path)?;
    let length = file.metadata().map_err(|e| super::read_error(path, e))?.len();
    let mut offset = 0;
    while offset + 8 <= length {
        let mut found = [0; 8];
        let seek = file.seek(SeekFrom::Start(offset));
        seek.and_then(|_| file.read_exact(&mut found)).map_err(|e| super::read_error(path, e))?;
        if &found == SIGNATURE {
            return Ok(true);
        }
        offset = if offset == 0 { 512 } else { offset * 2 };
    }
    Ok(false)
}

fn damaged(path: &Path, source: ::hdf5::Error) -> WeightsError {
    WeightsError::Damaged { path: path.to_owned(), format: FORMAT, source: source.into() }
}

impl Hdf5 {
    fn dataset(&self, key: &str) -> Result<Dataset, WeightsError> {
        let name = key.trim_start_matches('/');
        let missing = || array::missing_key(&self.path, key, self.names());
        // Opened only when listed or linked: the library's own message for a missing object is a
        // stack of internal errors.
        if name.is_empty() || !self.file.link_exists(name) {
            return Err(missing());
        }
        self.file.dataset(name).map_err(|_| missing())
    }
}

impl Arrays for Hdf5 {
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        collect_names(&self.file, MAX_DEPTH, &mut names);
        names.sort();
        names.dedup();
        names
    }

    fn shape(&mut self, key: &str) -> Result<Vec<usize>, WeightsError> {
        Ok(self.dataset(key)?.shape())
    }

    fn values(&mut self, key: &str) -> Result<Vec<f64>, WeightsError> {
        let dataset = self.dataset(key)?;
        let descriptor = dataset.dtype().and_then(|t| t.to_descriptor());
        let found = match descriptor {
            Ok(TypeDescriptor::Float(_)) => None,
            Ok(other) => Some(format!("elements of type {other}")),
            Err(_) => Some("elements of an unsupported type".to_owned()),
        };
        if let Some(found) = found {
            let (path, key) = (self.path.clone(), key.to_owned());
            return Err(WeightsError::ElementType { path, key, found });
        }
        array::element_count(&self.path, key, &dataset.shape())?;
        dataset.read_raw::<f64>().map_err(|e| damaged(&self.path, e))
    }
}

fn collect_names(group: &Group, depth: usize, names: &mut Vec<String>) {
    let datasets = group.datasets().unwrap_or_default();
    names.extend(datasets.iter().map(|d| d.name().trim_start_matches('/').to_owned()));
    names.truncate(MAX_NAMES);
    if depth > 0 && names.len() < MAX_NAMES {
        group.groups().unwrap_or_default().iter().for_each(|g| collect_names(g, depth - 1, names));
    }
}
