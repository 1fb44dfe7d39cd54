//! The PNG format (ISO/IEC 15948): 8-bit RGB, no interlacing, no metadata, so that the same
//! picture gives the same bytes.

use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

/// An image: three bytes per pixel, row by row from the top left.
pub(crate) struct Pixels<'a> {
    pub(crate) width: usize,
    pub(crate) rgb: &'a [u8],
}

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];

/// The bytes of the file.
pub(crate) fn encode(pixels: &Pixels<'_>) -> Vec<u8> {
    let row_bytes = 3 * pixels.width.max(1);
    let height = pixels.rgb.len() / row_bytes;
    let mut header = Vec::with_capacity(13);
    for length in [pixels.width, height] {
        let length = u32::try_from(length).expect("pages are smaller than 2^32 pixels");
        header.extend(length.to_be_bytes());
    }
    // 8 bits per sample, RGB, the only compression, the only filter family, no interlacing.
    header.extend([8, 2, 0, 0, 0]);
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::default());
    for row in pixels.rgb.chunks_exact(row_bytes) {
        // Filter 0 (none): pages are mostly flat, which deflate takes best as it is.
        rows.write_all(&[0]).and_then(|()| rows.write_all(row)).expect("memory takes any bytes");
    }
    let mut out = SIGNATURE.to_vec();
    chunk(&mut out, *b"IHDR", &header);
    chunk(&mut out, *b"IDAT", &rows.finish().expect("memory takes any bytes"));
    chunk(&mut out, *b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).expect("pages are smaller than 4 GiB");
    out.extend(length.to_be_bytes());
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(data);
    out.extend(kind);
    out.extend(data);
    out.extend(crc.sum().to_be_bytes());
}
