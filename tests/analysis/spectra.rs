use dynamic_inversion::analysis::equilibria::column_jacobian;
use dynamic_inversion::analysis::spectrum::{
    LARGEST_DENSE, chain_spectrum, full_spectrum, layer_loop_spectrum, loop_abscissa,
    loop_eigenvalues,
};
use dynamic_inversion::analysis::verdict::leading_modes;
use dynamic_inversion::analysis::{AnalysisError, Judgement, Spectrum, Verdict};
use dynamic_inversion::dynamics::{LayerLoop, LinearDynamics, SingleLoopChain};
use dynamic_inversion::linalg::symmetric::numerical_abscissa;
use nalgebra::{Complex, DMatrix, dmatrix};

use crate::loops::{Draw, jacobian_of_chain, jacobian_of_loop, mismatch};
use crate::support::{Golden, vector};

fn judged(j: &DMatrix<f64>) -> (Spectrum, Judgement) {
    let spectrum = full_spectrum(j).expect("eigenvalues");
    let judgement = Judgement::of(&spectrum);
    (spectrum, judgement)
}

fn complex(golden: &Golden, key: &str) -> Vec<Complex<f64>> {
    let list = golden.value(key).as_array().expect("eigenvalues");
    list.iter()
        .map(|pair| match pair.as_f64() {
            Some(real) => Complex::new(real, 0.0),
            None => Complex::new(vector(pair)[0], vector(pair)[1]),
        })
        .collect()
}

/// The slopes at the rest state of the golden loops.
fn golden_loop(name: &str) -> LayerLoop {
    let golden = Golden::load(name);
    let state = golden
        .value("steady_state")
        .as_array()
        .map_or_else(Vec::new, |_| golden.vector("steady_state").as_slice().to_vec());
    let slope: fn(f64) -> f64 = match name.split('_').next() {
        Some("tanh") => |r| 1.0 - r.tanh().powi(2),
        Some("relu") => |r| if r > 0.0 { 1.0 } else { 0.0 },
        Some("softplus") => |r| 1.0 / (1.0 + (-r).exp()),
        _ => |_| 1.0,
    };
    let mut forward = golden.matrix("W");
    for (mut column, r) in forward.column_iter_mut().zip(&state) {
        column *= slope(*r);
    }
    LayerLoop {
        forward,
        feedback: golden.matrix("B"),
        leak: golden.scalar("leak"),
        tau_state: golden.scalar("tau_state"),
        tau_controller: golden.scalar("tau_controller"),
    }
}

#[test]
fn golden_loops_have_their_spectra_by_both_ways() {
    let names = [
        "linear_contracting",
        "linear_square",
        "linear_expanding",
        "linear_perturbed_feedback",
        "tanh_contracting",
        "tanh_expanding",
        "relu_contracting",
        "softplus_contracting",
    ];
    for name in names {
        let golden = Golden::load(name);
        let expected = complex(&golden, "jacobian_eigenvalues");
        let layer = golden_loop(name);
        let reduced = layer_loop_spectrum(std::slice::from_ref(&layer)).expect("theorem 1");
        let full = full_spectrum(&jacobian_of_loop(&layer)).expect("full");
        for spectrum in [&reduced, &full] {
            // The golden values themselves carry the rounding of repeated eigenvalues.
            assert!(mismatch(&spectrum.values, &expected) < 1e-9, "{name} {:?}", spectrum.method);
            let error = (spectrum.abscissa() - golden.scalar("spectral_abscissa")).abs();
            assert!(error < 1e-12, "{name} {:?}: {error:e}", spectrum.method);
            assert_eq!(Judgement::of(spectrum).verdict, Verdict::Stable, "{name}");
        }
        if name.starts_with("linear") {
            let found = numerical_abscissa(&jacobian_of_loop(&layer)).expect("finite");
            assert!((found - golden.scalar("numerical_abscissa")).abs() < 1e-12, "{name}");
        }
    }
}

