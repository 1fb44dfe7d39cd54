//! Random instances of every dynamics, for properties that all must have.

use dynamic_inversion::dynamics::{
    ChainLayer, ConcurrentInversion, Controller, Dynamics, Feedback, InvertedLayer,
    LayerwiseInversion, LinearDynamics, LoopParameters, RateNetwork, RateParameters, SingleLoop,
    Transfer,
};
use dynamic_inversion::network::{Activation, random};
use nalgebra::DMatrix;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A dynamics with the name it carries in failure messages.
pub struct Instance {
    pub name: String,
    pub dynamics: Box<dyn Dynamics>,
}

pub fn generator(stream: u64) -> ChaCha8Rng {
    random::generator(20, stream)
}

/// Entries uniform in (-scale, scale).
pub fn matrix(rng: &mut ChaCha8Rng, rows: usize, columns: usize, scale: f64) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |_, _| rng.random_range(-scale..scale))
}

pub fn vector(rng: &mut ChaCha8Rng, len: usize, scale: f64) -> Vec<f64> {
    (0..len).map(|_| rng.random_range(-scale..scale)).collect()
}

/// All transfers on `units` units, with one operating point for all targets or one for each.
pub fn transfers(rng: &mut ChaCha8Rng, units: usize, columns: usize) -> Vec<Transfer> {
    let mut point = |columns| matrix(rng, units, columns, 1.5);
    vec![
        Transfer::Linear,
        Transfer::Nonlinear { activation: Activation::Tanh },
        Transfer::Nonlinear { activation: Activation::Softplus },
        Transfer::Nonlinear { activation: Activation::LeakyRelu },
        Transfer::Nonlinear { activation: Activation::Linear },
        Transfer::Tangent { activation: Activation::Tanh, operating_point: point(1) },
        Transfer::Tangent { activation: Activation::Sigmoid, operating_point: point(columns) },
        Transfer::InverseSlope { activation: Activation::Tanh, operating_point: point(columns) },
        Transfer::Deviation { activation: Activation::Tanh, operating_point: point(1) },
        Transfer::Deviation { activation: Activation::Softplus, operating_point: point(columns) },
    ]
}

pub const PARAMETERS: LoopParameters =
    LoopParameters { leak: 0.13, tau_state: 0.7, tau_controller: 1.9 };

/// Shapes `n_l x n_{l-1}`: contracting, square, expanding, one unit on either side.
const SHAPES: [(usize, usize); 5] = [(3, 5), (4, 4), (5, 3), (1, 4), (4, 1)];

pub fn layerwise_inversions() -> Vec<Instance> {
    let mut instances = Vec::new();
    for (stream, (rows, units)) in SHAPES.into_iter().enumerate() {
        let mut rng = generator(stream as u64);
        for columns in [1, 3] {
            for transfer in transfers(&mut rng, units, columns) {
                let b = matrix(&mut rng, units, rows, 1.0);
                for feedback in [Feedback::Tied { scale: 0.8 }, Feedback::from(b)] {
                    let name = format!(
                        "layerwise-inversion {rows}x{units} K={columns} {} {}",
                        transfer.name(),
                        if matches!(feedback, Feedback::Tied { .. }) { "tied" } else { "matrix" }
                    );
                    let w = matrix(&mut rng, rows, units, 1.0);
                    let target = matrix(&mut rng, rows, columns, 1.0);
                    let dynamics =
                        LayerwiseInversion::new(w, feedback, transfer.clone(), target, PARAMETERS)
                            .unwrap();
                    instances.push(Instance { name, dynamics: Box::new(dynamics) });
                }
            }
        }
    }
    instances
}

/// Chains of layers 2, 3, 4 with widths that shrink and grow, with the transfers of each layer.
fn chain_transfers(rng: &mut ChaCha8Rng, sizes: &[usize], columns: usize) -> Vec<Vec<Transfer>> {
    let per_layer: Vec<_> =
        sizes[..sizes.len() - 1].iter().map(|n| transfers(rng, *n, columns)).collect();
    let kinds = per_layer[0].len();
    // The same transfer in every layer, and a different one in each.
    let mut choices: Vec<Vec<usize>> = (0..kinds).map(|kind| vec![kind; per_layer.len()]).collect();
    choices.push((0..per_layer.len()).map(|layer| (3 * layer + 1) % kinds).collect());
    choices.push((0..per_layer.len()).map(|layer| 5 + layer % 2).collect());
    let pick = |choice: Vec<usize>| {
        choice.into_iter().zip(&per_layer).map(|(k, t)| t[k].clone()).collect()
    };
    choices.into_iter().map(pick).collect()
}

const CHAINS: [&[usize]; 3] = [&[5, 3], &[5, 4, 3], &[2, 4, 3, 4]];

pub fn concurrent_inversions() -> Vec<Instance> {
    let mut instances = Vec::new();
    for (stream, sizes) in CHAINS.into_iter().enumerate() {
        let mut rng = generator(100 + stream as u64);
        for columns in [1, 3] {
            for transfers in chain_transfers(&mut rng, sizes, columns) {
                let name =
                    format!("concurrent-inversion {sizes:?} K={columns} {}", transfers[0].name());
                let layers = inverted_layers(&mut rng, sizes, transfers);
                let target = matrix(&mut rng, sizes[sizes.len() - 1], columns, 1.0);
                let dynamics = ConcurrentInversion::new(layers, target, PARAMETERS).unwrap();
                instances.push(Instance { name, dynamics: Box::new(dynamics) });
            }
        }
    }
    instances
}

