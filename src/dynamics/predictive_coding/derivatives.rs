//! Derivatives of the right-hand side: block tridiagonal, one block per layer.

use nalgebra::{DMatrix, DVector};

use super::PredictiveCoding;
use crate::dynamics::field::VectorField;
use crate::dynamics::scratch::with_scratch;
use crate::linalg::gemm::{matmul, matmul_tn};
use crate::linalg::kernels;
use crate::network::{Forward, Output};

impl PredictiveCoding {
    /// The loss of one target at a forward pass.
    pub(super) fn loss(&self, forward: &Forward, column: usize) -> f64 {
        let target = self.target.column(column);
        match self.network.output() {
            Output::Linear => 0.5 * (target - forward.output().column(column)).norm_squared(),
            // From a rather than y, which may have underflowed.
            Output::Softmax => {
                let a = forward.pre_activations[self.hidden()].column(column);
                let largest = a.max();
                let log_sum = largest + a.iter().map(|a| (a - largest).exp()).sum::<f64>().ln();
                target.iter().zip(a.iter()).map(|(t, a)| t * (log_sum - a)).sum()
            }
        }
    }

    /// `-d delta_L / d a_L`, the curvature of the loss, for one target: `diag(p) - p p^T`, or
    /// `g'^2 - g'' (t - g)` on the diagonal.
    fn curvature(&self, forward: &Forward, column: usize) -> DMatrix<f64> {
        let y = forward.output().column(column);
        if self.network.output() == Output::Softmax {
            return DMatrix::from_diagonal(&y) - y * y.transpose();
        }
        let a = forward.pre_activations[self.hidden()].column(column).into_owned();
        let (mut first, mut second) = (DVector::zeros(a.len()), DVector::zeros(a.len()));
        let g = self.activation(self.hidden());
        g.slope(a.as_slice(), first.as_mut_slice());
        g.second_derivative(a.as_slice(), second.as_mut_slice());
        let error = self.target.column(column) - y;
        DMatrix::from_diagonal(&(first.component_mul(&first) - second.component_mul(&error)))
    }

    /// The Jacobian of one target's state, blocks of layers in order.
    pub(super) fn column_jacobian(&self, y: &[f64], column: usize) -> DMatrix<f64> {
        let forward = self.forward_at(y);
        let errors = self.prediction_errors(y);
        let sizes: Vec<usize> = self.layout.blocks().iter().map(|b| b.rows).collect();
        let mut jac = DMatrix::zeros(sizes.iter().sum(), sizes.iter().sum());
        let mut from = 0;
        for (k, &n) in sizes.iter().enumerate() {
            let z = forward.pre_activations[k].column(column).into_owned();
            let (mut slopes, mut bends) = (DVector::zeros(n), DVector::zeros(n));
            self.activation(k).slope(z.as_slice(), slopes.as_mut_slice());
            self.activation(k).second_derivative(z.as_slice(), bends.as_mut_slice());
            // W_{l+1} D_l, the way of the layer to the one above.
            let mut up = self.network.layers()[k + 1].weights.clone();
            up.column_iter_mut().zip(slopes.iter()).for_each(|(mut c, s)| c *= *s);
            let weighted = if k + 1 < sizes.len() {
                up.clone()
            } else {
                matmul(&self.curvature(&forward, column), &up)
            };
            let mut own = -matmul_tn(&up, &weighted);
            let back = self.network.layers()[k + 1].weights.tr_mul(&errors[k + 1].column(column));
            for i in 0..n {
                own[(i, i)] += bends[i] * back[i] - 1.0;
            }
            jac.view_mut((from, from), (n, n)).copy_from(&(own / self.tau_state));
            if let Some(&above) = sizes.get(k + 1) {
                let coupling = up / self.tau_state;
                jac.view_mut((from + n, from), (above, n)).copy_from(&coupling);
                jac.view_mut((from, from + n), (n, above)).copy_from(&coupling.transpose());
            }
            from += n;
        }
        jac
    }

