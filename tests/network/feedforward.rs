//! The forward pass, its losses and Jacobians.

use approx::assert_relative_eq;
use dynamic_inversion::network::{
    ACTIVATIONS, Activation, Forward, Initialiser, Layer, Network, NetworkError, Output,
};
use nalgebra::{DMatrix, DVector, dmatrix, dvector};

use super::support::Golden;

fn layer(weights: DMatrix<f64>, biases: DVector<f64>, activation: Activation) -> Layer {
    Layer { weights, biases, activation }
}

/// 3 - 2 - 2, non-square, small enough for paper.
fn small(output: Output) -> Network {
    let first =
        layer(dmatrix![1.0, -2.0, 0.5; 0.25, 1.0, -1.0], dvector![0.5, -0.125], Activation::Relu);
    let second = layer(dmatrix![2.0, 1.0; -1.0, 3.0], dvector![0.0, 0.25], Activation::Linear);
    Network::new(vec![first, second], output).unwrap()
}

fn random_network(hidden: Activation, last: Activation, output: Output) -> Network {
    let sizes = [5, 7, 3, 4];
    let init = Initialiser::Normal { scale: 1.0 };
    let weights = init.weights(&sizes, 3).unwrap();
    let biases = init.biases(&sizes, 3).unwrap();
    Network::from_parameters(&sizes, &[hidden, hidden, last], output, weights, biases).unwrap()
}

fn run(network: &Network, inputs: &[f64]) -> Forward {
    let mut forward = Forward::new(network, 1);
    network.forward(inputs, &mut forward).unwrap();
    forward
}

fn column(seed: u64, n: usize) -> Vec<f64> {
    Initialiser::Normal { scale: 1.0 }.biases(&[1, n], seed).unwrap()[0].as_slice().to_vec()
}

#[test]
fn forward_pass_matches_hand_computation() {
    let network = small(Output::Linear);
    let forward = run(&network, &[1.0, 0.5, 2.0]);
    // a_1 = [1 - 1 + 1 + 0.5, 0.25 + 0.5 - 2 - 0.125], h_1 = relu; a_2 = [3, -1.5 + 0.25].
    assert_eq!(forward.pre_activations[0].as_slice(), &[1.5, -1.375]);
    assert_eq!(forward.activations[0].as_slice(), &[1.5, 0.0]);
    assert_eq!(forward.output().as_slice(), &[3.0, -1.25]);
    let mut error = [0.0; 2];
    network.output_error(&forward, &[1.0, 1.0], &mut error).unwrap();
    assert_eq!(error, [-2.0, 2.25]);
    assert_eq!(network.loss(&forward, &[1.0, 1.0]).unwrap(), 0.5 * (4.0 + 5.0625));
    assert_eq!(forward.classes().collect::<Vec<_>>(), [0]);
    let mut slopes = [9.0; 2];
    network.slopes(&forward, 0, &mut slopes);
    assert_eq!(slopes, [1.0, 0.0]);
}

#[test]
fn softmax_output_loss_and_error() {
    let network = small(Output::Softmax);
    let forward = run(&network, &[1.0, 0.5, 2.0]);
    // softmax([3, -1.25]) = 1 / (1 + e^-4.25) and its complement.
    let p = 1.0 / (1.0 + (-4.25f64).exp());
    assert_relative_eq!(forward.output()[0], p, max_relative = 1e-15);
    assert_relative_eq!(forward.output()[1], 1.0 - p, max_relative = 1e-13);
    assert_eq!(forward.pre_activations[1].as_slice(), &[3.0, -1.25]);
    assert_relative_eq!(
        network.loss(&forward, &[0.0, 1.0]).unwrap(),
        4.25 + (-4.25f64).exp().ln_1p(),
        max_relative = 1e-15
    );
    let mut error = [0.0; 2];
    network.output_error(&forward, &[0.0, 1.0], &mut error).unwrap();
    assert_relative_eq!(error[0], -p, max_relative = 1e-15);
}

