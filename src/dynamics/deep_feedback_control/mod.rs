//! `deep-feedback-control`: proportional-integral control of a whole network.

mod equation;
mod feedback;
mod parameters;
mod places;
mod plant;
mod quotient;
mod reduced;
mod settle;
mod signals;
mod single;
mod solver;
mod steady;
mod tied;
mod varied;

use std::ops::Range;

use nalgebra::DMatrix;

pub use self::feedback::ControlFeedback;
pub use self::parameters::{ControlFilters, ControlNoise, ControlParameters, LeakOn, NoiseSite};
pub use self::signals::Signals;
pub use self::steady::ControlledState;

use self::places::Places;
use self::plant::{Plant, check_forward};
use self::reduced::ControlReduction;
use self::solver::ControlSolver;
use super::equilibrium::affine_equilibrium;
use super::error::{DynamicsError, checked_initial_state, require_finite, require_shape};
use super::field::{DenseShifted, ShiftedSolver, VectorField};
use super::layout::{Observable, StateLayout, named_by_layout};
use super::reduction::ReducedEquilibrium;
use super::scratch::with_scratch;
use super::structure::{ControlParameter, Structure};
use super::{Dynamics, NoClosedForm, NoiseInput};
use crate::network::{Forward, Network};

/// Deep feedback control: a proportional-integral controller at the output drives every layer of a
/// network through `Q_l` until the output is at its target.
///
/// ```text
/// tau_v v_l' = -v_l + W_l r_{l-1} + b_l + Q_l u          r_l = g_l(v_l), r_0 = x
/// e = target - r_L,   u = w + k_p e
/// tau_u w' = e - leak u      (leak_on = "u")   or   e - leak w      (leak_on = "w")
/// ```
///
/// `r_L` is the output after softmax, where the network has one; `e` is then the negative gradient
/// of the cross-entropy with respect to `v_L`, and otherwise that of the squared error with respect
/// to `r_L`. Options, in any combination unless refused:
///
/// - an apical compartment, `tau_apical a_l' = -a_l + Q_l u`, whose `a_l` takes the place of `Q_l u`;
/// - infinitely fast voltages, `v_l = W_l r_{l-1} + b_l + Q_l u`, which are then no part of the state;
/// - low-pass filters `tau x' = -x + input` of the error before the controller, of the control signal
///   behind it, and of the voltages for learning;
/// - noise in the voltages or in the apical compartment (see [`ControlNoise`]).
///
/// | block | symbol | shape | units | meaning |
/// |---|---|---|---|---|
/// | `voltage_l` | `v_l` | `n_l x targets` | 1 | voltages, unless instantaneous |
/// | `apical_l` | `a_l` | `n_l x targets` | 1 | apical compartments, if any |
/// | `noise_l` | `xi_l` | `n_l x targets` | 1 | coloured noise, if any |
/// | `u_int` | `w` | `n_L x targets` | 1 | integral part of the control signal |
/// | `error_filtered` | | `n_L x targets` | 1 | filtered error, if any |
/// | `control_filtered` | | `n_L x targets` | 1 | filtered control signal, if any |
/// | `voltage_filtered_l` | | `n_l x targets` | 1 | filtered voltages, if any |
///
/// Observables: `residual`, the norm of the right-hand side; `output_error`, `|e|`; `control_norm`,
/// the norm of the control signal that reaches the layers. A run starts from the voltages of the
/// forward pass, filtered ones included, and from zero otherwise.
///
/// # Equilibrium
/// `e = a u` with `a = leak` (leak on `u`) or `leak / (1 + leak k_p)` (leak on `w`); to first order
/// `u = (J Q + a I)^{-1} (target - y)` and `dv = Q u`, with `J = d r_L / d (v_1 .. v_L)` along the
/// network. With `Q = J^T` that is a damped Gauss-Newton step. Linear networks with fixed feedback
/// have it in closed form; otherwise [`Dynamics::reduced`] gives the equation in `u`.
///
/// # Stability
/// Slow voltages destabilise: with `tau_v` near `tau_u` even `Q = J^T` can oscillate, because the
/// signal passes through all layers. Small `tau_v/tau_u` makes the equation stiff instead; the
/// linear systems of implicit steps are reduced to `n_L` unknowns per target (with fixed feedback).
///
/// # Errors
/// [`DeepFeedbackControl::new`] refuses shapes that do not fit, entries that are not finite,
/// parameters out of range, noise without its compartment, white noise in infinitely fast voltages,
/// and recomputed feedback to infinitely fast voltages without an apical compartment. With infinitely
/// fast voltages, `k_p > 0` and neither filter nor apical compartment, `u` is found by Newton's
/// method at every evaluation, which allocates; where that fails the derivative is NaN.
///
/// # Example
/// ```
/// use dynamic_inversion::dynamics::{ControlFeedback, ControlParameters, DeepFeedbackControl, Dynamics};
/// use dynamic_inversion::network::{Activation, Forward, Layer, Network, Output};
/// use nalgebra::{dmatrix, dvector};
///
/// let layer = Layer { weights: dmatrix![2.0], biases: dvector![0.0], activation: Activation::Linear };
/// let network = Network::new(vec![layer], Output::Linear)?;
/// let mut forward = Forward::new(&network, 1);
/// network.forward(&[1.0], &mut forward)?;
/// let control = DeepFeedbackControl::new(
///     &network,
///     &forward,
///     dmatrix![3.0],
///     ControlFeedback::Shared(vec![dmatrix![1.0]]),
///     ControlParameters::with_leak(1.0),
/// )?;
/// // v = 2 + u and 3 - v = u.
/// let rest = control.closed_form_equilibrium()?;
/// assert!((rest[0] - 2.5).abs() < 1e-15 && (rest[1] - 0.5).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// Meulemans et al. 2021 (arXiv:2106.07887), equations 1 to 4; the apical compartment and the noise
/// from its section on learning the feedback, the filters from Meulemans et al. 2022
/// (arXiv:2204.07249). Deviations: both conventions of the leak; many targets side by side; coloured
/// noise and the recomputed `J^T` are ours.
#[derive(Debug, Clone)]
pub struct DeepFeedbackControl {
    plant: Plant,
    feedback: ControlFeedback,
    target: DMatrix<f64>,
    parameters: ControlParameters,
    /// The factor of `J^T`, where the feedback was built as that of the feedforward state.
    tied: Option<f64>,
    initial: Vec<f64>,
    places: Places,
    layout: StateLayout,
    observables: Vec<Observable>,
}

