//! Eligibility traces of TD(lambda) along theta sweeps: an equation driven from outside.
//!
//!     cargo run --release --example theta_sweep
//!
//! An animal runs at constant speed `v`; within every theta cycle of length `T` the position that its
//! hippocampus encodes sweeps from `L/2` behind it to `L/2` ahead, so it moves at `v + L/T` and jumps
//! back. Features of the encoded position `p` are waves, `phi = (cos k p, sin k p)` for several wave
//! numbers `k`. With a time constant `tau` the traces and the weights of the value `w . phi` follow
//!
//! ```text
//! z' = -z / tau + phi(p(t))
//! w' = rate (reward(p) + w . phi' - w . phi / tau_value) z
//! ```
//!
//! the continuous TD(lambda) of Doya 2000 (doi:10.1162/089976600300015961), equations 15 to 19, with
//! the sweeps of O'Keefe & Recce 1993 (doi:10.1002/hipo.450030307) as input. One cycle multiplies old
//! traces by `exp(-T / tau)`, which is `gamma lambda` of the discrete rule.

use dynamic_inversion::dynamics::VectorField;
use dynamic_inversion::integrate::{DOP853, Options, Run};
use nalgebra::DMatrix;

/// Speed, m/s.
const SPEED: f64 = 0.2;
/// Length of a theta cycle, s.
const CYCLE: f64 = 0.125;
/// Length of a sweep, m.
const SWEEP: f64 = 0.3;
/// Time constant of the traces, s.
const TAU: f64 = 0.4;
/// Time constant of the value, s.
const TAU_VALUE: f64 = 2.0;
/// Learning rate, 1/s.
const RATE: f64 = 0.5;
/// Wave numbers, 1/m.
const WAVES: [f64; 3] = [2.0, 5.0, 11.0];
const FEATURES: usize = 2 * WAVES.len();

/// The equation during cycle `index`, in which the input is smooth.
struct Sweep {
    index: usize,
}

impl Sweep {
    /// The encoded position.
    fn position(&self, t: f64) -> f64 {
        let phase = t / CYCLE - self.index as f64;
        SPEED * t + SWEEP * (phase - 0.5)
    }

    /// Features and their derivatives in time.
    fn features(&self, t: f64) -> [(f64, f64); FEATURES] {
        let (p, speed) = (self.position(t), SPEED + SWEEP / CYCLE);
        let mut features = [(0.0, 0.0); FEATURES];
        for (pair, k) in features.chunks_exact_mut(2).zip(WAVES) {
            let (sin, cos) = (k * p).sin_cos();
            pair[0] = (cos, -k * speed * sin);
            pair[1] = (sin, k * speed * cos);
        }
        features
    }
}

/// A reward around one metre.
fn reward(p: f64) -> f64 {
    (-50.0 * (p - 1.0) * (p - 1.0)).exp()
}

impl VectorField for Sweep {
    fn dim(&self) -> usize {
        2 * FEATURES
    }

    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64]) {
        let features = self.features(t);
        let (z, w) = y.split_at(FEATURES);
        let mut error = reward(self.position(t));
        for (w, (phi, rate)) in w.iter().zip(features) {
            error += w * (rate - phi / TAU_VALUE);
        }
        for (i, (phi, _)) in features.into_iter().enumerate() {
            dy[i] = phi - z[i] / TAU;
            dy[FEATURES + i] = RATE * error * z[i];
        }
    }

    fn jacobian(&self, t: f64, y: &[f64], jac: &mut DMatrix<f64>) {
        let features = self.features(t);
        let (z, w) = y.split_at(FEATURES);
        let slope = features.map(|(phi, rate)| rate - phi / TAU_VALUE);
        let error = reward(self.position(t)) + w.iter().zip(slope).map(|(w, s)| w * s).sum::<f64>();
        jac.fill(0.0);
        for i in 0..FEATURES {
            jac[(i, i)] = -1.0 / TAU;
            jac[(FEATURES + i, i)] = RATE * error;
            for (j, slope) in slope.into_iter().enumerate() {
                jac[(FEATURES + i, FEATURES + j)] = RATE * slope * z[i];
            }
        }
    }
}

