//! `rate-network`: a recurrent network, free or under control.

mod controller;
mod parameters;
mod population;

use std::ops::Range;

use nalgebra::DMatrix;

use self::controller::Gains;
pub use self::controller::{CONTROLLERS, Controller};
use self::population::Population;
pub use self::population::RateParameters;
use super::equilibrium::dense_affine_equilibrium;
use super::error::{DynamicsError, checked_initial_state, require_finite, require_shape};
use super::field::VectorField;
use super::layout::{Observable, StateLayout, named_by_layout};
use super::scratch::with_scratch;
use super::structure::{ControlParameter, SlopeForm};
use super::{Dynamics, NoClosedForm};
use crate::linalg::{gemm, kernels};

/// A recurrent rate network, optionally driven by a [`Controller`] that pulls a readout of its
/// rates to a target.
///
/// ```text
/// tau x' = -leak x + w g(gain x) + input + q c        rates g(gain x), unit by unit
///     e  = target - readout g(gain x)
/// tau z' = k_i e - leak z,   c = z + k_p e + (filtered derivative)     see Controller
/// ```
///
/// `leak`, `tau`, `input` and the activation may differ between units; the controller has its own
/// `leak` and `tau`. `w` is `n x n`, `readout` is `m x n`, `q` is `n x m`. Without a controller
/// `c = 0`.
///
/// | block | symbol | shape | units | meaning |
/// |---|---|---|---|---|
/// | `state` | `x` | `n` | 1 | state of the units |
/// | `integral` | `z` | `m` | 1 | integral part of the control signal (with a controller) |
/// | `filtered_error` | `s` | `m` | 1 | low-pass filtered error (with `pid`); the filtered derivative is `(e - s) / tau_derivative` |
///
/// Observables: `residual`, the norm of the right-hand side, and with a readout `target_error`,
/// `|e|`.
///
/// # Equilibrium
/// In closed form only with linear activations; otherwise there may be none, one or many. With
/// `leak > 0` in the controller the error at rest is `leak z / k_i`; without leak it is 0, and if the
/// target lies outside the range of the readout there is no rest state: `z` winds up for ever.
///
/// # Stability
/// No closed criterion: the eigenvalues of the Jacobian decide, which is
/// `[[(w D - leak - k q readout D)/tau, q/tau], [-k_i readout D/tau_c, -leak_c/tau_c]]` with
/// `D = gain diag(g'(gain x))` and the proportional gain `k` (rows and columns of `s` likewise).
///
/// # Errors
/// Shapes that do not fit, entries that are not finite, time constants that are not positive.
///
/// # Example
/// ```
/// use dynamic_inversion::dynamics::{Controller, RateNetwork, RateParameters, VectorField};
/// use dynamic_inversion::network::Activation;
/// use nalgebra::dmatrix;
///
/// // v' = -v + u,  u' = 1.5 - tanh(v) - 0.1 u
/// let unit = RateParameters::new(dmatrix![0.0], Activation::Tanh);
/// let controller = Controller::LeakyIntegral { leak: 0.1, tau: 1.0, k_i: 1.0 };
/// let loop_ = RateNetwork::new(unit)?.with_controller(dmatrix![1.0], vec![1.5], controller, dmatrix![1.0])?;
/// let mut rate = [0.0; 2];
/// loop_.eval(0.0, &[0.5, 2.0], &mut rate);
/// assert_eq!(rate, [1.5, 1.5 - 0.5_f64.tanh() - 0.1 * 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// The rate equation: Wilson & Cowan 1972 (doi:10.1016/S0006-3495(72)86068-5) in the additive form
/// of Hopfield 1984 (doi:10.1073/pnas.81.10.3088), eq. 5. The controllers: Astrom & Murray 2008,
/// Feedback Systems, section 10.5 (filtered derivative). Deviation: the integral may leak.
#[derive(Debug, Clone)]
pub struct RateNetwork {
    population: Population,
    readout: Option<Readout>,
    control: Option<Control>,
    initial: Vec<f64>,
    layout: StateLayout,
    observables: Vec<Observable>,
}

/// `e = target - readout rates`.
#[derive(Debug, Clone)]
struct Readout {
    matrix: DMatrix<f64>,
    target: Vec<f64>,
}

#[derive(Debug, Clone)]
struct Control {
    gains: Gains,
    q: DMatrix<f64>,
}

impl RateNetwork {
    /// The network alone, starting from zero.
    ///
    /// # Errors
    /// [`DynamicsError`] names the part that does not fit.
    pub fn new(parameters: RateParameters) -> Result<Self, DynamicsError> {
        let population = Population::new(parameters)?;
        let n = population.units();
        Ok(Self {
            population,
            readout: None,
            control: None,
            initial: vec![0.0; n],
            layout: StateLayout::new(1).with("state", n, "state of the units"),
            observables: vec![Observable::new("residual", "norm of the right-hand side")],
        })
    }

