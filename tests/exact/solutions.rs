//! Exact solutions against matrix exponentials, closed forms and each other.

use dynamic_inversion::dynamics::{
    ConcurrentInversion, Dynamics, Feedback, InvertedLayer, LayerwiseInversion, LoopParameters,
    Transfer, VectorField,
};
use dynamic_inversion::integrate::{ExactError, ExactForm, ExactSolution, InvalidRun};
use dynamic_inversion::network::Activation;
use nalgebra::{DMatrix, DVector, dmatrix};

use crate::systems::{
    by_expm, defective, distance, layer, linear, noise, parameters, stiff, tangent,
};

fn exact(dynamics: &dyn Dynamics) -> ExactSolution<'_> {
    ExactSolution::new(dynamics, 0.0, &dynamics.initial_state()).unwrap()
}

/// The largest difference to the matrix exponential at times of all sizes and both signs.
fn against_expm(dynamics: &dyn Dynamics, times: &[f64]) -> f64 {
    let solution = exact(dynamics);
    let mut y = vec![0.0; dynamics.dim()];
    let mut worst = 0.0_f64;
    for &t in times {
        solution.state(t, &mut y).unwrap();
        worst = worst.max(distance(&y, &by_expm(dynamics, t)));
    }
    worst
}

const TIMES: [f64; 9] = [0.0, 1e-9, 1e-3, 0.1, 1.0, 7.3, 60.0, -0.01, -1.5];

#[test]
fn layer_loops_of_every_shape_agree_with_the_matrix_exponential() {
    let shapes = [(3, 6), (6, 3), (5, 5), (1, 4), (4, 1), (1, 1)];
    for (m, n) in shapes {
        for leak in [0.0, 0.01, 1.0, -0.05] {
            let w = noise(m, n, m + 10 * n) * 2.0;
            let feedbacks = [
                Feedback::Tied { scale: 1.3 },
                Feedback::from(noise(n, m, 77) - w.transpose()),
                Feedback::from(noise(n, m, 78) * 3.0),
            ];
            for (k, feedback) in feedbacks.into_iter().enumerate() {
                for transfer in [Transfer::Linear, tangent(n, 1)] {
                    let name = format!("{m} x {n}, leak {leak}, feedback {k}, {transfer:?}");
                    let dynamics =
                        layer(w.clone(), feedback.clone(), transfer, 1, parameters(leak));
                    let error = against_expm(&dynamics, &TIMES);
                    assert!(error < 1e-12, "{name}: {error:e}");
                }
            }
        }
    }
}

/// Modes that have died out are left out of the products, also where times go back and forth.
#[test]
fn rows_far_along_equal_the_solution_at_each_time_alone() {
    for (m, n, targets) in [(6, 12, 3), (12, 6, 1), (8, 8, 80)] {
        let w = noise(m, n, 3) * 1.5;
        let other = Feedback::from(noise(n, m, 4) * 0.5 - w.transpose());
        for feedback in [Feedback::Tied { scale: 1.0 }, other] {
            let dynamics = layer(w.clone(), feedback, Transfer::Linear, targets, parameters(0.1));
            let solution = exact(&dynamics);
            let mut times: Vec<f64> = (0..300).map(|k| 5.0 * f64::from(k)).collect();
            times.extend([3.0, -0.5, 1e4, 0.25]);
            let rows = solution.states(&times).unwrap();
            let mut y = vec![0.0; dynamics.dim()];
            for (k, t) in times.iter().enumerate() {
                solution.state(*t, &mut y).unwrap();
                let error = distance(rows.state(k), &y);
                assert!(error < 1e-13, "{m} x {n}, {targets} targets, t = {t}: {error:e}");
                if *t <= 100.0 && targets == 1 {
                    let error = distance(&y, &by_expm(&dynamics, *t));
                    assert!(error < 1e-12, "{m} x {n}, t = {t}: {error:e}");
                }
            }
            let rest = dynamics.closed_form_equilibrium().unwrap();
            assert!(distance(rows.state(times.len() - 2), &rest) < 1e-12);
        }
    }
}

