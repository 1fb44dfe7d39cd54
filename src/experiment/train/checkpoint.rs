//! Checkpoints: a safetensors file with weights, feedback and rows, replaced atomically.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use nalgebra::{DMatrix, DVector};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use super::TrainError;
use crate::experiment::unchanged::require_unchanged;
use crate::model::{Model, ModelError};

/// Key of the metadata that holds everything but the numbers.
const META: &str = "dinv";
/// Sections and keys that do not change what is computed.
const IRRELEVANT: &[&str] = &["title", "references", "training.checkpoint"];

/// What is needed to go on as if nothing had happened.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Checkpoint {
    pub(super) meta: Meta,
    pub(super) rules: Vec<RuleTensors>,
    /// Rows written so far, one after the other, each with its step.
    pub(super) rows: Vec<(usize, Vec<f64>)>,
}

/// Matrices of one rule.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RuleTensors {
    pub(super) weights: Vec<DMatrix<f64>>,
    pub(super) biases: Vec<DVector<f64>>,
    pub(super) feedback: Vec<DMatrix<f64>>,
}

/// Everything but matrices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Meta {
    /// The model, completed.
    pub(super) model: String,
    /// Keys of the data files and their SHA-256 sums.
    pub(super) data_files: Vec<(String, String)>,
    pub(super) step: usize,
    pub(super) rules: Vec<RuleMeta>,
    /// Largest squared errors so far, per column of the rows and rule, as bits: JSON has no
    /// infinities.
    pub(super) largest: Vec<Vec<u64>>,
    pub(super) events: Vec<Event>,
}

/// The progress of one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RuleMeta {
    pub(super) name: String,
    pub(super) step: usize,
    pub(super) examples: u64,
    pub(super) unconverged: u64,
    pub(super) unstable: bool,
    pub(super) seconds: f64,
    pub(super) stopped: Option<String>,
}

/// Something that happened to a loop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) step: usize,
    pub(super) rule: String,
    /// The hidden layer that the loop drives.
    pub(super) layer: usize,
    /// `unstable`, `reoptimized` or `weakened`.
    pub(super) what: String,
}

/// `<output>.checkpoint`.
pub(super) fn path_for(output: &Path) -> PathBuf {
    with_suffix(output, ".checkpoint")
}

/// `<output>.checkpoint-000000500`, a checkpoint that is kept.
pub(super) fn kept_path(place: &Path, step: usize) -> PathBuf {
    with_suffix(place, &format!("-{step:09}"))
}

/// The checkpoints kept beside the result `output`, by rising step.
pub(super) fn kept(output: &Path) -> Vec<PathBuf> {
    let place = path_for(output);
    let folder = place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let start = place.file_name().map(|name| format!("{}-", name.to_string_lossy()));
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let step = start.as_ref().and_then(|start| name.strip_prefix(start.as_str()));
            step.is_some_and(|step| step.len() == 9 && step.bytes().all(|b| b.is_ascii_digit()))
        })
        .map(|entry| place.with_file_name(entry.file_name()))
        .collect();
    found.sort();
    found
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(suffix);
    path.with_file_name(name)
}

/// Writes under the name with `.partial` added, makes it durable and renames it: whenever the
/// process dies, the old or the new checkpoint is whole, and what is left over is overwritten by
/// the next one.
pub(super) fn write(path: &Path, checkpoint: &Checkpoint) -> Result<(), TrainError> {
    let failed = |source| TrainError::Io { action: "write", path: path.to_owned(), source };
    let bytes = encode(checkpoint)
        .map_err(|reason| TrainError::Damaged { path: path.to_owned(), reason })?;
    let partial = with_suffix(path, ".partial");
    let mut file = File::create(&partial).map_err(failed)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&partial, path).map_err(failed)?;
    // Without this a power cut can lose the new name; folders cannot be synced everywhere.
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Reads a checkpoint; `None` when there is none.
pub(super) fn read(path: &Path) -> Result<Option<Checkpoint>, TrainError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            return Err(TrainError::Io { action: "read", path: path.to_owned(), source });
        }
    };
    let damaged = |reason| TrainError::Damaged { path: path.to_owned(), reason };
    decode(&bytes).map(Some).map_err(damaged)
}

