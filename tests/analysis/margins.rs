use dynamic_inversion::analysis::margins::compress::{Compressed, layer_loop_jacobian};
use dynamic_inversion::analysis::margins::critical::{
    CriticalParameter, chain_at, critical_by_search, critical_of_loop, loop_at,
};
use dynamic_inversion::analysis::margins::euler::{
    euler_radius, euler_radius_of_loop, largest_stable_step,
};
use dynamic_inversion::analysis::margins::growth::{kreiss_bound, transient_growth};
use dynamic_inversion::analysis::margins::pseudospectrum::pseudospectrum;
use dynamic_inversion::analysis::margins::radius::stability_radius;
use dynamic_inversion::analysis::spectrum::{
    chain_spectrum, full_spectrum, layer_loop_spectrum, loop_eigenvalues,
};
use dynamic_inversion::analysis::{Judgement, Verdict};
use dynamic_inversion::dynamics::{LayerLoop, SingleLoopChain};
use dynamic_inversion::linalg::expm::expm;
use dynamic_inversion::linalg::norms::norm_two;
use dynamic_inversion::linalg::svd::resolvent_distance;
use nalgebra::{Complex, DMatrix, dmatrix};

use crate::loops::{Draw, jacobian_of_loop};
use crate::support::Golden;

fn whole(j: &DMatrix<f64>) -> Compressed {
    Compressed::whole(j.clone())
}

#[test]
fn golden_stability_radii() {
    for (name, tolerance) in [
        ("stability_jordan", 1e-12),
        ("stability_nonnormal", 1e-13),
        ("stability_oscillatory", 1e-12),
    ] {
        let golden = Golden::load(name);
        let found = stability_radius(&whole(&golden.matrix("A"))).expect("radius");
        let expected = golden.scalar("stability_radius");
        assert!((found.radius - expected).abs() < tolerance, "{name}: {found:?} {expected}");
        let frequency = golden.scalar("stability_radius_frequency");
        assert!((found.frequency - frequency).abs() < 1e-6, "{name}: {found:?}");
        let numerical = whole(&golden.matrix("A")).numerical_abscissa().expect("symmetric");
        assert!((numerical - golden.scalar("numerical_abscissa")).abs() < 1e-13, "{name}");
    }
}

/// The radius is the least of a fine scan, to the accuracy of the scan, and never above it.
#[test]
fn stability_radii_are_global_minima() {
    for index in 0..40 {
        let mut draw = Draw::new(50_000 + index);
        let mut j = draw.matrix(7, 7);
        let shift = full_spectrum(&j).expect("eigenvalues").abscissa() + draw.scale(-2.0, 0.0);
        j -= DMatrix::identity(7, 7) * shift;
        let found = stability_radius(&whole(&j)).expect("radius");
        let scan = (0..4000)
            .map(|k| resolvent_distance(&j, Complex::new(0.0, 0.002 * f64::from(k))).expect("svd"))
            .fold(f64::INFINITY, f64::min);
        assert!(found.radius <= scan * (1.0 + 1e-12), "{index}: {found:?} {scan}");
        assert!(found.radius >= scan - 0.001, "{index}: {found:?} {scan}");
        let there = resolvent_distance(&j, Complex::new(0.0, found.frequency)).expect("svd");
        assert!((there - found.radius).abs() < 1e-14);
    }
}

/// Independent values: scipy's expm and bounded minimisation. Those of the golden files come from a
/// grid of times and lie up to 2e-5 below the maximum.
#[test]
fn golden_transient_growth() {
    for (name, value, time) in [
        ("stability_jordan", 2.3473628357221177, 4.829686033279636),
        ("stability_nonnormal", 111.6890539867573, 1.0948891323618006),
        ("stability_oscillatory", 1.0025035585592277, 0.3167499768527019),
    ] {
        let golden = Golden::load(name);
        let j = golden.matrix("A");
        let found = transient_growth(&whole(&j)).expect("growth");
        assert!((found.max_transient_growth / value - 1.0).abs() < 1e-12, "{name}: {found:?}");
        assert!((found.time - time).abs() < 1e-6, "{name}: {found:?}");
        assert!(found.upper_bound >= found.max_transient_growth);
        assert!(found.upper_bound < 1.01 * found.max_transient_growth, "{name}: {found:?}");
        let coarse = golden.scalar("max_transient_growth");
        assert!(
            found.max_transient_growth >= coarse && coarse > 0.997 * found.max_transient_growth
        );
    }
    let j = dmatrix![-1.0, 100.0; 0.0, -2.0];
    assert_eq!(Judgement::of(&full_spectrum(&j).expect("two")).verdict, Verdict::Stable);
    let numerical = whole(&j).numerical_abscissa().expect("symmetric");
    assert!((numerical - 48.5024999375031).abs() < 1e-12);
    let found = transient_growth(&whole(&j)).expect("growth");
    assert!((found.max_transient_growth - 25.0062509689829).abs() < 1e-11, "{found:?}");
    assert!((found.time - 0.692847135538935).abs() < 1e-9, "{found:?}");
}

