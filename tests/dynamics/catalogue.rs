//! Random instances of every dynamics, for properties that all must have.

use dynamic_inversion::dynamics::{
    Dynamics, Feedback, LayerwiseInversion, LoopParameters, Transfer,
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

pub fn all() -> Vec<Instance> {
    layerwise_inversions()
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
