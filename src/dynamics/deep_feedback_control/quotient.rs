//! The loop without what the output does not see.

use nalgebra::{DMatrix, DVector};

use super::DeepFeedbackControl;
use super::feedback::ControlFeedback;
use super::parameters::{ControlFilters, ControlParameters};
use crate::dynamics::field::VectorField;
use crate::dynamics::structure::ControlLoop;
use crate::network::{Activation, Forward, Layer, Network, Output};

impl DeepFeedbackControl {
    /// The spectrum of one target's Jacobian at `y` as that of a smaller matrix and known rates.
    ///
    /// Along the network `J_l v_l` obeys an equation of its own,
    /// `tau_v (J_l v_l)' = -J_l v_l + J_{l-1} v_{l-1} + J_l Q_l u`, because
    /// `J_l W_l D_{l-1} = J_{l-1}`: it is a chain of `n_L` units per layer with identity weights and
    /// feedback `J_l Q_l`, whose last stage is the output. What these projections do not see decays at
    /// `-1/tau_v` (apical compartments at `-1/tau_apical`), multiply and defectively, which no
    /// eigenvalue solver resolves. Errors outside the range of the output's slope (for softmax, a
    /// common change of all outputs) never arise, so the controller decays there by itself.
    ///
    /// `None` with recomputed feedback, or where layers are too narrow for the projections.
    pub(super) fn control_loop(&self, y: &[f64], column: usize) -> Option<ControlLoop> {
        let alone = self.single(column);
        if alone.feedback.is_recomputed() {
            return None;
        }
        let y = self.layout.column_state(column, y);
        let plant = &alone.plant;
        let (n, m) = (plant.len(), plant.outputs());
        let (mut v, mut r, mut slopes) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        alone.voltages(&y, &mut v, &mut r, &mut slopes);
        plant.slopes(&v, &mut slopes);
        let transposes = plant.jacobian_transposes(&slopes, &r, 1);
        let basis = plant.error_basis();
        let rank = basis.ncols();
        let gains: Vec<_> = alone
            .loop_gains(&transposes, 0)
            .into_iter()
            .map(|gain| basis.tr_mul(&(gain * &basis)))
            .collect();
        let unseen = n.checked_sub(rank * plant.depth())?;
        let p = self.parameters;
        let filters = ControlFilters { tau_voltage: None, ..p.filters };
        let parameters = ControlParameters { noise: None, filters, ..p };
        let small = chain(gains, rank, parameters)?;
        let mut jacobian = DMatrix::zeros(small.dim(), small.dim());
        small.jacobian(0.0, &vec![0.0; small.dim()], &mut jacobian);
        let mut known = Vec::new();
        let mut add = |rate: Option<f64>, count: usize| {
            if let Some(rate) = rate {
                known.push((-rate, count));
            }
        };
        let inverse = |tau: Option<f64>| tau.map(|tau| 1.0 / tau);
        add((!p.instantaneous).then_some(1.0 / p.tau_v), unseen);
        add(inverse(p.tau_apical), unseen);
        add(inverse(p.noise.and_then(|noise| noise.correlation_time())), n);
        add(inverse(p.filters.tau_voltage), n);
        add(Some(p.leak / p.tau_u), m - rank);
        add(inverse(p.filters.tau_error), m - rank);
        add(inverse(p.filters.tau_controller), m - rank);
        Some(ControlLoop { jacobian, known })
    }
}

/// Linear stages with identity weights under control.
fn chain(
    gains: Vec<DMatrix<f64>>,
    units: usize,
    parameters: ControlParameters,
) -> Option<DeepFeedbackControl> {
    let layer = |_: &DMatrix<f64>| Layer {
        weights: DMatrix::identity(units, units),
        biases: DVector::zeros(units),
        activation: Activation::Linear,
    };
    let network = Network::new(gains.iter().map(layer).collect(), Output::Linear).ok()?;
    let forward = Forward::new(&network, 1);
    let target = DMatrix::zeros(units, 1);
    let feedback = ControlFeedback::Shared(gains);
    DeepFeedbackControl::new(&network, &forward, target, feedback, parameters).ok()
}