#[test]
fn golden_chains_have_their_spectra_by_both_ways() {
    for name in
        ["single_loop_linear_2stage", "single_loop_linear_4stage", "single_loop_tanh_2stage"]
    {
        let golden = Golden::load(name);
        let mut forward = golden.matrices("weights");
        if name.contains("tanh") {
            let stages = golden.value("steady_stages").as_array().expect("stages");
            for (w, stage) in forward.iter_mut().zip(stages) {
                for (mut column, r) in w.column_iter_mut().zip(vector(stage).iter()) {
                    column *= 1.0 - r.tanh().powi(2);
                }
            }
        }
        let chain = SingleLoopChain {
            forward,
            feedback: golden.matrix("B"),
            leak: golden.scalar("leak"),
            tau_state: golden.scalar("tau_state"),
            tau_controller: golden.scalar("tau_controller"),
        };
        let reduced = chain_spectrum(&chain).expect("theorem 2");
        let full = full_spectrum(&jacobian_of_chain(&chain)).expect("full");
        let expected = golden.scalar("spectral_abscissa");
        assert!((reduced.abscissa() - expected).abs() < 1e-12, "{name}: {}", reduced.abscissa());
        assert!((full.abscissa() - expected).abs() < 1e-12, "{name}: {}", full.abscissa());
        // The golden values of repeated defective eigenvalues scatter too.
        let golden_values = complex(&golden, "jacobian_eigenvalues");
        let away = |all: &[Complex<f64>]| -> Vec<Complex<f64>> {
            all.iter().copied().filter(|z| (z + 1.0 / chain.tau_state).norm() > 1e-2).collect()
        };
        let gap = mismatch(&away(&reduced.values), &away(&golden_values));
        assert!(gap < 1e-9 && golden_values.len() == reduced.values.len(), "{name}: {gap:e}");
        // Repeated defective eigenvalues -1/tau of the full Jacobian scatter: compare where it counts.
        let above = |s: &Spectrum| -> Vec<Complex<f64>> {
            s.values.iter().copied().filter(|z| (z + 1.0 / chain.tau_state).norm() > 1e-2).collect()
        };
        assert!(mismatch(&above(&reduced), &above(&full)) < 1e-9, "{name}");
    }
}

#[test]
fn golden_matrices_are_judged() {
    let cases = [
        ("stability_jordan", Verdict::Stable, 0.0),
        ("stability_nonnormal", Verdict::Stable, 1e-12),
        ("stability_oscillatory", Verdict::Stable, 1e-12),
        ("stability_unstable_spiral", Verdict::Unstable, 1e-15),
    ];
    for (name, verdict, tolerance) in cases {
        let golden = Golden::load(name);
        let (spectrum, judgement) = judged(&golden.matrix("A"));
        assert_eq!(judgement.verdict, verdict, "{name}: {}", judgement.reason);
        assert!(mismatch(&spectrum.values, &complex(&golden, "eigenvalues")) <= 1e-12, "{name}");
        assert!(
            (judgement.spectral_abscissa - golden.scalar("spectral_abscissa")).abs() <= tolerance
        );
    }
}

