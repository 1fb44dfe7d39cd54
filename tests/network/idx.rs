//! IDX files: good ones, and every way in which they are found broken.

use std::io::Write;
use std::path::PathBuf;

use dynamic_inversion::network::datasets::{Dataset, DatasetError, Images, Scaling, read_labels};

const GOOD_IMAGES: &str = "00000803000000030000000200000002000102030405060708090a0b";
const GZIPPED: &str =
    "1f8b08000000000002036360e0606660600061263066646266616563e7e0e4e2060063446fc61c000000";

struct Written {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|d| u8::from_str_radix(std::str::from_utf8(d).unwrap(), 16).unwrap()).collect()
}

fn written(content: &[u8]) -> Written {
    let folder = tempfile::tempdir().unwrap();
    // The name says nothing about compression.
    let path = folder.path().join("file.gz");
    std::fs::write(&path, content).unwrap();
    Written { _folder: folder, path }
}

fn images(hex: &str) -> Result<Images, DatasetError> {
    Images::read(&written(&bytes(hex)).path)
}

fn message(error: DatasetError) -> String {
    error.to_string().split_once(": ").unwrap().1.to_owned()
}

#[test]
fn good_files() {
    let read = images(GOOD_IMAGES).unwrap();
    assert_eq!((read.rows, read.columns, read.count(), read.size()), (2, 2, 3, 4));
    assert_eq!(read.pixels, (0..12).collect::<Vec<u8>>());
    assert_eq!(read_labels(&written(&bytes("0000080100000003070009")).path).unwrap(), [7, 0, 9]);
    let data = Dataset::classification(read, vec![7, 0, 9], 10, Scaling::UnitInterval).unwrap();
    let mut x = [0.0; 4];
    data.copy_inputs([1], &mut x);
    assert_eq!(x[0], 0.015_686_274_509_803_92);
}

#[test]
fn gzipped_files_are_read_whatever_their_name() {
    assert_eq!(images(GZIPPED).unwrap(), images(GOOD_IMAGES).unwrap());
    // Two gzip members one after the other are one file.
    let mut whole = Vec::new();
    let content = bytes(GOOD_IMAGES);
    for part in [&content[..20], &content[20..]] {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(part).unwrap();
        whole.extend(encoder.finish().unwrap());
    }
    assert_eq!(Images::read(&written(&whole).path).unwrap(), images(GOOD_IMAGES).unwrap());
}

#[test]
fn truncated() {
    let error = images("0000080300000003000000020000000200010203040506070809").unwrap_err();
    assert_eq!(message(error), "2 bytes short (12 expected, 10 found)");
}

#[test]
fn huge_count() {
    let error = images("00000803ffffffff0000001c0000001c00000000").unwrap_err();
    let DatasetError::Short { expected, found: 4, .. } = error else { panic!("{error}") };
    assert_eq!(expected, u128::from(u32::MAX) * 784);
    // Products beyond 64 bits count right, too.
    let error = images("00000803ffffffffffffffffffffffff00").unwrap_err();
    let DatasetError::Short { expected, found: 1, .. } = error else { panic!("{error}") };
    assert_eq!(expected, u128::from(u32::MAX).pow(3));
}

#[test]
fn little_endian() {
    let error = images("03080000030000000200000002000000000102030405060708090a0b").unwrap_err();
    assert!(message(error).starts_with("magic 0x03080000: bytes swapped"));
}

#[test]
fn trailing() {
    let error = images(&format!("{GOOD_IMAGES}6578747261")).unwrap_err();
    assert_eq!(message(error), "bytes follow the 12 bytes of data the header announces");
}

#[test]
fn header_only() {
    for hex in ["", "00", "0000080300000003", "00000803000000030000"] {
        let error = images(hex).unwrap_err();
        let found = hex.len() / 2;
        assert_eq!(message(error), format!("header incomplete ({found} of 16 bytes)"));
    }
}

#[test]
fn zero_images() {
    let error = images("00000803000000000000001c0000001c").unwrap_err();
    assert_eq!(message(error), "no samples");
    let error = images("0000080300000002000000000000001c").unwrap_err();
    assert_eq!(message(error), "images of 0 x 28 pixels are empty");
    assert!(matches!(
        Images::read(&written(&bytes("0000080100000000")).path),
        Err(DatasetError::Axes { .. })
    ));
    let no_labels = written(&bytes("0000080100000000"));
    assert!(matches!(read_labels(&no_labels.path), Err(DatasetError::NoSamples { .. })));
}

#[test]
fn other_content_is_named() {
    let error = images("00000d03000000010000000100000001").unwrap_err();
    assert_eq!(
        message(error),
        "elements have IDX type 0x0d (32-bit float); only unsigned bytes (0x08) are read"
    );
    assert_eq!(message(images("504b0304ffff").unwrap_err()), "magic 0x504b0304: not an IDX file");
    assert_eq!(message(images("0000080100000003070009").unwrap_err()), "1 axes; images have 3");
    let swapped_roles = written(&bytes(GOOD_IMAGES));
    assert_eq!(message(read_labels(&swapped_roles.path).unwrap_err()), "3 axes; labels have 1");
    let absent = Images::read(std::path::Path::new("no/such/file"));
    assert!(matches!(absent, Err(DatasetError::NotFound { .. })));
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn damage_inside_gzip_is_noticed() {
    let whole = bytes(GZIPPED);
    for keep in 2..whole.len() {
        let error = Images::read(&written(&whole[..keep]).path).unwrap_err();
        assert!(matches!(error, DatasetError::Gzip { .. }), "cut to {keep}: {error}");
    }
    let mut flipped = whole.clone();
    let at = flipped.len() - 6;
    flipped[at] ^= 1;
    assert!(matches!(Images::read(&written(&flipped).path), Err(DatasetError::Gzip { .. })));

    let content = bytes(GOOD_IMAGES);
    let error = Images::read(&written(&gzip(&content[..26])).path).unwrap_err();
    assert_eq!(message(error), "2 bytes short (12 expected, 10 found)");
    let longer = [content.as_slice(), &[1, 2]].concat();
    let error = Images::read(&written(&gzip(&longer)).path).unwrap_err();
    assert!(matches!(error, DatasetError::Trailing { .. }));
    let huge = bytes("00000803ffffffff0000001c0000001c00000000");
    let error = Images::read(&written(&gzip(&huge)).path).unwrap_err();
    assert!(matches!(error, DatasetError::TooLarge { .. }), "{error}");
}
