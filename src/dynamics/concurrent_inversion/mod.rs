//! `concurrent-inversion`: invert all layers at the same time.

mod reduced;
mod solver;

use std::ops::Range;
use std::sync::Arc;

use nalgebra::DMatrix;

use self::reduced::LoopsReduction;
use self::solver::LoopsSolver;
use super::equilibrium::affine_equilibrium;
use super::error::{DynamicsError, checked_initial_state, require_shape};
use super::feedback::Feedback;
use super::field::{ShiftedSolver, VectorField};
use super::layer_loop::{LoopEquation, LoopParameters};
use super::layerwise_inversion::check_target;
use super::layout::{Observable, StateLayout, named_by_layout};
use super::reduction::ReducedEquilibrium;
use super::scratch::with_scratch;
use super::structure::{SlopeForm, Structure};
use super::transfer::Transfer;
use super::{Dynamics, NoClosedForm};

/// One layer with the loop that inverts it.
#[derive(Debug, Clone, PartialEq)]
pub struct InvertedLayer {
    /// `W_l`, `n_l x n_{l-1}`.
    pub weights: Arc<DMatrix<f64>>,
    /// `B_l`, `n_{l-1} x n_l`.
    pub feedback: Feedback,
    /// `F_l`, acting on the state in `R^{n_{l-1}}`.
    pub transfer: Transfer,
}

/// Inverts layers `L, L-1, .., 2` by one loop each, all running at once: the target of loop `l` is
/// the moving state of the loop above it.
///
/// ```text
/// tau_state      r_l' = -r_l + B_l u_l
/// tau_controller u_l' = -leak u_l + F_l(r_l) - d_l      d_L = delta,  d_l = r_{l+1}
/// ```
///
/// Loop `l` inverts `W_l`, so `r_l` lives in the layer below, `R^{n_{l-1}}`, and `u_l` in `R^{n_l}`.
///
/// | block | symbol | shape | units | meaning |
/// |---|---|---|---|---|
/// | `state_L` | `r_L` | `n_{L-1} x targets` | 1 | estimate of the inverse of layer `L` |
/// | `controller_L` | `u_L` | `n_L x targets` | 1 | its controller |
/// | .. | | | | the same for every layer down to 2 |
///
/// The number in a name is the layer that is inverted; blocks run from the top layer down. Targets
/// are the columns of `delta`. Observables: `residual`, the norm of the whole right-hand side, and
/// per loop `inversion_error_l`, `|F_l(r_l) - d_l|`.
///
/// # Equilibrium
/// That of the loops one after the other, top first, each with the rest state above as its target;
/// see [`LayerwiseInversion`](super::LayerwiseInversion). The closed form needs a constant slope in
/// every loop.
///
/// # Stability
/// No loop feels the loops below it, so the Jacobian is block triangular and its spectrum is the
/// union of the loops' spectra: the chain is stable if and only if every loop is. (The triangular
/// coupling still makes the whole less normal than its parts: transients grow with depth.)
///
/// # Errors
/// As for a single loop, and where the layers do not chain.
///
/// # Example
/// ```
/// use dynamic_inversion::dynamics::{
///     ConcurrentInversion, Dynamics, Feedback, InvertedLayer, LoopParameters, Transfer,
/// };
/// use nalgebra::{dmatrix, DMatrix};
///
/// let layer = |weights: DMatrix<f64>| InvertedLayer {
///     weights: weights.into(),
///     feedback: Feedback::Tied { scale: 1.0 },
///     transfer: Transfer::Linear,
/// };
/// let chain = ConcurrentInversion::new(
///     vec![layer(dmatrix![2.0, 0.0; 0.0, 1.0]), layer(dmatrix![0.0, 4.0; 1.0, 0.0])],
///     dmatrix![1.0; 1.0],
///     LoopParameters::with_leak(0.0),
/// )?;
/// let names: Vec<_> = chain.layout().blocks().iter().map(|b| b.name.as_str()).collect();
/// assert_eq!(names, ["state_3", "controller_3", "state_2", "controller_2"]);
/// // Layer 3 inverts to (1, 1/4), which layer 2 inverts to (1/2, 1/4).
/// let rest = chain.closed_form_equilibrium()?;
/// assert!((rest[4] - 0.5).abs() < 1e-15 && (rest[5] - 0.25).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// Podlaski & Machens 2020 (arXiv:2007.05112), the layerwise equations. Deviation: the paper runs
/// the loops one after the other; here they run together, with the same rest state.
#[derive(Debug, Clone)]
pub struct ConcurrentInversion {
    /// Top loop first.
    loops: Vec<LoopEquation>,
    /// Where each loop's part of the state begins.
    offsets: Vec<usize>,
    target: DMatrix<f64>,
    initial: Vec<f64>,
    layout: StateLayout,
    observables: Vec<Observable>,
}

