//! Stability maps against the full spectrum.

use dynamic_inversion::analysis::{
    LoopModes, LoopParameter, LoopPoint, MapAxis, MapError, Verdict, stability_map,
};
use dynamic_inversion::dynamics::LayerLoop;
use dynamic_inversion::linalg::eigen::eigenvalues;
use dynamic_inversion::network::random;
use nalgebra::DMatrix;
use rand::RngExt;

fn random_loop(controllers: usize, states: usize, leak: f64, seed: u64) -> LayerLoop {
    let mut rng = random::generator(21, seed);
    let mut draw =
        |rows, columns| DMatrix::from_fn(rows, columns, |_, _| rng.random_range(-1.0..1.0f64));
    let forward = draw(controllers, states);
    // Mostly negative feedback, so that both sides of the boundary are met.
    let feedback = -forward.transpose() * 0.5 + draw(states, controllers);
    LayerLoop { forward, feedback, leak, tau_state: 0.8, tau_controller: 1.3 }
}

/// The Jacobian written out.
fn abscissa(l: &LayerLoop, at: &LoopPoint) -> f64 {
    let (controllers, states) = l.forward.shape();
    let j = DMatrix::from_fn(states + controllers, states + controllers, |i, k| {
        let diagonal = i == k;
        match (i < states, k < states) {
            (true, true) => {
                if diagonal {
                    -1.0 / at.tau_state
                } else {
                    0.0
                }
            }
            (true, false) => at.gain * l.feedback[(i, k - states)] / at.tau_state,
            (false, true) => l.forward[(i - states, k)] / at.tau_controller,
            (false, false) => {
                if diagonal {
                    -at.leak / at.tau_controller
                } else {
                    0.0
                }
            }
        }
    });
    eigenvalues(&j).unwrap().abscissa()
}

fn axis(parameter: LoopParameter, low: f64, high: f64, points: usize) -> MapAxis {
    let step = (high - low) / (points - 1) as f64;
    MapAxis { parameter, values: (0..points).map(|k| low + step * k as f64).collect() }
}

fn axes() -> [MapAxis; 3] {
    [
        axis(LoopParameter::Leak, 0.0, 2.0, 9),
        axis(LoopParameter::Gain, -1.0, 3.0, 9),
        axis(LoopParameter::TauRatio, 0.05, 12.0, 9),
    ]
}

#[test]
fn every_point_has_the_abscissa_of_its_full_jacobian() {
    let (mut stable, mut unstable) = (0, 0);
    for (controllers, states) in [(3, 6), (4, 4), (5, 2)] {
        for seed in 0..4 {
            let l = random_loop(controllers, states, 0.3, seed);
            let own = LoopModes::new(&l).unwrap().point();
            for (x, y) in [(0, 1), (2, 0), (1, 2)] {
                let (x, y) = (axes()[x].clone(), axes()[y].clone());
                let map = stability_map(&l, x.clone(), y.clone()).unwrap();
                for (i, &vertical) in y.values.iter().enumerate() {
                    for (j, &horizontal) in x.values.iter().enumerate() {
                        let at = own.with(x.parameter, horizontal).with(y.parameter, vertical);
                        let (expected, found) = (abscissa(&l, &at), map.abscissa[(i, j)]);
                        // Coalescing eigenvalues are known to the root of the rounding unit only.
                        assert!((expected - found).abs() < 1e-6, "{at:?}: {expected} {found}");
                        match map.verdicts[(i, j)] {
                            Verdict::Stable => stable += usize::from(expected < 0.0),
                            Verdict::Unstable => unstable += usize::from(expected > 0.0),
                            Verdict::Marginal => {
                                assert!(expected.abs() < 1e-7, "{at:?}: {expected}");
                                continue;
                            }
                        }
                        assert_eq!(map.verdicts[(i, j)] == Verdict::Stable, expected < 0.0);
                    }
                }
            }
        }
    }
    assert!(stable > 500 && unstable > 500, "{stable} stable, {unstable} unstable");
}

