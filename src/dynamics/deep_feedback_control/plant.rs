//! The network that is controlled, as functions of a stack of voltages.

use std::ops::Range;
use std::sync::Arc;

use nalgebra::{DMatrix, DVector};

use crate::dynamics::error::{DynamicsError, require_finite, require_shape};
use crate::linalg::kernels;
use crate::network::{Activation, Forward, Network, Output};

/// One layer: `W` and `b` (neither for the first, whose input is constant) and `g`.
#[derive(Debug, Clone)]
struct PlantLayer {
    weights: Arc<DMatrix<f64>>,
    biases: DVector<f64>,
    activation: Activation,
    units: usize,
}

/// The layers of a network driven by fixed inputs. Voltages of all layers and targets are one stack:
/// layer 1 of every target, then layer 2, and so on.
#[derive(Debug, Clone)]
pub(super) struct Plant {
    layers: Vec<PlantLayer>,
    /// `W_1 x + b_1`.
    drive: DMatrix<f64>,
    output: Output,
    pub(super) columns: usize,
    starts: Vec<usize>,
}

/// Refuses values of a forward pass that belong to another network, or to no input.
pub(super) fn check_forward(network: &Network, forward: &Forward) -> Result<(), DynamicsError> {
    if forward.columns() == 0 {
        return Err(DynamicsError::Empty { what: "list of inputs".to_owned() });
    }
    let (found, expected) = (forward.pre_activations.len(), network.layers().len());
    if found != expected {
        return Err(DynamicsError::Shape {
            what: "list of pre-activations".to_owned(),
            found_rows: found,
            found_columns: 1,
            expected: format!("{expected} x 1, one matrix per layer"),
        });
    }
    for (l, (a, layer)) in forward.pre_activations.iter().zip(network.layers()).enumerate() {
        let what = format!("pre-activations of layer {}", l + 1);
        require_shape(&what, a, (layer.units(), forward.columns()))?;
        require_finite(&what, a)?;
    }
    Ok(())
}

impl Plant {
    pub(super) fn new(network: &Network, forward: &Forward) -> Self {
        let columns = forward.columns();
        let layer = |(l, layer): (usize, &crate::network::Layer)| PlantLayer {
            weights: Arc::new(if l == 0 { DMatrix::zeros(0, 0) } else { layer.weights.clone() }),
            biases: layer.biases.clone(),
            activation: layer.activation,
            units: layer.units(),
        };
        let layers: Vec<_> = network.layers().iter().enumerate().map(layer).collect();
        let mut starts = vec![0];
        for layer in &layers {
            starts.push(starts[starts.len() - 1] + layer.units * columns);
        }
        let drive = forward.pre_activations[0].clone();
        Self { layers, drive, output: network.output(), columns, starts }
    }

    /// The plant of one target alone.
    pub(super) fn single(&self, column: usize) -> Self {
        let starts = self.starts.iter().map(|start| start / self.columns).collect();
        let drive = self.drive.columns(column, 1).into_owned();
        let (layers, output) = (self.layers.clone(), self.output);
        Self { layers, drive, output, columns: 1, starts }
    }

    /// Number of layers.
    pub(super) fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Units of layer `l`, from 0.
    pub(super) fn units(&self, l: usize) -> usize {
        self.layers[l].units
    }

    /// Units of the output layer.
    pub(super) fn outputs(&self) -> usize {
        self.layers[self.depth() - 1].units
    }

    /// Length of the stack.
    pub(super) fn len(&self) -> usize {
        self.starts[self.depth()]
    }

    /// Place of layer `l` in the stack.
    pub(super) fn range(&self, l: usize) -> Range<usize> {
        self.starts[l]..self.starts[l + 1]
    }

    /// Place of the output layer in the stack.
    pub(super) fn output_range(&self) -> Range<usize> {
        self.range(self.depth() - 1)
    }

    /// Whether rates are affine functions of voltages.
    pub(super) fn is_linear(&self) -> bool {
        self.output == Output::Linear
            && self.layers.iter().all(|l| l.activation == Activation::Linear)
    }

    /// What makes the plant nonlinear, for messages.
    pub(super) fn nonlinearity(&self) -> Option<String> {
        if self.output == Output::Softmax {
            return Some("softmax output".to_owned());
        }
        let curved = self.layers.iter().position(|l| l.activation != Activation::Linear)?;
        Some(format!("{} in layer {}", self.layers[curved].activation.name(), curved + 1))
    }

    /// `r_l` of every layer; the output after softmax, where there is one.
    pub(super) fn rates(&self, v: &[f64], r: &mut [f64]) {
        (0..self.depth()).for_each(|l| self.rates_of(l, v, r));
    }

    fn rates_of(&self, l: usize, v: &[f64], r: &mut [f64]) {
        let range = self.range(l);
        self.layers[l].activation.apply(&v[range.clone()], &mut r[range.clone()]);
        if l + 1 == self.depth() && self.output == Output::Softmax {
            r[range].chunks_exact_mut(self.outputs()).for_each(crate::network::softmax);
        }
    }

