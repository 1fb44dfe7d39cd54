//! Errors of weight files.

use std::fmt::Write as _;
use std::path::PathBuf;

/// Why a weight file could not be read or written. Positions count from 0.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file's extension names no known format.
    #[error("{}: no weight format has this extension; use one of {known}", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// The known extensions.
        known: String,
    },
    /// The file does not exist.
    #[error("{}: no such file", path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused to read the file.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason given.
        source: std::io::Error,
    },
    /// The operating system refused to write the file.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason given.
        source: std::io::Error,
    },
    /// The content is not what the extension says.
    #[error("{}: not a {format} file: {reason}", path.display())]
    NotFormat {
        /// The file.
        path: PathBuf,
        /// The format its extension names.
        format: &'static str,
        /// What gave it away.
        reason: &'static str,
    },
    /// Another process may be writing the file.
    #[error(
        "{}: the file is in use by another process (a notebook or another run); close it there", path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The library that reads the format reports damage.
    #[error("{}: damaged {format} file: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The format its extension names.
        format: &'static str,
        /// The report.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The header of a `.npy` array makes no sense.
    #[error("{}: array {key}: the .npy header has {field} {found}", path.display())]
    NpyHeader {
        /// The file.
        path: PathBuf,
        /// The array.
        key: String,
        /// The faulty part of the header.
        field: &'static str,
        /// What it holds.
        found: String,
    },
    /// The array ends early.
    #[error("{}: array {key}: {} bytes short ({expected} expected, {found} found)", path.display(), expected - found)]
    Short {
        /// The file.
        path: PathBuf,
        /// The array.
        key: String,
        /// Bytes the header promises.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// Something follows the array.
    #[error("{}: array {key}: bytes follow its {expected} bytes of data", path.display())]
    Trailing {
        /// The file.
        path: PathBuf,
        /// The array.
        key: String,
        /// Bytes the header promises.
        expected: u64,
    },
    /// Elements are not 32 or 64-bit floating-point numbers.
    #[error("{}: array {key} holds {found}; only float32 and float64 are read", path.display())]
    ElementType {
        /// The file.
        path: PathBuf,
        /// The array.
        key: String,
        /// The element type found.
        found: String,
    },
    /// A list in a JSON file is not a rectangular array of numbers.
    #[error("{}: array {place}: found {found}, expected {}", path.display(), expectation(*expected))]
    NotArray {
        /// The file.
        path: PathBuf,
        /// The array, and the position in it as indices in brackets.
        place: String,
        /// What is there.
        found: String,
        /// Length of the list that should be there; `None` where a number should be.
        expected: Option<usize>,
    },
    /// The file has no array of this name.
    #[error("{}: no array called \"{key}\"{}; the file has {}", path.display(), suggestion(nearest.as_deref()), listing(available))]
    MissingKey {
        /// The file.
        path: PathBuf,
        /// The name asked for.
        key: String,
        /// The most similar name in the file.
        nearest: Option<String>,
        /// Every name in the file.
        available: Vec<String>,
    },
    /// An array does not have the shape its place demands.
    #[error("{}: array {key} is {}; expected {}{}", path.display(), shape_text(found), shape_text(expected), transposed_hint(found, expected))]
    Shape {
        /// The file.
        path: PathBuf,
        /// The array.
        key: String,
        /// Shape found.
        found: Vec<usize>,
        /// Shape expected.
        expected: Vec<usize>,
    },
    /// A number of keys that does not fit the network.
    #[error("{}: {found} {what} keys given; expected {expected}, one per layer", path.display())]
    KeyCount {
        /// The file.
        path: PathBuf,
        /// What the keys name: `weight`, `bias`, ...
        what: &'static str,
        /// Keys given.
        found: usize,
        /// Keys expected.
        expected: usize,
    },
    /// No key was given and the file holds several arrays.
    #[error("{}: name the array to read; the file has {}", path.display(), listing(available))]
    KeyNeeded {
        /// The file.
        path: PathBuf,
        /// Every name in the file.
        available: Vec<String>,
    },
    /// A number is NaN or infinite.
    #[error("{}: array {key}{position} is {value}; it must be finite", path.display())]
    NonFinite {
        /// The file.
        path: PathBuf,
        /// The array.
        key: String,
        /// Position in the array as indices in brackets, row first.
        position: String,
        /// The value found.
        value: f64,
    },
    /// An array or file larger than this program reads.
    #[error("{}: {what} has {size} {unit}; at most {limit} are read", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is too large: `array W1`, `the file`, ...
        what: String,
        /// Its size; the largest number where it does not fit.
        size: u64,
        /// The unit of size and limit.
        unit: &'static str,
        /// The largest size read.
        limit: u64,
    },
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |key| format!(" (did you mean \"{key}\"?)"))
}

fn listing(names: &[String]) -> String {
    const SHOWN: usize = 20;
    if names.is_empty() {
        return "no arrays".to_owned();
    }
    let mut text = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        let _ = write!(text, " and {} more", names.len() - SHOWN);
    }
    text
}

fn expectation(length: Option<usize>) -> String {
    length.map_or_else(|| "a number".to_owned(), |n| format!("a list of length {n}"))
}

fn shape_text(shape: &[usize]) -> String {
    match shape {
        [] => "a single number".to_owned(),
        [n] => format!("a vector of length {n}"),
        _ => shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x "),
    }
}

fn transposed_hint(found: &[usize], expected: &[usize]) -> &'static str {
    match (found, expected) {
        ([a, b], [c, d]) if a == d && b == c => {
            " (units of the layer x units of the layer below): save the transpose"
        }
        _ => "",
    }
}