/// Layers with tied feedback and with a matrix in turn.
pub fn inverted_layers(
    rng: &mut ChaCha8Rng,
    sizes: &[usize],
    transfers: Vec<Transfer>,
) -> Vec<InvertedLayer> {
    let mut layers = Vec::new();
    for (k, transfer) in transfers.into_iter().enumerate() {
        let b = matrix(rng, sizes[k], sizes[k + 1], 1.0);
        let weights = matrix(rng, sizes[k + 1], sizes[k], 1.0).into();
        let feedback = if k % 2 == 0 { Feedback::Tied { scale: 1.1 } } else { Feedback::from(b) };
        layers.push(InvertedLayer { weights, feedback, transfer });
    }
    layers
}

pub fn single_loops() -> Vec<Instance> {
    let mut instances = Vec::new();
    for (stream, sizes) in CHAINS.into_iter().enumerate() {
        let mut rng = generator(200 + stream as u64);
        for columns in [1, 3] {
            for transfers in chain_transfers(&mut rng, sizes, columns) {
                let name = format!("single-loop {sizes:?} K={columns} {}", transfers[0].name());
                let layers = chain_layers(&mut rng, sizes, transfers);
                let outputs = sizes[sizes.len() - 1];
                let b = matrix(&mut rng, sizes[0], outputs, 1.0);
                let target = matrix(&mut rng, outputs, columns, 1.0);
                let dynamics = SingleLoop::new(layers, b, target, PARAMETERS).unwrap();
                instances.push(Instance { name, dynamics: Box::new(dynamics) });
            }
        }
    }
    instances
}

pub fn chain_layers(
    rng: &mut ChaCha8Rng,
    sizes: &[usize],
    transfers: Vec<Transfer>,
) -> Vec<ChainLayer> {
    let layer = |(k, transfer): (usize, Transfer)| {
        let weights = matrix(rng, sizes[k + 1], sizes[k], 1.0).into();
        ChainLayer { weights, transfer }
    };
    transfers.into_iter().enumerate().map(layer).collect()
}

pub fn rate_networks() -> Vec<Instance> {
    let mut rng = generator(300);
    let (k_p, k_i, k_d, leak, tau) = (0.7, 1.3, 0.2, 0.15, 0.6);
    let controllers = [
        None,
        Some(Controller::LeakyIntegral { leak, tau, k_i }),
        Some(Controller::ProportionalIntegral { k_p, k_i, leak, tau }),
        Some(Controller::Pid { k_p, k_i, k_d, leak, tau, tau_derivative: 0.3 }),
    ];
    let mixed = vec![Activation::Tanh, Activation::Tanh, Activation::Softplus, Activation::Linear];
    let mut instances = Vec::new();
    for (activation, gain) in
        [(vec![Activation::Tanh], 1.7), (mixed, 0.8), (vec![Activation::Linear], 1.0)]
    {
        for controller in controllers {
            let parameters = RateParameters {
                w: matrix(&mut rng, 4, 4, 0.8),
                activation: activation.clone(),
                gain,
                leak: vec![1.2],
                tau: vec![0.5, 1.0, 1.5, 2.0],
                input: vector(&mut rng, 4, 1.0),
            };
            let mut network = RateNetwork::new(parameters).unwrap();
            if let Some(controller) = controller {
                let (readout, q) = (matrix(&mut rng, 2, 4, 1.0), matrix(&mut rng, 4, 2, 1.0));
                network = network.with_controller(readout, vec![0.5, -0.4], controller, q).unwrap();
            }
            let name = format!("rate-network {activation:?} {controller:?}");
            instances.push(Instance { name, dynamics: Box::new(network) });
        }
    }
    instances
}

pub fn linear_systems() -> Vec<Instance> {
    let system = |n: usize| {
        let mut rng = generator(400 + n as u64);
        let a = matrix(&mut rng, n, n, 1.0);
        let dynamics = LinearDynamics::new(a, vector(&mut rng, n, 1.0)).unwrap();
        Instance { name: format!("linear {n}"), dynamics: Box::new(dynamics) }
    };
    [1, 2, 7].map(system).into()
}

/// Every dynamics of the registry is here: see the test of the registry.
pub fn all() -> Vec<Instance> {
    let mut instances = layerwise_inversions();
    instances.extend(concurrent_inversions());
    instances.extend(single_loops());
    instances.extend(rate_networks());
    instances.extend(crate::controlled::deep_feedback_controls());
    instances.extend(linear_systems());
    instances
}

/// A state of moderate size that is the same in every run.
pub fn state(instance: &Instance, stream: u64) -> Vec<f64> {
    vector(&mut generator(1000 + stream), instance.dynamics.dim(), 1.2)
}

pub fn max_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    // NaN must fail, and `f64::max` would drop it.
    a.iter().zip(b).fold(0.0, |worst, (a, b)| {
        let d = (a - b).abs();
        if d <= worst { worst } else { d }
    })
}
