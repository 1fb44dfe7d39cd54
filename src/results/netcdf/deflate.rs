//! The filters shuffle and deflate, applied here rather than in the HDF5 library.
//!
//! Shuffling turns n doubles into eight planes of n bytes, the k-th holding byte k of each. Signs,
//! exponents and leading digits of a trajectory compress well; the last digits are noise, on which
//! a compressor spends most of its time for nothing. Here planes of noise are stored as they are,
//! in blocks every reader of the zlib format takes (RFC 1950, RFC 1951): several times faster
//! than compressing them, at the same size.

use flate2::{Compress, Compression, FlushCompress, Status};

/// zlib header for a 32 KiB window and the fastest compressor (RFC 1950, section 2.2).
const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];

/// The longest stored block (RFC 1951, section 3.2.4).
const LONGEST_STORED: usize = 0xffff;

/// Bytes of a value.
const PLANES: usize = size_of::<f64>();

/// A plane is noise if two of its bytes agree hardly more often than by chance, 1/256.
const NOISE_FACTOR: u64 = 2;

/// Compresses chunks, reusing its buffers.
pub(super) struct Deflater {
    compress: Compress,
    planes: Vec<u8>,
    stream: Vec<u8>,
}

impl Deflater {
    pub(super) fn new(level: u8) -> Self {
        let compress = Compress::new(Compression::new(level.into()), false);
        Self { compress, planes: Vec::new(), stream: Vec::new() }
    }

    /// The zlib stream of the shuffled `values`, rows of `width` of them.
    pub(super) fn encode(&mut self, values: &[f64], width: usize) -> &[u8] {
        shuffle(values, &mut self.planes);
        self.stream.clear();
        self.stream.extend_from_slice(&ZLIB_HEADER);
        let planes = std::mem::take(&mut self.planes);
        let n = values.len();
        let noise: [bool; PLANES] =
            std::array::from_fn(|k| is_noise(&planes[k * n..(k + 1) * n], width));
        let mut done = 0;
        // Neighbouring planes of one kind go together: a compressor that starts anew is slow.
        for run in noise.chunk_by(|a, b| a == b) {
            let bytes = &planes[done * n..(done + run.len()) * n];
            if run[0] {
                store(bytes, &mut self.stream)
            } else {
                self.squeeze(bytes)
            }
            done += run.len();
        }
        // An empty block with fixed codes, marked as the last: bits 1, 01, then the code 0000000.
        self.stream.extend_from_slice(&[0x03, 0x00]);
        self.stream.extend_from_slice(&adler32(&planes).to_be_bytes());
        self.planes = planes;
        &self.stream
    }

    /// Appends compressed blocks that end on a byte boundary and refer to nothing before them.
    fn squeeze(&mut self, bytes: &[u8]) {
        self.compress.reset();
        let mut consumed = 0;
        loop {
            // A flush is complete once the compressor leaves room unused.
            self.stream.reserve(bytes.len() / 2 + 64);
            let before = self.compress.total_in();
            let status = self
                .compress
                .compress_vec(&bytes[consumed..], &mut self.stream, FlushCompress::Sync)
                .expect("a compressor that was just reset takes any bytes");
            consumed += (self.compress.total_in() - before) as usize;
            let has_room = self.stream.len() < self.stream.capacity();
            if consumed == bytes.len() && (has_room || status == Status::BufError) {
                return;
            }
        }
    }
}

/// Byte k of every value, for each k.
fn shuffle(values: &[f64], planes: &mut Vec<u8>) {
    let n = values.len();
    planes.resize(n * PLANES, 0);
    for (i, value) in values.iter().enumerate() {
        for (k, byte) in value.to_ne_bytes().into_iter().enumerate() {
            planes[k * n + i] = byte;
        }
    }
}

/// Whether deflate would find nothing: bytes spread evenly, and rows that do not repeat.
fn is_noise(plane: &[u8], width: usize) -> bool {
    let mut counts = [0_u32; 256];
    plane.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
    let n = plane.len() as u64;
    let agreeing: u64 =
        counts.iter().map(|&count| u64::from(count) * u64::from(count.saturating_sub(1))).sum();
    let repeats =
        plane.iter().zip(&plane[width.min(plane.len())..]).filter(|(a, b)| a == b).count() as u64;
    agreeing * 256 < NOISE_FACTOR * n * n && repeats * 256 < 8 * NOISE_FACTOR * n
}

/// Appends stored blocks.
fn store(bytes: &[u8], stream: &mut Vec<u8>) {
    for block in bytes.chunks(LONGEST_STORED) {
        let length = block.len() as u16;
        stream.push(0);
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
}

/// The checksum of RFC 1950, section 8.2.
fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    // The longest run whose sums stay below 2^32.
    const RUN: usize = 5552;
    let (mut a, mut b) = (1_u32, 0_u32);
    for run in bytes.chunks(RUN) {
        for &byte in run {
            a += u32::from(byte);
            b += a;
        }
        a %= MODULUS;
        b %= MODULUS;
    }
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn decode(stream: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        flate2::read::ZlibDecoder::new(stream).read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn noise(state: &mut u64) -> u64 {
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *state >> 11
    }

    #[test]
    fn every_kind_of_data_comes_back() {
        let mut seed = 1;
        let mut deflater = Deflater::new(1);
        for n in [0, 1, 2, 7, 300, 16_384, 131_072] {
            let constant = vec![0.1; n];
            let smooth: Vec<f64> = (0..n).map(|i| (i as f64 * 1e-3).sin()).collect();
            let random: Vec<f64> = (0..n)
                .map(|_| f64::from_bits(noise(&mut seed) << 11 | noise(&mut seed) >> 42))
                .collect();
            for values in [constant, smooth, random] {
                let mut planes = Vec::new();
                shuffle(&values, &mut planes);
                assert_eq!(decode(deflater.encode(&values, 3)), planes, "{n} values");
            }
        }
    }

    #[test]
    fn noise_costs_no_more_than_its_size_and_repeats_are_found() {
        let mut seed = 2;
        let mut deflater = Deflater::new(1);
        let row: Vec<f64> = (0..2048).map(|_| f64::from_bits(noise(&mut seed))).collect();
        assert!(deflater.encode(&row, 1).len() <= 8 * 2048 + 64);
        let settled: Vec<f64> = row.iter().copied().cycle().take(64 * 2048).collect();
        assert!(deflater.encode(&settled, 2048).len() < 8 * 2048 * 4);
    }
}
