//! Checkpoints of a training, in order: what a look back at it works on.

use std::path::{Path, PathBuf};

use nalgebra::DMatrix;

use super::TrainError;
use super::checkpoint::{self, Checkpoint};

/// One checkpoint.
pub(in crate::experiment) struct Trained {
    /// The file.
    pub(in crate::experiment) file: PathBuf,
    /// Updates made.
    pub(in crate::experiment) step: usize,
    /// The model that was trained, completed.
    pub(in crate::experiment) model: String,
    /// Every rule.
    pub(in crate::experiment) rules: Vec<TrainedRule>,
}

/// One rule of a checkpoint.
pub(in crate::experiment) struct TrainedRule {
    /// Its name in results.
    pub(in crate::experiment) name: String,
    /// `W_1 .. W_L`.
    pub(in crate::experiment) weights: Vec<DMatrix<f64>>,
    /// Its feedback matrices.
    pub(in crate::experiment) feedback: Vec<DMatrix<f64>>,
}

/// The checkpoints that `path` names, by rising step: of a training result its last one and those
/// kept beside it, else the one file.
pub(in crate::experiment) fn history(path: &Path) -> Result<Vec<Trained>, TrainError> {
    let is_checkpoint =
        path.file_name().is_some_and(|name| name.to_string_lossy().contains(".checkpoint"));
    let files = if is_checkpoint {
        vec![path.to_owned()]
    } else {
        let mut files = checkpoint::kept(path);
        files.push(checkpoint::path_for(path));
        files
    };
    let mut found: Vec<Trained> = Vec::new();
    for file in files {
        let Some(checkpoint) = checkpoint::read(&file)? else {
            if is_checkpoint || found.is_empty() {
                return Err(TrainError::NoCheckpoint { path: file });
            }
            continue;
        };
        let step = checkpoint.meta.step;
        // The last one kept is the last one.
        if found.iter().all(|known| known.step != step) {
            found.push(trained(file, checkpoint));
        }
    }
    found.sort_by_key(|one| one.step);
    Ok(found)
}

fn trained(file: PathBuf, checkpoint: Checkpoint) -> Trained {
    let Checkpoint { meta, rules, .. } = checkpoint;
    let rules = meta.rules.into_iter().zip(rules).map(|(meta, tensors)| TrainedRule {
        name: meta.name,
        weights: tensors.weights,
        feedback: tensors.feedback,
    });
    Trained { file, step: meta.step, model: meta.model, rules: rules.collect() }
}
