//! What a learner does to its weights once the errors are known.

use nalgebra::DMatrix;

use super::Learner;
use crate::learning::options::Reduce;
use crate::learning::rule::{LayerUpdate, input_of};
use crate::linalg::gemm::{matmul_nt_into, matmul_tn};

impl Learner {
    /// Updates the layers from `layers()[from]` on.
    pub(super) fn update(&mut self, from: usize) {
        let keep = 1.0 - self.options.decay;
        let single = self.work.forward.columns() == 1;
        for l in from..self.network.layers().len() {
            if single {
                let input = input_of(self.rule.as_ref(), &self.work.forward, l).as_slice();
                let norm = input.iter().map(|h| h * h).sum::<f64>().sqrt();
                self.scale_delta(l, norm);
                self.learn_biases(l);
                let scaled = &self.work.scaled;
                let weights = &mut self.network.layers_mut()[l].weights;
                if l > 0 {
                    let input = self.work.forward.layer_input(l).as_slice();
                    let update = LayerUpdate { layer: l, keep, scaled, input };
                    self.rule.updating(weights, &update);
                }
                let input = input_of(self.rule.as_ref(), &self.work.forward, l).as_slice();
                add_outer_product(weights, keep, scaled, input);
            } else {
                self.update_by_many(l, keep);
            }
        }
        self.rule.constrain(&mut self.network);
        if !single {
            self.rule.refresh();
        }
    }

    /// `rate delta` of a single example, normalised if asked for; `norm` is that of the input.
    pub(super) fn scale_delta(&mut self, l: usize, norm: f64) {
        let delta = self.work.errors.delta[l].as_slice();
        let size = norm * delta.iter().map(|d| d * d).sum::<f64>().sqrt();
        let rate = self.rate(size, 1);
        self.update_norms[l] = rate.abs() * size;
        self.work.scaled.clear();
        self.work.scaled.extend(delta.iter().map(|d| rate * d));
    }

    pub(super) fn learn_biases(&mut self, l: usize) {
        if self.options.learn_biases {
            let biases = self.network.layers_mut()[l].biases.iter_mut();
            biases.zip(&self.work.scaled).for_each(|(b, s)| *b += s);
        }
    }

    fn update_by_many(&mut self, l: usize, keep: f64) {
        let delta = &self.work.errors.delta[l];
        let input = input_of(self.rule.as_ref(), &self.work.forward, l);
        // |sum delta h^T|^2 = sum over pairs of examples of their inner products.
        let pairs = matmul_tn(delta, delta).component_mul(&matmul_tn(input, input)).sum();
        let size = pairs.max(0.0).sqrt();
        let rate = self.rate(size, delta.ncols());
        self.update_norms[l] = rate.abs() * size;
        let layer = &mut self.network.layers_mut()[l];
        matmul_nt_into(rate, delta, input, keep, &mut layer.weights);
        if self.options.learn_biases {
            for column in delta.column_iter() {
                layer.biases.axpy(rate, &column, 1.0);
            }
        }
    }

    /// The factor of `sum delta h^T`, a sum over `examples` of norm `size`.
    fn rate(&self, size: f64, examples: usize) -> f64 {
        let options = &self.options;
        if options.skip_first_update && self.progress.step == 0 {
            return 0.0;
        }
        let rate = options.rate_at(self.progress.step);
        if options.normalize_updates {
            return if size > 0.0 { rate / size } else { 0.0 };
        }
        match options.reduce {
            Reduce::Sum => rate,
            Reduce::Mean => rate / examples as f64,
        }
    }
}

/// `W <- keep W + s h^T`.
fn add_outer_product(w: &mut DMatrix<f64>, keep: f64, s: &[f64], h: &[f64]) {
    let columns = w.as_mut_slice().chunks_exact_mut(s.len()).zip(h);
    if keep == 1.0 {
        columns.for_each(|(w, h)| w.iter_mut().zip(s).for_each(|(w, s)| *w += s * h));
    } else {
        columns.for_each(|(w, h)| w.iter_mut().zip(s).for_each(|(w, s)| *w = keep * *w + s * h));
    }
}