/// The spectral Jacobian of deep feedback control with linear layers, state (v, w), leak on u.
#[test]
fn golden_deep_feedback_control_is_called_unstable() {
    for (name, verdict) in [
        ("dfc_linear_unstable", Verdict::Unstable),
        ("dfc_linear_jacobian_feedback", Verdict::Stable),
    ] {
        let golden = Golden::load(name);
        let (weights, feedback) = (golden.matrices("weights"), golden.matrices("feedback"));
        let (tau_v, tau_u) = (golden.scalar("tau_v"), golden.scalar("tau_u"));
        let (leak, k_p) = (golden.scalar("leak"), golden.scalar("k_p"));
        let sizes: Vec<usize> = weights.iter().map(|w| w.nrows()).collect();
        let (n, m): (usize, usize) = (sizes.iter().sum(), sizes[sizes.len() - 1]);
        let mut j = DMatrix::zeros(n + m, n + m);
        let mut start = 0;
        for (l, size) in sizes.iter().enumerate() {
            for i in start..start + size {
                j[(i, i)] = -1.0 / tau_v;
            }
            j.view_mut((start, n), (*size, m)).copy_from(&(&feedback[l] / tau_v));
            let proportional = -k_p / tau_v * &feedback[l];
            let mut block = j.view_mut((start, n - m), (*size, m));
            block += proportional;
            if l > 0 {
                let below = start - sizes[l - 1];
                let mut block = j.view_mut((start, below), (*size, sizes[l - 1]));
                block += &weights[l] / tau_v;
            }
            start += size;
        }
        for i in 0..m {
            j[(n + i, n - m + i)] = -(1.0 - leak * k_p) / tau_u;
            j[(n + i, n + i)] = -leak / tau_u;
        }
        let (_, judgement) = judged(&j);
        assert_eq!(judgement.verdict, verdict, "{name}");
        let error = judgement.spectral_abscissa - golden.scalar("spectral_abscissa_steady");
        assert!(error.abs() < 1e-12, "{name}: {error:e}");
        // Linear layers: the same matrix at the feedforward state and in the steady state. Repeated
        // defective eigenvalues -1/tau_v scatter in both.
        let away = |all: Vec<Complex<f64>>| -> Vec<Complex<f64>> {
            all.into_iter().filter(|z| (z * tau_v + 1.0).norm() > 1e-2).collect()
        };
        for key in ["jacobian_eigenvalues_feedforward", "jacobian_eigenvalues_steady"] {
            let gap = mismatch(&away(judged(&j).0.values), &away(complex(&golden, key)));
            assert!(gap < 1e-9 / tau_v, "{name} {key}: {gap:e}");
        }
        // The same verdict from the equation as a user writes it.
        let linear = LinearDynamics::new(j.clone(), vec![0.0; n + m]).expect("square");
        let jacobian = column_jacobian(&linear, 0.0, &vec![0.0; n + m], 0);
        assert_eq!(judged(&jacobian).1.verdict, verdict, "{name}");
    }
}

#[test]
fn theorem_1_agrees_with_the_full_spectrum_on_ten_thousand_loops() {
    let (mut decided, mut unstable) = (0, 0);
    for index in 0..10_000 {
        let mut draw = Draw::new(index);
        let (m, n) = [(3, 6), (4, 4), (6, 3), (2, 5), (5, 2)][index as usize % 5];
        let leak = if index % 4 == 0 { 0.0 } else { draw.scale(-3.0, 0.0) };
        let layer = draw.layer_loop(m, n, leak);
        let reduced = layer_loop_spectrum(std::slice::from_ref(&layer)).expect("theorem 1");
        let full = full_spectrum(&jacobian_of_loop(&layer)).expect("full");
        let (a, b) = (Judgement::of(&reduced), Judgement::of(&full));
        let gap = (a.spectral_abscissa - b.spectral_abscissa).abs();
        assert!(gap <= a.tolerance + b.tolerance, "{index}: {gap:e} {a:?} {b:?}");
        let both = [a.verdict, b.verdict];
        assert!(
            a.verdict == b.verdict || both.contains(&Verdict::Marginal),
            "{index}: {a:?} {b:?}"
        );
        assert!(a.tolerance < 1e-11, "{index}: {a:?}");
        decided += usize::from(a.verdict != Verdict::Marginal);
        unstable += usize::from(a.verdict == Verdict::Unstable);
    }
    // Only loops without leak that are expanding are marginal; both verdicts occur often.
    assert!(decided > 8900 && unstable > 500 && decided - unstable > 3000, "{decided} {unstable}");
}

