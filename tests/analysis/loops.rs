//! Random loops and matrices.

use dynamic_inversion::dynamics::{LayerLoop, SingleLoopChain};
use dynamic_inversion::network::random::{generator, streams};
use nalgebra::{Complex, DMatrix};
use rand_distr::{Distribution, StandardNormal};

/// An independent source of numbers for test instance `index`.
pub struct Draw(rand_chacha::ChaCha8Rng);

impl Draw {
    pub fn new(index: u64) -> Self {
        Self(generator(20_07, streams::CHECKS + index))
    }

    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    pub fn matrix(&mut self, rows: usize, columns: usize) -> DMatrix<f64> {
        DMatrix::from_fn(rows, columns, |_, _| self.normal())
    }

    /// Between 10^low and 10^high.
    pub fn scale(&mut self, low: f64, high: f64) -> f64 {
        let uniform = (self.normal() / 3.0).clamp(-1.0, 1.0) * 0.5 + 0.5;
        10f64.powf(low + (high - low) * uniform)
    }

    /// A loop of `controllers` units over `states` units with feedback between tied and random.
    pub fn layer_loop(&mut self, controllers: usize, states: usize, leak: f64) -> LayerLoop {
        let forward = self.matrix(controllers, states) / (states as f64).sqrt();
        let mix = self.scale(-1.0, 1.0);
        let feedback = -forward.transpose() + self.matrix(states, controllers) * (0.3 * mix);
        LayerLoop {
            forward,
            feedback,
            leak,
            tau_state: self.scale(-1.0, 1.0),
            tau_controller: self.scale(-1.0, 1.0),
        }
    }
}

/// The Jacobian of a loop, entry by entry.
pub fn jacobian_of_loop(l: &LayerLoop) -> DMatrix<f64> {
    let (m, n) = l.forward.shape();
    let mut j = DMatrix::zeros(n + m, n + m);
    for i in 0..n {
        j[(i, i)] = -1.0 / l.tau_state;
    }
    for i in n..n + m {
        j[(i, i)] = -l.leak / l.tau_controller;
    }
    j.view_mut((0, n), (n, m)).copy_from(&(&l.feedback / l.tau_state));
    j.view_mut((n, 0), (m, n)).copy_from(&(&l.forward / l.tau_controller));
    j
}

/// The Jacobian of a chain, entry by entry.
pub fn jacobian_of_chain(c: &SingleLoopChain) -> DMatrix<f64> {
    let sizes: Vec<usize> = c.forward.iter().map(|w| w.ncols()).collect();
    let m = c.feedback.ncols();
    let total: usize = sizes.iter().sum::<usize>() + m;
    let mut j = DMatrix::zeros(total, total);
    for i in 0..total - m {
        j[(i, i)] = -1.0 / c.tau_state;
    }
    for i in total - m..total {
        j[(i, i)] = -c.leak / c.tau_controller;
    }
    j.view_mut((0, total - m), (sizes[0], m)).copy_from(&(&c.feedback / c.tau_state));
    let mut column = 0;
    for (k, w) in c.forward.iter().enumerate() {
        let row = column + sizes[k];
        let tau = if k + 1 == c.forward.len() { c.tau_controller } else { c.tau_state };
        j.view_mut((row, column), w.shape()).copy_from(&(w / tau));
        column = row;
    }
    j
}

/// Largest distance between two lists of eigenvalues after greedy matching.
pub fn mismatch(found: &[Complex<f64>], expected: &[Complex<f64>]) -> f64 {
    assert_eq!(found.len(), expected.len(), "numbers of eigenvalues");
    let mut left = expected.to_vec();
    let mut worst = 0.0_f64;
    for z in found {
        let distance = |k: &usize| (left[*k] - z).norm();
        let best = (0..left.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).expect("one");
        worst = worst.max(distance(&best));
        left.swap_remove(best);
    }
    worst
}
