//! The equilibrium equation of a chain in the controller alone.

use nalgebra::DMatrix;

use super::chain::Chain;
use super::solver::loop_product;
use crate::dynamics::reduction::ReducedEquilibrium;
use crate::linalg::kernels;

/// One target's chain at rest: `F_L(r_{L-1}) - leak u - target = 0` with `r_1 = B u` and
/// `r_l = F_l(r_{l-1})`.
pub(super) struct ChainReduction<'a> {
    chain: &'a Chain,
    column: usize,
    target: &'a [f64],
}

impl<'a> ChainReduction<'a> {
    pub(super) fn new(chain: &'a Chain, column: usize, target: &'a [f64]) -> Self {
        Self { chain, column, target }
    }

    /// The stages at rest under the controller `u`, then `F_L` of the last one.
    fn climb(&self, u: &[f64]) -> Vec<Vec<f64>> {
        let mut levels = vec![vec![0.0; self.chain.stage_units(0)]];
        kernels::gemv(&self.chain.feedback, u, &mut levels[0]);
        for (k, link) in self.chain.links.iter().enumerate() {
            let mut phi = vec![0.0; levels[k].len()];
            link.map.apply_column(self.column, &levels[k], &mut phi);
            let mut next = vec![0.0; link.weights.nrows()];
            kernels::gemv(&link.weights, &phi, &mut next);
            levels.push(next);
        }
        levels
    }
}

impl ReducedEquilibrium for ChainReduction<'_> {
    fn dim(&self) -> usize {
        self.chain.controller_units()
    }

    fn residual(&self, z: &[f64], out: &mut [f64]) {
        let levels = self.climb(z);
        let reached = &levels[self.chain.stages()];
        for (((out, reached), u), target) in out.iter_mut().zip(reached).zip(z).zip(self.target) {
            *out = reached - self.chain.parameters.leak * u - target;
        }
    }

    fn jacobian(&self, z: &[f64], out: &mut DMatrix<f64>) {
        let slope = |(level, link): (&Vec<f64>, &super::chain::Link)| {
            let mut slope = vec![0.0; level.len()];
            link.map.slope_column(self.column, level, &mut slope);
            slope
        };
        let slopes: Vec<_> = self.climb(z).iter().zip(&self.chain.links).map(slope).collect();
        *out = loop_product(self.chain, |k| slopes[k].as_slice());
        for i in 0..out.nrows() {
            out[(i, i)] -= self.chain.parameters.leak;
        }
    }

    fn lift(&self, z: &[f64]) -> Vec<f64> {
        let mut levels = self.climb(z);
        levels[self.chain.stages()] = z.to_vec();
        levels.concat()
    }
}