#[test]
fn growth_lies_between_the_kreiss_bound_and_the_proven_bound() {
    for index in 0..20 {
        let mut draw = Draw::new(51_000 + index);
        let mut j = draw.matrix(5, 5);
        let shift = full_spectrum(&j).expect("eigenvalues").abscissa() + draw.scale(-1.5, 0.0);
        j -= DMatrix::identity(5, 5) * shift;
        let found = transient_growth(&whole(&j)).expect("growth");
        let kreiss = kreiss_bound(&whole(&j)).expect("kreiss").bound;
        assert!((1.0..=found.max_transient_growth * (1.0 + 1e-9)).contains(&kreiss), "{index}");
        // Kreiss' theorem: the growth is at most e n times the constant.
        assert!(found.max_transient_growth <= 5.0 * std::f64::consts::E * kreiss * 1.05);
        for k in 0..400 {
            let norm =
                norm_two(&expm(&(&j * (0.05 * f64::from(k)))).expect("finite")).expect("svd");
            assert!(
                norm <= found.max_transient_growth * (1.0 + 1e-10),
                "{index}: {norm} {found:?}"
            );
        }
    }
    let normal = dmatrix![-1.0, 2.0; -2.0, -1.0];
    let found = transient_growth(&whole(&normal)).expect("growth");
    assert_eq!((found.max_transient_growth, found.time), (1.0, 0.0));
}

/// Numerical abscissa, radius, growth and pseudospectrum of the compressed loop are those of the
/// whole Jacobian.
#[test]
fn compression_keeps_everything_in_the_two_norm() {
    for (index, (m, n)) in [(2, 9), (9, 2), (1, 6), (3, 5)].into_iter().enumerate() {
        let mut draw = Draw::new(52_000 + index as u64);
        let mut layer = draw.layer_loop(m, n, 0.4);
        layer.feedback *= 0.3;
        let compressed = Compressed::layer_loop(&layer).expect("qr");
        let full = whole(&jacobian_of_loop(&layer));
        assert_eq!(layer_loop_jacobian(&layer), full.matrix);
        if m.max(n) > 2 * m.min(n) {
            assert_eq!(compressed.matrix.nrows(), 3 * m.min(n));
        }
        let judgement = Judgement::of(&full_spectrum(&full.matrix).expect("eigenvalues"));
        assert_eq!(judgement.verdict, Verdict::Stable);
        let pair = |f: &dyn Fn(&Compressed) -> f64| (f(&compressed), f(&full));
        let quantities: [(f64, f64); 3] = [
            pair(&|j| j.numerical_abscissa().expect("symmetric")),
            pair(&|j| stability_radius(j).expect("radius").radius),
            pair(&|j| transient_growth(j).expect("growth").max_transient_growth),
        ];
        for (small, large) in quantities {
            assert!(
                (small - large).abs() < 1e-11 * large.abs().max(1.0),
                "{m} {n}: {small} {large}"
            );
        }
        let (small, large) = (
            pseudospectrum(&compressed, -3.0..1.0, -2.0..2.0, 9).expect("grid"),
            pseudospectrum(&full, -3.0..1.0, -2.0..2.0, 9).expect("grid"),
        );
        for (i, j) in (0..9).flat_map(|i| (0..9).map(move |j| (i, j))) {
            let z = Complex::new(small.re[j], small.im[i]);
            let exact = resolvent_distance(&full.matrix, z).expect("svd");
            for grid in [&small, &large] {
                let value = grid.sigma_min[(i, j)];
                assert!((value - exact).abs() < 1e-8 * exact.max(1e-3), "{z}: {value} {exact}");
            }
        }
    }
}

#[test]
fn pseudospectra_do_not_depend_on_threads() {
    let j = Draw::new(53_000).matrix(12, 12);
    let grid = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| pseudospectrum(&whole(&j), -4.0..4.0, -4.0..4.0, 20).expect("grid"))
    };
    assert_eq!(grid(1), grid(4));
}

fn abscissa_at(layer: &LayerLoop, parameter: CriticalParameter, value: f64) -> f64 {
    layer_loop_spectrum(&[loop_at(layer, parameter, value)]).expect("theorem 1").abscissa()
}