    /// Writes the derivative of the right-hand side in direction `v` to `out`.
    pub(super) fn directional(&self, y: &[f64], v: &[f64], out: &mut [f64]) {
        let (dim, widest, outputs) = (self.dim(), self.widest(), self.outputs());
        with_scratch(dim + 3 * widest + 3 * outputs, |scratch| {
            let (errors, rest) = scratch.split_at_mut(dim);
            let (top, rest) = rest.split_at_mut(3 * outputs);
            let (top, change) = top.split_at_mut(outputs);
            let (work, rest) = rest.split_at_mut(widest);
            let (back, slopes) = rest.split_at_mut(widest);
            self.errors(y, work, errors, top);
            self.error_changes(y, v, work, out, change);
            let change = &change[..outputs];
            let blocks = self.layout.blocks();
            for (k, block) in blocks.iter().enumerate() {
                let range = block.range.clone();
                let (own, above) = out.split_at_mut(range.end);
                let own = &mut own[range.start..];
                let (z, v) = (&y[range.clone()], &v[range.clone()]);
                let (back, slopes) = (&mut back[..own.len()], &mut slopes[..own.len()]);
                let weights = &self.network.layers()[k + 1].weights;
                let (error, change) = match blocks.get(k + 1) {
                    Some(next) => (&errors[next.range.clone()], &above[..next.range.len()]),
                    None => (&*top, change),
                };
                kernels::gemm_transposed(weights, change, back);
                self.activation(k).slope(z, slopes);
                for ((own, back), slope) in own.iter_mut().zip(back.iter()).zip(slopes.iter()) {
                    *own = slope * back - *own;
                }
                kernels::gemm_transposed(weights, error, back);
                self.activation(k).second_derivative(z, slopes);
                for (((own, back), bend), v) in own.iter_mut().zip(back).zip(slopes).zip(v) {
                    *own = (*own + *bend * *back * v) / self.tau_state;
                }
            }
        });
    }

    /// Derivatives of the prediction errors: hidden ones to `changes`, that of `delta_L` to the
    /// first part of `top`, whose second part is overwritten.
    fn error_changes(
        &self,
        y: &[f64],
        v: &[f64],
        work: &mut [f64],
        changes: &mut [f64],
        top: &mut [f64],
    ) {
        let blocks = self.layout.blocks();
        let (top, a) = top.split_at_mut(self.outputs());
        for (k, block) in blocks.iter().enumerate() {
            let range = block.range.clone();
            let own = &mut changes[range.clone()];
            if k == 0 {
                own.copy_from_slice(&v[range]);
                continue;
            }
            self.rate_changes(k - 1, y, v, work);
            let work = &work[..blocks[k - 1].range.len()];
            kernels::gemm(&self.network.layers()[k].weights, work, own);
            own.iter_mut().zip(&v[range]).for_each(|(own, v)| *own = v - *own);
        }
        let (last, range) = (blocks.len() - 1, blocks[blocks.len() - 1].range.clone());
        self.rate_changes(last, y, v, work);
        kernels::gemm(&self.network.layers()[last + 1].weights, &work[..range.len()], top);
        self.activation(last).apply(&y[range.clone()], &mut work[..range.len()]);
        self.network.layers()[last + 1].pre_activation(&work[..range.len()], a);
        self.curve(a, top);
    }

    /// `g'(z) v` of one layer.
    fn rate_changes(&self, k: usize, y: &[f64], v: &[f64], out: &mut [f64]) {
        let range = self.layout.blocks()[k].range.clone();
        let out = &mut out[..range.len()];
        self.activation(k).slope(&y[range.clone()], out);
        out.iter_mut().zip(&v[range]).for_each(|(out, v)| *out *= v);
    }

    /// Replaces changes of `a_L` by those of `delta_L`; `a` is overwritten.
    fn curve(&self, a: &mut [f64], changes: &mut [f64]) {
        let n = self.target.nrows();
        if self.network.output() == Output::Softmax {
            for (p, da) in a.chunks_exact_mut(n).zip(changes.chunks_exact_mut(n)) {
                crate::network::softmax(p);
                let mean: f64 = p.iter().zip(da.iter()).map(|(p, da)| p * da).sum();
                da.iter_mut().zip(p.iter()).for_each(|(da, p)| *da = p * (mean - *da));
            }
            return;
        }
        let g = self.activation(self.hidden());
        for ((a, da), t) in a.iter().zip(changes).zip(self.target.iter()) {
            let mut bend = [0.0];
            g.second_derivative(&[*a], &mut bend);
            let slope = g.slope_at(*a);
            *da *= bend[0] * (t - g.value(*a)) - slope * slope;
        }
    }
}
