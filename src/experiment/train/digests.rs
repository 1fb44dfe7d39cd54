//! SHA-256 sums of the data files, so that training is not resumed on other data.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::model::spec::Data;
use crate::model::{Model, ModelError, Problem};

/// Bytes read at a time.
const BUFFER: usize = 1 << 16;

/// The key of every data file of a model with the file's SHA-256 sum.
pub(super) fn of_data(model: &Model, data: &Data) -> Result<Vec<(String, String)>, ModelError> {
    let files: Vec<(&str, Option<&String>)> = match data {
        Data::Idx(idx) => vec![
            ("idx.train_images", Some(&idx.train_images)),
            ("idx.train_labels", idx.train_labels.as_ref()),
            ("idx.test_images", idx.test_images.as_ref()),
            ("idx.test_labels", idx.test_labels.as_ref()),
        ],
        Data::Arrays(arrays) => vec![("arrays.path", Some(&arrays.path))],
        Data::Teacher(_) | Data::Values(_) => Vec::new(),
    };
    let named = files.into_iter().filter_map(|(key, path)| path.map(|path| (key, path)));
    named
        .map(|(key, path)| {
            let key = format!("training.data.{key}");
            let sum = sum(&model.path(path)).map_err(|e| model.refused(&key, &e))?;
            Ok((key, sum))
        })
        .collect()
}

fn sum(path: &Path) -> Result<String, std::io::Error> {
    let (mut file, mut digest) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            count => digest.update(&buffer[..count]),
        }
    }
}

/// Refuses to go on with a data file whose content is not that of the checkpoint.
pub(super) fn require_same(
    model: &Model,
    was: &[(String, String)],
    is: &[(String, String)],
) -> Result<(), ModelError> {
    let changed = is.iter().zip(was).find(|(is, was)| is != was);
    let Some(((key, _), _)) = changed else { return Ok(()) };
    let message = "the content of this file has changed since the checkpoint".to_owned();
    let remedy = "restore the file, or start anew with --force".to_owned();
    Err(model.error(key, Problem::Refused { message, remedy }))
}
