//! Named arrays of numbers, the part all weight formats share.

use std::io::{self, Read};
use std::path::Path;

use super::WeightsError;

/// Most elements read from one array: 2 GiB as `f64`.
pub(super) const MAX_ELEMENTS: u64 = 1 << 28;

/// An array read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Length along each axis; empty for a single number.
    pub shape: Vec<usize>,
    /// The elements in row-major order (last axis fastest).
    pub values: Vec<f64>,
}

/// An open weight file. `shape` and `values` fail with [`WeightsError::MissingKey`] for unknown
/// names.
pub(super) trait Arrays {
    /// The names of all arrays.
    fn names(&self) -> Vec<String>;

    /// The shape of `key`, from its header alone.
    fn shape(&mut self, key: &str) -> Result<Vec<usize>, WeightsError>;

    /// The elements of `key` in row-major order.
    fn values(&mut self, key: &str) -> Result<Vec<f64>, WeightsError>;
}

/// Storage of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    /// 4 or 8 bytes.
    pub(super) bytes: usize,
    /// Most significant byte first.
    pub(super) big_endian: bool,
}

impl Element {
    fn decode(self, bytes: &[u8]) -> f64 {
        match (<[u8; 4]>::try_from(bytes), <[u8; 8]>::try_from(bytes)) {
            (Ok(b), _) if self.big_endian => f64::from(f32::from_be_bytes(b)),
            (Ok(b), _) => f64::from(f32::from_le_bytes(b)),
            (_, Ok(b)) if self.big_endian => f64::from_be_bytes(b),
            (_, Ok(b)) => f64::from_le_bytes(b),
            _ => unreachable!("elements have 4 or 8 bytes"),
        }
    }
}

/// What reading a fixed number of elements gave.
pub(super) enum Numbers {
    /// All of them, and nothing follows.
    Complete(Vec<f64>),
    /// The data ended after this many bytes.
    Short(u64),
    /// More bytes follow.
    Trailing,
}

/// Reads `count` numbers and expects the end of the data.
///
/// Memory grows with what is read, never with what a header claims.
pub(super) fn read_numbers(
    reader: &mut impl Read,
    count: usize,
    element: Element,
) -> io::Result<Numbers> {
    const BLOCK: usize = 8192;
    let mut values = Vec::with_capacity(count.min(BLOCK));
    let mut buffer = vec![0; BLOCK * element.bytes];
    while values.len() < count {
        let block = &mut buffer[..BLOCK.min(count - values.len()) * element.bytes];
        let filled = fill(reader, block)?;
        if filled < block.len() {
            return Ok(Numbers::Short((values.len() * element.bytes + filled) as u64));
        }
        values.extend(block.chunks_exact(element.bytes).map(|b| element.decode(b)));
    }
    let more = fill(reader, &mut buffer[..1])?;
    Ok(if more == 0 { Numbers::Complete(values) } else { Numbers::Trailing })
}

/// Reads until `buffer` is full or the data ends; returns the bytes read.
pub(super) fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

/// Number of elements of `shape`, refused when there are too many to read.
pub(super) fn element_count(
    path: &Path,
    key: &str,
    shape: &[usize],
) -> Result<usize, WeightsError> {
    // Saturating: a product beyond u64 is too large all the same.
    let size = shape.iter().fold(1u64, |n, &axis| n.saturating_mul(axis as u64));
    if size <= MAX_ELEMENTS {
        return Ok(size as usize);
    }
    Err(WeightsError::TooLarge {
        path: path.to_owned(),
        what: format!("array {key}"),
        size,
        unit: "elements",
        limit: MAX_ELEMENTS,
    })
}

/// Reorders column-major `values` (first axis fastest) to row-major.
pub(super) fn to_row_major(shape: &[usize], values: &[f64]) -> Vec<f64> {
    let mut stride = 1;
    let mut strides = Vec::with_capacity(shape.len());
    for &axis in shape {
        strides.push(stride);
        stride *= axis;
    }
    let mut index = vec![0; shape.len()];
    let mut out = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        out.push(values[index.iter().zip(&strides).map(|(i, s)| i * s).sum::<usize>()]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    out
}

/// `[2][5]` for the element at row-major position `flat`.
pub(super) fn position(shape: &[usize], mut flat: usize) -> String {
    let mut indices = Vec::with_capacity(shape.len());
    for &axis in shape.iter().rev() {
        indices.push(format!("[{}]", flat % axis));
        flat /= axis;
    }
    indices.reverse();
    indices.concat()
}

/// The error for an unknown `key`.
pub(super) fn missing_key(path: &Path, key: &str, available: Vec<String>) -> WeightsError {
    // Letter case counts least: "w1" means "W1" rather than "b1". Below 0.6 Jaro-Winkler pairs names
    // no one would confuse ("W1" and "bias").
    let similarity = |name: &String| {
        let folded = strsim::jaro_winkler(&key.to_lowercase(), &name.to_lowercase());
        (folded, strsim::jaro_winkler(key, name))
    };
    let similar = available.iter().map(|name| (similarity(name), name));
    let best = similar
        .filter(|((folded, _), _)| *folded > 0.6)
        // Of equals the first; `max_by` would give the last.
        .min_by(|((a, b), _), ((c, d), _)| c.total_cmp(a).then(d.total_cmp(b)));
    let nearest = best.map(|(_, name)| name.clone());
    WeightsError::MissingKey { path: path.to_owned(), key: key.to_owned(), nearest, available }
}
