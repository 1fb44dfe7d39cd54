//! `single-loop`: invert several layers through one controller.

mod chain;
mod reduced;
mod solver;

use std::ops::Range;
use std::sync::Arc;

use nalgebra::DMatrix;

use self::chain::Chain;
use self::reduced::ChainReduction;
use self::solver::ChainSolver;
use super::equilibrium::affine_equilibrium;
use super::error::{DynamicsError, checked_initial_state};
use super::field::{ShiftedSolver, SingularShift, VectorField};
use super::layer_loop::LoopParameters;
use super::layerwise_inversion::check_target;
use super::layout::{Observable, StateLayout, named_by_layout};
use super::reduction::ReducedEquilibrium;
use super::scratch::with_scratch;
use super::structure::{SlopeForm, Structure};
use super::transfer::Transfer;
use super::{Dynamics, NoClosedForm};

/// One layer of a chain: its weights and how the stage below reaches it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChainLayer {
    /// `W_l`, `n_l x n_{l-1}`.
    pub weights: Arc<DMatrix<f64>>,
    /// `F_l(r) = W_l phi_{l-1}(r)`, acting on the stage in `R^{n_{l-1}}`.
    pub transfer: Transfer,
}

/// Inverts layers `2 .. L` with one controller at the output: the controller drives the first of
/// `n = L - 1` stages through `B`, and the stages pass their activity up to the controller.
///
/// ```text
/// tau_state      r_1' = -r_1 + B u
/// tau_state      r_l' = -r_l + F_l(r_{l-1})                l = 2 .. L-1
/// tau_controller u'   = -leak u + F_L(r_{L-1}) - delta
/// ```
///
/// `F_l(r) = W_l phi(r)` with `phi` one of the forms of [`Transfer`]; `B` is `n_1 x n_L`.
///
/// | block | symbol | shape | units | meaning |
/// |---|---|---|---|---|
/// | `stage_1` | `r_1` | `n_1 x targets` | 1 | stage driven by the controller |
/// | `stage_l` | `r_l` | `n_l x targets` | 1 | stage of layer `l`, up to `L - 1` |
/// | `controller` | `u` | `n_L x targets` | 1 | leaky integral of the mismatch |
///
/// Targets are the columns of `delta`. Observables: `residual`, the norm of the right-hand side,
/// and `inversion_error`, `|F_L(r_{L-1}) - delta|`.
///
/// # Equilibrium
/// With constant slopes, `M_l` the matrix of `F_l` and `K = M_L .. M_2 B`: `(K - leak I) u = delta`,
/// `r_1 = B u`, `r_l = M_l r_{l-1}`. It does not exist where `K - leak I` is singular, as it is with
/// `leak = 0` when a hidden layer is narrower than the output. Otherwise [`Dynamics::reduced`] gives
/// the same equation with the nonlinear chain, in `n_L` unknowns. Without leak, with every `W_l`
/// square and invertible and `B = (-1)^{n-1} B_2 .. B_L`, the rest state is that of the layerwise
/// loops; otherwise it is not.
///
/// # Stability
/// In the linear case the eigenvalues `x` solve
/// `(1 + tau_state x)^n (tau_controller x + leak) = mu` with `mu` in the spectrum of `K`: for equal
/// time constants, no leak and `mu = -k`, stable if and only if `k < tan(pi/2n) / cos(pi/2n)^n`.
/// Depth costs gain. [`Dynamics::structure`] hands the chain to that test.
///
/// # Errors
/// [`SingleLoop::new`] refuses layers that do not chain, entries that are not finite, time constants
/// that are not positive, and `inverse-slope` where the slope is 0.
///
/// # Example
/// ```
/// use dynamic_inversion::dynamics::{ChainLayer, Dynamics, LoopParameters, SingleLoop, Transfer};
/// use nalgebra::{dmatrix, DMatrix};
///
/// let layer = |weights: DMatrix<f64>| ChainLayer { weights: weights.into(), transfer: Transfer::Linear };
/// let chain = SingleLoop::new(
///     vec![layer(dmatrix![2.0]), layer(dmatrix![4.0])],
///     dmatrix![-0.1],
///     dmatrix![1.0],
///     LoopParameters::with_leak(0.0),
/// )?;
/// // 4 * 2 * r_1 = 1 and r_2 = 2 r_1; u = -10 r_1.
/// let rest = chain.closed_form_equilibrium()?;
/// for (y, expected) in rest.iter().zip([0.125, 0.25, -1.25]) {
///     assert!((y - expected).abs() < 1e-15);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// Podlaski & Machens 2020 (arXiv:2007.05112), the single-loop equations for two layers (their
/// SDI). Deviations: any depth; the transfers `tangent` and `deviation` are ours; time constants may
/// differ; many targets are integrated together.
#[derive(Debug, Clone)]
pub struct SingleLoop {
    chain: Chain,
    target: DMatrix<f64>,
    initial: Vec<f64>,
    layout: StateLayout,
    observables: Vec<Observable>,
}