#[test]
fn closed_form_critical_values_agree_with_root_finding() {
    let mut compared = [0; 3];
    for index in 0..120 {
        let mut draw = Draw::new(54_000 + index);
        let (m, n) = [(3, 5), (4, 4), (5, 3)][index as usize % 3];
        let leak = if index % 5 == 0 { 0.0 } else { draw.scale(-2.0, 0.5) };
        let layer = draw.layer_loop(m, n, leak);
        let mu = loop_eigenvalues(&layer).expect("mu");
        let parameters =
            [CriticalParameter::Leak, CriticalParameter::Gain, CriticalParameter::TauRatio];
        for (k, parameter) in parameters.into_iter().enumerate() {
            let closed = critical_of_loop(&layer, &mu, parameter);
            for boundary in closed.boundaries.iter().filter(|b| **b > 1e-9 || **b < -1e-9) {
                let step = 1e-7 * boundary.abs();
                let below = abscissa_at(&layer, parameter, boundary - step);
                let above = abscissa_at(&layer, parameter, boundary + step);
                assert!(
                    (below < 0.0) != (above < 0.0),
                    "{index} {parameter:?} {closed:?}: {below:e} {above:e}"
                );
            }
            if parameter == CriticalParameter::Gain && (leak == 0.0 || m > n) {
                continue;
            }
            let searched = critical_by_search(parameter, closed.present, |x| {
                Ok(abscissa_at(&layer, parameter, x))
            })
            .expect("search");
            let unit = if closed.present > 0.0 { closed.present } else { 1.0 };
            let inside = |b: &&f64| **b > 1.1e-4 * unit && **b < 0.9e4 * unit;
            let expected: Vec<f64> = closed.boundaries.iter().filter(inside).copied().collect();
            let found: Vec<f64> = searched.boundaries.iter().filter(inside).copied().collect();
            // Two boundaries between two points of the grid of the search cancel.
            if found.len() != expected.len() {
                assert_eq!(
                    parameter,
                    CriticalParameter::TauRatio,
                    "{index} {closed:?} {searched:?}"
                );
                continue;
            }
            compared[k] += found.len();
            for (a, b) in expected.iter().zip(&found) {
                assert!((a - b).abs() < 1e-9 * b, "{index} {parameter:?}: {a} {b}");
            }
        }
    }
    assert!(compared[0] >= 25 && compared[1] >= 25 && compared[2] >= 4, "{compared:?}");
}

#[test]
fn tied_feedback_has_no_critical_gain() {
    let mut layer = Draw::new(55_000).layer_loop(3, 6, 0.1);
    layer.feedback = -layer.forward.transpose();
    let mu = loop_eigenvalues(&layer).expect("mu");
    assert_eq!(critical_of_loop(&layer, &mu, CriticalParameter::Gain).nearest(), None);
    assert_eq!(critical_of_loop(&layer, &mu, CriticalParameter::TauRatio).nearest(), None);
    // The leak may go down to minus the smallest squared singular value, or minus the trace bound.
    let smallest = layer.forward.clone().singular_values().min();
    let bound = (-smallest * smallest).max(-layer.tau_controller / layer.tau_state);
    let leak = critical_of_loop(&layer, &mu, CriticalParameter::Leak).nearest().expect("one");
    assert!((leak - bound).abs() < 1e-12, "{leak} {bound}");
    // Positive feedback: stable below s = leak / largest eigenvalue.
    layer.feedback = layer.forward.transpose();
    let mu = loop_eigenvalues(&layer).expect("mu");
    let largest = layer.forward.clone().singular_values().max();
    let gain = critical_of_loop(&layer, &mu, CriticalParameter::Gain).nearest().expect("one");
    assert!((gain - 0.1 / (largest * largest)).abs() < 1e-14);
}

#[test]
fn the_critical_gain_of_a_chain_is_that_of_theorem_2() {
    for n in 2..=6 {
        let chain = SingleLoopChain {
            forward: vec![dmatrix![1.0]; n],
            feedback: dmatrix![-0.3],
            leak: 0.0,
            tau_state: 1.0,
            tau_controller: 1.0,
        };
        let found = critical_by_search(CriticalParameter::Gain, 1.0, |x| {
            Ok(chain_spectrum(&chain_at(&chain, CriticalParameter::Gain, x))?.abscissa())
        })
        .expect("search");
        let angle = std::f64::consts::FRAC_PI_2 / n as f64;
        let limit = angle.tan() / angle.cos().powi(n as i32) / 0.3;
        let gain = found.nearest().expect("one");
        assert!((gain / limit - 1.0).abs() < 1e-9, "{n}: {gain} {limit}");
    }
}

