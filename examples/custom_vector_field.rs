//! A vector field of your own, integrated with error control: the Van der Pol oscillator.
//!
//!     cargo run --release --example custom_vector_field

use dynamic_inversion::dynamics::VectorField;
use dynamic_inversion::integrate::{DOP853, Options, Run, SaveAt};
use nalgebra::DMatrix;

struct VanDerPol {
    mu: f64,
}

impl VectorField for VanDerPol {
    fn dim(&self) -> usize {
        2
    }

    fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) {
        dy[0] = y[1];
        dy[1] = self.mu * (1.0 - y[0] * y[0]) * y[1] - y[0];
    }

    fn jacobian(&self, _t: f64, y: &[f64], jac: &mut DMatrix<f64>) {
        let slope = -2.0 * self.mu * y[0] * y[1] - 1.0;
        jac.copy_from_slice(&[0.0, slope, 1.0, self.mu * (1.0 - y[0] * y[0])]);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = Run::new(&VanDerPol { mu: 1.0 }, &DOP853, (0.0, 20.0), &[2.0, 0.0])
        .options(Options::with_tolerances(1e-10, 1e-12))
        .save_at(SaveAt::Every(2.5));
    let (trajectory, outcome) = run.trajectory()?;
    for (row, t) in trajectory.times.iter().enumerate() {
        println!("{t:5.1}  {:+.9}  {:+.9}", trajectory.state(row)[0], trajectory.state(row)[1]);
    }
    println!("{} steps, {} evaluations", outcome.statistics.n_steps, outcome.statistics.n_rhs);
    Ok(())
}