#[test]
fn boundary_points_separate_stable_from_unstable_exactly() {
    let mut found = 0;
    for (controllers, states) in [(3, 6), (4, 4), (5, 2)] {
        for seed in 0..6 {
            let l = random_loop(controllers, states, 0.3, seed);
            let own = LoopModes::new(&l).unwrap().point();
            for (x, y) in [(0, 1), (1, 0), (0, 2), (1, 2)] {
                let (x, y) = (axes()[x].clone(), axes()[y].clone());
                let map = stability_map(&l, x.clone(), y.clone()).unwrap();
                for &(horizontal, vertical) in &map.boundary {
                    let at = own.with(x.parameter, horizontal);
                    let step = 1e-6 * vertical.abs().max(1e-2);
                    let side = |by: f64| abscissa(&l, &at.with(y.parameter, vertical + by * step));
                    let (below, above) = (side(-1.0), side(1.0));
                    assert!(below * above < 0.0, "{horizontal} {vertical}: {below} {above}");
                    assert!(side(0.0).abs() < 1e-8);
                    found += 1;
                }
                // No change of sign along a column is missed.
                for (j, &horizontal) in x.values.iter().enumerate() {
                    let decided: Vec<_> = map
                        .verdicts
                        .column(j)
                        .iter()
                        .copied()
                        .filter(|v| *v != Verdict::Marginal)
                        .collect();
                    let changes = decided.windows(2).filter(|pair| pair[0] != pair[1]).count();
                    let crossed = map.boundary.iter().filter(|(x, _)| *x == horizontal).count();
                    assert!(crossed >= changes, "{crossed} crossings for {changes} changes");
                }
            }
        }
    }
    assert!(found > 200, "{found}");
}

#[test]
fn a_single_mode_has_its_closed_boundary() {
    // mu = a +- i b from B = [[a, b], [-b, a]] and M = I, without leak: the gain falls at
    // -a (tau_state tau_controller)^-1 tau_controller^2 / b^2.
    let (a, b) = (-0.6, 1.5);
    let l = LayerLoop {
        forward: DMatrix::identity(2, 2),
        feedback: DMatrix::from_row_slice(2, 2, &[a, b, -b, a]),
        leak: 0.0,
        tau_state: 0.5,
        tau_controller: 2.0,
    };
    let modes = LoopModes::new(&l).unwrap();
    let gains = modes.crossings(&modes.point(), LoopParameter::Gain, 1e-3, 100.0);
    assert_eq!(gains.len(), 1);
    assert!((gains[0] - -a / (b * b) * 2.0 / 0.5).abs() < 1e-13);
    let ratios = modes.crossings(&modes.point(), LoopParameter::TauRatio, 1e-3, 100.0);
    assert_eq!(ratios.len(), 1);
    assert!((ratios[0] - -a / (b * b)).abs() < 1e-13);
}

#[test]
fn more_controllers_than_states_are_marginal_without_leak() {
    let l = random_loop(5, 2, 0.0, 0);
    let (x, y) = (axis(LoopParameter::Leak, 0.0, 4.0, 3), axis(LoopParameter::Gain, 0.0, 0.1, 2));
    let map = stability_map(&l, x, y).unwrap();
    assert_eq!(map.verdicts[(0, 0)], Verdict::Marginal);
    assert_eq!(map.verdicts[(0, 2)], Verdict::Stable);
}

#[test]
fn unusable_axes_are_refused_by_name() {
    let l = random_loop(2, 3, 0.1, 0);
    let gain = axis(LoopParameter::Gain, 0.0, 1.0, 2);
    let twice = stability_map(&l, gain.clone(), gain.clone()).unwrap_err();
    assert_eq!(twice, MapError::SameParameter { parameter: "gain" });
    let negative = axis(LoopParameter::Leak, -1.0, 1.0, 3);
    let error = stability_map(&l, gain, negative).unwrap_err().to_string();
    assert_eq!(error, "leak = -1 is not allowed; it must be finite and at least 0");
}
