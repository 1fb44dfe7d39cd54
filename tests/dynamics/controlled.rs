//! Instances of deep feedback control: every combination of its options with every feedback.

use dynamic_inversion::dynamics::{
    ControlFeedback, ControlFilters, ControlNoise, ControlParameters, DeepFeedbackControl, LeakOn,
    NoiseSite,
};
use dynamic_inversion::network::{Activation, Forward, Layer, Network, Output};
use nalgebra::{DMatrix, DVector};
use rand_chacha::ChaCha8Rng;

use crate::catalogue::{Instance, generator, matrix, vector};

/// Part of the names of instances whose control signal solves an equation of its own.
pub const ALGEBRAIC: &str = "algebraic";

pub const SIZES: [usize; 4] = [3, 4, 2, 3];

/// Plants: smooth hidden layers under softmax, curved everywhere, linear.
pub fn networks(rng: &mut ChaCha8Rng) -> Vec<Network> {
    use Activation::{Linear, Sigmoid, Softplus, Tanh};
    let kinds = [
        ([Tanh, Softplus, Linear], Output::Softmax),
        ([Sigmoid, Tanh, Tanh], Output::Linear),
        ([Linear; 3], Output::Linear),
    ];
    kinds.map(|(activations, output)| network(rng, &SIZES, &activations, output)).into()
}

pub fn network(
    rng: &mut ChaCha8Rng,
    sizes: &[usize],
    activations: &[Activation],
    output: Output,
) -> Network {
    let layer = |(n, &activation): (&[usize], &Activation)| Layer {
        weights: matrix(rng, n[1], n[0], 1.0),
        biases: DVector::from_vec(vector(rng, n[1], 0.5)),
        activation,
    };
    Network::new(sizes.windows(2).zip(activations).map(layer).collect(), output).unwrap()
}

pub fn forward(network: &Network, inputs: &DMatrix<f64>) -> Forward {
    let mut forward = Forward::new(network, inputs.ncols());
    network.forward(inputs.as_slice(), &mut forward).unwrap();
    forward
}

fn noise(index: usize, parameters: &ControlParameters) -> Option<ControlNoise> {
    let (std, tau) = (0.3, 0.7);
    let site = if parameters.tau_apical.is_some() { NoiseSite::Apical } else { NoiseSite::Somatic };
    match index {
        0 => None,
        1 => Some(ControlNoise::OrnsteinUhlenbeck { site, std, tau }),
        2 => Some(ControlNoise::OrnsteinUhlenbeck { site: NoiseSite::Somatic, std, tau }),
        _ if parameters.instantaneous && site == NoiseSite::Somatic => None,
        _ => Some(ControlNoise::White { site, std }),
    }
}

/// All on-off options: leak, gain, apical compartment, fast voltages, three filters.
pub fn parameter_sets() -> impl Iterator<Item = ControlParameters> {
    (0..128).map(|bits: usize| {
        let on = |k: usize| bits >> k & 1 == 1;
        let parameters = ControlParameters {
            leak: 0.17,
            leak_on: if on(0) { LeakOn::U } else { LeakOn::W },
            k_p: if on(1) { 0.6 } else { 0.0 },
            tau_v: 0.3,
            tau_u: 1.7,
            tau_apical: on(2).then_some(0.5),
            instantaneous: on(3),
            filters: ControlFilters {
                tau_error: on(4).then_some(0.4),
                tau_controller: on(5).then_some(0.8),
                tau_voltage: on(6).then_some(1.1),
            },
            noise: None,
        };
        // Five and four have no factor in common with the powers of two that bits step through.
        ControlParameters { noise: noise((bits % 5) % 4, &parameters), ..parameters }
    })
}

pub fn feedbacks(rng: &mut ChaCha8Rng, columns: usize) -> Vec<ControlFeedback> {
    let layers = |rng: &mut ChaCha8Rng, targets: usize| -> Vec<_> {
        SIZES[1..].iter().map(|n| matrix(rng, *n, SIZES[3] * targets, 0.8)).collect()
    };
    vec![
        ControlFeedback::Shared(layers(rng, 1)),
        ControlFeedback::PerTarget(layers(rng, columns)),
        ControlFeedback::Recomputed { scale: 0.9 },
    ]
}

pub fn deep_feedback_controls() -> Vec<Instance> {
    let mut instances = Vec::new();
    for (index, parameters) in parameter_sets().enumerate() {
        let mut rng = generator(500 + index as u64);
        let networks = networks(&mut rng);
        let columns = if index % 7 < 4 { 1 } else { 3 };
        for (k, feedback) in feedbacks(&mut rng, columns).into_iter().enumerate() {
            let is_recomputed = matches!(feedback, ControlFeedback::Recomputed { .. });
            if is_recomputed && parameters.instantaneous && parameters.tau_apical.is_none() {
                continue;
            }
            let network = &networks[(index / 3 + k) % networks.len()];
            let inputs = matrix(&mut rng, SIZES[0], columns, 1.0);
            let target = matrix(&mut rng, SIZES[3], columns, 1.0);
            let control = DeepFeedbackControl::new(
                network,
                &forward(network, &inputs),
                target,
                feedback,
                parameters,
            )
            .unwrap();
            let filters = parameters.filters;
            let is_algebraic = parameters.instantaneous
                && parameters.k_p > 0.0
                && parameters.tau_apical.is_none()
                && (filters.tau_error, filters.tau_controller) == (None, None);
            let form = if is_algebraic { ALGEBRAIC } else { "" };
            let output = network.output();
            let name = format!("deep-feedback-control {form} {k} {output:?} {parameters:?}");
            instances.push(Instance { name, dynamics: Box::new(control) });
        }
    }
    instances
}