/// B = -W^T, time constants 1: s^2 < (4 - 2h(1+leak) + h^2 leak)/h^2.
#[test]
fn the_published_scheme_is_stable_up_to_its_own_limit() {
    for (leak, h) in [(0.0_f64, 0.5_f64), (0.01, 0.5), (0.3, 0.7), (1.0, 0.25)] {
        let limit = ((4.0 - 2.0 * h * (1.0 + leak) + h * h * leak) / (h * h)).sqrt();
        if leak == 0.0 {
            assert!((limit - 3.4641).abs() < 1e-4);
        }
        let layer = |s: f64| LayerLoop {
            forward: dmatrix![s],
            feedback: dmatrix![-s],
            leak,
            tau_state: 1.0,
            tau_controller: 1.0,
        };
        for (s, stable) in [(limit * (1.0 - 1e-9), true), (limit * (1.0 + 1e-9), false)] {
            let one = layer(s);
            let mu = loop_eigenvalues(&one).expect("mu");
            let reduced = euler_radius_of_loop(&one, &mu, h);
            let full = euler_radius(&jacobian_of_loop(&one), &[1..2, 0..1], h).expect("radius");
            assert!((reduced - full).abs() < 1e-12);
            assert_eq!(reduced < 1.0, stable, "{leak} {h}: {reduced}");
        }
        let at_limit = layer(limit);
        let mu = loop_eigenvalues(&at_limit).expect("mu");
        let step = largest_stable_step((0.2, 2.0), |h| Ok(euler_radius_of_loop(&at_limit, &mu, h)));
        assert!((step.expect("search").expect("one") - h).abs() < 1e-9);
        // The plain explicit scheme: s^2 < (1 + leak - h leak)/h.
        let explicit = ((1.0 + leak - h * leak) / h).sqrt();
        for (s, stable) in [(explicit * (1.0 - 1e-9), true), (explicit * (1.0 + 1e-9), false)] {
            let whole_state = std::iter::once(0..2).collect::<Vec<_>>();
            let radius =
                euler_radius(&jacobian_of_loop(&layer(s)), &whole_state, h).expect("radius");
            assert_eq!(radius < 1.0, stable, "{leak} {h}: {radius}");
        }
    }
    for index in 0..50 {
        let mut draw = Draw::new(56_000 + index);
        let (m, n) = [(2, 4), (3, 3), (4, 2)][index as usize % 3];
        let layer = draw.layer_loop(m, n, 0.2);
        let mu = loop_eigenvalues(&layer).expect("mu");
        let full = euler_radius(&jacobian_of_loop(&layer), &[n..n + m, 0..n], 0.3).expect("radius");
        assert!((euler_radius_of_loop(&layer, &mu, 0.3) - full).abs() < 1e-10 * full);
    }
}

/// `sigma_min(z I - D M D^-1)` from the inverse of `z I - M`, scaled entry by entry.
fn distance_in_units(m: &DMatrix<f64>, units: &[f64], z: Complex<f64>) -> f64 {
    let n = m.nrows();
    let shifted = DMatrix::from_fn(n, n, |i, k| {
        let diagonal = if i == k { z } else { Complex::new(0.0, 0.0) };
        diagonal - m[(i, k)]
    });
    let inverse = shifted.try_inverse().expect("regular");
    let scaled = DMatrix::from_fn(n, n, |i, k| inverse[(i, k)] * (units[i] / units[k]));
    scaled.svd(false, false).singular_values.max().recip()
}

/// States in units up to 2^62 apart: the distance lies far below the rounding of the large entries.
#[test]
fn distances_do_not_drown_in_large_entries() {
    let m = dmatrix![
        6.0, -4.0, 8.0, -2.0;
        3.0, -5.0, 4.0, 3.0;
        -4.25, 1.5, -8.0, 3.25;
        5.0, -2.0, -4.0, -2.0
    ];
    for exponents in [[0, 20, 42, -20], [30, -32, 0, 10], [0, 0, 0, 0]] {
        let units = exponents.map(|e| 2f64.powi(e));
        let j = DMatrix::from_fn(4, 4, |i, k| m[(i, k)] * (units[i] / units[k]));
        let at = |w: f64| distance_in_units(&m, &units, Complex::new(0.0, w));
        let scanned = (0..=4000).map(|k| at(0.0025 * f64::from(k))).fold(f64::INFINITY, f64::min);
        let found = stability_radius(&whole(&j)).expect("stable");
        let ratio = found.radius / scanned;
        assert!((1.0 - 1e-4..=1.0 + 1e-9).contains(&ratio), "{exponents:?}: {ratio}");
        assert!((found.radius / at(found.frequency) - 1.0).abs() < 1e-9, "{exponents:?}");
        let grid = pseudospectrum(&whole(&j), -3.5..0.5, -5.0..5.0, 5).expect("finite");
        for (i, im) in grid.im.iter().enumerate() {
            for (k, re) in grid.re.iter().enumerate() {
                let expected = distance_in_units(&m, &units, Complex::new(*re, *im));
                let ratio = grid.sigma_min[(i, k)] / expected;
                assert!((ratio - 1.0).abs() < 1e-7, "{exponents:?} at {re} {im}: {ratio}");
            }
        }
    }
}