#[test]
fn an_eigenvalue_at_the_leak_drifts_for_ever() {
    // W has rank one and there is no leak: three of four products vanish, and with them the rest.
    let w = noise(4, 1, 5) * noise(1, 6, 6);
    for (w, leak) in [(w.clone(), 0.0), (w.transpose(), 0.0)] {
        let n = w.ncols();
        let dynamics =
            layer(w, Feedback::Tied { scale: 1.0 }, Transfer::Linear, 1, parameters(leak));
        assert!(dynamics.closed_form_equilibrium().is_err());
        assert_eq!(exact(&dynamics).form(0), ExactForm::LayerModes);
        let error = against_expm(&dynamics, &TIMES);
        assert!(error < 1e-12, "{n}: {error:e}");
    }
    // A leak equal to an eigenvalue of M B: the same resonance away from zero.
    let w = dmatrix![1.0, 0.0; 0.0, 2.0];
    let b = dmatrix![0.5, 0.0; 0.0, -1.0];
    let dynamics = layer(w, b, Transfer::Linear, 1, parameters(0.5));
    let error = against_expm(&dynamics, &TIMES);
    assert!(error < 1e-12, "{error:e}");
    // And the growth itself: u' = -delta + W r with W r = 0 for ever.
    let zero = LayerwiseInversion::new(
        dmatrix![0.0],
        dmatrix![0.0],
        Transfer::Linear,
        dmatrix![2.0],
        LoopParameters::with_leak(0.0),
    )
    .unwrap();
    let mut y = [0.0; 2];
    exact(&zero).state(1e6, &mut y).unwrap();
    assert_eq!(y, [0.0, -2e6]);
}

#[test]
fn coincident_poles_are_no_singularity() {
    // tau_state = tau_controller = leak = 1: with mu = -q^2 -> 0 the two poles merge.
    for q in [0.0, 1e-12, 1e-8, 1e-5, 1e-3, 0.1] {
        let dynamics = layer(
            dmatrix![q],
            Feedback::Tied { scale: 1.0 },
            Transfer::Linear,
            1,
            LoopParameters::with_leak(1.0),
        );
        let error = against_expm(&dynamics, &TIMES);
        assert!(error < 1e-14, "{q}: {error:e}");
    }
}

#[test]
fn a_stiff_loop_is_exact() {
    let stiff = LoopParameters { leak: 0.01, tau_state: 1.0, tau_controller: 1e-6 };
    let dynamics = layer(noise(4, 7, 2), Feedback::Tied { scale: 1.0 }, Transfer::Linear, 1, stiff);
    let error = against_expm(&dynamics, &[1e-7, 1e-5, 1e-3, 0.5, 20.0]);
    assert!(error < 1e-9, "{error:e}");
}

/// Rates -1 and -1e6: the derivative at the start is known to a rounding error of 1e6, the slow mode
/// to more.
#[test]
fn a_slow_mode_beside_a_fast_one_keeps_its_digits() {
    let dynamics = stiff();
    let solution = exact(&dynamics);
    assert_eq!(solution.form(0), ExactForm::DenseModes);
    let mut y = [0.0; 2];
    for t in [1e-8, 1e-6, 1e-3, 0.5, 1.0, 10.0, 20.0] {
        solution.state(t, &mut y).unwrap();
        let (slow, fast) = (f64::exp(-t), f64::exp(-1e6 * t));
        for (y, expected) in y.iter().zip([2.0 * slow - fast, fast - slow]) {
            let error = (y - expected).abs();
            assert!(error < 1e-8 * slow + 1e-14, "{t}: {y:e} for {expected:e}");
        }
    }
}

#[test]
fn a_tied_tangent_loop_stays_symmetric_however_small_the_slopes() {
    // Slopes over six orders of magnitude; n < m, so the product B M itself is not symmetric.
    let operating_point = DMatrix::from_fn(4, 1, |i, _| 2.5 * i as f64);
    let transfer = Transfer::Tangent { activation: Activation::Tanh, operating_point };
    let w = noise(7, 4, 11);
    let dynamics = layer(w, Feedback::Tied { scale: 1.0 }, transfer, 1, parameters(0.1));
    assert_eq!(exact(&dynamics).form(0), ExactForm::LayerModes);
    let error = against_expm(&dynamics, &TIMES);
    assert!(error < 1e-12, "{error:e}");
}