#[test]
fn softmax_survives_extreme_pre_activations() {
    let weights = dmatrix![1.0; -1.0];
    let network =
        Network::new(vec![layer(weights, dvector![0.0, 0.0], Activation::Linear)], Output::Softmax);
    let network = network.unwrap();
    let forward = run(&network, &[1e4]);
    assert_eq!(forward.output().as_slice(), &[1.0, 0.0]);
    // log y_2 is -2e4 although y_2 underflows.
    assert_eq!(network.loss(&forward, &[0.0, 1.0]).unwrap(), 2e4);
}

#[test]
fn a_batch_equals_its_columns() {
    for output in [Output::Linear, Output::Softmax] {
        let network = random_network(Activation::Tanh, Activation::Linear, output);
        let inputs: Vec<f64> = (0..9).flat_map(|seed| column(seed, 5)).collect();
        let targets: Vec<f64> = (20..29).flat_map(|seed| column(seed, 4)).collect();
        let mut batch = Forward::new(&network, 9);
        network.forward(&inputs, &mut batch).unwrap();
        let mut single = Forward::new(&network, 1);
        let mut losses = 0.0;
        for (c, (x, t)) in inputs.chunks(5).zip(targets.chunks(4)).enumerate() {
            network.forward(x, &mut single).unwrap();
            for (batch, single) in batch.pre_activations.iter().zip(&single.pre_activations) {
                assert_relative_eq!(batch.column(c), single.column(0), epsilon = 2e-15);
            }
            assert_relative_eq!(
                batch.output().column(c),
                single.output().column(0),
                epsilon = 2e-15
            );
            losses += network.loss(&single, t).unwrap();
        }
        assert_relative_eq!(network.loss(&batch, &targets).unwrap(), losses, max_relative = 1e-14);
    }
}

#[test]
fn a_buffer_adapts_to_another_batch_size_and_network() {
    let network = random_network(Activation::Tanh, Activation::Linear, Output::Linear);
    let mut forward = Forward::new(&small(Output::Linear), 2);
    network.forward(&column(1, 15), &mut forward).unwrap();
    assert_eq!(forward.columns(), 3);
    assert_eq!(forward.layer_input(0).shape(), (5, 3));
    assert_eq!(forward.layer_input(2).shape(), (3, 3));
    assert_eq!(forward.output().shape(), (4, 3));
}

/// `dy/da_l` by central differences of a forward pass restarted at `a_l`.
fn numeric_block(network: &Network, forward: &Forward, l: usize, logits: bool) -> DMatrix<f64> {
    let layers = network.layers();
    let rest = |a: &[f64]| {
        let mut a = a.to_vec();
        for (k, layer) in layers.iter().enumerate().skip(l) {
            if k > l {
                let h = a;
                a = vec![0.0; layer.units()];
                layer.pre_activation(&h, &mut a);
            }
            let pre = a.clone();
            layer.activation.apply(&pre, &mut a);
        }
        if network.output() == Output::Softmax && !logits {
            let sum: f64 = a.iter().map(|a| a.exp()).sum();
            a.iter_mut().for_each(|a| *a = a.exp() / sum);
        }
        DVector::from_vec(a)
    };
    let a = forward.pre_activations[l].as_slice();
    let step = 1e-5;
    let columns: Vec<_> = (0..a.len())
        .map(|j| {
            let (mut up, mut down) = (a.to_vec(), a.to_vec());
            up[j] += step;
            down[j] -= step;
            (rest(&up) - rest(&down)) / (2.0 * step)
        })
        .collect();
    DMatrix::from_columns(&columns)
}

