//! Theorem 2: the spectrum of a single loop through several equal stages.
//!
//! With `z = 1 + tau_state x`, going once around the loop gives
//! `z^n (kappa (z - 1) + leak) u = K u` with `kappa = tau_controller / tau_state` and `K` the
//! product of the chain, so every eigenvalue `mu` of `K` gives the `n + 1` roots of
//! `kappa z^{n+1} + (leak - kappa) z^n = mu`. The product taken at the narrowest place of the loop
//! (`q` units) has the same nonzero eigenvalues; what is left are zeros of `K`, whose roots
//! `z = 0` (x = -1/tau_state) and `x = -leak/tau_controller` are counted by dimension.

use nalgebra::{Complex, DMatrix};

use super::Entry;
use super::product::eigenvalues_of_product;
use crate::analysis::error::AnalysisError;
use crate::dynamics::SingleLoopChain;

/// Cap of the simultaneous root iteration; ten to twenty sweeps are usual.
const MAX_SWEEPS: usize = 200;

/// The eigenvalues of the chain.
pub(super) fn entries(chain: &SingleLoopChain) -> Result<Vec<Entry>, AnalysisError> {
    let stages = chain.forward.len();
    let controllers = chain.feedback.ncols();
    let units: usize = chain.forward.iter().map(DMatrix::ncols).sum();
    let ring = ring_at_narrowest(chain);
    let narrowest = ring[0].nrows();
    let mut entries = Vec::new();
    for mu in eigenvalues_of_product(&ring)? {
        if mu.value.im < 0.0 {
            continue;
        }
        for entry in roots(chain, stages, mu) {
            entries.push(entry);
            if mu.value.im > 0.0 {
                entries.push(Entry { value: entry.value.conj(), ..entry });
            }
        }
    }
    let state_rate = Entry::exact(-1.0 / chain.tau_state);
    let controller_rate = Entry::exact(-chain.leak / chain.tau_controller);
    entries.extend(std::iter::repeat_n(state_rate, units - stages * narrowest));
    entries.extend(std::iter::repeat_n(controller_rate, controllers - narrowest));
    Ok(entries)
}

/// The factors around the loop in the order of the product, starting where the loop is narrowest.
fn ring_at_narrowest(chain: &SingleLoopChain) -> Vec<&DMatrix<f64>> {
    let mut ring: Vec<&DMatrix<f64>> = chain.forward.iter().rev().collect();
    ring.push(&chain.feedback);
    let narrowest = (0..ring.len()).min_by_key(|&k| ring[k].nrows()).unwrap_or(0);
    ring.rotate_left(narrowest);
    ring
}

/// The `n + 1` eigenvalues that belong to `mu`; for a real `mu`, complex ones in adjacent pairs.
fn roots(chain: &SingleLoopChain, stages: usize, mu: Entry) -> Vec<Entry> {
    let kappa = chain.tau_controller / chain.tau_state;
    let polynomial = Trinomial {
        degree: stages + 1,
        shift: chain.leak / kappa - 1.0,
        constant: mu.value / kappa,
    };
    let mut z = polynomial.roots();
    if mu.value.im == 0.0 {
        z = paired(&z);
    }
    z.into_iter()
        .map(|z| {
            let error = polynomial.error_at(z, mu.error / kappa);
            let value = (z - Complex::new(1.0, 0.0)) / chain.tau_state;
            Entry { value, error: error / chain.tau_state, condition: mu.condition }
        })
        .collect()
}

/// `p(z) = z^degree + shift z^{degree-1} - constant`.
struct Trinomial {
    degree: usize,
    shift: f64,
    constant: Complex<f64>,
}

impl Trinomial {
    fn value(&self, z: Complex<f64>) -> Complex<f64> {
        z.powu(self.degree as u32 - 1) * (z + self.shift) - self.constant
    }

    fn derivative(&self, z: Complex<f64>) -> Complex<f64> {
        let n = self.degree as u32;
        z.powu(n - 2) * (z * f64::from(n) + self.shift * f64::from(n - 1))
    }

    /// All roots by the iteration of Aberth and Ehrlich.
    fn roots(&self) -> Vec<Complex<f64>> {
        let n = self.degree;
        if self.constant.norm() == 0.0 {
            let mut roots = vec![Complex::new(0.0, 0.0); n - 1];
            roots.push(Complex::new(-self.shift, 0.0));
            return roots;
        }
        // For a small constant: n - 1 roots near |constant / shift|^{1/(n-1)} and one near -shift;
        // for a large one: all near |constant|^{1/n}.
        let size = self.constant.norm();
        let outer = size.powf(1.0 / n as f64);
        let inner = (size / self.shift.abs()).powf(1.0 / (n as f64 - 1.0)).min(outer);
        let mut z: Vec<Complex<f64>> = (0..n)
            .map(|k| {
                let angle = 0.4 + std::f64::consts::TAU * k as f64 / n as f64;
                let radius = if k == 0 { outer.max(self.shift.abs()) } else { inner };
                Complex::from_polar(radius, angle)
            })
            .collect();
        for _ in 0..MAX_SWEEPS {
            let mut moved = 0.0_f64;
            for k in 0..n {
                let slope = self.derivative(z[k]);
                let value = self.value(z[k]);
                if value.norm() == 0.0 {
                    continue;
                }
                let repulsion: Complex<f64> =
                    (0..n).filter(|&j| j != k && z[j] != z[k]).map(|j| (z[k] - z[j]).inv()).sum();
                let step = value / (slope - value * repulsion);
                if step.re.is_finite() && step.im.is_finite() {
                    z[k] -= step;
                    moved = moved.max(step.norm() / z[k].norm().max(f64::MIN_POSITIVE));
                }
            }
            if moved <= 4.0 * f64::EPSILON {
                break;
            }
        }
        z
    }

    /// Bound on the distance of `z` to a root when the constant is known to `uncertainty`: what is
    /// left of `|p|` divided by the slope (times the degree: Henrici 1974, section 6.4), or, for
    /// clusters, its root of the degree.
    fn error_at(&self, z: Complex<f64>, uncertainty: f64) -> f64 {
        let n = self.degree;
        let size = z.norm();
        let terms =
            size.powi(n as i32) + self.shift.abs() * size.powi(n as i32 - 1) + self.constant.norm();
        let rest = self.value(z).norm() + uncertainty + 4.0 * n as f64 * f64::EPSILON * terms;
        let slope = self.derivative(z).norm();
        let cluster = rest.powf(1.0 / n as f64);
        let simple = if slope > 0.0 { n as f64 * rest / slope } else { f64::INFINITY };
        simple.min(cluster) + 4.0 * f64::EPSILON
    }
}

/// Makes the roots of a real polynomial exact conjugate pairs: a root within rounding of the real
/// axis becomes real, the others are taken from the upper half-plane.
fn paired(z: &[Complex<f64>]) -> Vec<Complex<f64>> {
    let is_real = |z: &Complex<f64>| z.im.abs() <= 1e-9 * z.norm();
    let upper: Vec<Complex<f64>> =
        z.iter().copied().filter(|z| !is_real(z) && z.im > 0.0).collect();
    let real: Vec<Complex<f64>> = z.iter().copied().filter(is_real).collect();
    if 2 * upper.len() + real.len() != z.len() {
        return z.to_vec();
    }
    let pairs = upper.into_iter().flat_map(|z| [z, z.conj()]);
    real.into_iter().map(|z| Complex::new(z.re, 0.0)).chain(pairs).collect()
}
