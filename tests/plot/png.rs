//! A reader of the PNG files the program writes: RGB, 8 bits, filter 0.

use std::io::Read;

use flate2::Crc;
use flate2::read::ZlibDecoder;

pub(crate) struct Image {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rgb: Vec<u8>,
}

impl Image {
    /// Share of pixels that are not white.
    pub(crate) fn ink(&self) -> f64 {
        let pixels = self.rgb.chunks_exact(3);
        let inked = pixels.filter(|pixel| pixel.iter().any(|value| *value < 250)).count();
        inked as f64 / (self.width * self.height) as f64
    }

    pub(crate) fn has(&self, color: [u8; 3]) -> bool {
        self.rgb.chunks_exact(3).any(|pixel| pixel == color)
    }
}

pub(crate) fn decode(bytes: &[u8]) -> Image {
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let (mut at, mut kinds, mut data) = (8, Vec::new(), Vec::new());
    let (mut width, mut height) = (0, 0);
    while at < bytes.len() {
        let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let length = word(at) as usize;
        let (kind, content) = (&bytes[at + 4..at + 8], &bytes[at + 8..at + 8 + length]);
        let mut crc = Crc::new();
        crc.update(&bytes[at + 4..at + 8 + length]);
        assert_eq!(crc.sum(), word(at + 8 + length));
        match kind {
            b"IHDR" => {
                (width, height) = (word(at + 8) as usize, word(at + 12) as usize);
                assert_eq!(content[8..], [8, 2, 0, 0, 0]);
            }
            b"IDAT" => data.extend(content),
            _ => assert!(content.is_empty()),
        }
        kinds.push(kind.to_vec());
        at += 12 + length;
    }
    assert_eq!(kinds, [b"IHDR", b"IDAT", b"IEND"]);
    let mut rows = Vec::new();
    ZlibDecoder::new(data.as_slice()).read_to_end(&mut rows).unwrap();
    assert_eq!(rows.len(), height * (1 + 3 * width));
    let mut rgb = Vec::new();
    for row in rows.chunks_exact(1 + 3 * width) {
        assert_eq!(row[0], 0);
        rgb.extend(&row[1..]);
    }
    Image { width, height, rgb }
}
