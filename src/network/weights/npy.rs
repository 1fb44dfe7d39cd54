//! NumPy's `.npy`: one array, with a header that is a Python dictionary
//! (format versions 1.0 to 3.0, NumPy Enhancement Proposal 1).

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use super::WeightsError;
use super::array::{self, Arrays, Element, Numbers};

const FORMAT: &str = "NumPy .npy";
const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longest header read; a header of three numbers takes about 120 bytes.
const MAX_HEADER: u32 = 1 << 20;

/// A `.npy` file; its array is named after the file.
pub(super) struct Npy {
    path: PathBuf,
    name: String,
}

pub(super) fn open(path: &Path) -> Result<Box<dyn Arrays>, WeightsError> {
    let name = path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let npy = Npy { path: path.to_owned(), name };
    npy.header()?;
    Ok(Box::new(npy))
}

impl Npy {
    fn header(&self) -> Result<(Header, BufReader<File>), WeightsError> {
        let mut reader = BufReader::new(super::open_file(&self.path)?);
        let header = read_header(&mut reader, &self.path, &self.name)?;
        Ok((header, reader))
    }

    fn check(&self, key: &str) -> Result<(), WeightsError> {
        if key == self.name {
            return Ok(());
        }
        Err(array::missing_key(&self.path, key, self.names()))
    }
}

impl Arrays for Npy {
    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn shape(&mut self, key: &str) -> Result<Vec<usize>, WeightsError> {
        self.check(key)?;
        Ok(self.header()?.0.shape)
    }

    fn values(&mut self, key: &str) -> Result<Vec<f64>, WeightsError> {
        self.check(key)?;
        let (header, mut reader) = self.header()?;
        read_values(&mut reader, header, &self.path, key, FORMAT)
    }
}

/// The header of an array.
pub(super) struct Header {
    pub(super) shape: Vec<usize>,
    element: Element,
    column_major: bool,
}

/// Reads the header and leaves `reader` at the first element.
pub(super) fn read_header(
    reader: &mut impl Read,
    path: &Path,
    key: &str,
) -> Result<Header, WeightsError> {
    let read_error = |source| super::read_error(path, source);
    let faulty = |field, found: String| WeightsError::NpyHeader {
        path: path.to_owned(),
        key: key.to_owned(),
        field,
        found,
    };
    let mut start = [0; 8];
    let filled = array::fill(reader, &mut start).map_err(read_error)?;
    if filled < start.len() || &start[..6] != MAGIC {
        let reason = "it does not start with \\x93NUMPY";
        return Err(WeightsError::NotFormat { path: path.to_owned(), format: FORMAT, reason });
    }
    let mut length = [0; 4];
    let width = match start[6] {
        1 => 2,
        2 | 3 => 4,
        version => return Err(faulty("version", version.to_string())),
    };
    if array::fill(reader, &mut length[..width]).map_err(read_error)? < width {
        return Err(faulty("length", "cut off".to_owned()));
    }
    let length = u32::from_le_bytes(length);
    if length > MAX_HEADER {
        return Err(faulty("length", length.to_string()));
    }
    let mut text = Vec::new();
    reader.take(u64::from(length)).read_to_end(&mut text).map_err(read_error)?;
    if text.len() < length as usize {
        return Err(faulty("length", format!("{length}, but only {} bytes follow", text.len())));
    }
    let text = String::from_utf8(text).map_err(|_| faulty("text", "no UTF-8".to_owned()))?;
    parse_header(&text, path, key, &faulty)
}

/// Reads the elements after `header` in row-major order; nothing may follow them.
pub(super) fn read_values(
    reader: &mut impl Read,
    header: Header,
    path: &Path,
    key: &str,
    format: &'static str,
) -> Result<Vec<f64>, WeightsError> {
    let count = array::element_count(path, key, &header.shape)?;
    let expected = (count * header.element.bytes) as u64;
    let numbers =
        array::read_numbers(reader, count, header.element).map_err(|e| match e.kind() {
            // What the inflater and the checksum of a .npz report.
            io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::Other => {
                WeightsError::Damaged { path: path.to_owned(), format, source: e.into() }
            }
            _ => super::read_error(path, e),
        })?;
    let (path, key) = (path.to_owned(), key.to_owned());
    match numbers {
        Numbers::Complete(values) if header.column_major => {
            Ok(array::to_row_major(&header.shape, &values))
        }
        Numbers::Complete(values) => Ok(values),
        Numbers::Short(found) => Err(WeightsError::Short { path, key, expected, found }),
        Numbers::Trailing => Err(WeightsError::Trailing { path, key, expected }),
    }
}

fn parse_header(
    text: &str,
    path: &Path,
    key: &str,
    faulty: &dyn Fn(&'static str, String) -> WeightsError,
) -> Result<Header, WeightsError> {
    let entry = |name| {
        entry(text, name)
            .ok_or_else(|| faulty("text", format!("no readable '{name}': {}", text.trim())))
    };
    let element_type = |found: &str| WeightsError::ElementType {
        path: path.to_owned(),
        key: key.to_owned(),
        found: format!("elements of type {found}"),
    };
    let descr = entry("descr")?;
    let element = match descr.trim_matches(['\'', '"']) {
        "<f4" => Element { bytes: 4, big_endian: false },
        ">f4" => Element { bytes: 4, big_endian: true },
        "<f8" => Element { bytes: 8, big_endian: false },
        ">f8" => Element { bytes: 8, big_endian: true },
        _ => return Err(element_type(descr)),
    };
    let column_major = match entry("fortran_order")? {
        "True" => true,
        "False" => false,
        found => return Err(faulty("fortran_order", found.to_owned())),
    };
    let shape_text = entry("shape")?;
    let axes = shape_text.strip_prefix('(').and_then(|s| s.strip_suffix(')')).map(|axes| {
        let axes = axes.split(',').map(str::trim).filter(|axis| !axis.is_empty());
        // Files written by Python 2 may mark the lengths as long integers, as in 3L.
        axes.map(|axis| axis.trim_end_matches('L').parse()).collect::<Result<Vec<usize>, _>>()
    });
    match axes {
        Some(Ok(shape)) => Ok(Header { shape, element, column_major }),
        _ => Err(faulty("shape", shape_text.to_owned())),
    }
}

/// The text of `'name': value` in a Python dictionary, up to the comma or brace that ends it.
fn entry<'a>(dictionary: &'a str, name: &str) -> Option<&'a str> {
    let start = ['\'', '"'].iter().find_map(|quote| {
        let label = format!("{quote}{name}{quote}");
        dictionary.find(&label).map(|at| at + label.len())
    })?;
    let value = dictionary[start..].trim_start().strip_prefix(':')?.trim_start();
    let mut depth = 0;
    let mut quote = None;
    for (at, character) in value.char_indices() {
        match (quote, character) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ',' | '}') if depth == 0 => return Some(value[..at].trim_end()),
            (None, ')' | ']' | '}') => depth -= 1,
            _ => {}
        }
    }
    None
}