    /// `g'(v_l)` of every layer.
    pub(super) fn slopes(&self, v: &[f64], out: &mut [f64]) {
        for (l, layer) in self.layers.iter().enumerate() {
            layer.activation.slope(&v[self.range(l)], &mut out[self.range(l)]);
        }
    }

    /// `W_l r_{l-1} + b_l` of every layer.
    pub(super) fn input(&self, r: &[f64], out: &mut [f64]) {
        out[self.range(0)].copy_from_slice(self.drive.as_slice());
        for l in 1..self.depth() {
            self.propagate(l, &r[self.range(l - 1)], &mut out[self.range(l)]);
            self.add_biases(l, &mut out[self.range(l)]);
        }
    }

    fn add_biases(&self, l: usize, out: &mut [f64]) {
        for column in out.chunks_exact_mut(self.units(l)) {
            column.iter_mut().zip(self.layers[l].biases.iter()).for_each(|(x, b)| *x += b);
        }
    }

    /// `W_l x` for layer `l > 0`.
    pub(super) fn propagate(&self, l: usize, x: &[f64], out: &mut [f64]) {
        kernels::gemm(&self.layers[l].weights, x, out);
    }

    /// Voltages and rates at rest under the extra input `d`: `v_l = W_l r_{l-1} + b_l + d_l`.
    pub(super) fn climb(&self, d: &[f64], v: &mut [f64], r: &mut [f64]) {
        for l in 0..self.depth() {
            let range = self.range(l);
            if l == 0 {
                v[range.clone()].copy_from_slice(self.drive.as_slice());
            } else {
                self.propagate(l, &r[self.range(l - 1)], &mut v[range.clone()]);
                self.add_biases(l, &mut v[range.clone()]);
            }
            v[range.clone()].iter_mut().zip(&d[range]).for_each(|(v, d)| *v += d);
            self.rates_of(l, v, r);
        }
    }

    /// The linear response of [`climb`](Self::climb) at `slopes`: replaces the change `dv` of the
    /// extra input by that of the voltages, each stage scaled by `q`. `work` is one layer long.
    pub(super) fn climb_linear(&self, slopes: &[f64], q: f64, dv: &mut [f64], work: &mut [f64]) {
        for l in 1..self.depth() {
            let (below, above) = (self.range(l - 1), self.range(l));
            let (low, high) = dv.split_at_mut(above.start);
            let scaled = &mut work[..below.len()];
            let product = low[below.clone()].iter().zip(&slopes[below]);
            scaled.iter_mut().zip(product).for_each(|(x, (v, s))| *x = q * v * s);
            kernels::gemm_add(&self.layers[l].weights, scaled, &mut high[..above.len()]);
        }
    }

    /// `S x` for every target, `S = d r_L / d v_L` where the output layer has these slopes and rates.
    pub(super) fn output_slope(&self, slopes: &[f64], rates: &[f64], x: &mut [f64]) {
        match self.output {
            Output::Linear => x.iter_mut().zip(slopes).for_each(|(x, s)| *x *= s),
            Output::Softmax => {
                let n = self.outputs();
                for (x, p) in x.chunks_exact_mut(n).zip(rates.chunks_exact(n)) {
                    let mean: f64 = x.iter().zip(p).map(|(x, p)| x * p).sum();
                    x.iter_mut().zip(p).for_each(|(x, p)| *x = p * (*x - mean));
                }
            }
        }
    }

    /// An orthonormal basis of the errors that voltages can cause: everything, or with softmax what is
    /// orthogonal to a common change of all outputs.
    pub(super) fn error_basis(&self) -> DMatrix<f64> {
        let n = self.outputs();
        match self.output {
            Output::Linear => DMatrix::identity(n, n),
            // Columns (1, .., 1, -k, 0, .., 0) / sqrt(k (k + 1)) of Helmert's matrix.
            Output::Softmax => DMatrix::from_fn(n, n - 1, |i, j| {
                let k = (j + 1) as f64;
                let entry = if i <= j {
                    1.0
                } else if i == j + 1 {
                    -k
                } else {
                    0.0
                };
                entry / (k * (k + 1.0)).sqrt()
            }),
        }
    }

    /// `J_l^T u` for every layer by one sweep down; `u` is `n_L x targets`, `q` a stack.
    pub(super) fn pull_back(&self, slopes: &[f64], rates: &[f64], u: &[f64], q: &mut [f64]) {
        let last = self.output_range();
        q[last.clone()].copy_from_slice(u);
        self.output_slope(&slopes[last.clone()], &rates[last.clone()], &mut q[last]);
        for l in (1..self.depth()).rev() {
            let (below, above) = (self.range(l - 1), self.range(l));
            let (low, high) = q.split_at_mut(above.start);
            let low = &mut low[below.clone()];
            kernels::gemm_transposed(&self.layers[l].weights, &high[..above.len()], low);
            low.iter_mut().zip(&slopes[below]).for_each(|(q, s)| *q *= s);
        }
    }

