//! Stiff equations: the implicit method and `auto`.

use dynamic_inversion::dynamics::VectorField;
use dynamic_inversion::integrate::{
    AUTO, DOPRI5, IMPLICIT, Method, Options, Run, SaveAt, Statistics, Status,
};
use nalgebra::{DMatrix, DVector};

use crate::fields::{Linear, Loop, TANH};
use crate::support::Golden;

/// Deep feedback control of a tanh network with a linear output layer:
/// `tau_v v_l' = -v_l + W_l r_{l-1} + b_l + Q_l u`, `u = w + k_p e`, `tau_u w' = e - leak u`.
struct DeepFeedback {
    weights: Vec<DMatrix<f64>>,
    biases: Vec<DVector<f64>>,
    feedback: Vec<DMatrix<f64>>,
    input: DVector<f64>,
    target: DVector<f64>,
    leak: f64,
    k_p: f64,
    tau_v: f64,
    tau_u: f64,
}

impl DeepFeedback {
    fn golden(tau_v: f64) -> Self {
        let golden = Golden::load("dfc_tanh_jacobian_feedback");
        let biases = golden.value("biases").as_array().unwrap();
        Self {
            weights: golden.matrices("weights"),
            biases: biases.iter().map(crate::support::vector).collect(),
            feedback: golden.matrices("feedback"),
            input: golden.vector("input"),
            target: golden.vector("target"),
            leak: golden.scalar("leak"),
            k_p: golden.scalar("k_p"),
            tau_v,
            tau_u: golden.scalar("tau_u"),
        }
    }

    fn offsets(&self) -> Vec<usize> {
        let mut offsets = vec![0];
        for b in &self.biases {
            offsets.push(offsets.last().unwrap() + b.len());
        }
        offsets.push(offsets.last().unwrap() + self.target.len());
        offsets
    }

    fn rate(&self, l: usize, v: &DVector<f64>) -> DVector<f64> {
        if l + 1 == self.weights.len() { v.clone() } else { v.map(f64::tanh) }
    }

    fn feedforward(&self) -> Vec<f64> {
        let mut y = Vec::new();
        let mut r = self.input.clone();
        for (l, (w, b)) in self.weights.iter().zip(&self.biases).enumerate() {
            let v = w * r + b;
            y.extend(v.iter());
            r = self.rate(l, &v);
        }
        y.extend(vec![0.0; self.target.len()]);
        y
    }
}

impl VectorField for DeepFeedback {
    fn dim(&self) -> usize {
        *self.offsets().last().unwrap()
    }

    fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) {
        let at = self.offsets();
        let layers = self.weights.len();
        let block = |k: usize| DVector::from_column_slice(&y[at[k]..at[k + 1]]);
        let error = &self.target - self.rate(layers - 1, &block(layers - 1));
        let u = block(layers) + self.k_p * &error;
        let mut r = self.input.clone();
        for l in 0..layers {
            let v = block(l);
            let dv =
                (&self.weights[l] * r + &self.biases[l] + &self.feedback[l] * &u - &v) / self.tau_v;
            dy[at[l]..at[l + 1]].copy_from_slice(dv.as_slice());
            r = self.rate(l, &v);
        }
        let dw = (error - self.leak * u) / self.tau_u;
        dy[at[layers]..].copy_from_slice(dw.as_slice());
    }

    fn jacobian(&self, _t: f64, y: &[f64], jac: &mut DMatrix<f64>) {
        let at = self.offsets();
        let layers = self.weights.len();
        let outputs = self.target.len();
        jac.fill(0.0);
        for l in 0..layers {
            let rows = at[l + 1] - at[l];
            for i in at[l]..at[l + 1] {
                jac[(i, i)] -= 1.0 / self.tau_v;
            }
            if l > 0 {
                let slope = DVector::from_fn(at[l] - at[l - 1], |j, _| {
                    1.0 - y[at[l - 1] + j].tanh().powi(2)
                });
                let block = &self.weights[l] * DMatrix::from_diagonal(&slope) / self.tau_v;
                jac.view_mut((at[l], at[l - 1]), block.shape()).copy_from(&block);
            }
            let q = &self.feedback[l] / self.tau_v;
            let mut to_output = jac.view_mut((at[l], at[layers - 1]), (rows, outputs));
            to_output -= self.k_p * &q;
            jac.view_mut((at[l], at[layers]), (rows, outputs)).copy_from(&q);
        }
        for i in 0..outputs {
            let row = at[layers] + i;
            jac[(row, at[layers - 1] + i)] = -(1.0 - self.leak * self.k_p) / self.tau_u;
            jac[(row, row)] = -self.leak / self.tau_u;
        }
    }
}

fn work(
    field: &dyn VectorField,
    method: &'static Method,
    rtol: f64,
    t_end: f64,
    y0: &[f64],
) -> (Statistics, Vec<f64>) {
    let run = Run::new(field, method, (0.0, t_end), y0)
        .options(Options::with_tolerances(rtol, rtol * 1e-2))
        .save_at(SaveAt::Count(51));
    let (rows, outcome) = run.trajectory().unwrap();
    assert_eq!(outcome.status, Status::Complete);
    (outcome.statistics, rows.states)
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |m, (a, b)| m.max((a - b).abs()))
}