fn encode(checkpoint: &Checkpoint) -> Result<Vec<u8>, String> {
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    let bytes = |values: &[f64]| values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let mut matrix = |name: String, m: &DMatrix<f64>| {
        tensors.push((name, vec![m.nrows(), m.ncols()], bytes(m.transpose().as_slice())));
    };
    for (i, rule) in checkpoint.rules.iter().enumerate() {
        for (l, (w, b)) in rule.weights.iter().zip(&rule.biases).enumerate() {
            matrix(format!("rule_{i}.w_{}", l + 1), w);
            let b = DMatrix::from_column_slice(b.len(), 1, b.as_slice());
            matrix(format!("rule_{i}.b_{}", l + 1), &b);
        }
        for (k, f) in rule.feedback.iter().enumerate() {
            matrix(format!("rule_{i}.feedback_{}", k + 1), f);
        }
    }
    let width = checkpoint.rows.first().map_or(0, |(_, row)| row.len());
    let steps = checkpoint.rows.iter().map(|(step, _)| *step as f64);
    let rows = checkpoint.rows.iter().flat_map(|(_, row)| row.iter().copied());
    let count = checkpoint.rows.len();
    matrix("row_steps".to_owned(), &DMatrix::from_iterator(count, 1, steps));
    matrix("rows".to_owned(), &DMatrix::from_iterator(width, count, rows).transpose());
    let meta = serde_json::to_string(&checkpoint.meta).map_err(|e| e.to_string())?;
    let views = tensors.iter().map(|(name, shape, data)| {
        let view = TensorView::new(Dtype::F64, shape.clone(), data).map_err(|e| e.to_string())?;
        Ok((name.clone(), view))
    });
    let views = views.collect::<Result<Vec<_>, String>>()?;
    let metadata = HashMap::from([(META.to_owned(), meta)]);
    safetensors::serialize(views, Some(metadata)).map_err(|e| e.to_string())
}

fn decode(bytes: &[u8]) -> Result<Checkpoint, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let meta = header.metadata().as_ref().and_then(|m| m.get(META)).ok_or("it has no metadata")?;
    let meta: Meta = serde_json::from_str(meta).map_err(|e| e.to_string())?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let matrix = |name: &str| -> Option<DMatrix<f64>> {
        let tensor = tensors.tensor(name).ok()?;
        let [rows, columns] = *tensor.shape() else { return None };
        let values: Vec<f64> = tensor
            .data()
            .chunks_exact(8)
            .map(|b| f64::from_le_bytes(b.try_into().expect("chunks of eight")))
            .collect();
        (values.len() == rows * columns).then(|| DMatrix::from_row_slice(rows, columns, &values))
    };
    let mut rules = Vec::new();
    for i in 0..meta.rules.len() {
        let list = |what: &str| -> Vec<DMatrix<f64>> {
            (1..).map_while(|k| matrix(&format!("rule_{i}.{what}_{k}"))).collect()
        };
        let biases = list("b").iter().map(|b| DVector::from_column_slice(b.as_slice())).collect();
        rules.push(RuleTensors { weights: list("w"), biases, feedback: list("feedback") });
    }
    let steps = matrix("row_steps").ok_or("the rows are missing")?;
    let values = matrix("rows").ok_or("the rows are missing")?;
    let row = |(k, step): (usize, &f64)| {
        (*step as usize, values.row(k).iter().copied().collect::<Vec<_>>())
    };
    let rows = steps.iter().enumerate().map(row).collect();
    Ok(Checkpoint { meta, rules, rows })
}

/// Refuses a checkpoint of another model, naming the first key that differs.
pub(super) fn require_same_model(model: &Model, found: &Checkpoint) -> Result<(), ModelError> {
    require_unchanged(model, &found.meta.model, IRRELEVANT)
}
