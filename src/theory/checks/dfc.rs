//! Instances of deep feedback control, linearised at the feedforward state.

use nalgebra::{DMatrix, DVector};

use crate::dynamics::{ControlFeedback, ControlParameters, DeepFeedbackControl};
use crate::network::{Forward, Network};
use crate::theory::check::Obstacle;
use crate::theory::draw::Draw;
use crate::theory::instances::tanh_network;
use crate::theory::model_text::ModelText;

pub use crate::dynamics::LeakOn;

/// Deep feedback control of a network, linearised at its feedforward state.
#[derive(Debug, Clone)]
pub struct DfcInstance {
    /// The network.
    pub network: Network,
    /// Its input.
    pub input: Vec<f64>,
    /// Slopes of the voltages on each other: `Jh[l, l-1] = W_l D_{l-1}`.
    pub forward: DMatrix<f64>,
    /// Slope of the output on the voltages: `[0 .. 0 D_L]`.
    pub output: DMatrix<f64>,
    /// `J`: slope of the steady output on currents into the voltages.
    pub jacobian: DMatrix<f64>,
    /// All `Q_l`, one above the other.
    pub feedback: DMatrix<f64>,
    /// `delta_L = target - y`.
    pub delta: DVector<f64>,
    /// Leak of the controller.
    pub leak: f64,
    /// Where the leak acts.
    pub leak_on: LeakOn,
    /// Gain of the proportional part.
    pub k_p: f64,
    /// Time constant of the voltages, s.
    pub tau_v: f64,
    /// Time constant of the controller, s.
    pub tau_u: f64,
}

impl DfcInstance {
    /// A tanh network of two to three layers; both leak conventions in turn. `Q` is `J^T`, turned
    /// by `turn` towards random entries.
    ///
    /// # Errors
    /// When a part does not fit.
    pub fn draw(draw: &mut Draw, turn: f64) -> Result<Self, Obstacle> {
        let depth = draw.integer(2, 3);
        let sizes: Vec<usize> = (0..=depth).map(|_| draw.units(6, 14)).collect();
        let (network, input) = tanh_network(draw, &sizes)?;
        let mut pass = Forward::new(&network, 1);
        network.forward(&input, &mut pass)?;
        let blocks = network.output_jacobian_blocks(&pass, 0);
        let units: usize = sizes[1..].iter().sum();
        let outputs = sizes[depth];
        let mut forward = DMatrix::zeros(units, units);
        let mut jacobian = DMatrix::zeros(outputs, units);
        let mut at = 0;
        for (l, block) in blocks.iter().enumerate() {
            jacobian.view_mut((0, at), block.shape()).copy_from(block);
            if l > 0 {
                let mut w = network.layers()[l].weights.clone();
                let mut slopes = vec![0.0; w.ncols()];
                network.slopes(&pass, l - 1, &mut slopes);
                w.column_iter_mut().zip(slopes).for_each(|(mut column, d)| column *= d);
                forward.view_mut((at, at - w.ncols()), w.shape()).copy_from(&w);
            }
            at += block.ncols();
        }
        let mut output = DMatrix::zeros(outputs, units);
        output.view_mut((0, units - outputs), (outputs, outputs)).fill_with_identity();
        let noise = draw.matrix(units, outputs, 1.0 / (outputs as f64).sqrt());
        let feedback = jacobian.transpose() * (1.0 - turn) + noise * turn;
        Ok(Self {
            delta: draw.vector(outputs, 0.5),
            network,
            input,
            forward,
            output,
            jacobian,
            feedback,
            leak: draw.log_uniform(0.05, 1.0),
            leak_on: if draw.index.is_multiple_of(2) { LeakOn::U } else { LeakOn::W },
            k_p: draw.uniform(0.0, 2.0),
            tau_v: draw.log_uniform(0.2, 1.0),
            tau_u: draw.log_uniform(0.5, 2.0),
        })
    }

    /// Voltages of all layers.
    #[must_use]
    pub fn units(&self) -> usize {
        self.forward.nrows()
    }

    /// 1 with the leak on `u`, 0 with the leak on `w`.
    #[must_use]
    pub fn s(&self) -> f64 {
        match self.leak_on {
            LeakOn::U => 1.0,
            LeakOn::W => 0.0,
        }
    }