    /// The change of `J_l(v)^T u` when `v` moves by `dv` and `u` by `du`; `at.q` holds `J_l^T u`.
    /// `work` is twice as long as the stack.
    pub(super) fn pull_back_change(
        &self,
        at: &Point<'_>,
        change: &Change<'_>,
        out: &mut [f64],
        work: &mut [f64],
    ) {
        let last = self.output_range();
        out[last.clone()].copy_from_slice(change.du);
        let (slopes, rates) = (&at.slopes[last.clone()], &at.rates[last.clone()]);
        self.output_slope(slopes, rates, &mut out[last.clone()]);
        self.add_output_curvature(at, change, &mut out[last], work);
        for l in (1..self.depth()).rev() {
            let (below, above) = (self.range(l - 1), self.range(l));
            let weights = &self.layers[l].weights;
            let (low, high) = out.split_at_mut(above.start);
            let low = &mut low[below.clone()];
            kernels::gemm_transposed(weights, &high[..above.len()], low);
            low.iter_mut().zip(&at.slopes[below.clone()]).for_each(|(q, s)| *q *= s);
            // W^T q_l again: the slope of q_{l-1} may be 0, so it cannot be divided out.
            let (back, second) = work[..2 * below.len()].split_at_mut(below.len());
            kernels::gemm_transposed(weights, &at.q[above], back);
            self.layers[l - 1].activation.second_derivative(&at.v[below.clone()], second);
            let terms = back.iter().zip(second.iter()).zip(&change.dv[below]);
            low.iter_mut().zip(terms).for_each(|(q, ((b, s), dv))| *q += b * s * dv);
        }
    }

    /// `dS u` with `dS` the change of the output's slope.
    fn add_output_curvature(
        &self,
        at: &Point<'_>,
        change: &Change<'_>,
        out: &mut [f64],
        work: &mut [f64],
    ) {
        let last = self.output_range();
        let dv = &change.dv[last.clone()];
        match self.output {
            Output::Linear => {
                let second = &mut work[..dv.len()];
                let activation = self.layers[self.depth() - 1].activation;
                activation.second_derivative(&at.v[last], second);
                let terms = second.iter().zip(dv).zip(at.u);
                out.iter_mut().zip(terms).for_each(|(q, ((s, dv), u))| *q += s * dv * u);
            }
            Output::Softmax => {
                let n = self.outputs();
                let p = at.rates[last].chunks_exact(n);
                let columns = p.zip(dv.chunks_exact(n)).zip(at.u.chunks_exact(n));
                for (((p, dv), u), out) in columns.zip(out.chunks_exact_mut(n)) {
                    // S u = p (u - p.u), so its change is dp (u - p.u) - p (dp.u).
                    let mean: f64 = p.iter().zip(dv).map(|(p, v)| p * v).sum();
                    let pu: f64 = p.iter().zip(u).map(|(p, u)| p * u).sum();
                    let dp = |i: usize| p[i] * (dv[i] - mean);
                    let dpu: f64 = (0..n).map(|i| dp(i) * u[i]).sum();
                    for i in 0..n {
                        out[i] += dp(i) * (u[i] - pu) - p[i] * dpu;
                    }
                }
            }
        }
    }

    /// `J_l^T` of the first `targets` targets side by side, `n_l x (n_L targets)`.
    pub(super) fn jacobian_transposes(
        &self,
        slopes: &[f64],
        rates: &[f64],
        targets: usize,
    ) -> Vec<DMatrix<f64>> {
        let outputs = self.outputs();
        let width = outputs * targets;
        let last = self.output_range();
        let mut block = DMatrix::zeros(outputs, width);
        for (c, mut column) in block.column_iter_mut().enumerate() {
            let (target, k) = (c / outputs, c % outputs);
            column[k] = 1.0;
            let part = last.start + target * outputs..last.start + (target + 1) * outputs;
            self.output_slope(&slopes[part.clone()], &rates[part], column.as_mut_slice());
        }
        let mut blocks = vec![block];
        for l in (1..self.depth()).rev() {
            let n = self.units(l - 1);
            let mut below = DMatrix::zeros(n, width);
            let above = &blocks[blocks.len() - 1];
            let weights = &self.layers[l].weights;
            kernels::gemm_transposed(weights, above.as_slice(), below.as_mut_slice());
            let slopes = &slopes[self.range(l - 1)];
            for (c, column) in below.as_mut_slice().chunks_exact_mut(n).enumerate() {
                let slope = &slopes[c / outputs * n..(c / outputs + 1) * n];
                column.iter_mut().zip(slope).for_each(|(x, s)| *x *= s);
            }
            blocks.push(below);
        }
        blocks.reverse();
        blocks
    }
}

/// Where a plant is linearised: voltages, slopes, rates, control signal and `J_l^T u`.
pub(super) struct Point<'a> {
    pub(super) v: &'a [f64],
    pub(super) slopes: &'a [f64],
    pub(super) rates: &'a [f64],
    pub(super) u: &'a [f64],
    pub(super) q: &'a [f64],
}

/// How voltages and control signal change.
pub(super) struct Change<'a> {
    pub(super) dv: &'a [f64],
    pub(super) du: &'a [f64],
}
