//! The first layer at the speed of matrix-matrix products.
//!
//! The inputs `x_0 .. x_{K-1}` of a block of single-example updates are known in advance. With
//! `W_{k+1} = keep W_k + s_k x_k^T` the pre-activations `a_k = W_k x_k` therefore need `W` only
//! once, in `A = W_0 X`; the rest follows from the Gram matrix `G = X^T X`:
//!
//! ```text
//! a_k = keep^k (A_k + sum_{j<k} d_j G_jk),   d_j = s_j / keep^{j+1}
//! W_K = keep^K (W_0 + sum_j d_j x_j^T)
//! ```
//!
//! Three matrix-matrix products replace `K` reads and writes of `W`. Blocks are cut into sections:
//! earlier sections enter through products, only the current one through its single vectors.

use nalgebra::DMatrix;

use crate::linalg::gemm::matmul_nt_into;
use crate::linalg::kernels;

/// Updates per section: the vectors of one section of a 1000-unit layer fit the second-level cache.
const SECTION: usize = 16;

/// The first layer during one block.
pub(super) struct FirstLayer<'a> {
    inputs: &'a DMatrix<f64>,
    gram: &'a DMatrix<f64>,
    keep: f64,
    /// `A`, with the contributions of finished sections.
    responses: DMatrix<f64>,
    /// All `d_j`.
    changes: DMatrix<f64>,
    /// The `d_j` of the current section, zero where not yet known.
    section: DMatrix<f64>,
    coefficients: Vec<f64>,
    done: usize,
}

impl<'a> FirstLayer<'a> {
    /// A block over all columns of `inputs`, whose Gram matrix is `gram`.
    pub(super) fn new(
        w: &DMatrix<f64>,
        inputs: &'a DMatrix<f64>,
        gram: &'a DMatrix<f64>,
        keep: f64,
    ) -> Self {
        let (n, count) = (w.nrows(), inputs.ncols());
        let mut responses = DMatrix::zeros(n, count);
        kernels::gemm(w, inputs.as_slice(), responses.as_mut_slice());
        Self {
            inputs,
            gram,
            keep,
            responses,
            changes: DMatrix::zeros(n, count),
            section: DMatrix::zeros(n, SECTION),
            coefficients: vec![0.0; SECTION],
            done: 0,
        }
    }

    /// Writes `W_k x_k` for the update that comes next.
    pub(super) fn respond(&mut self, out: &mut [f64]) {
        let k = self.done;
        let first = k - k % SECTION;
        if k == first {
            out.fill(0.0);
        } else {
            self.coefficients.fill(0.0);
            for (c, j) in self.coefficients.iter_mut().zip(first..k) {
                *c = self.gram[(j, k)];
            }
            kernels::gemv(&self.section, &self.coefficients, out);
        }
        let power = self.keep.powi(k as i32);
        for (out, a) in out.iter_mut().zip(self.responses.column(k).iter()) {
            *out = power * (*out + a);
        }
    }

    /// Takes the next `s_k`.
    pub(super) fn update(&mut self, scaled: &[f64]) {
        let k = self.done;
        let n = scaled.len();
        let factor = 1.0 / self.keep.powi(k as i32 + 1);
        let place = k % SECTION;
        let section = &mut self.section.as_mut_slice()[place * n..(place + 1) * n];
        section.iter_mut().zip(scaled).for_each(|(d, s)| *d = factor * s);
        self.changes.as_mut_slice()[k * n..(k + 1) * n].copy_from_slice(section);
        self.done += 1;
        if place + 1 == SECTION {
            self.finish_section();
        }
    }

    /// Adds the section just finished to all later responses.
    fn finish_section(&mut self) {
        let (n, first, next) = (self.section.nrows(), self.done - SECTION, self.done);
        let later = self.inputs.ncols() - next;
        if later > 0 {
            let gram = self.gram.view((first, next), (SECTION, later)).into_owned();
            let responses = &mut self.responses.as_mut_slice()[next * n..];
            kernels::gemm_add(&self.section, gram.as_slice(), responses);
        }
        self.section.fill(0.0);
    }

    /// Brings the weights up to date.
    pub(super) fn finish(self, w: &mut DMatrix<f64>) {
        let power = self.keep.powi(self.done as i32);
        matmul_nt_into(power, &self.changes, self.inputs, power, w);
    }
}
