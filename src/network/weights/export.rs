//! Writing parameters as `.npz`.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use nalgebra::DMatrix;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Network, WeightsError};

/// Writes named matrices as a `.npz` archive of float64 arrays in C order.
///
/// The file appears under `path` only when complete, replacing what was there. Equal input gives
/// equal bytes.
///
/// # Errors
/// [`WeightsError::Write`].
pub fn write_npz(path: &Path, arrays: &[(String, &DMatrix<f64>)]) -> Result<(), WeightsError> {
    let arrays = arrays.iter().map(|(name, m)| (name.clone(), vec![m.nrows(), m.ncols()], *m));
    write(path, arrays)
}

/// Writes the parameters of `network` as `.npz` arrays `W1`, `b1`, `W2`, `b2`, ...
///
/// # Errors
/// As [`write_npz`].
pub fn export_network(path: &Path, network: &Network) -> Result<(), WeightsError> {
    let biases: Vec<DMatrix<f64>> = network
        .layers()
        .iter()
        .map(|l| DMatrix::from_column_slice(l.units(), 1, l.biases.as_slice()))
        .collect();
    let layers = (1..).zip(network.layers().iter().zip(&biases));
    let arrays = layers.flat_map(|(number, (layer, biases))| {
        let shape = vec![layer.units(), layer.inputs()];
        [
            (format!("W{number}"), shape, &layer.weights),
            (format!("b{number}"), vec![layer.units()], biases),
        ]
    });
    write(path, arrays)
}

fn write<'a>(
    path: &Path,
    arrays: impl Iterator<Item = (String, Vec<usize>, &'a DMatrix<f64>)>,
) -> Result<(), WeightsError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let attempt = || -> io::Result<()> {
        let mut file = temporary_file(folder)?;
        let mut archive = ZipWriter::new(BufWriter::new(file.as_file_mut()));
        // A fixed date: equal weights give equal bytes.
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .large_file(true);
        for (name, shape, matrix) in arrays {
            archive.start_file(format!("{name}.npy"), options)?;
            archive.write_all(&header(&shape))?;
            for row in matrix.row_iter() {
                let bytes: Vec<u8> = row.iter().flat_map(|x| x.to_le_bytes()).collect();
                archive.write_all(&bytes)?;
            }
        }
        archive.finish()?.into_inner()?.sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    attempt().map_err(|source| WeightsError::Write { path: path.to_owned(), source })
}

/// A temporary file with the permissions any new file gets, not the private ones of a scratch file.
fn temporary_file(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    let builder = {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666))
    };
    builder.tempfile_in(folder)
}

/// A version 1.0 header, padded so that the data start at a multiple of 64 bytes.
fn header(shape: &[usize]) -> Vec<u8> {
    let axes: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let mut text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({axes}), }}");
    let unpadded = 10 + text.len() + 1;
    text.extend(std::iter::repeat_n(' ', unpadded.next_multiple_of(64) - unpadded));
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.bytes());
    bytes
}
