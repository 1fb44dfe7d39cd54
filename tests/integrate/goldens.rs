//! Trajectories against references computed independently in SciPy.

use dynamic_inversion::integrate::{
    AUTO, DOP853, DOPRI5, IMPLICIT, Method, Options, Run, SaveAt, TSIT5,
};
use nalgebra::DMatrix;

use crate::fields::{Activation, LINEAR, Loop, RELU, SOFTPLUS, TANH};
use crate::support::Golden;

const LAYER_LOOPS: [(&str, Activation); 8] = [
    ("linear_contracting", LINEAR),
    ("linear_expanding", LINEAR),
    ("linear_perturbed_feedback", LINEAR),
    ("linear_square", LINEAR),
    ("tanh_contracting", TANH),
    ("tanh_expanding", TANH),
    ("relu_contracting", RELU),
    ("softplus_contracting", SOFTPLUS),
];

const SINGLE_LOOPS: [(&str, Activation); 3] = [
    ("single_loop_linear_2stage", LINEAR),
    ("single_loop_linear_4stage", LINEAR),
    ("single_loop_tanh_2stage", TANH),
];

/// A golden loop with its times and reference states, one row per time.
pub fn load(name: &str) -> (Loop, Vec<f64>, DMatrix<f64>) {
    let golden = Golden::load(name);
    let all = LAYER_LOOPS.iter().chain(&SINGLE_LOOPS);
    let (_, activation) = all.copied().find(|(n, _)| *n == name).unwrap();
    let is_single = name.starts_with("single_loop");
    let weights = if is_single { golden.matrices("weights") } else { vec![golden.matrix("W")] };
    let mut blocks =
        if is_single { golden.matrices("stages") } else { vec![golden.matrix("state")] };
    blocks.push(golden.matrix("controller"));
    let times: Vec<f64> = golden.vector("times").iter().copied().collect();
    let field = Loop {
        weights,
        feedback: golden.matrix("B"),
        delta: golden.vector("delta"),
        leak: golden.scalar("leak"),
        tau_state: golden.scalar("tau_state"),
        tau_controller: golden.scalar("tau_controller"),
        activation,
    };
    let columns: usize = blocks.iter().map(DMatrix::ncols).sum();
    let mut reference = DMatrix::zeros(times.len(), columns);
    let mut at = 0;
    for block in blocks {
        reference.columns_mut(at, block.ncols()).copy_from(&block);
        at += block.ncols();
    }
    (field, times, reference)
}

pub fn names() -> impl Iterator<Item = &'static str> {
    LAYER_LOOPS.iter().chain(&SINGLE_LOOPS).map(|(name, _)| *name)
}

/// Largest error over rows and components, relative to the largest reference value.
fn error(name: &str, method: &'static Method, rtol: f64) -> f64 {
    let (field, times, reference) = load(name);
    let y0 = vec![0.0; reference.ncols()];
    let run = Run::new(&field, method, (times[0], times[times.len() - 1]), &y0)
        .options(Options::with_tolerances(rtol, rtol * 1e-2))
        .save_at(SaveAt::Times(times.clone()));
    let (trajectory, _) = run.trajectory().unwrap();
    assert_eq!(trajectory.times, times, "{name}");
    let mut worst = 0.0_f64;
    for (k, row) in reference.row_iter().enumerate() {
        for (x, y) in row.iter().zip(trajectory.state(k)) {
            worst = worst.max((x - y).abs());
        }
    }
    worst / reference.amax().max(1.0)
}

fn within_ten_tolerances(methods: &[&'static Method], rtols: &[f64]) {
    for name in names() {
        for method in methods {
            for &rtol in rtols {
                let error = error(name, method, rtol);
                println!("{name} {} rtol {rtol:.0e}: {:.2} tolerances", method.name, error / rtol);
                assert!(error <= 10.0 * rtol, "{name} {} {rtol:e}: {error:e}", method.name);
            }
        }
    }
}

#[test]
fn methods_reproduce_every_golden_within_ten_tolerances() {
    within_ten_tolerances(&[&DOPRI5, &TSIT5, &DOP853, &AUTO], &[1e-6, 1e-9, 1e-12]);
}

#[test]
fn the_implicit_method_reproduces_every_golden_within_ten_tolerances() {
    within_ten_tolerances(&[&IMPLICIT], &[1e-6, 1e-9]);
}
