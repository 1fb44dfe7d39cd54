//! Weight files that must be refused, each with an error that names what is wrong.

use std::path::Path;

use dynamic_inversion::network::NetworkError;
use dynamic_inversion::network::weights::{
    WeightFile, WeightsError, array_names, read_matrices, read_vectors,
};

use super::weights::{data, keys};

fn matrix_error(path: &Path, key: &str, shape: (usize, usize)) -> WeightsError {
    read_matrices(path, &keys(&[key]), &[shape]).unwrap_err()
}

/// The message after the path.
fn text(path: &Path, error: &WeightsError) -> String {
    let message = error.to_string();
    let prefix = format!("{}: ", path.display());
    message.strip_prefix(&prefix).unwrap_or_else(|| panic!("{message}")).to_owned()
}

fn changed(
    fixture: &str,
    change: impl FnOnce(&mut Vec<u8>),
) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(fixture);
    let mut bytes = std::fs::read(data(fixture)).unwrap();
    change(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[test]
fn a_missing_key_suggests_the_nearest_and_lists_all() {
    let path = data("plain.npz");
    assert_eq!(
        text(&path, &matrix_error(&path, "w1", (3, 2))),
        "no array called \"w1\" (did you mean \"W1\"?); the file has W1, W2, b1, b2"
    );
    for (file, key, nearest) in [
        ("net.safetensors", "layer.1.weights", "layer.1.weight"),
        ("net.h5", "weights/W1", "weights/W2"),
        ("net.h5", "weight/W2", "weights/W2"),
        ("net.json", "W3", "W1"),
    ] {
        let error = matrix_error(&data(file), key, (2, 3));
        let WeightsError::MissingKey { nearest: found, .. } = &error else { panic!("{error}") };
        assert_eq!(found.as_deref(), Some(nearest), "{error}");
    }
    let error = matrix_error(&path, "zzz", (3, 2));
    assert!(matches!(error, WeightsError::MissingKey { nearest: None, .. }), "{error}");
    // A group is no dataset.
    assert!(matches!(
        matrix_error(&data("net.h5"), "weights", (3, 2)),
        WeightsError::MissingKey { .. }
    ));
}

#[test]
fn a_wrong_shape_is_named_and_a_transposed_one_recognised() {
    for file in ["plain.npz", "net.h5", "net.json"] {
        let path = data(file);
        assert_eq!(
            text(&path, &matrix_error(&path, "W1", (2, 3))),
            "array W1 is 3 x 2; expected 2 x 3 (units of the layer x units of the layer below): \
             save the transpose"
        );
        assert_eq!(
            text(&path, &matrix_error(&path, "W1", (5, 4))),
            "array W1 is 3 x 2; expected 5 x 4"
        );
    }
    let path = data("net.safetensors");
    let error = read_vectors(&path, &keys(&["layer.0.bias"]), &[4]).unwrap_err();
    assert_eq!(
        text(&path, &error),
        "array layer.0.bias is a vector of length 3; expected a vector of length 4"
    );
}

#[test]
fn non_finite_numbers_are_located() {
    let path = data("mixed.npz");
    assert_eq!(
        text(&path, &matrix_error(&path, "nan", (3, 2))),
        "array nan[1][1] is NaN; it must be finite"
    );
    let path = data("net.h5");
    assert_eq!(
        text(&path, &matrix_error(&path, "weights/nan", (3, 2))),
        "array weights/nan[1][1] is inf; it must be finite"
    );
}

#[test]
fn other_element_types_are_refused() {
    for (file, key, shape, kind) in [
        ("mixed.npz", "half", (3, 2), "'<f2'"),
        ("mixed.npz", "count", (3, 1), "'<i8'"),
        ("net.safetensors", "half", (3, 2), "F16"),
        ("net.h5", "count", (3, 1), "int64"),
    ] {
        let path = data(file);
        let message = text(&path, &matrix_error(&path, key, shape));
        assert!(message.contains(kind), "{message}");
        assert!(message.ends_with("only float32 and float64 are read"), "{message}");
    }
}

#[test]
fn lists_that_are_no_arrays_are_located() {
    let path = data("net.json");
    for (key, expected) in [
        ("ragged", "array ragged[1]: found a list of length 1, expected a list of length 2"),
        ("text", "array text[0][1]: found the text \"a\", expected a number"),
    ] {
        let shape = if key == "ragged" { (2, 2) } else { (1, 2) };
        assert_eq!(text(&path, &matrix_error(&path, key, shape)), expected);
    }
    let error = read_vectors(&path, &keys(&["null"]), &[2]).unwrap_err();
    assert_eq!(text(&path, &error), "array null[1]: found null, expected a number");
}

#[test]
fn absent_and_unknown_files() {
    let path = data("absent.npz");
    assert!(matches!(array_names(&path), Err(WeightsError::NotFound { .. })));
    let path = data("net.pickle");
    assert_eq!(
        text(&path, &array_names(&path).unwrap_err()),
        "no weight format has this extension; use one of .npz, .npy, .safetensors, .h5, .hdf5, .json"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("folder.npy");
    std::fs::create_dir(&path).unwrap();
    assert!(matches!(array_names(&path), Err(WeightsError::Read { .. })));
}

#[test]
fn content_of_another_format_is_recognised() {
    let folder = tempfile::tempdir().unwrap();
    for extension in ["npz", "npy", "safetensors", "h5"] {
        let path = folder.path().join("net").with_extension(extension);
        for content in [&b"W1 = 1, 2, 3\n"[..], b""] {
            std::fs::write(&path, content).unwrap();
            let error = array_names(&path).unwrap_err();
            assert!(matches!(error, WeightsError::NotFormat { .. }), "{extension}: {error}");
        }
    }
    let path = folder.path().join("net.json");
    std::fs::write(&path, "{\"W1\": [1, 2,").unwrap();
    let error = array_names(&path).unwrap_err();
    assert!(matches!(error, WeightsError::Damaged { .. }) && error.to_string().contains("line 1"));
    std::fs::write(&path, "[1, 2]").unwrap();
    assert!(matches!(array_names(&path), Err(WeightsError::NotFormat { .. })));
}

#[test]
fn files_cut_anywhere_are_refused_without_panic() {
    for file in ["plain.npz", "mixed.npz", "c_order.npy", "net.safetensors", "net.json", "net.h5"] {
        let length = std::fs::read(data(file)).unwrap().len();
        let key = match file {
            "c_order.npy" => "c_order",
            "net.safetensors" => "layer.0.weight",
            _ => "W1",
        };
        for keep in (0..length - 1).step_by(if file == "net.h5" { 97 } else { 7 }) {
            let (_folder, path) = changed(file, |bytes| bytes.truncate(keep));
            let result = read_matrices(&path, &keys(&[key]), &[(3, 2)]);
            assert!(result.is_err(), "{file} cut to {keep} bytes");
        }
    }
}

#[test]
fn npy_data_must_match_the_header() {
    let (_folder, path) = changed("c_order.npy", |bytes| bytes.truncate(bytes.len() - 3));
    let error = matrix_error(&path, "c_order", (3, 2));
    assert_eq!(text(&path, &error), "array c_order: 3 bytes short (48 expected, 45 found)");
    let (_folder, path) = changed("c_order.npy", |bytes| bytes.push(0));
    let error = matrix_error(&path, "c_order", (3, 2));
    assert_eq!(text(&path, &error), "array c_order: bytes follow its 48 bytes of data");
}

/// A header may claim anything: shapes are compared first, and nothing is reserved on its word.
#[test]
fn headers_that_claim_too_much_are_refused() {
    let replace = |from: &'static str, to: &'static str| {
        assert_eq!(from.len(), to.len());
        changed("c_order.npy", move |bytes| {
            let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
            bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
        })
    };
    let huge = replace("(3, 2), }       ", "(999999,9999999)");
    let huge_shape = [999_999, 9_999_999];
    assert!(matches!(
        matrix_error(&huge.1, "c_order", (3, 2)),
        WeightsError::NpyHeader { field: "text", .. } | WeightsError::Shape { .. }
    ));
    let huge = replace("(3, 2), }         ", "(999999,9999999),}");
    assert!(matches!(
        matrix_error(&huge.1, "c_order", (huge_shape[0], huge_shape[1])),
        WeightsError::TooLarge { limit: 268_435_456, .. }
    ));
    let large = replace("(3, 2), }     ", "(9999, 9999),}");
    let error = matrix_error(&large.1, "c_order", (9999, 9999));
    assert!(
        matches!(error, WeightsError::Short { expected: 799_840_008, found: 48, .. }),
        "{error}"
    );
    for (from, to, field) in [
        ("'fortran_order': False", "'fortran_order': Maybe", "fortran_order"),
        ("(3, 2)", "(3,-2)", "shape"),
        ("'shape'", "'shipe'", "text"),
    ] {
        let (_folder, path) = replace(from, to);
        let error = matrix_error(&path, "c_order", (3, 2));
        let WeightsError::NpyHeader { field: found, .. } = &error else { panic!("{error}") };
        assert_eq!(*found, field);
    }
}

#[test]
fn damaged_archives_are_noticed() {
    // A bit flipped in the stored data: the checksum of the zip archive catches it.
    let (_folder, path) = changed("plain.npz", |bytes| {
        let at = bytes.windows(8).position(|w| w == 21f64.to_le_bytes()).unwrap();
        bytes[at + 3] ^= 1;
    });
    let error = matrix_error(&path, "W1", (3, 2));
    assert!(matches!(error, WeightsError::Damaged { .. }), "{error}");
    let (_folder, path) = changed("net.safetensors", |bytes| bytes[0] ^= 0x80);
    assert!(array_names(&path).is_err());
}

#[test]
fn keys_must_be_as_many_as_layers() {
    let file = |weights: &[&str], biases: &[&str]| WeightFile {
        path: data("plain.npz"),
        weights: keys(weights),
        biases: Some(keys(biases)),
    };
    let error = file(&["W1"], &["b1", "b2"]).load(&[2, 3, 2]).unwrap_err();
    assert!(
        error.to_string().ends_with("1 weight keys given; expected 2, one per layer"),
        "{error}"
    );
    let error = file(&["W1", "W2"], &["b1", "b2", "b3"]).load(&[2, 3, 2]).unwrap_err();
    assert!(error.to_string().ends_with("3 bias keys given; expected 2, one per layer"), "{error}");
    let error = file(&[], &["b1"]).load(&[2, 3]).unwrap_err();
    assert!(
        error.to_string().ends_with("name the array to read; the file has W1, W2, b1, b2"),
        "{error}"
    );
    assert!(matches!(file(&[], &[]).load(&[2]), Err(NetworkError::TooFewSizes { .. })));
}

/// Locks belong to open files, so a second one in this process stands for another process.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_is_being_written_is_called_in_use() {
    let (_folder, path) = changed("net.h5", |_| ());
    let holder = std::fs::File::open(&path).unwrap();
    holder.lock().unwrap();
    let error = matrix_error(&path, "weights/W2", (2, 3));
    assert!(matches!(&error, WeightsError::InUse { path: named } if *named == path), "{error}");
    drop(holder);
    assert!(array_names(&path).is_ok());
}
