//! Pictures from result files.
//!
//! [`draw`] turns a result file into an SVG or PNG file. Every picture is one file in `pictures`
//! and one line in [`PICTURES`]. No fonts need to be installed; the same file gives the same
//! bytes.

mod chart;
mod drawing;
mod error;
mod pictures;
mod series;

use std::io::Write;
use std::path::{Path, PathBuf};

pub use error::PlotError;
pub use pictures::{PICTURES, Picture};

use crate::error::Error;
use crate::results::{ResultReader, Value};
use chart::Page;
use drawing::{encode_page, write};

/// What to draw.
#[derive(Debug, Clone, Default)]
pub struct PlotOptions {
    /// The names of the pictures; every one the file has data for when empty.
    pub pictures: Vec<String>,
    /// Which of several targets; all of them together when absent.
    pub target: Option<usize>,
}

/// What was drawn.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Drawn {
    /// The picture's file.
    #[serde(rename = "file", serialize_with = "as_text")]
    pub path: PathBuf,
    /// Names of the pictures on the page.
    pub pictures: Vec<&'static str>,
    /// Bytes written.
    pub bytes: usize,
}

/// Names of files need not be UTF-8; what is shown of them is.
fn as_text<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// How pictures are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Svg,
    Png,
}

impl Format {
    fn of(path: &Path) -> Result<Self, PlotError> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        match extension.to_ascii_lowercase().as_str() {
            "svg" => Ok(Self::Svg),
            "png" => Ok(Self::Png),
            _ => Err(PlotError::UnknownFormat { path: path.to_owned(), extension }),
        }
    }
}

/// Draws the result file `file` into `picture`, a name ending in `.svg` or `.png`; an existing
/// picture stays unless `force` is given.
///
/// # Errors
/// [`PlotError`]: the format is unknown, the picture exists or cannot be written, the file holds
/// nothing to draw or not what was asked for; and what reading the file can refuse.
pub fn draw(
    file: &Path,
    picture: &Path,
    force: bool,
    options: &PlotOptions,
) -> Result<Drawn, Error> {
    let format = Format::of(picture)?;
    if !force && picture.exists() {
        return Err(PlotError::Exists { path: picture.to_owned() }.into());
    }
    let reader = ResultReader::open(file)?;
    let wanted = pictures::wanted(&reader, &options.pictures)?;
    let (rows, drawn) = pictures::rows(&reader, &wanted, options)?;
    let page = Page { title: title(&reader), subtitle: subtitle(&reader), rows };
    let scene = page.scene();
    let bytes = match format {
        Format::Svg => write(&scene).into_bytes(),
        Format::Png => encode_page(&scene),
    };
    store(picture, &bytes)?;
    Ok(Drawn { path: picture.to_owned(), pictures: drawn, bytes: bytes.len() })
}

fn title(reader: &ResultReader) -> String {
    match reader.attribute("title") {
        Ok(Value::Text(title)) if !title.is_empty() => title,
        _ => reader.path().file_stem().unwrap_or_default().to_string_lossy().into_owned(),
    }
}

fn subtitle(reader: &ResultReader) -> String {
    let name = reader.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let status = reader.status().map_or("status unknown", |status| status.name());
    format!("{name} \u{b7} {status}")
}

/// Writes under a temporary name in the same folder and renames: no half-written pictures.
fn store(path: &Path, bytes: &[u8]) -> Result<(), PlotError> {
    let failed =
        |source| PlotError::Io { path: path.to_owned(), action: "write the picture", source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::Builder::new();
    // Temporary files are private; pictures are for everyone the process's mask allows.
    #[cfg(unix)]
    file.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file =
        file.prefix(".dinv-plot-").tempfile_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.flush()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
