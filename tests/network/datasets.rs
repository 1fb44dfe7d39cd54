//! Data sets, scalings and teachers.

use approx::assert_relative_eq;
use dynamic_inversion::network::datasets::teacher::{self, Set};
use dynamic_inversion::network::datasets::{Dataset, DatasetError, Images, Scaling};
use dynamic_inversion::network::{Activation, Initialiser};
use nalgebra::{DMatrix, dmatrix};

fn images() -> Images {
    Images { rows: 1, columns: 2, pixels: vec![0, 255, 51, 102, 204, 153] }
}

#[test]
fn scalings() {
    assert_eq!(Scaling::UnitInterval.apply(51), 0.2);
    let Scaling::Standard { mean, std } = Scaling::measure(&images()).unwrap() else { panic!() };
    // Pixels are 0, 1, 0.2, 0.4, 0.8, 0.6: mean 0.5, variance 0.7 / 6.
    assert_relative_eq!(mean, 0.5, max_relative = 1e-15);
    assert_relative_eq!(std, (0.7f64 / 6.0).sqrt(), max_relative = 1e-15);
    let scaled = Scaling::Standard { mean, std }.apply(255);
    assert_relative_eq!(scaled, 0.5 / (0.7f64 / 6.0).sqrt(), max_relative = 1e-15);
    let flat = Images { rows: 1, columns: 1, pixels: vec![7, 7, 7] };
    assert!(matches!(Scaling::measure(&flat), Err(DatasetError::Scaling { std: 0.0, .. })));
}

#[test]
fn columns_follow_the_examples_asked_for() {
    let data = Dataset::classification(images(), vec![2, 0, 1], 3, Scaling::UnitInterval).unwrap();
    assert_eq!((data.len(), data.input_size(), data.target_size()), (3, 2, 3));
    let (mut x, mut t) = ([9.0; 4], [9.0; 6]);
    data.copy_inputs([2, 0], &mut x);
    data.copy_targets([2, 0], &mut t);
    assert_eq!(x, [0.8, 0.6, 0.0, 1.0]);
    assert_eq!(t, [0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!((data.label(0), data.label(3)), (Some(2), None));
    // A batch larger than the data set holds what there is.
    let mut large = [9.0; 16];
    data.copy_inputs(0..data.len(), &mut large);
    assert_eq!(large[5..], [0.6, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0]);

    let part = data.slice(1..3).unwrap();
    assert_eq!((part.len(), part.label(0)), (2, Some(0)));
    part.copy_inputs([0], &mut x[..2]);
    assert_eq!(x[..2], [0.2, 0.4]);

    let auto = Dataset::autoencoder(images(), Scaling::UnitInterval).unwrap();
    assert_eq!((auto.target_size(), auto.label(0)), (2, None));
    auto.copy_targets([1], &mut x[..2]);
    assert_eq!(x[..2], [0.2, 0.4]);
}

#[test]
fn inconsistent_data_sets_are_refused() {
    let classify = |labels: &[u8], classes| {
        Dataset::classification(images(), labels.to_vec(), classes, Scaling::UnitInterval)
    };
    assert_eq!(
        classify(&[0, 1], 2).unwrap_err().to_string(),
        "3 inputs but 2 targets; they must be as many"
    );
    assert_eq!(
        classify(&[0, 2, 1], 2).unwrap_err().to_string(),
        "label 1 is 2; with 2 classes it must be below 2"
    );
    let nothing = Images { rows: 1, columns: 2, pixels: vec![] };
    assert!(matches!(
        Dataset::autoencoder(nothing, Scaling::UnitInterval),
        Err(DatasetError::Empty)
    ));
    let scaling = Scaling::Standard { mean: 0.0, std: f64::NAN };
    assert!(matches!(Dataset::autoencoder(images(), scaling), Err(DatasetError::Scaling { .. })));
    let error =
        Dataset::dense(dmatrix![1.0, 2.0; 3.0, f64::NAN], DMatrix::zeros(1, 2)).unwrap_err();
    assert_eq!(error.to_string(), "input 1, component 1 is NaN; it must be finite");
    let data = Dataset::autoencoder(images(), Scaling::UnitInterval).unwrap();
    assert_eq!(
        data.check_index(3).unwrap_err().to_string(),
        "there is no example 3; the data set has 3, numbered from 0"
    );
    assert!(matches!(data.slice(1..4), Err(DatasetError::Index { index: 3, len: 3 })));
    assert!(matches!(data.slice(2..2), Err(DatasetError::Empty)));
}

#[test]
fn the_linear_teacher_is_linear_and_its_inputs_normal() {
    let teacher = teacher::linear(30, 10, 6).unwrap();
    let matrix = &teacher.layers()[0].weights;
    assert!(matrix.shape() == (10, 30) && matrix.min() < -0.9 && matrix.max() > 0.9);
    assert!(matrix.iter().all(|t| (-1.0..1.0).contains(t)));
    let data = teacher::examples(&teacher, 2000, 6, Set::Train).unwrap();
    let (mut x, mut y) = (DMatrix::zeros(30, 2000), DMatrix::zeros(10, 2000));
    data.copy_inputs(0..2000, x.as_mut_slice());
    data.copy_targets(0..2000, y.as_mut_slice());
    assert_relative_eq!(y, matrix * &x, epsilon = 1e-13);
    let n = x.len() as f64;
    assert!(x.mean().abs() < 5.0 / n.sqrt());
    assert!((x.variance() - 1.0).abs() < 5.0 * (2.0 / n).sqrt());
}

#[test]
fn sets_differ_and_small_sets_start_large_ones() {
    let init = Initialiser::Uniform { low: -0.01, high: 0.01 };
    let activations = [Activation::Tanh, Activation::Tanh, Activation::Linear];
    let teacher = teacher::network(&[30, 20, 10, 10], &activations, init, 1).unwrap();
    assert_eq!(teacher.sizes(), [30, 20, 10, 10]);
    assert!(teacher.layers()[1].biases.iter().all(|b| b.abs() <= 0.01 && *b != 0.0));
    // A student with the same seed starts elsewhere.
    assert_ne!(init.weights(&[30, 20, 10, 10], 1).unwrap()[0], teacher.layers()[0].weights);
    let input = |count, set, index| {
        let mut x = [0.0; 30];
        let data = teacher::examples(&teacher, count, 1, set).unwrap();
        data.copy_inputs([index], &mut x);
        x
    };
    assert_eq!(input(5, Set::Train, 4), input(50, Set::Train, 4));
    assert_ne!(input(5, Set::Train, 4), input(5, Set::Test, 4));
    assert!(teacher::examples(&teacher, 0, 1, Set::Train).is_err());
}