    /// Observes the error of `readout` (`m x n`, applied to the rates) against `target` (`m`).
    ///
    /// # Errors
    /// [`DynamicsError`] names the part that does not fit.
    pub fn with_readout(
        mut self,
        readout: DMatrix<f64>,
        target: Vec<f64>,
    ) -> Result<Self, DynamicsError> {
        let m = target.len();
        if m == 0 {
            return Err(DynamicsError::Empty { what: "target".to_owned() });
        }
        require_shape("readout", &readout, (m, self.population.units()))?;
        require_finite("readout", &readout)?;
        let target = DMatrix::from_vec(m, 1, target);
        require_finite("target", &target)?;
        self.readout = Some(Readout { matrix: readout, target: target.data.into() });
        self.observables.truncate(1);
        self.observables.push(Observable::new("target_error", "norm of target minus readout"));
        Ok(self)
    }

    /// Closes the loop: `controller` acts on the error of `readout` against `target` and drives the
    /// units through `q` (`n x m`). The start state becomes zero.
    ///
    /// # Errors
    /// [`DynamicsError`] names the part that does not fit.
    pub fn with_controller(
        self,
        readout: DMatrix<f64>,
        target: Vec<f64>,
        controller: Controller,
        q: DMatrix<f64>,
    ) -> Result<Self, DynamicsError> {
        let mut network = self.with_readout(readout, target)?;
        let (n, m) = (network.population.units(), network.errors());
        require_shape("q", &q, (n, m))?;
        require_finite("q", &q)?;
        let gains = controller.gains()?;
        let mut layout = StateLayout::new(1).with("state", n, "state of the units").with(
            "integral",
            m,
            "integral control",
        );
        if gains.filter.is_some() {
            layout = layout.with("filtered_error", m, "low-pass filtered error");
        }
        network.initial = vec![0.0; layout.dim()];
        network.layout = layout;
        network.control = Some(Control { gains, q });
        Ok(network)
    }

    /// The same network starting from `state`, blocks in layout order.
    ///
    /// # Errors
    /// [`DynamicsError`] when its length is not [`dim`](VectorField::dim) or an entry is not finite.
    pub fn with_initial_state(mut self, state: Vec<f64>) -> Result<Self, DynamicsError> {
        self.initial = checked_initial_state(self.dim(), state)?;
        Ok(self)
    }

    /// Number of error components.
    fn errors(&self) -> usize {
        self.readout.as_ref().map_or(0, |readout| readout.target.len())
    }

    /// Length of the scratch: rates, a sum over units, errors.
    fn scratch_len(&self) -> usize {
        2 * self.population.units() + self.errors()
    }

    /// Right-hand side from the signal that leaves the units (rates, or their derivative) and the
    /// error it makes. With `y` a direction and without constants this is also the derivative.
    fn assemble(&self, y: &[f64], signal: &[f64], error: &[f64], sum: &mut [f64], dy: &mut [f64]) {
        let (n, m) = (self.population.units(), self.errors());
        let (dx, rest) = dy.split_at_mut(n);
        kernels::gemv(&self.population.w, signal, dx);
        if let Some(Control { gains, q }) = &self.control {
            let (integral, filtered) = y[n..].split_at(m);
            let (d_integral, d_filtered) = rest.split_at_mut(m);
            // The control signal is formed where the integral's derivative goes afterwards.
            for ((c, z), e) in d_integral.iter_mut().zip(integral).zip(error) {
                *c = z + gains.error * e;
            }
            if let Some((gain, tau)) = gains.filter {
                for (((c, d), s), e) in
                    d_integral.iter_mut().zip(d_filtered).zip(filtered).zip(error)
                {
                    *c += gain * s;
                    *d = (e - s) / tau;
                }
            }
            kernels::gemv(q, d_integral, sum);
            dx.iter_mut().zip(sum.iter()).for_each(|(dx, s)| *dx += s);
            for ((d, z), e) in d_integral.iter_mut().zip(integral).zip(error) {
                *d = (gains.integral * e - gains.leak * z) / gains.tau;
            }
        }
        self.population.decay(&y[..n], dx);
    }

    /// `target - readout signal`, or `-readout signal` for a direction.
    fn error_of(&self, signal: &[f64], with_target: bool, error: &mut [f64]) {
        if let Some(Readout { matrix, target }) = &self.readout {
            kernels::gemv(matrix, signal, error);
            for (e, target) in error.iter_mut().zip(target) {
                *e = if with_target { target - *e } else { -*e };
            }
        }
    }

    /// The Jacobian where the units have these slopes.
    fn jacobian_at(&self, slopes: &[f64], jac: &mut DMatrix<f64>) {
        let n = self.population.units();
        jac.fill(0.0);
        let scaled = |matrix: &DMatrix<f64>| {
            let mut matrix = matrix.clone();
            matrix.column_iter_mut().zip(slopes).for_each(|(mut column, s)| column *= *s);
            matrix
        };
        let mut of_state = scaled(&self.population.w);
        if let (Some(Control { gains, q }), Some(Readout { matrix, .. })) =
            (&self.control, &self.readout)
        {
            let m = q.ncols();
            let error_slope = -scaled(matrix);
            of_state += gemm::matmul(&(q * gains.error), &error_slope);
            jac.view_mut((0, n), (n, m)).copy_from(&self.population.divided(q.clone()));
            jac.view_mut((n, 0), (m, n)).copy_from(&(&error_slope * (gains.integral / gains.tau)));
            for i in n..n + m {
                jac[(i, i)] = -gains.leak / gains.tau;
            }
            if let Some((gain, tau)) = gains.filter {
                jac.view_mut((0, n + m), (n, m)).copy_from(&self.population.divided(q * gain));
                jac.view_mut((n + m, 0), (m, n)).copy_from(&(error_slope / tau));
                for i in n + m..n + 2 * m {
                    jac[(i, i)] = -1.0 / tau;
                }
            }
        }
        for (i, leak) in self.population.leak.iter().enumerate() {
            of_state[(i, i)] -= leak;
        }
        jac.view_mut((0, 0), (n, n)).copy_from(&self.population.divided(of_state));
    }
}

