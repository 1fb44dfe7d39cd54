//! The seam between commands and formats.

use std::path::{Path, PathBuf};

use super::{
    Group, ResultError, RowLayout, csv::CsvWriter, json::JsonWriter, netcdf::NetcdfWriter,
};

/// How a run ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Still being written, or killed.
    Running,
    /// Everything asked for is there.
    Complete,
    /// A numerical failure; what was computed before is there.
    Failed,
    /// Stopped by the user; whole rows up to then are there.
    Interrupted,
}

impl Status {
    /// The text in files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    /// The status called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Running, Self::Complete, Self::Failed, Self::Interrupted]
            .into_iter()
            .find(|s| s.name() == name)
    }
}

/// What a file says about itself at its root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// One line on what the file holds.
    pub title: String,
    /// The command line that made it.
    pub history: String,
    /// Where the method is published, e.g. `doi:10.48550/arXiv.2007.05112`.
    pub references: Vec<String>,
}

impl Header {
    /// Root attributes in the order they are written, without the status.
    pub(crate) fn attributes(&self) -> [(&'static str, String); 5] {
        [
            ("Conventions", CONVENTIONS.to_owned()),
            ("title", self.title.clone()),
            ("source", format!("{SOURCE}{}", env!("CARGO_PKG_VERSION"))),
            ("history", self.history.clone()),
            ("references", self.references.join("; ")),
        ]
    }
}

/// The metadata conventions followed: flag variables with unsigned bytes need 1.9 or later.
pub(crate) const CONVENTIONS: &str = "CF-1.11";

/// How the root attribute `source` begins.
pub(crate) const SOURCE: &str = "dinv ";

/// A file that was finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its final name.
    pub path: PathBuf,
    /// Rows streamed.
    pub rows: usize,
    /// Its size.
    pub bytes: u64,
}

/// A result file being written, in any format. Dropped without [`finish`](Self::finish), it leaves
/// its partial file behind, marked `running`.
pub trait ResultWriter: Send {
    /// Writes a group. Written again under the same name, it gains the variables of the second.
    ///
    /// # Errors
    /// [`ResultError::InvalidRecord`], or what the file system says.
    fn write_group(&mut self, group: &Group) -> Result<(), ResultError>;

    /// Opens the table that [`append_row`](Self::append_row) fills from now on, and ends the one
    /// before it. A group such as `trajectory/layer_3` is created inside its parent.
    ///
    /// # Errors
    /// [`ResultError::Misuse`] for a second table in a CSV file, [`ResultError::InvalidRecord`],
    /// or what the file system says.
    fn start_rows(&mut self, layout: RowLayout) -> Result<(), ResultError>;

    /// Adds a row: the axis value (time), the state and the observables in the layout's order.
    ///
    /// # Errors
    /// What the file system says, at the latest when a chunk of rows is full.
    ///
    /// # Panics
    /// If a slice has not the layout's width.
    fn append_row(
        &mut self,
        axis: f64,
        state: &[f64],
        observables: &[f64],
    ) -> Result<(), ResultError>;

    /// Writes what is buffered, marks the file with `status`, makes it durable and gives it its
    /// name.
    ///
    /// # Errors
    /// What the file system says; the partial file is kept.
    fn finish(self: Box<Self>, status: Status) -> Result<Written, ResultError>;

    /// Where the bytes go until the file is finished.
    fn partial_path(&self) -> &Path;
}

/// Opens a result file in the format its name asks for: `.h5`, `.hdf5`, `.nc`, `.csv` or `.json`.
///
/// # Errors
/// As [`check_output`](super::check_output), and [`ResultError::UnknownFormat`].
pub fn create(
    path: &Path,
    force: bool,
    header: &Header,
) -> Result<Box<dyn ResultWriter>, ResultError> {
    Ok(match Format::of(path)? {
        Format::Netcdf => Box::new(NetcdfWriter::create(path, force, header)?),
        Format::Csv => Box::new(CsvWriter::create(path, force)?),
        Format::Json => Box::new(JsonWriter::create(path, force, header)?),
    })
}

/// The formats there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// HDF5 that is also netCDF-4.
    Netcdf,
    /// A table of the streamed rows; without rows, one line per value.
    Csv,
    /// One object with everything.
    Json,
}

impl Format {
    /// The format the name of `path` asks for.
    ///
    /// # Errors
    /// [`ResultError::UnknownFormat`].
    pub fn of(path: &Path) -> Result<Self, ResultError> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        match extension.to_ascii_lowercase().as_str() {
            "h5" | "hdf5" | "nc" | "nc4" => Ok(Self::Netcdf),
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            _ => Err(ResultError::UnknownFormat { path: path.to_owned(), extension }),
        }
    }
}