#[test]
fn the_parabola_of_theorem_1_is_the_boundary() {
    for index in 0..500 {
        let mut draw = Draw::new(20_000 + index);
        let leak = draw.scale(-2.0, 0.0);
        let layer = draw.layer_loop(3, 5, leak);
        let (tau_r, tau_u) = (layer.tau_state, layer.tau_controller);
        let bound = |mu: &Complex<f64>| {
            leak - tau_r * tau_u * mu.im.powi(2) / (tau_u + leak * tau_r).powi(2) - mu.re
        };
        let margin =
            loop_eigenvalues(&layer).expect("mu").iter().map(bound).fold(f64::MAX, f64::min);
        let known = loop_abscissa(&layer, &loop_eigenvalues(&layer).expect("mu"));
        let spectrum = layer_loop_spectrum(&[layer]).expect("theorem 1");
        assert!((known - spectrum.abscissa()).abs() <= 1e-14 * known.abs());
        let stable = Judgement::of(&spectrum).verdict == Verdict::Stable;
        assert_eq!(stable, margin > 0.0, "{index}: {margin}");
    }
}

/// With n equal stages, no leak and time constants 1: stable iff k < tan(pi/2n) / cos(pi/2n)^n.
#[test]
fn theorem_2_has_its_limits() {
    let chain = |n: usize, gain: f64, leak: f64| SingleLoopChain {
        forward: vec![dmatrix![1.0]; n],
        feedback: dmatrix![-gain],
        leak,
        tau_state: 1.0,
        tau_controller: 1.0,
    };
    let is_stable = |n, gain, leak| {
        let spectrum = chain_spectrum(&chain(n, gain, leak)).expect("theorem 2");
        let full = full_spectrum(&jacobian_of_chain(&chain(n, gain, leak))).expect("full");
        let verdict = Judgement::of(&spectrum).verdict;
        assert_eq!(verdict, Judgement::of(&full).verdict, "{n} {gain}");
        verdict == Verdict::Stable
    };
    for n in 2..=8 {
        let angle = std::f64::consts::FRAC_PI_2 / n as f64;
        let limit = angle.tan() / angle.cos().powi(n as i32);
        assert!(is_stable(n, limit * (1.0 - 1e-6), 0.0), "{n}");
        assert!(!is_stable(n, limit * (1.0 + 1e-6), 0.0), "{n}");
    }
    for leak in [0.0, 0.1, 1.0] {
        let limit = 2.0 * f64::powi(1.0 + leak, 2);
        assert!(
            is_stable(2, limit * (1.0 - 1e-7), leak) && !is_stable(2, limit * (1.0 + 1e-7), leak)
        );
    }
    assert!(is_stable(1, 1e6, 0.0));
}

#[test]
fn theorem_2_counts_eigenvalues_of_any_shape() {
    for (index, sizes) in
        [vec![4, 3], vec![2, 5, 3], vec![3, 3, 3, 3], vec![6, 1, 4], vec![7]].iter().enumerate()
    {
        for m in [1, 2, 5] {
            let mut draw = Draw::new(30_000 + 10 * index as u64 + m as u64);
            let mut forward: Vec<_> = sizes.windows(2).map(|s| draw.matrix(s[1], s[0])).collect();
            forward.push(draw.matrix(m, sizes[sizes.len() - 1]));
            let feedback = draw.matrix(sizes[0], m);
            let chain = SingleLoopChain {
                forward,
                feedback,
                leak: 0.3,
                tau_state: 0.7,
                tau_controller: 1.9,
            };
            let reduced = chain_spectrum(&chain).expect("theorem 2");
            let full = full_spectrum(&jacobian_of_chain(&chain)).expect("full");
            let near_defective = full.errors.iter().fold(1e-10, |m, e| f64::max(m, *e));
            assert!(
                mismatch(&reduced.values, &full.values) <= near_defective.max(1e-4),
                "{sizes:?} {m}"
            );
            assert!((reduced.abscissa() - full.abscissa()).abs() < 1e-10, "{sizes:?} {m}");
        }
    }
}

fn ring(n: usize, weight: f64) -> DMatrix<f64> {
    DMatrix::from_fn(n, n, |i, j| if i == (j + 1) % n { weight } else { 0.0 })
}

