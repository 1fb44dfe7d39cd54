//! The bundled network on the bundled MNIST images.

use std::path::PathBuf;

use approx::assert_relative_eq;
use dynamic_inversion::network::datasets::{Dataset, Images, Scaling, read_labels};
use dynamic_inversion::network::weights::{WeightFile, read_array};
use dynamic_inversion::network::{Activation, Forward, Network, Output};

use super::support::repository;
use super::weights::keys;

const SIZES: [usize; 4] = [784, 256, 128, 10];

fn bundled(name: &str) -> PathBuf {
    repository().join("models/data").join(name)
}

fn network() -> Network {
    let file = WeightFile {
        path: bundled("mnist_mlp_784_256_128_10.npz"),
        weights: keys(&["W1", "W2", "W3"]),
        biases: Some(keys(&["b1", "b2", "b3"])),
    };
    let read = file.load(&SIZES).unwrap();
    let activations = [Activation::Tanh, Activation::Tanh, Activation::Linear];
    let biases = read.biases.unwrap();
    Network::from_parameters(&SIZES, &activations, Output::Softmax, read.weights, biases).unwrap()
}

fn dataset() -> Dataset {
    let images = Images::read(&bundled("t10k-100-images-idx3-ubyte.gz")).unwrap();
    let labels = read_labels(&bundled("t10k-100-labels-idx1-ubyte.gz")).unwrap();
    let number = |key| read_array(&bundled("mnist_mlp_784_256_128_10.npz"), key).unwrap().values[0];
    let scaling = Scaling::Standard { mean: number("pixel_mean"), std: number("pixel_std") };
    Dataset::classification(images, labels, 10, scaling).unwrap()
}

#[test]
fn standardised_images_match_those_stored_with_the_network() {
    let stored = read_array(&bundled("mnist_mlp_784_256_128_10.npz"), "images").unwrap();
    assert_eq!(stored.shape, [64, 784]);
    let data = dataset();
    assert_eq!((data.len(), data.input_size(), data.target_size()), (100, 784, 10));
    let mut ours = vec![0.0; 64 * 784];
    data.copy_inputs(0..64, &mut ours);
    // The stored ones are float32.
    for (ours, stored) in ours.iter().zip(&stored.values) {
        assert_relative_eq!(ours, stored, epsilon = 2e-7);
    }
}

/// Reference: the same pass in NumPy, float64.
#[test]
fn one_of_a_hundred_images_is_misclassified() {
    let (network, data) = (network(), dataset());
    let mut forward = Forward::new(&network, 100);
    data.copy_inputs(0..100, forward.inputs.as_mut_slice());
    network.propagate(&mut forward);
    let classes = forward.classes().enumerate();
    let wrong: Vec<_> = classes.filter(|&(i, class)| data.label(i) != Some(class)).collect();
    assert_eq!(wrong, [(8, 6)]);
    let mut targets = vec![0.0; 1000];
    data.copy_targets(0..100, &mut targets);
    let loss = network.loss(&forward, &targets).unwrap();
    assert_relative_eq!(loss, 3.533_408_857_083_761, max_relative = 1e-12);
    let image_8 = [
        7.634_725_09e-4,
        1.886_722_95e-5,
        9.600_671_39e-4,
        2.550_254_04e-5,
        5.699_074_93e-3,
        2.022_275_93e-1,
        7.808_037_76e-1,
        2.479_883_01e-6,
        7.812_745_49e-3,
        1.686_421_37e-3,
    ];
    for (y, expected) in forward.output().column(8).iter().zip(image_8) {
        assert_relative_eq!(*y, expected, max_relative = 1e-8);
    }
}