    /// The linearised equation `x' = A x + b` in `x = (v - v_feedforward, w)`: `(A, b)`.
    #[must_use]
    pub fn equation(&self) -> (DMatrix<f64>, DVector<f64>) {
        let (n, m) = (self.units(), self.delta.len());
        let Self { leak, k_p, tau_v, tau_u, .. } = *self;
        let share = (1.0 - self.s() * leak * k_p) / tau_u;
        let mut a = DMatrix::zeros(n + m, n + m);
        let voltages =
            &self.forward - DMatrix::identity(n, n) - &self.feedback * &self.output * k_p;
        a.view_mut((0, 0), (n, n)).copy_from(&(voltages / tau_v));
        a.view_mut((0, n), (n, m)).copy_from(&(&self.feedback / tau_v));
        a.view_mut((n, 0), (m, n)).copy_from(&(&self.output * -share));
        a.view_mut((n, n), (m, m)).fill_with_identity();
        let mut corner = a.view_mut((n, n), (m, m));
        corner *= -leak / tau_u;
        let mut b = DVector::zeros(n + m);
        b.rows_mut(0, n).copy_from(&(&self.feedback * &self.delta * (k_p / tau_v)));
        b.rows_mut(n, m).copy_from(&(&self.delta * share));
        (a, b)
    }

    /// The control signal of a state.
    #[must_use]
    pub fn control(&self, x: &DVector<f64>) -> DVector<f64> {
        let n = self.units();
        let e = &self.delta - &self.output * x.rows(0, n);
        x.rows(n, self.delta.len()) + e * self.k_p
    }

    fn parameters(&self) -> ControlParameters {
        ControlParameters {
            leak_on: self.leak_on,
            k_p: self.k_p,
            tau_v: self.tau_v,
            tau_u: self.tau_u,
            ..ControlParameters::with_leak(self.leak)
        }
    }

    /// The feedback of every layer.
    fn feedback_by_layer(&self) -> Vec<DMatrix<f64>> {
        let mut at = 0;
        let layer = |n: usize| {
            at += n;
            self.feedback.rows(at - n, n).into_owned()
        };
        self.network.sizes()[1..].iter().copied().map(layer).collect()
    }

    fn pass(&self) -> Result<Forward, Obstacle> {
        let mut pass = Forward::new(&self.network, 1);
        self.network.forward(&self.input, &mut pass)?;
        Ok(pass)
    }

    /// The feedforward output plus `size delta`.
    fn target(&self, size: f64) -> Result<DMatrix<f64>, Obstacle> {
        let delta = DMatrix::from_column_slice(self.delta.len(), 1, self.delta.as_slice());
        Ok(self.pass()?.output() + delta * size)
    }

    /// The control signal at rest of the network itself, not linearised, for the error `size delta`.
    ///
    /// # Errors
    /// When no steady state is found.
    pub fn control_at_rest(&self, size: f64) -> Result<DVector<f64>, Obstacle> {
        let (pass, target) = (self.pass()?, self.target(size)?);
        let feedback = ControlFeedback::Shared(self.feedback_by_layer());
        let control =
            DeepFeedbackControl::new(&self.network, &pass, target, feedback, self.parameters())?;
        let found = control.steady_state();
        if !found.converged[0] {
            return Err(Obstacle::new("no steady state of the controlled network was found"));
        }
        Ok(found.control.column(0).into_owned())
    }

    /// The network under control for the error `size delta`, as a model file up to its solver.
    ///
    /// # Errors
    /// When a part does not fit.
    pub(crate) fn model(&self, title: &str, size: f64) -> Result<ModelText, Obstacle> {
        let output = self.target(size)?;
        let feedback = self.feedback_by_layer();
        let leak_on = match self.leak_on {
            LeakOn::U => "u",
            LeakOn::W => "w",
        };
        let lines = [
            format!("leak = {:?}", self.leak),
            format!("leak_on = \"{leak_on}\""),
            format!("k_p = {:?}", self.k_p),
            format!("tau_v = {:?}", self.tau_v),
            format!("tau_u = {:?}", self.tau_u),
        ];
        Ok(ModelText::new(title)
            .network(&self.network)
            .feedback(&feedback.iter().collect::<Vec<_>>())
            .section("dynamics.deep-feedback-control", &lines)
            .output(output.as_slice(), &self.input))
    }
}
