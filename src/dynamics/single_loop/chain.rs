//! The right-hand side of a chain of stages and its derivatives.

use std::ops::Range;
use std::sync::Arc;

use nalgebra::DMatrix;

use super::ChainLayer;
use crate::dynamics::error::{DynamicsError, require_finite, require_shape};
use crate::dynamics::layer_loop::LoopParameters;
use crate::dynamics::scratch::with_scratch;
use crate::dynamics::state_map::StateMap;
use crate::dynamics::structure::{SingleLoopChain, SlopeForm};
use crate::linalg::kernels;

/// One step up the chain: from stage `k` to stage `k + 1`, or from the last stage to the controller.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) weights: Arc<DMatrix<f64>>,
    pub(super) map: StateMap,
    /// For messages.
    transfer: String,
}

/// A chain of stages closed by one controller. Blocks are numbered from 0: the stages, then the
/// controller.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub(super) links: Vec<Link>,
    pub(super) feedback: Arc<DMatrix<f64>>,
    pub(super) parameters: LoopParameters,
    pub(super) columns: usize,
    ranges: Vec<Range<usize>>,
}

impl Chain {
    /// Checks that the parts fit and are finite.
    pub(super) fn new(
        layers: Vec<ChainLayer>,
        feedback: Arc<DMatrix<f64>>,
        parameters: LoopParameters,
        columns: usize,
    ) -> Result<Self, DynamicsError> {
        let empty = |what: &str| Err(DynamicsError::Empty { what: what.to_owned() });
        let (Some(first), Some(last)) = (layers.first(), layers.last()) else {
            return empty("list of layers");
        };
        if columns == 0 {
            return empty("target");
        }
        parameters.check()?;
        let (inputs, outputs) = (first.weights.ncols(), last.weights.nrows());
        require_shape("feedback matrix", &feedback, (inputs, outputs))?;
        require_finite("feedback matrix", &feedback)?;
        let (mut ranges, mut links) = (Vec::new(), Vec::new());
        let (mut units, mut start) = (inputs, 0);
        for (k, ChainLayer { weights, transfer }) in layers.into_iter().enumerate() {
            let what = format!("weights of layer {}", k + 2);
            if weights.is_empty() {
                return empty(&what);
            }
            require_shape(&what, &weights, (weights.nrows(), units))?;
            require_finite(&what, &weights)?;
            let map = StateMap::new(&transfer, units, columns)?;
            ranges.push(start..start + units * columns);
            start += units * columns;
            units = weights.nrows();
            links.push(Link { weights, map, transfer: transfer.describe() });
        }
        ranges.push(start..start + units * columns);
        Ok(Self { links, feedback, parameters, columns, ranges })
    }

    /// Number of stages, which is also the number of the controller's block.
    pub(super) fn stages(&self) -> usize {
        self.links.len()
    }

    /// Units of stage `k` per target.
    pub(super) fn stage_units(&self, k: usize) -> usize {
        self.links[k].weights.ncols()
    }

    /// Units of the controller per target.
    pub(super) fn controller_units(&self) -> usize {
        self.feedback.ncols()
    }

    /// Position of a block in the state vector.
    pub(super) fn range(&self, block: usize) -> Range<usize> {
        self.ranges[block].clone()
    }

    /// Why the chain is not linear, if it is not.
    pub(super) fn nonlinearity(&self) -> Option<String> {
        self.links
            .iter()
            .find(|link| !link.map.has_constant_slope())
            .map(|link| link.transfer.clone())
    }

    /// Writes one block of the right-hand side. The block before it in `dy` serves as scratch, so
    /// a full evaluation runs from the controller down.
    pub(super) fn eval_block(&self, block: usize, y: &[f64], target: &[f64], dy: &mut [f64]) {
        self.drive(block, &y[self.range(self.stages())], dy, |k, scratch| {
            self.links[k].map.apply(&y[self.range(k)], scratch);
        });
        self.decay(block, y, dy);
        if block == self.stages() {
            let rate = 1.0 / self.parameters.tau_controller;
            dy[self.range(block)]
                .iter_mut()
                .zip(target)
                .for_each(|(d, target)| *d -= rate * target);
        }
    }

    /// Writes one block of the directional derivative along `v`, in the order of
    /// [`eval_block`](Self::eval_block).
    pub(super) fn jvp_block(&self, block: usize, y: &[f64], v: &[f64], out: &mut [f64]) {
        self.drive(block, &v[self.range(self.stages())], out, |k, scratch| {
            self.links[k].map.slope(&y[self.range(k)], scratch);
            scratch.iter_mut().zip(&v[self.range(k)]).for_each(|(s, v)| *s *= v);
        });
        self.decay(block, v, out);
    }

    /// What drives a block: `B u`, or the weights times what `fill` writes for the stage before.
    fn drive(&self, block: usize, u: &[f64], dy: &mut [f64], fill: impl Fn(usize, &mut [f64])) {
        if block == 0 {
            return kernels::gemm(&self.feedback, u, &mut dy[self.range(0)]);
        }
        let (before, rest) = dy.split_at_mut(self.range(block).start);
        let scratch = &mut before[self.range(block - 1)];
        fill(block - 1, scratch);
        kernels::gemm(
            &self.links[block - 1].weights,
            scratch,
            &mut rest[..self.range(block).len()],
        );
    }