#[test]
fn output_jacobians_match_finite_differences() {
    for &(_, hidden) in ACTIVATIONS {
        for (last, output) in [
            (Activation::Linear, Output::Linear),
            (Activation::Sigmoid, Output::Linear),
            (Activation::Linear, Output::Softmax),
        ] {
            let network = random_network(hidden, last, output);
            let forward = run(&network, &column(8, 5));
            let blocks = network.output_jacobian_blocks(&forward, 0);
            let logit_blocks = network.logit_jacobian_blocks(&forward, 0);
            assert_eq!(blocks.len(), 3);
            for l in 0..3 {
                let numeric = numeric_block(&network, &forward, l, false);
                assert_relative_eq!(blocks[l], numeric, epsilon = 1e-9);
                let numeric = numeric_block(&network, &forward, l, true);
                assert_relative_eq!(logit_blocks[l], numeric, epsilon = 1e-9);
            }
        }
    }
}

#[test]
fn output_jacobians_are_taken_at_the_column_asked_for() {
    let network = random_network(Activation::Tanh, Activation::Linear, Output::Softmax);
    let mut batch = Forward::new(&network, 3);
    network.forward(&column(4, 15), &mut batch).unwrap();
    let single = run(&network, &column(4, 15)[10..]);
    let expected = network.output_jacobian_blocks(&single, 0);
    for (block, expected) in network.output_jacobian_blocks(&batch, 2).iter().zip(&expected) {
        assert_relative_eq!(block, expected, epsilon = 1e-14);
    }
}

/// The parameter Jacobian of the golden is `J_l (x) [h_{l-1}, 1]`, computed with NumPy.
#[test]
fn output_jacobians_match_the_reference_parameter_jacobian() {
    for name in ["gauss_newton_tanh", "gauss_newton_linear"] {
        let golden = Golden::load(name);
        let activation = match golden.value("hidden_activation").as_str() {
            Some("tanh") => Activation::Tanh,
            _ => Activation::Linear,
        };
        let weights = golden.matrices("weights");
        let biases: Vec<_> =
            golden.value("biases").as_array().unwrap().iter().map(super::support::vector).collect();
        let sizes: Vec<usize> =
            std::iter::once(weights[0].ncols()).chain(weights.iter().map(|w| w.nrows())).collect();
        let mut activations = vec![activation; weights.len()];
        *activations.last_mut().unwrap() = Activation::Linear;
        let network =
            Network::from_parameters(&sizes, &activations, Output::Linear, weights, biases)
                .unwrap();
        assert_eq!(network.sizes(), sizes);
        let forward = run(&network, golden.vector("input").as_slice());
        let expected = golden.matrix("parameter_jacobian");
        assert_eq!(network.parameter_count(), expected.ncols());
        let mut at = 0;
        for (k, block) in network.output_jacobian_blocks(&forward, 0).iter().enumerate() {
            let h = forward.layer_input(k);
            for i in 0..block.ncols() {
                for h in h.iter() {
                    let expected = expected.column(at).into_owned();
                    assert_relative_eq!(block.column(i) * *h, expected, epsilon = 1e-13);
                    at += 1;
                }
            }
            for i in 0..block.ncols() {
                assert_relative_eq!(block.column(i), expected.column(at), epsilon = 1e-13);
                at += 1;
            }
        }
    }
}

/// The output error is the negative gradient of the loss with respect to `a_L` (linear output).
#[test]
fn learning_along_the_output_error_descends_the_loss() {
    for output in [Output::Linear, Output::Softmax] {
        let mut network = small(output);
        let (x, t) = ([1.0, 0.5, 2.0, 0.5, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0]);
        let mut forward = Forward::new(&network, 2);
        network.forward(&x, &mut forward).unwrap();
        let before = network.loss(&forward, &t).unwrap();
        let mut e = [0.0; 4];
        network.output_error(&forward, &t, &mut e).unwrap();
        let h = forward.layer_input(1).clone();
        let squared_step: f64 = {
            let error = DMatrix::from_column_slice(2, 2, &e);
            (&error * h.transpose()).norm_squared() + error.column_sum().norm_squared()
        };
        let rate = 1e-7;
        network.layers_mut()[1].learn(rate, &e, h.as_slice());
        network.forward(&x, &mut forward).unwrap();
        let after = network.loss(&forward, &t).unwrap();
        assert_relative_eq!((before - after) / rate, squared_step, max_relative = 1e-5);
    }
}

