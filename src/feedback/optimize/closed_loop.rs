//! A loop as a function of its feedback matrix.

use std::ops::Range;

use nalgebra::DMatrix;

use super::{Limit, OptimizeError};
use crate::dynamics::SingleLoopChain;
use crate::linalg::gemm::{matmul, matmul_nt, matmul_tn};
use crate::linalg::svd::{default_cutoff, singular_values};

/// The loop, and what of its spectrum does not depend on the feedback.
pub(super) struct ClosedLoop<'a> {
    chain: &'a SingleLoopChain,
    /// `K = M_L .. M_2`, controller x first-stage units.
    product: DMatrix<f64>,
    /// What keeps some eigenvalues where they are, whatever the feedback.
    fixed: Vec<Limit>,
}

impl<'a> ClosedLoop<'a> {
    pub(super) fn new(chain: &'a SingleLoopChain) -> Result<Self, OptimizeError> {
        check(chain)?;
        let mut product = chain.forward[0].clone();
        for next in &chain.forward[1..] {
            product = matmul(next, &product);
        }
        let s = singular_values(&product)?;
        let largest = s.iter().copied().next().unwrap_or(0.0);
        let cutoff = default_cutoff(product.nrows(), product.ncols(), largest);
        let rank = s.iter().filter(|s| **s > cutoff).count();
        let mut fixed = Vec::new();
        if chain.forward.iter().any(|m| m.ncols() > rank) {
            fixed.push(Limit::StateDecay);
        }
        if product.nrows() > rank {
            fixed.push(Limit::ControllerLeak);
        }
        Ok(Self { chain, product, fixed })
    }

    /// The feedback the loop came with.
    pub(super) fn start(&self) -> &DMatrix<f64> {
        &self.chain.feedback
    }

    pub(super) fn states(&self) -> usize {
        self.stage_units() + self.product.nrows()
    }

    /// Sum of the decay rates around the loop.
    pub(super) fn rate(&self) -> f64 {
        self.stages() as f64 / self.chain.tau_state + self.chain.leak / self.chain.tau_controller
    }

    /// No feedback brings the rate of growth below this: the spectral abscissa, or with a `step`
    /// that of the published scheme.
    pub(super) fn least_rate(&self, step: Option<f64>) -> (f64, Limit) {
        // The sum of a mode's eigenvalues, or the product of those of its one-step matrix, is fixed.
        let (state, controller) = self.decays(step);
        let mean = (self.stages() as f64 * state + controller) / (self.stages() + 1) as f64;
        let fixed = self.fixed.iter().map(|limit| (self.fixed_rate(*limit, step), *limit));
        fixed.fold((mean, Limit::MeanRate), |a, b| if b.0 > a.0 { b } else { a })
    }