impl DeepFeedbackControl {
    /// The control of `network` at the inputs of `forward` (one column per target) towards the
    /// columns of `target` (`n_L x targets`).
    ///
    /// # Errors
    /// [`DynamicsError`] names the part that does not fit.
    pub fn new(
        network: &Network,
        forward: &Forward,
        target: DMatrix<f64>,
        feedback: ControlFeedback,
        parameters: ControlParameters,
    ) -> Result<Self, DynamicsError> {
        parameters.check()?;
        check_forward(network, forward)?;
        let plant = Plant::new(network, forward);
        require_shape("target", &target, (plant.outputs(), plant.columns))?;
        require_finite("target", &target)?;
        feedback.check(&plant)?;
        if feedback.is_recomputed() && parameters.instantaneous && parameters.tau_apical.is_none() {
            return Err(DynamicsError::Incompatible {
                what: "recomputed feedback".to_owned(),
                with: "infinitely fast voltages, which it would make implicit".to_owned(),
                remedy: "set tau_apical, freeze the feedback, or use a finite tau_v",
            });
        }
        let (layout, places) = Places::new(&plant, &parameters);
        let mut initial = vec![0.0; layout.dim()];
        for range in [&places.voltages, &places.filtered].into_iter().flatten() {
            let stack = forward.pre_activations.iter().flat_map(|a| a.as_slice());
            initial[range.clone()].iter_mut().zip(stack).for_each(|(x, a)| *x = *a);
        }
        let observables = vec![
            Observable::new("residual", "norm of the right-hand side"),
            Observable::new("output_error", "norm of the output error"),
            Observable::new("control_norm", "norm of the control signal"),
        ];
        Ok(Self {
            plant,
            feedback,
            target,
            parameters,
            tied: None,
            initial,
            places,
            layout,
            observables,
        })
    }

    /// The same control starting from `state`, blocks in layout order.
    ///
    /// # Errors
    /// [`DynamicsError`] when its length is not [`dim`](VectorField::dim) or an entry is not finite.
    pub fn with_initial_state(mut self, state: Vec<f64>) -> Result<Self, DynamicsError> {
        self.initial = checked_initial_state(self.dim(), state)?;
        Ok(self)
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &ControlParameters {
        &self.parameters
    }

    /// Why there is no closed solution, if there is none.
    fn nonlinearity(&self) -> Option<String> {
        self.plant.nonlinearity()
    }
}

impl VectorField for DeepFeedbackControl {
    named_by_layout!();

    fn dim(&self) -> usize {
        self.layout.dim()
    }

    fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) {
        self.right_hand_side(y, dy);
    }

    /// Column by column through [`jvp`](VectorField::jvp), the same unit of every target at once.
    fn jacobian(&self, t: f64, y: &[f64], jac: &mut DMatrix<f64>) {
        jac.fill(0.0);
        let (mut direction, mut product) = (vec![0.0; y.len()], vec![0.0; y.len()]);
        for block in self.layout.blocks() {
            for unit in 0..block.rows {
                let at = |c: usize| block.range.start + c * block.rows + unit;
                (0..self.plant.columns).for_each(|c| direction[at(c)] = 1.0);
                self.jvp(t, y, &direction, &mut product);
                for c in 0..self.plant.columns {
                    direction[at(c)] = 0.0;
                    for rows in self.layout.blocks() {
                        let range = rows.column_range(c);
                        for (i, x) in range.clone().zip(&product[range]) {
                            jac[(i, at(c))] = *x;
                        }
                    }
                }
            }
        }
    }