/// Traces and weights after `cycles` sweeps; the run stops at every jump of the input.
fn simulate(cycles: usize) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let mut state = vec![0.0; 2 * FEATURES];
    for index in 0..cycles {
        let span = (CYCLE * index as f64, CYCLE * (index + 1) as f64);
        let sweep = Sweep { index };
        let run =
            Run::new(&sweep, &DOP853, span, &state).options(Options::with_tolerances(1e-11, 1e-13));
        state = run.trajectory()?.1.y;
    }
    Ok(state)
}

/// The traces in closed form. During a cycle from `t_n` to `t_{n+1}`, with `p = p_n + c (t - t_n)`,
///
/// ```text
/// integral of e^{-(t_{n+1} - t)/tau} e^{i k p} dt
///     = e^{i k p_n} (e^{i k c T} - e^{-T/tau}) / (1/tau + i k c)
/// ```
///
/// and older traces shrink by `e^{-T/tau}`.
fn traces(cycles: usize) -> Vec<f64> {
    let (speed, keep) = (SPEED + SWEEP / CYCLE, (-CYCLE / TAU).exp());
    let mut z = vec![0.0; FEATURES];
    for index in 0..cycles {
        let start = Sweep { index }.position(CYCLE * index as f64);
        for (pair, k) in z.chunks_exact_mut(2).zip(WAVES) {
            let (omega, rate) = (k * speed, 1.0 / TAU);
            let ((s0, c0), (s1, c1)) =
                ((k * start).sin_cos(), (k * start + omega * CYCLE).sin_cos());
            let (re, im) = (c1 - keep * c0, s1 - keep * s0);
            let size = rate * rate + omega * omega;
            pair[0] = keep * pair[0] + (re * rate + im * omega) / size;
            pair[1] = keep * pair[1] + (im * rate - re * omega) / size;
        }
    }
    z
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cycle   gamma lambda {:.4}", (-CYCLE / TAU).exp());
    println!("{:>5}  {:>10}  {:>12}  {:>14}", "sweep", "time (s)", "|traces|", "error");
    for cycles in [1, 8, 32, 64] {
        let (found, expected) = (simulate(cycles)?, traces(cycles));
        let norm = expected.iter().map(|z| z * z).sum::<f64>().sqrt();
        let error = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        println!("{cycles:>5}  {:>10.3}  {norm:>12.6}  {error:>14.1e}", CYCLE * cycles as f64);
    }
    let weights = &simulate(64)?[FEATURES..];
    println!("weights of the value after 64 sweeps: {weights:.4?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_follow_the_closed_form() {
        for cycles in [1, 5, 40] {
            let found = simulate(cycles).expect("the run succeeds");
            for (z, expected) in found.iter().zip(traces(cycles)) {
                assert!((z - expected).abs() < 1e-11, "{cycles} cycles: {z} {expected}");
            }
        }
    }

    /// The weights learn: with frozen ones the value would stay zero.
    #[test]
    fn weights_move_once_the_reward_is_reached() {
        let early = simulate(8).expect("the run succeeds");
        let late = simulate(48).expect("the run succeeds");
        let size = |y: &[f64]| y[FEATURES..].iter().map(|w| w * w).sum::<f64>().sqrt();
        assert!(size(&early) < 1e-3 && size(&late) > 1e-2, "{} {}", size(&early), size(&late));
    }

    #[test]
    fn the_jacobian_is_the_derivative() {
        let field = Sweep { index: 3 };
        let y: Vec<f64> = (0..2 * FEATURES).map(|i| (i as f64).sin()).collect();
        let (n, t, h) = (y.len(), 0.4, 1e-6);
        let mut jac = DMatrix::zeros(n, n);
        field.jacobian(t, &y, &mut jac);
        let (mut ahead, mut behind) = (vec![0.0; n], vec![0.0; n]);
        for j in 0..n {
            let mut point = y.clone();
            point[j] += h;
            field.eval(t, &point, &mut ahead);
            point[j] -= 2.0 * h;
            field.eval(t, &point, &mut behind);
            for i in 0..n {
                let slope = (ahead[i] - behind[i]) / (2.0 * h);
                assert!((slope - jac[(i, j)]).abs() < 1e-7, "{i} {j}: {slope} {}", jac[(i, j)]);
            }
        }
    }
}
