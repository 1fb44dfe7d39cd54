//! Speed of stability maps, full spectra and Lyapunov equations, for comparison with NumPy and SciPy.
//!
//! Prints one JSON object a line: case, and the shortest wall time of a few runs. Matrices come from
//! a hash of their index, so `peers/stability_peers.py` works on the same ones; it also starts this
//! program and prints the ratios. Arguments name the cases to run; all of them without.

use std::hint::black_box;
use std::time::Instant;

use dynamic_inversion::analysis::{LoopParameter, MapAxis, stability_map};
use dynamic_inversion::dynamics::LayerLoop;
use dynamic_inversion::linalg::eigen::eigenvalues;
use dynamic_inversion::linalg::lyapunov::lyapunov;
use nalgebra::DMatrix;

/// Entries uniform in [-1, 1): the finaliser of SplitMix64 of `seed 2^32 + row columns + column`.
fn matrix(rows: usize, columns: usize, seed: u64) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |i, j| {
        let mut z = (seed << 32) + (i * columns + j) as u64;
        z = z.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    })
}

fn report<T>(case: &str, runs: usize, run: impl Fn() -> T) {
    let mut best = f64::INFINITY;
    for _ in 0..runs {
        let start = Instant::now();
        black_box(run());
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{{\"case\": \"{case}\", \"seconds\": {best:.6e}}}");
}

fn axis(parameter: LoopParameter, low: f64, high: f64) -> MapAxis {
    let values = (0..64).map(|k| low + (high - low) * f64::from(k) / 63.0).collect();
    MapAxis { parameter, values }
}

fn main() {
    // Cargo passes `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let asked = |case: &str| wanted.is_empty() || wanted.iter().any(|w| w == case);
    if asked("map-10x1000") {
        let forward = matrix(10, 1000, 1) / 1000f64.sqrt();
        let feedback = matrix(1000, 10, 2) / 1000f64.sqrt();
        let layer = LayerLoop { forward, feedback, leak: 0.1, tau_state: 1.0, tau_controller: 1.0 };
        report("map-10x1000", 20, || {
            let (x, y) = (LoopParameter::Leak, LoopParameter::Gain);
            stability_map(&layer, axis(x, 0.0, 1.0), axis(y, 0.0, 4.0)).expect("a valid loop")
        });
    }
    if asked("spectrum-1300") {
        let a = matrix(1300, 1300, 3) / 1300f64.sqrt();
        report("spectrum-1300", 2, || eigenvalues(&a).expect("finite entries"));
    }
    if asked("lyapunov-300") {
        let a = matrix(300, 300, 4) / 300f64.sqrt() - DMatrix::identity(300, 300);
        let q = DMatrix::identity(300, 300);
        report("lyapunov-300", 5, || lyapunov(&a, &q).expect("a stable matrix"));
    }
}
