//! What learning reads from a controlled network.

use nalgebra::DMatrix;

use super::DeepFeedbackControl;
use super::feedback::ControlFeedback;
use super::parameters::NoiseSite;

/// Voltages, rates and currents of every layer, one column per target; a buffer to be reused.
#[derive(Debug, Clone, PartialEq)]
pub struct Signals {
    /// `v_l`, or the filtered voltages where there are some, `n_l x targets`.
    pub voltages: Vec<DMatrix<f64>>,
    /// `r_l`, `n_l x targets`; the last one after softmax.
    pub rates: Vec<DMatrix<f64>>,
    /// `W_l r_{l-1} + b_l`, `n_l x targets`.
    pub basal: Vec<DMatrix<f64>>,
    /// `a_l`: the apical compartment or `Q_l u`, with the noise of the voltages, `n_l x targets`.
    pub currents: Vec<DMatrix<f64>>,
    /// The control signal, `n_L x targets`.
    pub control: DMatrix<f64>,
}

impl Signals {
    /// A zeroed buffer for `control`.
    #[must_use]
    pub fn new(control: &DeepFeedbackControl) -> Self {
        let plant = &control.plant;
        let layer = |l: usize| DMatrix::zeros(plant.units(l), plant.columns);
        let layers: Vec<_> = (0..plant.depth()).map(layer).collect();
        Self {
            voltages: layers.clone(),
            rates: layers.clone(),
            basal: layers.clone(),
            currents: layers,
            control: DMatrix::zeros(plant.outputs(), plant.columns),
        }
    }
}

impl DeepFeedbackControl {
    /// Fills `out` from the state `y`; `out` comes from [`Signals::new`] for this control.
    pub fn signals(&self, y: &[f64], out: &mut Signals) {
        let (n, plant) = (self.plant.len(), &self.plant);
        let (mut v, mut r, mut work) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        self.voltages(y, &mut v, &mut r, &mut work);
        let mut e = vec![0.0; self.target.len()];
        self.output_error(&r, &mut e);
        self.control_signal(y, &e, out.control.as_mut_slice());
        plant.input(&r, &mut work);
        self.unstack(&work, &mut out.basal);
        self.unstack(&r, &mut out.rates);
        match (&self.places.apical, &self.feedback) {
            (Some(range), _) => work.copy_from_slice(&y[range.clone()]),
            (None, ControlFeedback::Recomputed { scale }) => {
                let mut slopes = vec![0.0; n];
                plant.slopes(&v, &mut slopes);
                plant.pull_back(&slopes, &r, out.control.as_slice(), &mut work);
                work.iter_mut().for_each(|x| *x *= scale);
            }
            (None, fixed) => fixed.product(plant, out.control.as_slice(), &mut work),
        }
        if let Some(range) = self.noise_input(NoiseSite::Somatic) {
            work.iter_mut().zip(&y[range]).for_each(|(x, xi)| *x += xi);
        }
        self.unstack(&work, &mut out.currents);
        match &self.places.filtered {
            Some(range) => self.unstack(&y[range.clone()], &mut out.voltages),
            None => self.unstack(&v, &mut out.voltages),
        }
    }

    fn unstack(&self, stack: &[f64], layers: &mut [DMatrix<f64>]) {
        for (l, layer) in layers.iter_mut().enumerate() {
            layer.as_mut_slice().copy_from_slice(&stack[self.plant.range(l)]);
        }
    }
}