#[test]
fn rings_of_every_size_end() {
    for n in 2..=64 {
        for weight in [1.0, 2.0, -1.0] {
            let (spectrum, judgement) = judged(&ring(n, weight));
            let expected: Vec<_> = (0..n)
                .map(|k| {
                    Complex::from_polar(1.0, std::f64::consts::TAU * k as f64 / n as f64) * weight
                })
                .collect();
            assert!(mismatch(&spectrum.values, &expected) < 1e-12, "{n} {weight}");
            // The largest real part is positive but for a negated pair, which has +1 too.
            assert_eq!(judgement.verdict, Verdict::Unstable, "{n} {weight}");
        }
    }
}

fn defective() -> DMatrix<f64> {
    dmatrix![
        -3.00390625, -1.0, 2.0, 3.0, -1.0, 1.0;
        4.0, 0.99609375, -1.0, -3.0, 1.0, -1.0;
        -9.0, -4.0, -0.00390625, 3.0, -2.0, 1.0;
        0.0, 0.0, 2.0, 1.99609375, 0.0, 1.0;
        1.0, 0.0, -2.0, -2.0, 0.99609375, 0.0;
        6.0, 2.0, 0.0, -3.0, 1.0, -1.00390625
    ]
}

#[test]
fn a_defective_matrix_is_not_called_unstable() {
    let (spectrum, judgement) = judged(&defective());
    assert_eq!(judgement.verdict, Verdict::Marginal, "{}", judgement.reason);
    assert!(judgement.reason.contains("ill-conditioned"), "{}", judgement.reason);
    assert!(judgement.condition > 1e9);
    let mean = spectrum.values.iter().map(|z| z.re).sum::<f64>() / 6.0;
    assert!((mean + 0.00390625).abs() < 1e-12);
    // Moved left beyond the scatter the same matrix is stable.
    let moved = defective() - DMatrix::identity(6, 6);
    assert_eq!(judged(&moved).1.verdict, Verdict::Stable);
}

#[test]
fn verdicts_do_not_depend_on_units() {
    let graded = dmatrix![
        6.0, -3.814697265625e-06, 1.8189894035458565e-12, -2097152.0;
        3145728.0, -5.0, 9.5367431640625e-07, 3298534883328.0;
        -18691697672192.0, 6291456.0, -8.0, 1.498797955988901e19;
        4.76837158203125e-06, -1.8189894035458565e-12, -8.673617379884035e-19, -2.0
    ];
    let (spectrum, judgement) = judged(&graded);
    let expected =
        [(-1.0, 0.0), (-2.0, 0.0), (-3.0, 4.0), (-3.0, -4.0)].map(|(re, im)| Complex::new(re, im));
    assert!(mismatch(&spectrum.values, &expected) < 1e-9);
    assert_eq!(judgement.verdict, Verdict::Stable);
    assert!(judgement.tolerance < 1e-9, "{judgement:?}");
    for j in [dmatrix![-1.0, 0.0, -2.0; 2.0, -1.0, 0.0; 0.0, 2.0, -1.0], defective()] {
        let plain = judged(&j).1;
        let scaled = DMatrix::from_fn(j.nrows(), j.nrows(), |r, c| {
            j[(r, c)] * 2f64.powi(20 * r as i32 - 20 * c as i32)
        });
        let changed = judged(&scaled).1;
        assert_eq!(plain.verdict, changed.verdict);
        assert!(changed.tolerance < 3.0 * plain.tolerance + 1e-300, "{plain:?} {changed:?}");
    }
}

