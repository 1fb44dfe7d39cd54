//! Exact solutions against references computed in SciPy.

use dynamic_inversion::dynamics::{
    ChainLayer, Dynamics, LayerwiseInversion, LoopParameters, SingleLoop, Transfer,
};
use dynamic_inversion::integrate::{ExactForm, ExactSolution};
use nalgebra::DMatrix;

use crate::support::Golden;

fn parameters(golden: &Golden) -> LoopParameters {
    LoopParameters {
        leak: golden.scalar("leak"),
        tau_state: golden.scalar("tau_state"),
        tau_controller: golden.scalar("tau_controller"),
    }
}

/// Largest difference to the blocks of the golden file, each one row per time.
fn error(golden: &Golden, blocks: &[DMatrix<f64>], dynamics: &dyn Dynamics) -> f64 {
    let times = golden.vector("times");
    let y0: Vec<f64> =
        blocks.iter().flat_map(|b| b.row(0).iter().copied().collect::<Vec<_>>()).collect();
    let solution = ExactSolution::new(dynamics, times[0], &y0).unwrap();
    let found = solution.states(times.as_slice()).unwrap();
    let mut worst = 0.0_f64;
    for k in 0..times.len() {
        let expected = blocks.iter().flat_map(|b| b.row(k).iter().copied().collect::<Vec<_>>());
        for (a, b) in found.state(k).iter().zip(expected) {
            worst = worst.max((a - b).abs());
        }
    }
    worst
}

#[test]
fn layer_loops_are_reproduced() {
    for name in
        ["linear_contracting", "linear_expanding", "linear_perturbed_feedback", "linear_square"]
    {
        let golden = Golden::load(name);
        let delta = golden.vector("delta");
        let delta = DMatrix::from_column_slice(delta.len(), 1, delta.as_slice());
        let (w, b) = (golden.matrix("W"), golden.matrix("B"));
        let dynamics =
            LayerwiseInversion::new(w, b, Transfer::Linear, delta, parameters(&golden)).unwrap();
        let blocks = [golden.matrix("state"), golden.matrix("controller")];
        let error = error(&golden, &blocks, &dynamics);
        println!("{name}: {error:.1e}");
        assert!(error < 1e-12, "{name}: {error:e}");
        let solution = ExactSolution::new(&dynamics, 0.0, &dynamics.initial_state()).unwrap();
        assert_eq!(solution.form(0), ExactForm::LayerModes, "{name}");
    }
}

#[test]
fn single_loops_are_reproduced() {
    for name in ["single_loop_linear_2stage", "single_loop_linear_4stage"] {
        let golden = Golden::load(name);
        let delta = golden.vector("delta");
        let delta = DMatrix::from_column_slice(delta.len(), 1, delta.as_slice());
        let layers = golden
            .matrices("weights")
            .into_iter()
            .map(|w| ChainLayer { weights: w.into(), transfer: Transfer::Linear });
        let dynamics =
            SingleLoop::new(layers.collect(), golden.matrix("B"), delta, parameters(&golden))
                .unwrap();
        let mut blocks = golden.matrices("stages");
        blocks.push(golden.matrix("controller"));
        let error = error(&golden, &blocks, &dynamics);
        println!("{name}: {error:.1e}");
        assert!(error < 1e-11, "{name}: {error:e}");
    }
}