impl ConcurrentInversion {
    /// Loops for `layers`, the first of which is layer 2, with one target per column of `target`
    /// (`n_L x targets`), starting from zero.
    ///
    /// # Errors
    /// [`DynamicsError`] names the part that does not fit.
    pub fn new(
        layers: Vec<InvertedLayer>,
        target: DMatrix<f64>,
        parameters: LoopParameters,
    ) -> Result<Self, DynamicsError> {
        let Some(top) = layers.last() else {
            return Err(DynamicsError::Empty { what: "list of layers".to_owned() });
        };
        check_target(&target, top.weights.nrows())?;
        for (k, pair) in layers.windows(2).enumerate() {
            let expected = (pair[1].weights.nrows(), pair[0].weights.nrows());
            require_shape(&format!("weights of layer {}", k + 3), &pair[1].weights, expected)?;
        }
        let columns = target.ncols();
        let mut loops = Vec::with_capacity(layers.len());
        let mut layout = StateLayout::new(columns);
        let mut observables = vec![Observable::new("residual", "norm of the right-hand side")];
        let mut offsets = Vec::with_capacity(layers.len());
        for (k, layer) in layers.into_iter().enumerate().rev() {
            let l = k + 2;
            let equation = LoopEquation::new(
                layer.weights,
                layer.feedback,
                layer.transfer,
                parameters,
                columns,
            )?;
            offsets.push(layout.dim());
            layout = layout
                .with(
                    &format!("state_{l}"),
                    equation.state_units(),
                    &format!("state of inverted layer {l}"),
                )
                .with(
                    &format!("controller_{l}"),
                    equation.controller_units(),
                    &format!("controller of layer {l}"),
                );
            observables.push(Observable::new(
                &format!("inversion_error_{l}"),
                &format!("norm of the transfer minus the target of layer {l}"),
            ));
            loops.push(equation);
        }
        let initial = vec![0.0; layout.dim()];
        Ok(Self { loops, offsets, target, initial, layout, observables })
    }

    /// The same loops starting from `state`, blocks in layout order.
    ///
    /// # Errors
    /// [`DynamicsError`] when its length is not [`dim`](VectorField::dim) or an entry is not finite.
    pub fn with_initial_state(mut self, state: Vec<f64>) -> Result<Self, DynamicsError> {
        self.initial = checked_initial_state(self.dim(), state)?;
        Ok(self)
    }

    /// The part of a state vector that belongs to loop `k`, counted from the top.
    fn part(&self, k: usize) -> Range<usize> {
        self.offsets[k]..self.offsets[k] + self.loops[k].len()
    }

    /// Position of the state block of loop `k`.
    fn state_range(&self, k: usize) -> Range<usize> {
        self.offsets[k]..self.offsets[k] + self.loops[k].state_len()
    }

    /// Position of the controller block of loop `k`.
    fn controller_range(&self, k: usize) -> Range<usize> {
        self.state_range(k).end..self.part(k).end
    }

    /// The target of loop `k` when the state vector is `y`.
    fn target_of<'a>(&'a self, k: usize, y: &'a [f64]) -> &'a [f64] {
        if k == 0 { self.target.as_slice() } else { &y[self.state_range(k - 1)] }
    }
}

impl VectorField for ConcurrentInversion {
    named_by_layout!();

    fn dim(&self) -> usize {
        self.layout.dim()
    }

    fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) {
        for (k, equation) in self.loops.iter().enumerate() {
            let part = self.part(k);
            let (dr, du) = dy[part.clone()].split_at_mut(equation.state_len());
            equation.eval(equation.split(&y[part]), self.target_of(k, y), dr, du);
        }
    }

    fn jacobian(&self, _t: f64, y: &[f64], jac: &mut DMatrix<f64>) {
        jac.fill(0.0);
        for (k, equation) in self.loops.iter().enumerate() {
            equation.write_jacobian(&y[self.state_range(k)], self.offsets[k], jac);
            if k > 0 {
                // u_l' holds -r_{l+1}; both blocks are stored in the same order.
                for (row, column) in self.controller_range(k).zip(self.state_range(k - 1)) {
                    jac[(row, column)] = -1.0 / equation.parameters.tau_controller;
                }
            }
        }
    }

    fn jvp(&self, _t: f64, y: &[f64], v: &[f64], out: &mut [f64]) {
        for (k, equation) in self.loops.iter().enumerate() {
            let part = self.part(k);
            let (out_r, out_u) = out[part.clone()].split_at_mut(equation.state_len());
            let direction = (k > 0).then(|| &v[self.state_range(k - 1)]);
            equation.jvp(
                &y[self.state_range(k)],
                equation.split(&v[part]),
                direction,
                out_r,
                out_u,
            );
        }
    }

    fn shifted_solver<'a>(&'a self) -> Box<dyn ShiftedSolver + 'a> {
        Box::new(LoopsSolver::new(self))
    }

    /// From the top loop down, controller before state, so that each loop sees the new state of
    /// the loop above: the published discrete scheme, applied to every loop.
    fn update_order(&self) -> Vec<Range<usize>> {
        (0..self.loops.len())
            .flat_map(|k| [self.controller_range(k), self.state_range(k)])
            .collect()
    }

    fn eval_range(&self, t: f64, y: &[f64], range: Range<usize>, dy: &mut [f64]) {
        let inside = |block: Range<usize>| block.start <= range.start && range.end <= block.end;
        for (k, equation) in self.loops.iter().enumerate() {
            let parts = equation.split(&y[self.part(k)]);
            let (dr, du) = dy[self.part(k)].split_at_mut(equation.state_len());
            if inside(self.controller_range(k)) {
                return equation.eval_controller(parts, self.target_of(k, y), dr, du);
            }
            if inside(self.state_range(k)) {
                return equation.eval_state(parts, dr);
            }
        }
        self.eval(t, y, dy);
    }

    fn first_kink(&self, y0: &[f64], y1: &[f64]) -> Option<f64> {
        let of_loop = |(k, equation): (usize, &LoopEquation)| {
            equation.map.first_kink(&y0[self.state_range(k)], &y1[self.state_range(k)])
        };
        self.loops.iter().enumerate().filter_map(of_loop).reduce(f64::min)
    }
}

impl Dynamics for ConcurrentInversion {
    fn layout(&self) -> &StateLayout {
        &self.layout
    }

    fn initial_state(&self) -> Vec<f64> {
        self.initial.clone()
    }

    fn closed_form_equilibrium(&self) -> Result<Vec<f64>, NoClosedForm> {
        if let Some(equation) = self.loops.iter().find(|e| !e.map.has_constant_slope()) {
            return Err(NoClosedForm::Nonlinear { reason: equation.transfer.describe() });
        }
        let mut solver = LoopsSolver::new(self);
        solver.factor_at_rest()?;
        Ok(affine_equilibrium(self, |b| solver.solve(b)))
    }

    fn observables(&self) -> &[Observable] {
        &self.observables
    }

    fn observe(&self, t: f64, y: &[f64], out: &mut [f64]) {
        with_scratch(self.dim(), |f| {
            self.eval(t, y, f);
            let (residual, errors) = out.split_at_mut(self.target.ncols());
            self.layout.column_norms(f, residual);
            for (k, error) in errors.chunks_exact_mut(self.target.ncols()).enumerate() {
                let range = self.controller_range(k);
                let equation = &self.loops[k];
                let units = equation.controller_units();
                equation.parameters.inversion_errors(units, &y[range.clone()], &f[range], error);
            }
        });
    }

    fn is_linear(&self) -> bool {
        self.loops.iter().all(|equation| equation.map.has_constant_slope())
    }

    fn shares_jacobian(&self) -> bool {
        let shared = |e: &LoopEquation| e.columns == 1 || e.map.has_shared_slope();
        self.loops.iter().all(shared)
    }

    fn structure(&self, _t: f64, y: &[f64], column: usize) -> Structure {
        let linearised = |(k, equation): (usize, &LoopEquation)| {
            let units = equation.state_units();
            let r = &y[self.state_range(k)][column * units..(column + 1) * units];
            equation.linearised(r, column)
        };
        Structure::LayerLoops(self.loops.iter().enumerate().map(linearised).collect())
    }

    fn slope_form(&self, column: usize) -> Option<SlopeForm> {
        let forms: Vec<SlopeForm> = self.loops.iter().map(|e| e.slope_form(column)).collect();
        let mut joint = SlopeForm::block_diagonal(&forms);
        let mut above = None;
        let mut start = 0;
        for equation in &self.loops {
            let (n, m) = (equation.state_units(), equation.controller_units());
            if let Some(above) = above {
                // u_l' holds -r_{l+1}.
                for j in 0..m {
                    joint.constant[(start + n + j, above + j)] =
                        -1.0 / equation.parameters.tau_controller;
                }
            }
            above = Some(start);
            start += n + m;
        }
        Some(joint)
    }

    fn reduced(&self, column: usize) -> Option<Box<dyn ReducedEquilibrium + '_>> {
        Some(Box::new(LoopsReduction::new(self, column)))
    }
}