/// `M B = [[0.5, 1], [0, 0.5 + gap]]` up to sign: eigenvectors meet as the gap closes.
fn nearly_defective(gap: f64) -> LayerwiseInversion {
    let b = dmatrix![-0.5, -1.0; 0.0, -0.5 - gap];
    layer(DMatrix::identity(2, 2), b, Transfer::Linear, 1, parameters(0.1))
}

#[test]
fn the_fallback_takes_over_before_eigenvectors_lose_digits() {
    let mut forms = Vec::new();
    for exponent in 0..=16 {
        let dynamics = nearly_defective(10f64.powi(-exponent));
        forms.push(exact(&dynamics).form(0));
        let error = against_expm(&dynamics, &[0.5, 3.0, 20.0]);
        println!("gap 1e-{exponent}: {error:.1e} {:?}", forms.last());
        assert!(error < 1e-11, "gap 1e-{exponent}: {error:e}");
    }
    forms.push(exact(&nearly_defective(0.0)).form(0));
    assert_eq!(forms.first(), Some(&ExactForm::LayerModes));
    assert_eq!(forms.last(), Some(&ExactForm::Flow));
    let switches = forms.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert_eq!(switches, 1, "{forms:?}");
}

/// `x(t)` of the defective system with equilibrium `rest`. `N = A + I/256` is nilpotent with integer
/// entries, so `e^(At) = e^(-t/256) sum_k (N t)^k / k!` is a finite sum.
fn jordan_solution(start: &DVector<f64>, rest: &DVector<f64>, t: f64) -> DVector<f64> {
    let n = defective() + DMatrix::identity(6, 6) / 256.0;
    let mut term = start - rest;
    let mut sum = term.clone();
    for k in 1..6 {
        term = &n * term * (t / f64::from(k));
        sum += &term;
    }
    sum * f64::exp(-t / 256.0) + rest
}

#[test]
fn a_jordan_block_of_size_six_is_exact() {
    let start = DVector::from_vec(vec![1.0, -2.0, 0.5, 3.0, 1.0, -1.0]);
    let rest = DVector::from_element(6, 1.0);
    let constant = -(defective() * &rest);
    let dynamics = linear(defective(), constant.as_slice().to_vec(), start.as_slice().to_vec());
    let solution = exact(&dynamics);
    assert_eq!(solution.form(0), ExactForm::Flow);
    let mut y = vec![0.0; 6];
    // Powers up to t^5 of a matrix of norm 10 cancel: a perturbation of rounding size moves the
    // solution by about (10 t)^5 / 5! eps.
    for (t, allowed) in [(0.0, 0.0), (0.5, 1e-13), (3.0, 1e-12), (-2.0, 1e-12), (40.0, 1e-7)] {
        solution.state(t, &mut y).unwrap();
        let error = distance(&y, jordan_solution(&start, &rest, t).as_slice());
        println!("{t}: {error:.1e}");
        assert!(error <= allowed, "{t}: {error:e}");
    }
}

#[test]
fn a_uniform_grid_of_a_flow_does_not_drift() {
    let start = DVector::from_element(6, 1.0);
    let rest = DVector::from_element(6, 0.0);
    let dynamics = linear(defective(), vec![0.0; 6], vec![1.0; 6]);
    let times: Vec<f64> = (0..=400).map(|k| 0.1 * f64::from(k)).collect();
    let solution = exact(&dynamics);
    let rows = solution.states(&times).unwrap();
    let mut y = vec![0.0; 6];
    for k in [1, 7, 100, 399, 400] {
        solution.state(times[k], &mut y).unwrap();
        let expected = jordan_solution(&start, &rest, times[k]);
        let stepped = distance(rows.state(k), expected.as_slice());
        let direct = distance(&y, expected.as_slice());
        println!("row {k}: stepped {stepped:.1e}, direct {direct:.1e}");
        assert!(stepped < 1e-8, "row {k}: {stepped:e}");
    }
}

fn concurrent(columns: usize, transfer: Transfer) -> ConcurrentInversion {
    let inverted = |weights: DMatrix<f64>, transfer: Transfer| InvertedLayer {
        feedback: (noise(weights.ncols(), weights.nrows(), 31) - weights.transpose()).into(),
        weights: weights.into(),
        transfer,
    };
    let layers = vec![
        inverted(noise(4, 6, 1) * 2.0, transfer),
        inverted(noise(3, 4, 2) * 2.0, Transfer::Linear),
    ];
    let chain = ConcurrentInversion::new(layers, noise(3, columns, 8), parameters(0.05)).unwrap();
    let dim = chain.dim();
    chain.with_initial_state(noise(dim, 1, 12).as_slice().to_vec()).unwrap()
}

