//! Linear systems shaped by a chain of stages.

use std::cell::RefCell;

use nalgebra::DMatrix;

use super::chain::Chain;
use crate::dynamics::NoClosedForm;
use crate::dynamics::layer_loop::{combine, times_slope};
use crate::dynamics::small_system::{TargetSystems, for_each_system, require_regular};
use crate::linalg::kernels;

/// Solves `(base I - shift J) x = b` for the Jacobian `J` of a chain at a frozen state.
///
/// `J` is block bidiagonal up the stages, closed by the controller's `B`. With
/// `p = base + shift/tau_state`, `a = shift/tau_state`, `q = base + shift leak/tau_controller`,
/// `c = shift/tau_controller` and `K = M_L .. M_2 B`: one sweep up the stages leaves
/// `(q I - c (a/p)^n K) x_u = b_u + c M_L d_n` in the controller, a second sweep adds the part of
/// `x_u` to every stage.
pub(super) struct ChainSolver<'a> {
    chain: &'a Chain,
    /// Slope of every stage, one column per distinct factorisation.
    slopes: Vec<DMatrix<f64>>,
    /// `K`, one per distinct factorisation.
    loop_products: Vec<DMatrix<f64>>,
    systems: Option<TargetSystems>,
    base: f64,
    shift: f64,
    scratch: RefCell<Scratch>,
}

/// Two values per unit of the widest block.
struct Scratch {
    scaled: Vec<f64>,
    product: Vec<f64>,
}

impl<'a> ChainSolver<'a> {
    pub(super) fn new(chain: &'a Chain) -> Self {
        let shared = chain.links.iter().all(|link| link.map.has_shared_slope());
        let distinct = if shared { 1 } else { chain.columns };
        let slopes =
            (0..chain.stages()).map(|k| DMatrix::zeros(chain.stage_units(k), distinct)).collect();
        let widest = (0..=chain.stages()).map(|block| chain.range(block).len()).max().unwrap_or(0);
        let buffer = vec![0.0; widest];
        Self {
            chain,
            slopes,
            loop_products: Vec::new(),
            systems: None,
            base: f64::NAN,
            shift: f64::NAN,
            scratch: RefCell::new(Scratch { scaled: buffer.clone(), product: buffer }),
        }
    }

    /// Moves the Jacobian to the state `y`.
    pub(super) fn linearise(&mut self, y: &[f64]) {
        let chain = self.chain;
        if chain.nonlinearity().is_none() && !self.loop_products.is_empty() {
            return;
        }
        for (k, slope) in self.slopes.iter_mut().enumerate() {
            let r = &y[chain.range(k)][..slope.len()];
            chain.links[k].map.slope(r, slope.as_mut_slice());
        }
        let slope_of = |k: usize, c: usize| {
            let units = self.slopes[k].nrows();
            &self.slopes[k].as_slice()[c * units..(c + 1) * units]
        };
        let distinct = self.slopes[0].ncols();
        self.loop_products = for_each_system(distinct, |c| loop_product(chain, |k| slope_of(k, c)));
    }

    /// Factorises for `base` and `shift`; `false` when the system is singular or not finite.
    #[must_use]
    pub(super) fn factor(&mut self, base: f64, shift: f64) -> bool {
        (self.base, self.shift) = (base, shift);
        let (p, q) = self.diagonal();
        if p == 0.0 || !p.is_finite() {
            return false;
        }
        let per_stage = shift / self.chain.parameters.tau_state / p;
        let gain = per_stage.powi(self.chain.stages() as i32) * shift
            / self.chain.parameters.tau_controller;
        self.systems = TargetSystems::new(&self.loop_products, q, -gain);
        self.systems.is_some()
    }

    /// Factorises `-J` of a linear chain, for its equilibrium.
    pub(super) fn factor_at_rest(&mut self) -> Result<(), NoClosedForm> {
        self.linearise(&vec![0.0; self.chain.range(self.chain.stages()).end]);
        let regular = self.factor(0.0, 1.0);
        let systems = self.systems.as_ref().filter(|_| regular);
        let reciprocal_condition = systems.map_or(0.0, TargetSystems::reciprocal_condition);
        require_regular(
            "M_L .. M_2 B - leak I",
            self.chain.controller_units(),
            reciprocal_condition,
        )
    }

    /// Replaces the right-hand side by the solution.
    pub(super) fn solve(&self, b: &mut [f64]) {
        let chain = self.chain;
        let (p, _) = self.diagonal();
        let to_stage = self.shift / chain.parameters.tau_state;
        let to_controller = self.shift / chain.parameters.tau_controller;
        let mut scratch = self.scratch.borrow_mut();
        let Scratch { scaled, product: rise } = &mut *scratch;

        combine(1.0 / p, &mut b[chain.range(0)], 0.0, rise);
        for k in 0..chain.stages() {
            let above = chain.range(k + 1);
            self.rise(k, &b[chain.range(k)], scaled, &mut rise[..above.len()]);
            if k + 1 == chain.stages() {
                combine(1.0, &mut b[above], to_controller, rise);
            } else {
                combine(1.0 / p, &mut b[above], to_stage / p, rise);
            }
        }
        let controller = chain.range(chain.stages());
        let systems = self.systems.as_ref().expect("solve is called after a successful factor");
        systems.solve(&mut b[controller.clone()]);

        let first = chain.range(0);
        kernels::gemm(&chain.feedback, &b[controller], &mut rise[..first.len()]);
        for k in 0..chain.stages() {
            let block = chain.range(k);
            // `rise` turns into this stage's share of the controller's solution.
            rise[..block.len()].iter_mut().for_each(|x| *x *= to_stage / p);
            combine(1.0, &mut b[block.clone()], 1.0, &rise[..block.len()]);
            if k + 1 < chain.stages() {
                let above = chain.range(k + 1).len();
                times_slope(&self.slopes[k], &rise[..block.len()], scaled);
                kernels::gemm(&chain.links[k].weights, &scaled[..block.len()], &mut rise[..above]);
            }
        }
    }

    /// `M x` of the link above stage `k`.
    fn rise(&self, k: usize, x: &[f64], scaled: &mut [f64], out: &mut [f64]) {
        times_slope(&self.slopes[k], x, scaled);
        kernels::gemm(&self.chain.links[k].weights, &scaled[..x.len()], out);
    }

    fn diagonal(&self) -> (f64, f64) {
        let parameters = self.chain.parameters;
        (
            self.base + self.shift / parameters.tau_state,
            self.base + self.shift * parameters.leak / parameters.tau_controller,
        )
    }
}

/// `K = W_L diag(slope) .. W_2 diag(slope) B`, with the slope of stage `k` from `slope_of(k)`.
pub(super) fn loop_product<'s>(
    chain: &Chain,
    slope_of: impl Fn(usize) -> &'s [f64],
) -> DMatrix<f64> {
    let mut product = chain.feedback.as_ref().clone();
    for (k, link) in chain.links.iter().enumerate() {
        for mut column in product.column_iter_mut() {
            column.iter_mut().zip(slope_of(k)).for_each(|(x, s)| *x *= s);
        }
        let mut next = DMatrix::zeros(link.weights.nrows(), product.ncols());
        kernels::gemm(&link.weights, product.as_slice(), next.as_mut_slice());
        product = next;
    }
    product
}