    /// Rates of growth that do not depend on the feedback.
    pub(super) fn fixed_rates(&self, step: Option<f64>) -> impl Iterator<Item = f64> + '_ {
        self.fixed.iter().map(move |limit| self.fixed_rate(*limit, step))
    }

    fn fixed_rate(&self, limit: Limit, step: Option<f64>) -> f64 {
        let (state, controller) = self.decays(step);
        if limit == Limit::ControllerLeak { controller } else { state }
    }

    /// Rates of a state and of a controller left alone.
    fn decays(&self, step: Option<f64>) -> (f64, f64) {
        let rates = (-1.0 / self.chain.tau_state, -self.chain.leak / self.chain.tau_controller);
        let Some(step) = step else { return rates };
        let discrete = |rate: f64| (1.0 + step * rate).abs().ln() / step;
        (discrete(rates.0), discrete(rates.1))
    }

    /// Blocks of [`matrix`](Self::matrix) in the order in which the published scheme advances them:
    /// the controller, then the stages.
    pub(super) fn update_order(&self, full: bool) -> Vec<Range<usize>> {
        let m = self.modes();
        let widths: Vec<usize> = match full {
            true => self.chain.forward.iter().map(DMatrix::ncols).collect(),
            false => vec![m; self.stages()],
        };
        let stages: usize = widths.iter().sum();
        let controllers = if full { self.product.nrows() } else { m };
        let mut order = Vec::with_capacity(widths.len() + 1);
        order.push(stages..stages + controllers);
        let mut start = 0;
        for width in widths {
            order.push(start..start + width);
            start += width;
        }
        order
    }

    /// The Jacobian or the companion matrix with the feedback `b`.
    pub(super) fn matrix(&self, b: &DMatrix<f64>, full: bool) -> DMatrix<f64> {
        if full { self.jacobian(b) } else { self.companion(b) }
    }

    /// Gradient with respect to the feedback, from that with respect to [`matrix`](Self::matrix).
    pub(super) fn gradient(&self, gradient: &DMatrix<f64>, full: bool) -> DMatrix<f64> {
        let size = gradient.nrows();
        if full {
            let (rows, columns) = self.chain.feedback.shape();
            return gradient.view((0, size - columns), (rows, columns)) / self.chain.tau_state;
        }
        let m = self.modes();
        let block = gradient.view((size - m, size - 2 * m), (m, m)) * self.coupling();
        if self.keeps_controller() {
            matmul_tn(&self.product, &block)
        } else {
            matmul_nt(&block, &self.product)
        }
    }

    fn jacobian(&self, b: &DMatrix<f64>) -> DMatrix<f64> {
        let SingleLoopChain { forward, leak, tau_state, tau_controller, .. } = self.chain;
        let stages = self.stage_units();
        let size = self.states();
        let mut j = DMatrix::zeros(size, size);
        for i in 0..size {
            j[(i, i)] = if i < stages { -1.0 / tau_state } else { -leak / tau_controller };
        }
        j.view_mut((0, stages), b.shape()).copy_from(&(b / *tau_state));
        let mut column = 0;
        for m in forward {
            let row = column + m.ncols();
            let tau = if row == stages { tau_controller } else { tau_state };
            j.view_mut((row, column), m.shape()).copy_from(&(m / *tau));
            column = row;
        }
        j
    }

    /// Stages of `modes` units each, joined by identities; the last one reaches the controller
    /// through `K B` or `B K`.
    fn companion(&self, b: &DMatrix<f64>) -> DMatrix<f64> {
        let SingleLoopChain { leak, tau_state, tau_controller, .. } = self.chain;
        let (m, stages) = (self.modes(), self.stages());
        let size = m * (stages + 1);
        let mut j = DMatrix::zeros(size, size);
        for i in 0..size {
            let stage = i < m * stages;
            j[(i, i)] = if stage { -1.0 / tau_state } else { -leak / tau_controller };
            if stage && i >= m {
                j[(i, i - m)] = 1.0 / tau_state;
            }
        }
        for i in 0..m {
            j[(i, size - m + i)] = self.coupling();
        }
        let closed = if self.keeps_controller() {
            matmul(&self.product, b)
        } else {
            matmul(b, &self.product)
        };
        j.view_mut((size - m, size - 2 * m), (m, m)).copy_from(&(closed * self.coupling()));
        j
    }

    /// The product of both couplings with the controller is `1/(tau_state tau_controller)`; equal
    /// shares keep the companion matrix balanced.
    fn coupling(&self) -> f64 {
        1.0 / (self.chain.tau_state * self.chain.tau_controller).sqrt()
    }

    fn stages(&self) -> usize {
        self.chain.forward.len()
    }

    fn stage_units(&self) -> usize {
        self.chain.forward.iter().map(DMatrix::ncols).sum()
    }

    fn keeps_controller(&self) -> bool {
        self.product.nrows() <= self.product.ncols()
    }

    fn modes(&self) -> usize {
        self.product.nrows().min(self.product.ncols())
    }
}

fn check(chain: &SingleLoopChain) -> Result<(), OptimizeError> {
    let requirement = "finite and positive";
    let positive = |option, value: f64| {
        let good = value.is_finite() && value > 0.0;
        if good { Ok(()) } else { Err(OptimizeError::Option { option, value, requirement }) }
    };
    positive("tau_state", chain.tau_state)?;
    positive("tau_controller", chain.tau_controller)?;
    if !(chain.leak.is_finite() && chain.leak >= 0.0) {
        let requirement = "finite and at least 0";
        return Err(OptimizeError::Option { option: "leak", value: chain.leak, requirement });
    }
    let Some(first) = chain.forward.first() else {
        let requirement = "at least 1";
        return Err(OptimizeError::Option { option: "stages", value: 0.0, requirement });
    };
    let fits = |what, matrix: &DMatrix<f64>, rows, columns| {
        let (found_rows, found_columns) = matrix.shape();
        if (found_rows, found_columns) == (rows, columns) && rows * columns > 0 {
            return Ok(());
        }
        Err(OptimizeError::Shape { what, rows, columns, found_rows, found_columns })
    };
    let mut units = first.ncols();
    for m in &chain.forward {
        fits("a forward matrix", m, m.nrows(), units)?;
        units = m.nrows();
    }
    fits("the feedback matrix", &chain.feedback, first.ncols(), units)
}