impl VectorField for RateNetwork {
    named_by_layout!();

    fn dim(&self) -> usize {
        self.layout.dim()
    }

    fn eval(&self, _t: f64, y: &[f64], dy: &mut [f64]) {
        let n = self.population.units();
        with_scratch(self.scratch_len(), |scratch| {
            let (rates, rest) = scratch.split_at_mut(n);
            let (sum, error) = rest.split_at_mut(n);
            self.population.rates(&y[..n], sum, rates);
            self.error_of(rates, true, error);
            self.assemble(y, rates, error, sum, dy);
        });
        self.population.add_input(&mut dy[..n]);
    }

    fn first_kink(&self, y0: &[f64], y1: &[f64]) -> Option<f64> {
        self.population.first_kink(y0, y1)
    }

    fn jacobian(&self, _t: f64, y: &[f64], jac: &mut DMatrix<f64>) {
        let n = self.population.units();
        let mut slopes = vec![0.0; n];
        self.population.slopes(&y[..n], &mut vec![0.0; n], &mut slopes);
        self.jacobian_at(&slopes, jac);
    }

    fn jvp(&self, _t: f64, y: &[f64], v: &[f64], out: &mut [f64]) {
        let n = self.population.units();
        with_scratch(self.scratch_len(), |scratch| {
            let (signal, rest) = scratch.split_at_mut(n);
            let (sum, error) = rest.split_at_mut(n);
            self.population.slopes(&y[..n], sum, signal);
            signal.iter_mut().zip(v).for_each(|(s, v)| *s *= v);
            self.error_of(signal, false, error);
            self.assemble(v, signal, error, sum, out);
        });
    }

    /// Controller first, then the units with the new control signal.
    fn update_order(&self) -> Vec<Range<usize>> {
        let n = self.population.units();
        [n..self.dim(), 0..n].into_iter().filter(|range| !range.is_empty()).collect()
    }
}

impl Dynamics for RateNetwork {
    fn layout(&self) -> &StateLayout {
        &self.layout
    }

    fn initial_state(&self) -> Vec<f64> {
        self.initial.clone()
    }

    fn closed_form_equilibrium(&self) -> Result<Vec<f64>, NoClosedForm> {
        match self.population.nonlinearity() {
            Some(activation) => {
                Err(NoClosedForm::Nonlinear { reason: format!("rates with {}", activation.name()) })
            }
            None => dense_affine_equilibrium(self, "Jacobian of the network"),
        }
    }

    fn observables(&self) -> &[Observable] {
        &self.observables
    }

    fn observe(&self, t: f64, y: &[f64], out: &mut [f64]) {
        let n = self.population.units();
        let mut f = vec![0.0; self.dim()];
        self.eval(t, y, &mut f);
        self.layout.column_norms(&f, &mut out[..1]);
        if self.readout.is_some() {
            with_scratch(self.scratch_len(), |scratch| {
                let (rates, rest) = scratch.split_at_mut(n);
                let (sum, error) = rest.split_at_mut(n);
                self.population.rates(&y[..n], sum, rates);
                self.error_of(rates, true, error);
                out[1] = error.iter().map(|e| e * e).sum::<f64>().sqrt();
            });
        }
    }

    fn is_linear(&self) -> bool {
        self.population.nonlinearity().is_none()
    }

    fn control_parameter(&self, parameter: ControlParameter) -> Option<f64> {
        parameters::value(self, parameter)
    }

    fn with_control_parameter(
        &self,
        parameter: ControlParameter,
        value: f64,
    ) -> Option<Box<dyn Dynamics>> {
        Some(Box::new(parameters::with(self, parameter, value)?))
    }

    fn slope_form(&self, _column: usize) -> Option<SlopeForm> {
        let (n, dim) = (self.population.units(), self.dim());
        let mut constant = DMatrix::zeros(dim, dim);
        self.jacobian_at(&vec![0.0; n], &mut constant);
        let mut with_unit_slopes = DMatrix::zeros(dim, dim);
        self.jacobian_at(&vec![1.0; n], &mut with_unit_slopes);
        // Column k of the Jacobian depends on slope k alone.
        let left = (with_unit_slopes - &constant).columns(0, n).into_owned();
        let right = DMatrix::identity(n, dim);
        Some(SlopeForm { constant, left, right, units: self.population.slope_units() })
    }
}