#[test]
fn shapes_that_do_not_chain_are_refused() {
    let linear = |rows, columns, biases| {
        layer(DMatrix::zeros(rows, columns), DVector::zeros(biases), Activation::Linear)
    };
    let text = |layers, output| Network::new(layers, output).unwrap_err().to_string();
    assert_eq!(
        text(vec![linear(4, 3, 4), linear(2, 5, 2)], Output::Linear),
        "weights of layer 2 are 2 x 5; expected 2 x 4 (units of the layer x units of the layer below)"
    );
    assert_eq!(text(vec![linear(4, 3, 3)], Output::Linear), "layer 1 has 4 units but 3 biases");
    assert_eq!(
        text(vec![linear(4, 3, 4), linear(0, 4, 0)], Output::Linear),
        "size 2 of the network is 0; every size must be at least 1"
    );
    let mut tanh = linear(4, 3, 4);
    tanh.activation = Activation::Tanh;
    assert_eq!(
        text(vec![tanh], Output::Softmax),
        "a softmax output needs a linear last layer; its activation is tanh"
    );
    assert!(matches!(
        Network::new(vec![], Output::Linear),
        Err(NetworkError::TooFewSizes { sizes: 0 })
    ));
    let parameters = |sizes: &[usize], count| {
        let weights = vec![DMatrix::zeros(2, 3)];
        let activations = vec![Activation::Linear; count];
        Network::from_parameters(
            sizes,
            &activations,
            Output::Linear,
            weights,
            vec![DVector::zeros(2)],
        )
    };
    assert!(matches!(
        parameters(&[3, 2], 2),
        Err(NetworkError::LayerCount { what: "activations", found: 2, layers: 1 })
    ));
    assert!(matches!(
        parameters(&[2, 3], 1),
        Err(NetworkError::WeightShape { layer: 1, rows: 2, columns: 3, .. })
    ));
    assert!(parameters(&[3, 2], 1).is_ok());
}

#[test]
fn non_finite_parameters_are_named() {
    let mut weights = DMatrix::zeros(3, 2);
    weights[(2, 0)] = f64::INFINITY;
    weights[(1, 1)] = f64::NAN;
    let first = layer(DMatrix::zeros(2, 2), DVector::zeros(2), Activation::Tanh);
    let second = layer(weights, DVector::zeros(3), Activation::Linear);
    let error = Network::new(vec![first.clone(), second], Output::Linear).unwrap_err();
    assert_eq!(error.to_string(), "weight of layer 2, row 1, column 1 is NaN; it must be finite");
    let mut network = Network::new(vec![first], Output::Linear).unwrap();
    network.layers_mut()[0].biases[1] = f64::NEG_INFINITY;
    assert_eq!(
        network.check_finite().unwrap_err().to_string(),
        "bias of layer 1, unit 1 is -inf; it must be finite"
    );
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let network = small(Output::Linear);
    let mut forward = Forward::new(&network, 1);
    for inputs in [&[][..], &[1.0, 2.0], &[1.0, 2.0, 3.0, 4.0]] {
        let error = network.forward(inputs, &mut forward).unwrap_err();
        assert!(matches!(error, NetworkError::Length { what: "input", .. }), "{error}");
    }
    assert!(matches!(
        network.loss(&forward, &[1.0]),
        Err(NetworkError::Length { what: "target", found: 1, expected: 2, columns: 1 })
    ));
    assert!(network.output_error(&forward, &[1.0, 2.0], &mut [0.0; 3]).is_err());
}
