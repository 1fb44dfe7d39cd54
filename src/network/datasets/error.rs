//! Errors of data sets.

use std::path::PathBuf;

/// Why a data set could not be read or built. Positions count from 0.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// The file does not exist.
    #[error("{}: no such file; scripts/fetch-mnist.sh fetches MNIST and Fashion-MNIST", path.display())]
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
    /// The gzip stream is damaged or cut off.
    #[error("{}: damaged gzip file: {source}; fetch it again", path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// What the decompressor found.
        source: std::io::Error,
    },
    /// The file ends inside its header.
    #[error("{}: header incomplete ({found} of {expected} bytes)", path.display())]
    HeaderIncomplete {
        /// The file.
        path: PathBuf,
        /// Bytes there are.
        found: usize,
        /// Bytes the header takes.
        expected: usize,
    },
    /// The header was written with the least significant byte first.
    #[error("{}: magic {magic:#010x}: bytes swapped; IDX numbers are big-endian, convert the file", path.display())]
    BytesSwapped {
        /// The file.
        path: PathBuf,
        /// The first four bytes, read as big-endian.
        magic: u32,
    },
    /// The file does not start like an IDX file.
    #[error("{}: magic {magic:#010x}: not an IDX file", path.display())]
    NotIdx {
        /// The file.
        path: PathBuf,
        /// The first four bytes, read as big-endian.
        magic: u32,
    },
    /// Elements are not unsigned bytes.
    #[error("{}: elements have IDX type {code:#04x} ({name}); only unsigned bytes (0x08) are read", path.display())]
    ElementType {
        /// The file.
        path: PathBuf,
        /// Type code of the header.
        code: u8,
        /// Its meaning.
        name: &'static str,
    },
    /// Images were expected and labels found, or the other way round.
    #[error("{}: {found} axes; {what} have {expected}", path.display())]
    Axes {
        /// The file.
        path: PathBuf,
        /// What was expected: `images` or `labels`.
        what: &'static str,
        /// Axes found.
        found: usize,
        /// Axes expected.
        expected: usize,
    },
    /// The header announces no sample.
    #[error("{}: no samples", path.display())]
    NoSamples {
        /// The file.
        path: PathBuf,
    },
    /// Images without pixels.
    #[error("{}: images of {rows} x {columns} pixels are empty", path.display())]
    EmptyImages {
        /// The file.
        path: PathBuf,
        /// Rows per image.
        rows: usize,
        /// Columns per image.
        columns: usize,
    },
    /// The data end early.
    #[error("{}: {} bytes short ({expected} expected, {found} found)", path.display(), expected - u128::from(*found))]
    Short {
        /// The file.
        path: PathBuf,
        /// Bytes of data the header announces.
        expected: u128,
        /// Bytes of data there are.
        found: u64,
    },
    /// Something follows the data.
    #[error("{}: bytes follow the {expected} bytes of data the header announces", path.display())]
    Trailing {
        /// The file.
        path: PathBuf,
        /// Bytes of data the header announces.
        expected: u128,
    },
    /// More data than this program reads.
    #[error("{}: {size} bytes of data announced; at most {limit} are read", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes of data the header announces.
        size: u128,
        /// The most bytes read.
        limit: u128,
    },
    /// Two parts of a data set differ in length.
    #[error("{inputs} inputs but {targets} targets; they must be as many")]
    CountMismatch {
        /// Number of inputs.
        inputs: usize,
        /// Number of targets or labels.
        targets: usize,
    },
    /// A label names no class.
    #[error("label {index} is {label}; with {classes} classes it must be below {classes}")]
    Label {
        /// Position of the label.
        index: usize,
        /// The label.
        label: u8,
        /// Number of classes.
        classes: usize,
    },
    /// A data set without examples.
    #[error("no samples")]
    Empty,
    /// An example that does not exist.
    #[error("there is no example {index}; the data set has {len}, numbered from 0")]
    Index {
        /// The example asked for.
        index: usize,
        /// Examples there are.
        len: usize,
    },
    /// A mean or standard deviation that cannot be used.
    #[error(
        "cannot standardise pixels with mean {mean} and standard deviation {std}; the mean must be finite, the deviation finite and positive"
    )]
    Scaling {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        std: f64,
    },
    /// An input or target is NaN or infinite.
    #[error("{what} {example}, component {component} is {value}; it must be finite")]
    NonFinite {
        /// `input` or `target`.
        what: &'static str,
        /// The example.
        example: usize,
        /// The component.
        component: usize,
        /// The value found.
        value: f64,
    },
}