#[test]
fn the_feedback_controlled_network_of_the_golden_is_the_one_tested_here() {
    let golden = Golden::load("dfc_tanh_jacobian_feedback");
    let field = DeepFeedback::golden(golden.scalar("tau_v"));
    let times: Vec<f64> = golden.vector("times").iter().copied().collect();
    let run = Run::new(&field, &IMPLICIT, (times[0], times[times.len() - 1]), &field.feedforward())
        .save_at(SaveAt::Times(times.clone()));
    let (rows, _) = run.trajectory().unwrap();
    let u = golden.matrix("u_int");
    let width = u.ncols();
    for (k, row) in u.row_iter().enumerate() {
        let state = rows.state(k);
        for (x, y) in row.iter().zip(&state[state.len() - width..]) {
            assert!((x - y).abs() < 1e-7, "{x} {y} at {}", times[k]);
        }
    }
}

#[test]
fn switching_takes_a_tenth_of_the_evaluations_on_stiff_feedback_control() {
    let field = DeepFeedback::golden(0.005);
    let y0 = field.feedforward();
    for rtol in [1e-4, 1e-6, 1e-8] {
        let (explicit, reference) = work(&field, &DOPRI5, rtol, 100.0, &y0);
        let (auto, states) = work(&field, &AUTO, rtol, 100.0, &y0);
        println!("{rtol:e}: {} against {}, {auto:?}", auto.n_rhs, explicit.n_rhs);
        assert!(10 * auto.n_rhs < explicit.n_rhs, "{} {}", auto.n_rhs, explicit.n_rhs);
        assert!(difference(&states, &reference) < 20.0 * rtol);
    }
}

/// A tanh loop with `B = -W^T`, entries of `W` from a fixed sequence.
fn tied_loop(rows: usize, columns: usize, tau_state: f64, tau_controller: f64) -> Loop {
    let mut seed = 1_u64;
    let mut entry = move |scale: f64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        scale * ((seed >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
    };
    let scale = (3.0 / columns as f64).sqrt();
    let w = DMatrix::from_fn(rows, columns, |_, _| entry(scale));
    Loop {
        feedback: -w.transpose(),
        delta: DVector::from_fn(rows, |_, _| entry(0.8)),
        weights: vec![w],
        leak: 0.01,
        tau_state,
        tau_controller,
        activation: TANH,
    }
}

/// Work in evaluations: linear solves of a dense system of this size cost about one each.
fn cost(field: &dyn VectorField, s: Statistics) -> f64 {
    let cost = field.shifted_solver().cost();
    s.n_rhs as f64
        + cost.solve * s.n_newton as f64
        + cost.factor * s.n_jac as f64
        + cost.reshift * (s.n_factor - s.n_jac) as f64
}

#[test]
fn switching_is_never_much_worse_than_the_better_method() {
    for (tau_state, tau_controller, t_end) in [
        (1.0, 1.0, 50.0),
        (1.0, 1.0, 1000.0),
        (1.0, 1e-3, 5.0),
        (1.0, 1e-3, 100.0),
        (1e-3, 1.0, 50.0),
        (1.0, 1e3, 1e4),
    ] {
        let field = tied_loop(10, 20, tau_state, tau_controller);
        let y0 = vec![0.0; field.dim()];
        for rtol in [1e-4, 1e-6, 1e-8] {
            let total = |method| cost(&field, work(&field, method, rtol, t_end, &y0).0);
            let (auto, better) = (total(&AUTO), total(&DOPRI5).min(total(&IMPLICIT)));
            println!("{tau_state} {tau_controller} {t_end} {rtol:e}: {:.2}", auto / better);
            assert!(
                auto <= 1.2 * better,
                "{tau_state} {tau_controller} {t_end} {rtol:e}: {auto} {better}"
            );
        }
    }
}

#[test]
fn switching_goes_back_when_the_equation_is_no_longer_stiff() {
    // Stiff until t = 5, then not at all while something happens on a time scale of 1.
    let rate = |t: f64| if t < 5.0 { 1e4 } else { 0.1 };
    let field = crate::fields::Custom::scalar(
        move |t, y| -rate(t) * (y - t.sin()) + t.cos(),
        move |t, _| -rate(t),
    );
    let (statistics, states) = work(&field, &AUTO, 1e-8, 200.0, &[0.5]);
    let end = (-0.1_f64 * 195.0).exp();
    assert!((states.last().unwrap() - 200f64.sin()).abs() < 1e-6 + end);
    // After the change explicit steps cost 12 evaluations and no solve.
    assert!(statistics.n_rhs > 2 * statistics.n_newton, "{statistics:?}");
}

#[test]
fn very_stiff_equations_cost_auto_little() {
    let field = Linear::rows(&[&[999_998.0, 1_999_998.0], &[-999_999.0, -1_999_999.0]]);
    let (statistics, states) = work(&field, &AUTO, 1e-8, 10.0, &[1.0, 0.0]);
    let end = &states[states.len() - 2..];
    assert!((end[0] - 9.079_985_952_496_97e-5).abs() < 1e-9);
    assert!(statistics.attempts() < 2000, "{statistics:?}");
}