    /// Adds the block's own decay to its drive and divides by its time constant.
    fn decay(&self, block: usize, y: &[f64], dy: &mut [f64]) {
        let LoopParameters { leak, tau_state, tau_controller } = self.parameters;
        let (decay, rate) = if block == self.stages() {
            (leak, 1.0 / tau_controller)
        } else {
            (1.0, 1.0 / tau_state)
        };
        for (d, y) in dy[self.range(block)].iter_mut().zip(&y[self.range(block)]) {
            *d = rate * (*d - decay * y);
        }
    }

    /// Where the stages, moving from `y0` to `y1`, first meet a kink, as a fraction of the way.
    pub(super) fn first_kink(&self, y0: &[f64], y1: &[f64]) -> Option<f64> {
        let of_link =
            |(k, link): (usize, &Link)| link.map.first_kink(&y0[self.range(k)], &y1[self.range(k)]);
        self.links.iter().enumerate().filter_map(of_link).reduce(f64::min)
    }

    /// Writes the nonzero entries of the Jacobian.
    pub(super) fn write_jacobian(&self, y: &[f64], jac: &mut DMatrix<f64>) {
        let LoopParameters { leak, tau_state, tau_controller } = self.parameters;
        let controller = self.range(self.stages());
        for i in 0..controller.start {
            jac[(i, i)] = -1.0 / tau_state;
        }
        for i in controller.clone() {
            jac[(i, i)] = -leak / tau_controller;
        }
        let (n, m) = self.feedback.shape();
        let feedback = self.feedback.as_ref() / tau_state;
        for column in 0..self.columns {
            jac.view_mut((column * n, controller.start + column * m), (n, m)).copy_from(&feedback);
        }
        for (k, link) in self.links.iter().enumerate() {
            let tau = if k + 1 == self.stages() { tau_controller } else { tau_state };
            let (rows, units) = link.weights.shape();
            let (from, to) = (self.range(k), self.range(k + 1));
            with_scratch(from.len(), |slope| {
                link.map.slope(&y[from.clone()], slope);
                for (i, s) in slope.iter().enumerate() {
                    let mut below =
                        jac.view_mut((to.start + i / units * rows, from.start + i), (rows, 1));
                    below.copy_from(&link.weights.column(i % units));
                    below *= s / tau;
                }
            });
        }
    }

    /// The linearised chain of target `column` at the state `y`.
    pub(super) fn linearised(&self, y: &[f64], column: usize) -> SingleLoopChain {
        let slope_times_weights = |(k, link): (usize, &Link)| {
            let units = link.weights.ncols();
            let r = &y[self.range(k)][column * units..(column + 1) * units];
            let mut forward = link.weights.as_ref().clone();
            with_scratch(units, |slope| {
                link.map.slope_column(column, r, slope);
                forward.column_iter_mut().zip(slope.iter()).for_each(|(mut w, s)| w *= *s);
            });
            forward
        };
        SingleLoopChain {
            forward: self.links.iter().enumerate().map(slope_times_weights).collect(),
            feedback: self.feedback.as_ref().clone(),
            leak: self.parameters.leak,
            tau_state: self.parameters.tau_state,
            tau_controller: self.parameters.tau_controller,
        }
    }

    /// The Jacobian of one target as a function of slopes; links with constant slopes are part of
    /// what is constant.
    pub(super) fn slope_form(&self, column: usize) -> SlopeForm {
        let LoopParameters { leak, tau_state, tau_controller } = self.parameters;
        let widths: Vec<usize> = self.links.iter().map(|link| link.weights.ncols()).collect();
        let stages: usize = widths.iter().sum();
        let (n, m) = self.feedback.shape();
        let mut constant = DMatrix::zeros(stages + m, stages + m);
        for i in 0..stages + m {
            constant[(i, i)] = if i < stages { -1.0 / tau_state } else { -leak / tau_controller };
        }
        constant.view_mut((0, stages), (n, m)).copy_from(&(self.feedback.as_ref() / tau_state));
        let (mut units, mut places) = (Vec::new(), Vec::new());
        let mut from = 0;
        for (k, link) in self.links.iter().enumerate() {
            let to = from + widths[k];
            let tau = if k + 1 == self.stages() { tau_controller } else { tau_state };
            let weights = link.weights.as_ref() / tau;
            let found = (0..widths[k]).filter_map(|i| link.map.slope_unit(i, column));
            let found: Vec<_> = found.collect();
            if found.is_empty() {
                let mut block = constant.view_mut((to, from), weights.shape());
                block.copy_from(&weights);
                with_scratch(widths[k], |slope| {
                    link.map.slope_column(column, &vec![0.0; slope.len()], slope);
                    block.column_iter_mut().zip(slope.iter()).for_each(|(mut w, s)| w *= *s);
                });
            } else {
                let columns =
                    (0..widths[k]).map(|i| (from + i, to, weights.column(i).into_owned()));
                places.extend(columns);
                units.extend(found);
            }
            from = to;
        }
        let mut left = DMatrix::zeros(stages + m, units.len());
        let mut right = DMatrix::zeros(units.len(), stages + m);
        for (unit, (from, to, weights)) in places.into_iter().enumerate() {
            left.view_mut((to, unit), (weights.len(), 1)).copy_from(&weights);
            right[(unit, from)] = 1.0;
        }
        SlopeForm { constant, left, right, units }
    }
}