impl SingleLoop {
    /// A loop through `layers`, the first of which is layer 2, with `feedback` (`n_1 x n_L`) and one
    /// target per column of `target` (`n_L x targets`), starting from zero.
    ///
    /// # Errors
    /// [`DynamicsError`] names the part that does not fit.
    pub fn new(
        layers: Vec<ChainLayer>,
        feedback: impl Into<Arc<DMatrix<f64>>>,
        target: DMatrix<f64>,
        parameters: LoopParameters,
    ) -> Result<Self, DynamicsError> {
        let chain = Chain::new(layers, feedback.into(), parameters, target.ncols())?;
        check_target(&target, chain.controller_units())?;
        let mut layout = StateLayout::new(target.ncols());
        for l in 1..=chain.stages() {
            let units = chain.stage_units(l - 1);
            layout = layout.with(&format!("stage_{l}"), units, &format!("stage of layer {l}"));
        }
        layout = layout.with("controller", chain.controller_units(), "controller");
        Ok(Self {
            target,
            initial: vec![0.0; layout.dim()],
            layout,
            observables: vec![
                Observable::new("residual", "norm of the right-hand side"),
                Observable::new("inversion_error", "norm of the last transfer minus the target"),
            ],
            chain,
        })
    }

    /// The same loop starting from `state`, blocks in layout order.
    ///
    /// # Errors
    /// [`DynamicsError`] when its length is not [`dim`](VectorField::dim) or an entry is not finite.
    pub fn with_initial_state(mut self, state: Vec<f64>) -> Result<Self, DynamicsError> {
        self.initial = checked_initial_state(self.dim(), state)?;
        Ok(self)
    }
}

impl VectorField for SingleLoop {
    named_by_layout!();

    fn dim(&self) -> usize {
        self.layout.dim()
    }

    fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) {
        for block in (0..=self.chain.stages()).rev() {
            self.chain.eval_block(block, y, self.target.as_slice(), dy);
        }
    }

    fn jacobian(&self, _t: f64, y: &[f64], jac: &mut DMatrix<f64>) {
        jac.fill(0.0);
        self.chain.write_jacobian(y, jac);
    }

    fn jvp(&self, _t: f64, y: &[f64], v: &[f64], out: &mut [f64]) {
        for block in (0..=self.chain.stages()).rev() {
            self.chain.jvp_block(block, y, v, out);
        }
    }

    fn shifted_solver<'a>(&'a self) -> Box<dyn ShiftedSolver + 'a> {
        Box::new(Shifted { t: f64::NAN, solver: ChainSolver::new(&self.chain) })
    }

    /// Controller first, then the stages upwards, each with the new values before it: the published
    /// discrete scheme of one layer, carried to a chain.
    fn update_order(&self) -> Vec<Range<usize>> {
        let controller = self.chain.stages();
        std::iter::once(controller)
            .chain(0..controller)
            .map(|block| self.chain.range(block))
            .collect()
    }

    fn eval_range(&self, t: f64, y: &[f64], range: Range<usize>, dy: &mut [f64]) {
        match (0..=self.chain.stages()).find(|block| self.chain.range(*block) == range) {
            Some(block) => self.chain.eval_block(block, y, self.target.as_slice(), dy),
            None => self.eval(t, y, dy),
        }
    }

    fn first_kink(&self, y0: &[f64], y1: &[f64]) -> Option<f64> {
        self.chain.first_kink(y0, y1)
    }
}

impl Dynamics for SingleLoop {
    fn layout(&self) -> &StateLayout {
        &self.layout
    }

    fn initial_state(&self) -> Vec<f64> {
        self.initial.clone()
    }

    fn closed_form_equilibrium(&self) -> Result<Vec<f64>, NoClosedForm> {
        if let Some(reason) = self.chain.nonlinearity() {
            return Err(NoClosedForm::Nonlinear { reason });
        }
        let mut solver = ChainSolver::new(&self.chain);
        solver.factor_at_rest()?;
        Ok(affine_equilibrium(self, |b| solver.solve(b)))
    }

    fn observables(&self) -> &[Observable] {
        &self.observables
    }

    fn observe(&self, t: f64, y: &[f64], out: &mut [f64]) {
        let (residual, error) = out.split_at_mut(self.target.ncols());
        with_scratch(self.dim(), |f| {
            self.eval(t, y, f);
            self.layout.column_norms(f, residual);
            let controller = self.chain.range(self.chain.stages());
            let (u, du) = (&y[controller.clone()], &f[controller]);
            self.chain.parameters.inversion_errors(self.chain.controller_units(), u, du, error);
        });
    }

    fn is_linear(&self) -> bool {
        self.chain.nonlinearity().is_none()
    }

    fn shares_jacobian(&self) -> bool {
        self.layout.columns() == 1
            || self.chain.links.iter().all(|link| link.map.has_shared_slope())
    }

    fn structure(&self, _t: f64, y: &[f64], column: usize) -> Structure {
        Structure::SingleLoop(self.chain.linearised(y, column))
    }

    fn slope_form(&self, column: usize) -> Option<SlopeForm> {
        Some(self.chain.slope_form(column))
    }

    fn reduced(&self, column: usize) -> Option<Box<dyn ReducedEquilibrium + '_>> {
        let units = self.chain.controller_units();
        let target = &self.target.as_slice()[column * units..(column + 1) * units];
        Some(Box::new(ChainReduction::new(&self.chain, column, target)))
    }
}

/// Implicit steps through the output layer.
struct Shifted<'a> {
    t: f64,
    solver: ChainSolver<'a>,
}

impl ShiftedSolver for Shifted<'_> {
    fn factor(&mut self, t: f64, y: &[f64], shift: f64) -> Result<(), SingularShift> {
        self.t = t;
        self.solver.linearise(y);
        self.reshift(shift)
    }

    fn reshift(&mut self, shift: f64) -> Result<(), SingularShift> {
        if self.solver.factor(1.0, shift) {
            Ok(())
        } else {
            Err(SingularShift { t: self.t, shift })
        }
    }

    fn solve(&self, b: &mut [f64]) {
        self.solver.solve(b);
    }
}