    fn jvp(&self, _t: f64, y: &[f64], v: &[f64], out: &mut [f64]) {
        self.directional_derivative(y, v, out);
    }

    fn shifted_solver<'a>(&'a self) -> Box<dyn ShiftedSolver + 'a> {
        if self.feedback.is_recomputed() {
            return Box::new(DenseShifted::new(self));
        }
        Box::new(ControlSolver::new(self))
    }

    /// Controller first, then the rest with the new control signal.
    fn update_order(&self) -> Vec<Range<usize>> {
        let start = self.places.u_int.start;
        let ranges = [start..self.dim(), 0..start];
        ranges.into_iter().filter(|range| !range.is_empty()).collect()
    }
}

impl Dynamics for DeepFeedbackControl {
    fn layout(&self) -> &StateLayout {
        &self.layout
    }

    fn initial_state(&self) -> Vec<f64> {
        self.initial.clone()
    }

    fn closed_form_equilibrium(&self) -> Result<Vec<f64>, NoClosedForm> {
        if let Some(reason) = self.nonlinearity() {
            return Err(NoClosedForm::Nonlinear { reason });
        }
        if self.feedback.is_recomputed() {
            return super::equilibrium::dense_affine_equilibrium(self, "the Jacobian");
        }
        let mut solver = ControlSolver::new(self);
        solver.factor_at_rest()?;
        Ok(affine_equilibrium(self, |b| solver.solve(b)))
    }

    fn observables(&self) -> &[Observable] {
        &self.observables
    }

    fn observe(&self, t: f64, y: &[f64], out: &mut [f64]) {
        let columns = self.plant.columns;
        let (residual, rest) = out.split_at_mut(columns);
        let (error, control) = rest.split_at_mut(columns);
        with_scratch(self.dim(), |f| {
            self.eval(t, y, f);
            self.layout.column_norms(f, residual);
        });
        let (n, m) = (self.plant.len(), self.target.len());
        let lengths = [n, n, n, m, m];
        with_scratch(lengths.iter().sum(), |buffer| {
            let [v, r, work, e, u] = equation::pieces(buffer, lengths);
            self.voltages(y, v, r, work);
            self.output_error(r, e);
            self.control_signal(y, e, u);
            let norm = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>().sqrt();
            let parts = e.chunks_exact(m / columns).zip(u.chunks_exact(m / columns));
            for ((e, u), (error, control)) in parts.zip(error.iter_mut().zip(control)) {
                (*error, *control) = (norm(e), norm(u));
            }
        });
    }

    fn is_linear(&self) -> bool {
        self.plant.is_linear()
    }

    fn shares_jacobian(&self) -> bool {
        self.shares_slopes() || (self.plant.is_linear() && self.feedback.is_recomputed())
    }

    fn structure(&self, _t: f64, y: &[f64], column: usize) -> Structure {
        self.control_loop(y, column).map_or(Structure::Dense, Structure::Control)
    }

    fn reduced(&self, column: usize) -> Option<Box<dyn ReducedEquilibrium + '_>> {
        if self.feedback.is_recomputed() {
            return None;
        }
        Some(Box::new(ControlReduction::new(self.single(column))))
    }

    fn control_parameter(&self, parameter: ControlParameter) -> Option<f64> {
        self.value_of(parameter)
    }

    fn with_control_parameter(
        &self,
        parameter: ControlParameter,
        value: f64,
    ) -> Option<Box<dyn Dynamics>> {
        self.varied(parameter, value).map(|changed| Box::new(changed) as Box<dyn Dynamics>)
    }

    fn noise(&self) -> Vec<NoiseInput> {
        let Some(noise) = self.parameters.noise else { return Vec::new() };
        let (range, intensity) = match noise {
            ControlNoise::White { site: NoiseSite::Somatic, std } => (&self.places.voltages, std),
            ControlNoise::White { site: NoiseSite::Apical, std } => (&self.places.apical, std),
            ControlNoise::OrnsteinUhlenbeck { std, tau, .. } => {
                (&self.places.noise, std * (2.0 / tau).sqrt())
            }
        };
        let range = range.clone().expect("checked with the parameters");
        vec![NoiseInput { range, intensity }]
    }

    fn decay(&self) -> Vec<f64> {
        let (p, places) = (&self.parameters, &self.places);
        let rates = [
            (&places.voltages, Some(p.tau_v)),
            (&places.apical, p.tau_apical),
            (&places.noise, p.noise.and_then(|n| n.correlation_time())),
            (&places.error, p.filters.tau_error),
            (&places.control, p.filters.tau_controller),
            (&places.filtered, p.filters.tau_voltage),
        ];
        let mut decay = vec![0.0; self.dim()];
        decay[places.u_int.clone()].fill(p.leak / p.tau_u);
        for (range, tau) in rates {
            if let (Some(range), Some(tau)) = (range, tau) {
                decay[range.clone()].fill(1.0 / tau);
            }
        }
        decay
    }
}
