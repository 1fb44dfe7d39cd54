//! IDX files, the format of MNIST: a big-endian header and unsigned bytes, plain or gzipped
//! (the format is described at <http://yann.lecun.com/exdb/mnist>).

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::DatasetError;

/// Type code of unsigned bytes, the only one read.
const UNSIGNED_BYTE: u8 = 0x08;
/// Most bytes of data read: 1 GiB, twenty times MNIST.
const MAX_BYTES: u128 = 1 << 30;

/// Grey-scale images of one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// Rows of pixels per image.
    pub rows: usize,
    /// Pixels per row.
    pub columns: usize,
    /// The pixels: image by image, each row by row.
    pub pixels: Vec<u8>,
}

impl Images {
    /// Reads images from an IDX file, gzipped or not (told apart by content).
    ///
    /// # Errors
    /// [`DatasetError`] naming the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        let (shape, pixels) = read(path, "images", 3)?;
        Ok(Self { rows: shape[1], columns: shape[2], pixels })
    }

    /// Number of images.
    #[must_use]
    pub fn count(&self) -> usize {
        self.pixels.len() / self.size()
    }

    /// Pixels per image.
    #[must_use]
    pub fn size(&self) -> usize {
        self.rows * self.columns
    }
}

/// Reads labels from an IDX file, gzipped or not (told apart by content).
///
/// # Errors
/// [`DatasetError`] naming the file and what is wrong with it.
pub fn read_labels(path: &Path) -> Result<Vec<u8>, DatasetError> {
    Ok(read(path, "labels", 1)?.1)
}

/// Reads an IDX file of unsigned bytes with `axes` axes: its shape and data.
fn read(
    path: &Path,
    what: &'static str,
    axes: usize,
) -> Result<(Vec<usize>, Vec<u8>), DatasetError> {
    let mut content = Content::open(path)?;
    let shape = read_header(&mut content, path, what, axes)?;
    if shape[0] == 0 {
        return Err(DatasetError::NoSamples { path: path.to_owned() });
    }
    if let [_, rows, columns] = shape[..]
        && rows * columns == 0
    {
        return Err(DatasetError::EmptyImages { path: path.to_owned(), rows, columns });
    }
    let size: u128 = shape.iter().map(|&n| n as u128).product();
    let header = 4 + 4 * axes as u64;
    if let Some(length) = content.plain_length {
        require_length(path, size, length.saturating_sub(header))?;
    }
    if size > MAX_BYTES {
        return Err(DatasetError::TooLarge { path: path.to_owned(), size, limit: MAX_BYTES });
    }
    // Reads one byte more than announced, to notice what follows; memory grows with the data.
    let mut data = Vec::new();
    let limit = size as u64 + 1;
    (&mut content).take(limit).read_to_end(&mut data).map_err(|e| content.error(path, e))?;
    require_length(path, size, data.len() as u64)?;
    Ok((shape, data))
}

fn read_header(
    content: &mut Content,
    path: &Path,
    what: &'static str,
    axes: usize,
) -> Result<Vec<usize>, DatasetError> {
    let path_buf = || path.to_owned();
    let mut start = Vec::new();
    let length = 4 + 4 * axes;
    let taken = (&mut *content).take(4).read_to_end(&mut start);
    taken.map_err(|e| content.error(path, e))?;
    let Ok(magic) = <[u8; 4]>::try_from(start.as_slice()) else {
        let found = start.len();
        return Err(DatasetError::HeaderIncomplete { path: path_buf(), found, expected: length });
    };
    match magic {
        [0, 0, UNSIGNED_BYTE, found] if usize::from(found) == axes => {}
        [0, 0, UNSIGNED_BYTE, found] => {
            let found = found.into();
            return Err(DatasetError::Axes { path: path_buf(), what, found, expected: axes });
        }
        [0, 0, code, _] if type_name(code).is_some() => {
            let name = type_name(code).unwrap_or("unknown");
            return Err(DatasetError::ElementType { path: path_buf(), code, name });
        }
        _ => {
            let magic = u32::from_be_bytes(magic);
            let swapped = magic.swap_bytes();
            // A swapped header still reads 00 00 <type> <axes> from the other end.
            return Err(match type_name((swapped >> 8) as u8) {
                Some(_) if swapped >> 16 == 0 => {
                    DatasetError::BytesSwapped { path: path_buf(), magic }
                }
                _ => DatasetError::NotIdx { path: path_buf(), magic },
            });
        }
    }
    let mut lengths = Vec::new();
    let taken = (&mut *content).take(4 * axes as u64).read_to_end(&mut lengths);
    taken.map_err(|e| content.error(path, e))?;
    if lengths.len() < 4 * axes {
        let found = 4 + lengths.len();
        return Err(DatasetError::HeaderIncomplete { path: path_buf(), found, expected: length });
    }
    let number = |b: &[u8]| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize;
    Ok(lengths.chunks_exact(4).map(number).collect())
}

fn require_length(path: &Path, expected: u128, found: u64) -> Result<(), DatasetError> {
    match u128::from(found).cmp(&expected) {
        std::cmp::Ordering::Less => {
            Err(DatasetError::Short { path: path.to_owned(), expected, found })
        }
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => {
            Err(DatasetError::Trailing { path: path.to_owned(), expected })
        }
    }
}

fn type_name(code: u8) -> Option<&'static str> {
    match code {
        UNSIGNED_BYTE => Some("unsigned byte"),
        0x09 => Some("signed byte"),
        0x0b => Some("16-bit integer"),
        0x0c => Some("32-bit integer"),
        0x0d => Some("32-bit float"),
        0x0e => Some("64-bit float"),
        _ => None,
    }
}

type Rewound = Chain<Cursor<Vec<u8>>, BufReader<File>>;

/// The content of a file, decompressed if need be.
struct Content {
    reader: Box<dyn Read>,
    gzipped: bool,
    /// Length of a plain regular file.
    plain_length: Option<u64>,
}

impl Content {
    fn open(path: &Path) -> Result<Self, DatasetError> {
        let read_error = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => DatasetError::NotFound { path: path.to_owned() },
            _ => DatasetError::Read { path: path.to_owned(), source },
        };
        let file = File::open(path).map_err(read_error)?;
        let metadata = file.metadata().map_err(read_error)?;
        let mut reader = BufReader::new(file);
        let mut magic = Vec::new();
        (&mut reader).take(2).read_to_end(&mut magic).map_err(read_error)?;
        let gzipped = magic == [0x1f, 0x8b];
        let whole: Rewound = Cursor::new(magic).chain(reader);
        let plain_length = (!gzipped && metadata.is_file()).then_some(metadata.len());
        let reader: Box<dyn Read> =
            if gzipped { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
        Ok(Self { reader, gzipped, plain_length })
    }

    fn error(&self, path: &Path, source: io::Error) -> DatasetError {
        let path = path.to_owned();
        if self.gzipped {
            DatasetError::Gzip { path, source }
        } else {
            DatasetError::Read { path, source }
        }
    }
}

impl Read for Content {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}
