//! Takes steps one at a time and looks inside each: the moment a loop first overshoots its target.
//!
//!     cargo run --release --example step_by_hand

use dynamic_inversion::dynamics::{
    Dynamics, Feedback, LayerwiseInversion, LoopParameters, Transfer,
};
use dynamic_inversion::integrate::{Integrator, Options, TSIT5};
use nalgebra::DMatrix;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let weights = DMatrix::from_row_slice(1, 2, &[1.5, -0.5]);
    let target = DMatrix::from_element(1, 1, 1.0);
    let inversion = LayerwiseInversion::new(
        weights,
        Feedback::Tied { scale: 1.0 },
        Transfer::Linear,
        target,
        LoopParameters::with_leak(0.01),
    )?;
    let (start, options) = (inversion.initial_state(), Options::default());
    let mut integrator = Integrator::new(&inversion, &TSIT5, &options, (0.0, 30.0), &start)?;
    let mut middle = vec![0.0; start.len()];
    while let Some(mut step) = integrator.step()? {
        let (t0, t1, h) = (step.t0(), step.t1(), step.h());
        step.interpolate(0.5 * (t0 + t1), &mut middle);
        let output = 1.5 * middle[0] - 0.5 * middle[1];
        println!("t = {t1:8.4}  h = {h:7.4}  W r at the middle of the step = {output:+.6}");
        if output > 1.0 {
            println!("overshoot within [{t0:.4}, {t1:.4}]");
            break;
        }
    }
    Ok(())
}
