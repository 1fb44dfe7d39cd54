//! NumPy's `.npz`: a zip archive of `.npy` arrays, stored or deflated.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use super::WeightsError;
use super::array::{self, Arrays};
use super::npy;

const FORMAT: &str = "NumPy .npz";

struct Npz {
    path: PathBuf,
    archive: ZipArchive<BufReader<File>>,
}

pub(super) fn open(path: &Path) -> Result<Box<dyn Arrays>, WeightsError> {
    let file = BufReader::new(super::open_file(path)?);
    match ZipArchive::new(file) {
        Ok(archive) => Ok(Box::new(Npz { path: path.to_owned(), archive })),
        Err(ZipError::Io(e)) if e.kind() != io::ErrorKind::UnexpectedEof => {
            Err(super::read_error(path, e))
        }
        Err(e) => Err(open_error(path, e)),
    }
}

/// Tells a file that was never a zip archive from one that was cut off.
fn open_error(path: &Path, source: ZipError) -> WeightsError {
    let mut start = [0; 4];
    let filled = File::open(path).and_then(|mut f| array::fill(&mut f, &mut start));
    let path = path.to_owned();
    match filled {
        // "PK" starts every zip archive.
        Ok(2..) if &start[..2] == b"PK" => {
            WeightsError::Damaged { path, format: FORMAT, source: source.into() }
        }
        _ => {
            let reason = "it is not a zip archive";
            WeightsError::NotFormat { path, format: FORMAT, reason }
        }
    }
}

impl Npz {
    fn entry(&mut self, key: &str) -> Result<ZipFile<'_, BufReader<File>>, WeightsError> {
        let Some(index) = self.archive.index_for_name(&format!("{key}.npy")) else {
            return Err(array::missing_key(&self.path, key, self.names()));
        };
        self.archive.by_index(index).map_err(|e| WeightsError::Damaged {
            path: self.path.clone(),
            format: FORMAT,
            source: e.into(),
        })
    }
}

impl Arrays for Npz {
    fn names(&self) -> Vec<String> {
        let arrays = self.archive.file_names().filter_map(|name| name.strip_suffix(".npy"));
        let mut names: Vec<String> = arrays.map(str::to_owned).collect();
        names.sort();
        names
    }

    fn shape(&mut self, key: &str) -> Result<Vec<usize>, WeightsError> {
        let path = self.path.clone();
        Ok(npy::read_header(&mut self.entry(key)?, &path, key)?.shape)
    }

    fn values(&mut self, key: &str) -> Result<Vec<f64>, WeightsError> {
        let path = self.path.clone();
        let mut entry = self.entry(key)?;
        let header = npy::read_header(&mut entry, &path, key)?;
        npy::read_values(&mut entry, header, &path, key, FORMAT)
    }
}