#[test]
fn concurrent_loops_are_exact_for_one_and_many_targets() {
    for (columns, transfer) in [(1, Transfer::Linear), (3, Transfer::Linear), (3, tangent(6, 3))] {
        let dynamics = concurrent(columns, transfer);
        let error = against_expm(&dynamics, &[0.1, 2.0, 30.0, -0.5]);
        assert!(error < 1e-11, "{columns}: {error:e}");
    }
}

#[test]
fn dense_modes_carry_complex_pairs() {
    let a = noise(7, 7, 40) * 4.0;
    let dynamics =
        linear(a, noise(7, 1, 41).as_slice().to_vec(), noise(7, 1, 42).as_slice().to_vec());
    assert_eq!(exact(&dynamics).form(0), ExactForm::DenseModes);
    let error = against_expm(&dynamics, &[0.1, 1.0, 4.0, -1.0]);
    assert!(error < 1e-12, "{error:e}");
}

/// The components of target `column`.
fn column_of(dynamics: &dyn Dynamics, y: &[f64], column: usize) -> Vec<f64> {
    let blocks = dynamics.layout().blocks().iter();
    blocks.flat_map(|block| y[block.column_range(column)].to_vec()).collect()
}

#[test]
fn a_thousand_targets_equal_single_targets() {
    let (m, n, targets) = (6, 9, 1000);
    let w = noise(m, n, 1) * 2.0;
    let feedback = Feedback::from(noise(n, m, 2) - w.transpose());
    for transfer in [Transfer::Linear, tangent(n, 1)] {
        let batch = layer(w.clone(), feedback.clone(), transfer.clone(), targets, parameters(0.02));
        let solution = exact(&batch);
        assert_eq!(solution.factorisations(), 1);
        let times = [0.0, 0.3, 4.0, 50.0];
        let rows = solution.states(&times).unwrap();
        for column in [0, 1, 499, 999] {
            let delta = batch.target().columns(column, 1).into_owned();
            let start = column_of(&batch, &batch.initial_state(), column);
            let single = LayerwiseInversion::new(
                w.clone(),
                feedback.clone(),
                transfer.clone(),
                delta,
                parameters(0.02),
            )
            .unwrap()
            .with_initial_state(start)
            .unwrap();
            let alone = exact(&single).states(&times).unwrap();
            for k in 0..times.len() {
                let error = distance(&column_of(&batch, rows.state(k), column), alone.state(k));
                assert!(error < 1e-13, "target {column}, row {k}: {error:e}");
            }
        }
    }
}

#[test]
fn targets_with_their_own_operating_points_have_their_own_modes() {
    let (m, n, targets) = (3, 5, 4);
    let w = noise(m, n, 1) * 2.0;
    let dynamics =
        layer(w, Feedback::Tied { scale: 1.0 }, tangent(n, targets), targets, parameters(0.02));
    assert_eq!(exact(&dynamics).factorisations(), targets);
    let error = against_expm(&dynamics, &TIMES);
    assert!(error < 1e-12, "{error:e}");
}

#[test]
fn starts_that_cannot_be_solved_are_refused() {
    let nonlinear = layer(
        noise(2, 3, 1),
        Feedback::Tied { scale: 1.0 },
        Transfer::Nonlinear { activation: Activation::Tanh },
        1,
        parameters(0.1),
    );
    let refusal = ExactSolution::new(&nonlinear, 0.0, &[0.0; 5]).err().unwrap();
    assert!(matches!(refusal, InvalidRun::Exact(ExactError::NotLinear { .. })));
    assert!(refusal.to_string().contains("tanh"), "{refusal}");
    let decay = crate::systems::decay();
    let wrong = ExactSolution::new(&decay, 0.0, &[1.0, 2.0]).err().unwrap();
    assert!(matches!(wrong, InvalidRun::Length { expected: 1, found: 2, .. }));
    let nan = ExactSolution::new(&decay, 0.0, &[f64::NAN]).err().unwrap();
    assert!(matches!(nan, InvalidRun::InitialValue { .. }));
}
