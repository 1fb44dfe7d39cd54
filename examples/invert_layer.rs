//! Reads trained weights and inverts the output layer for one error by feedback dynamics.
//!
//!     cargo run --release --example invert_layer

use std::path::Path;

use dynamic_inversion::dynamics::{
    Dynamics, Feedback, LayerwiseInversion, LoopParameters, Transfer,
};
use dynamic_inversion::integrate::{DOP853, Run};
use dynamic_inversion::network::weights::read_matrices;
use nalgebra::DMatrix;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("models/data/mnist_mlp_784_256_128_10.npz");
    let weights = read_matrices(&file, &["W3".to_owned()], &[(10, 128)])?.remove(0);

    // The error asks for more of class 5 and less of class 6.
    let mut delta = DMatrix::zeros(10, 1);
    delta[5] = 0.8;
    delta[6] = -0.8;

    let inversion = LayerwiseInversion::new(
        weights,
        Feedback::Tied { scale: 1.0 },
        Transfer::Linear,
        delta,
        LoopParameters::with_leak(0.01),
    )?;
    let run = Run::new(&inversion, &DOP853, (0.0, 300.0), &inversion.initial_state());
    let (_, outcome) = run.trajectory()?;

    let exact = inversion.closed_form_equilibrium()?;
    let distance = outcome.y.iter().zip(&exact).map(|(y, e)| (y - e).powi(2)).sum::<f64>().sqrt();
    let change =
        &outcome.y[inversion.layout().block("state").expect("a loop has a state").range.clone()];
    println!("hidden change: norm {:.6}", change.iter().map(|r| r * r).sum::<f64>().sqrt());
    println!("distance to the closed-form equilibrium: {distance:.2e}");
    println!("{} evaluations in {} steps", outcome.statistics.n_rhs, outcome.statistics.n_steps);
    Ok(())
}
