//! Weight files written by NumPy, h5py, safetensors and Python's json (see data/make_fixtures.py).

use std::path::PathBuf;

use dynamic_inversion::network::weights::{
    WeightFile, array_names, export_network, read_array, read_matrices, read_vectors, write_npz,
};
use dynamic_inversion::network::{Activation, Initialiser, Network, Output};
use nalgebra::{DMatrix, DVector};

use super::support::repository;

pub fn data(name: &str) -> PathBuf {
    repository().join("tests/network/data").join(name)
}

pub fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

/// `W[i][j] = 10 i + j`, 3 x 2: a transposition shows.
fn w1() -> DMatrix<f64> {
    DMatrix::from_fn(3, 2, |i, j| (10 * i + j) as f64)
}

fn w2() -> DMatrix<f64> {
    DMatrix::from_fn(2, 3, |i, j| (100 + 10 * i + j) as f64)
}

fn check(file: &str, weights: &[&str], biases: &[&str]) {
    let path = data(file);
    let file = WeightFile { path, weights: keys(weights), biases: Some(keys(biases)) };
    let read = file.load(&[2, 3, 2]).unwrap();
    assert_eq!(read.weights, [w1(), w2()]);
    let biases = [DVector::from_vec(vec![0.5, -0.25, 0.125]), DVector::from_vec(vec![1.5, -2.5])];
    assert_eq!(read.biases.unwrap(), biases);
}

#[test]
fn npz_plain() {
    check("plain.npz", &["W1", "W2"], &["b1", "b2"]);
}

#[test]
fn npz_compressed_with_float32_big_endian_fortran_order_and_column_vectors() {
    check("mixed.npz", &["W1", "W2"], &["b1", "b2"]);
}

#[test]
fn safetensors_in_both_precisions() {
    check(
        "net.safetensors",
        &["layer.0.weight", "layer.1.weight"],
        &["layer.0.bias", "layer.1.bias"],
    );
}

#[test]
fn hdf5_in_groups_compressed_and_big_endian() {
    check("net.h5", &["W1", "weights/W2"], &["/weights/b1", "weights/b2"]);
}

#[test]
fn json_with_integers() {
    check("net.json", &["W1", "W2"], &["b1", "b2"]);
}

#[test]
fn npy_in_every_order_precision_and_version() {
    for file in ["c_order.npy", "fortran.npy", "big_endian.npy", "version2.npy"] {
        assert_eq!(read_matrices(&data(file), &[], &[(3, 2)]).unwrap(), [w1()], "{file}");
    }
    // The one array is named after its file.
    let named = read_matrices(&data("c_order.npy"), &keys(&["c_order"]), &[(3, 2)]);
    assert_eq!(named.unwrap(), [w1()]);
    assert!(read_matrices(&data("c_order.npy"), &keys(&["W1"]), &[(3, 2)]).is_err());
}

#[test]
fn arrays_of_any_shape_and_their_names() {
    let scalar = read_array(&data("mixed.npz"), "scalar").unwrap();
    assert_eq!((scalar.shape, scalar.values), (vec![], vec![0.25]));
    let matrix = read_array(&data("mixed.npz"), "W2").unwrap();
    assert_eq!(matrix.shape, [2, 3]);
    assert_eq!(matrix.values, [100.0, 101.0, 102.0, 110.0, 111.0, 112.0]);
    let names = array_names(&data("plain.npz")).unwrap();
    assert_eq!(names, ["W1", "W2", "b1", "b2"]);
    let names = array_names(&data("net.h5")).unwrap();
    assert_eq!(names, ["W1", "count", "weights/W2", "weights/b1", "weights/b2", "weights/nan"]);
}

#[test]
fn one_row_or_column_may_be_stored_as_a_vector() {
    let path = data("plain.npz");
    let column = read_matrices(&path, &keys(&["b1"]), &[(3, 1)]).unwrap();
    assert_eq!(column[0].as_slice(), &[0.5, -0.25, 0.125]);
    assert_eq!(read_matrices(&path, &keys(&["b1"]), &[(1, 3)]).unwrap()[0].shape(), (1, 3));
    assert!(read_vectors(&path, &keys(&["W1"]), &[6]).is_err());
}

#[test]
fn extensions_in_capitals_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("NET.NPZ");
    std::fs::copy(data("plain.npz"), &path).unwrap();
    assert_eq!(read_matrices(&path, &keys(&["W1"]), &[(3, 2)]).unwrap(), [w1()]);
}

#[cfg(unix)]
#[test]
fn paths_need_not_be_unicode() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    for (fixture, name) in [("plain.npz", &b"caf\xe9.npz"[..]), ("c_order.npy", b"-caf\xe9 x.npy")]
    {
        let path = folder.path().join(std::ffi::OsStr::from_bytes(name));
        std::fs::copy(data(fixture), &path).unwrap();
        let first = array_names(&path).unwrap().remove(0);
        assert_eq!(read_matrices(&path, &[first], &[(3, 2)]).unwrap(), [w1()]);
    }
    // HDF5 itself takes such paths, its Rust interface does not: refused by name, no panic.
    let path = folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9.h5"));
    std::fs::copy(data("net.h5"), &path).unwrap();
    let text = array_names(&path).unwrap_err().to_string();
    assert!(text.contains("UTF-8"), "{text}");
}

#[test]
fn exported_networks_read_back_to_the_bit() {
    let sizes = [4, 7, 3];
    let init = Initialiser::Normal { scale: 1.0 };
    let (weights, biases) = (init.weights(&sizes, 5).unwrap(), init.biases(&sizes, 5).unwrap());
    let activations = [Activation::Tanh, Activation::Linear];
    let network = Network::from_parameters(
        &sizes,
        &activations,
        Output::Softmax,
        weights.clone(),
        biases.clone(),
    );
    let network = network.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.npz");
    export_network(&path, &network).unwrap();
    let first = std::fs::read(&path).unwrap();
    let file = WeightFile {
        path: path.clone(),
        weights: keys(&["W1", "W2"]),
        biases: Some(keys(&["b1", "b2"])),
    };
    let read = file.load(&sizes).unwrap();
    assert_eq!(read.weights, weights);
    assert_eq!(read.biases.unwrap(), biases);
    export_network(&path, &network).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), first, "equal weights give equal bytes");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");

    write_npz(&path, &[("Q".to_owned(), &weights[0])]).unwrap();
    assert_eq!(read_matrices(&path, &[], &[(7, 4)]).unwrap(), weights[..1]);
    let nowhere = folder.path().join("missing/net.npz");
    let text = write_npz(&nowhere, &[]).unwrap_err().to_string();
    assert!(text.contains("cannot be written"), "{text}");
}
