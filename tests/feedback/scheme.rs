//! Feedback that the published semi-implicit Euler scheme converges with.

use dynamic_inversion::analysis::margins::euler::euler_radius;
use dynamic_inversion::dynamics::SingleLoopChain;
use dynamic_inversion::feedback::{
    Limit, Objective, OptimizeError, OptimizeOptions, optimize_semi_implicit, optimize_single_loop,
    semi_implicit_rate,
};
use dynamic_inversion::network::random;
use nalgebra::DMatrix;
use rand::RngExt;

fn chain(sizes: &[usize], scale: f64, leak: f64, stream: u64) -> SingleLoopChain {
    let mut rng = random::generator(17, stream);
    let mut draw =
        |m: usize, n: usize| DMatrix::from_fn(m, n, |_, _| rng.random_range(-scale..scale));
    let forward: Vec<_> = sizes.windows(2).map(|n| draw(n[1], n[0])).collect();
    let feedback = draw(sizes[0], sizes[sizes.len() - 1]);
    SingleLoopChain { forward, feedback, leak, tau_state: 1.0, tau_controller: 2.0 }
}

/// The Jacobian and the order of updates, written out.
fn radius(c: &SingleLoopChain, b: &DMatrix<f64>, step: f64) -> f64 {
    let widths: Vec<usize> = c.forward.iter().map(DMatrix::ncols).collect();
    let stages: usize = widths.iter().sum();
    let n = stages + b.ncols();
    let mut j = DMatrix::zeros(n, n);
    for i in 0..n {
        j[(i, i)] = if i < stages { -1.0 / c.tau_state } else { -c.leak / c.tau_controller };
    }
    j.view_mut((0, stages), b.shape()).copy_from(&(b / c.tau_state));
    let mut order: Vec<_> = std::iter::once(stages..n).collect();
    let mut column = 0;
    for m in &c.forward {
        let row = column + m.ncols();
        let tau = if row == stages { c.tau_controller } else { c.tau_state };
        j.view_mut((row, column), m.shape()).copy_from(&(m / tau));
        order.push(column..row);
        column = row;
    }
    euler_radius(&j, &order, step).unwrap()
}

#[test]
fn a_loop_stable_in_time_but_not_in_steps_is_found_and_mended() {
    // One singular value of 4 and B = -W^T: stable for all gains, but the scheme with h = 0.5 ends
    // at sqrt(12 - ..) = 3.46.
    let unstable = SingleLoopChain {
        forward: vec![DMatrix::from_element(1, 1, 4.0)],
        feedback: DMatrix::from_element(1, 1, -4.0),
        leak: 0.0,
        tau_state: 1.0,
        tau_controller: 1.0,
    };
    assert!(semi_implicit_rate(&unstable, 0.5).unwrap() > 0.0);
    let options = OptimizeOptions { margin: 0.1, ..OptimizeOptions::default() };
    let unmoved = optimize_single_loop(&unstable, &options).unwrap();
    assert_eq!((unmoved.iterations, unmoved.feedback[0]), (0, -4.0), "stable in continuous time");
    let mended = optimize_semi_implicit(&unstable, 0.5, &options).unwrap();
    assert!(mended.reached && mended.abscissa <= -0.1, "{mended:?}");
    // s = sqrt(-mu) within the closed-form limit (4 - 2h + 0)/h^2 = 12.
    assert!(mended.feedback[0] < 0.0 && -4.0 * mended.feedback[0] < 12.0);
}

#[test]
fn margins_hold_in_the_scheme_itself_for_both_objectives() {
    for (stream, sizes) in [vec![6, 4], vec![4, 4], vec![5, 4, 3]].into_iter().enumerate() {
        let start = chain(&sizes, 3.0, 0.3, stream as u64);
        for objective in [Objective::Full, Objective::Reduced] {
            let options = OptimizeOptions { margin: 0.02, objective, ..OptimizeOptions::default() };
            let found = optimize_semi_implicit(&start, 0.5, &options).unwrap();
            assert!(found.reached, "{sizes:?} {objective:?}: {}", found.abscissa);
            let radius = radius(&start, &found.feedback, 0.5);
            assert!((radius.ln() / 0.5 - found.abscissa).abs() < 1e-8, "{sizes:?}");
            let closed = SingleLoopChain { feedback: found.feedback, ..start.clone() };
            let rate = semi_implicit_rate(&closed, 0.5).unwrap();
            assert!((rate - found.abscissa).abs() < 1e-8);
        }
    }
}

#[test]
fn a_step_beyond_what_the_decay_allows_is_refused() {
    let start = chain(&[6, 4], 1.0, 0.3, 9);
    // |1 - h/tau| > 1: no feedback helps the states that the controller cannot reach.
    let error = optimize_semi_implicit(&start, 2.5, &OptimizeOptions::default()).unwrap_err();
    assert!(
        matches!(error, OptimizeError::Unreachable { limit: Limit::StateDecay, .. }),
        "{error}"
    );
    for step in [0.0, -1.0, f64::NAN] {
        assert!(semi_implicit_rate(&start, step).is_err());
    }
}