#[test]
fn pairs_stay_together_and_the_boundary_is_marginal() {
    let pairs = dmatrix![
        -36.0, -10.0, -20.0, -7.0;
        9.0, 1.0, 7.0, 4.0;
        65.0, 20.0, 34.0, 12.0;
        -8.0, -4.0, -4.0, -3.0
    ];
    let (spectrum, _) = judged(&pairs);
    let expected = [(-1.0, 5.0), (-1.0, -5.0), (-1.0, 2.0), (-1.0, -2.0)];
    for (value, (re, im)) in spectrum.values.iter().zip(expected) {
        assert!((value - Complex::new(re, im)).norm() < 1e-8, "{:?}", spectrum.values);
    }
    assert_eq!(spectrum.values[0], spectrum.values[1].conj());
    assert!((leading_modes(&spectrum, 1)[0].im - 5.0).abs() < 1e-8);

    let stages = |gain: f64| dmatrix![-1.0, 0.0, -gain; gain, -1.0, 0.0; 0.0, gain, -1.0];
    let (spectrum, judgement) = judged(&stages(2.0));
    assert_eq!(judgement.verdict, Verdict::Marginal, "{}", judgement.reason);
    assert!((spectrum.values[0].im - 3f64.sqrt()).abs() < 1e-14);
    assert_eq!(judged(&stages(1.5)).1.verdict, Verdict::Stable);
    for gain in [2.0 - 1e-12, 2.0 + 1e-12] {
        let expected = if gain < 2.0 { Verdict::Stable } else { Verdict::Unstable };
        assert_eq!(judged(&stages(gain)).1.verdict, expected);
    }

    let w = dmatrix![0.5, -1.0, 0.25; 2.0, 0.3, -0.75];
    let b = dmatrix![-1.0, 0.2; 0.4, -0.6; 0.1, 0.9];
    let (spectrum, _) = judged(&(w * b - DMatrix::identity(2, 2) * 0.1));
    assert!((spectrum.values[0] - Complex::new(-0.765, 1.32826014018339)).norm() < 1e-13);
}

#[test]
fn modes_have_damping_frequency_and_time_constant() {
    let golden = Golden::load("stability_oscillatory");
    let (spectrum, _) = judged(&golden.matrix("A"));
    let mode = leading_modes(&spectrum, 2)[0];
    assert!((mode.time_constant.expect("not on the axis") - 100.0).abs() < 1e-8);
    assert!((mode.frequency - 5.0 / std::f64::consts::TAU).abs() < 1e-10);
    assert!((mode.damping_ratio.expect("not 0") - 0.002).abs() < 1e-7);
    // 774 equal eigenvalues are one mode.
    let layer = Draw::new(7).layer_loop(2, 8, 0.1);
    let spectrum = layer_loop_spectrum(&[layer]).expect("theorem 1");
    let modes = leading_modes(&spectrum, 10);
    assert_eq!(
        modes.iter().map(|m| m.multiplicity * if m.im > 0.0 { 2 } else { 1 }).sum::<usize>(),
        10
    );
    assert!(modes.iter().any(|m| m.multiplicity == 6));
}

#[test]
fn nothing_is_not_a_number() {
    for bad in [f64::NAN, f64::INFINITY] {
        let mut j = DMatrix::identity(3, 3);
        j[(1, 2)] = bad;
        let error = full_spectrum(&j).expect_err("refused");
        let source = std::error::Error::source(&error).expect("a cause").to_string();
        assert!(source.contains("(1, 2)"), "{source}");
    }
    let huge = dmatrix![1e300, 1e300; -1e300, 1e300];
    assert!(full_spectrum(&huge).expect("scaled").values.iter().all(|z| z.re.is_finite()));
    assert_eq!(
        Judgement::of(&full_spectrum(&DMatrix::zeros(3, 3)).expect("zeros")).verdict,
        Verdict::Marginal
    );
}

#[test]
fn huge_dense_problems_are_refused_with_their_size() {
    let layer = LayerLoop {
        forward: DMatrix::zeros(LARGEST_DENSE + 1, LARGEST_DENSE + 1),
        feedback: DMatrix::zeros(0, 0),
        leak: 0.0,
        tau_state: 1.0,
        tau_controller: 1.0,
    };
    // Zero pages are not touched before the refusal.
    let error = layer_loop_spectrum(&[layer]).expect_err("refused");
    assert!(matches!(error, AnalysisError::TooLarge { states, .. } if states == LARGEST_DENSE + 1));
    assert!(error.to_string().contains("GiB"), "{error}");
}
