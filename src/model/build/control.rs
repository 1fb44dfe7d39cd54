//! Deep feedback control.

use nalgebra::DMatrix;

use super::dynamics::with_start;
use super::feedback::FeedbackTable;
use super::{Equations, FeedbackMatrix, System, network, operating_point, target};
use crate::dynamics::{
    ControlFeedback, ControlFilters, ControlNoise, ControlParameters, DeepFeedbackControl, LeakOn,
    NoiseSite,
};
use crate::feedback::{Sleep, learn_feedback};
use crate::model::spec::{
    self, DeepFeedbackControl as Spec, DfcRule, Feedback, LearnedFeedback, QUpdate,
};
use crate::model::{Model, ModelError, Problem};
use crate::network::{Forward, Network};

const KEY: &str = "dynamics.deep-feedback-control";

/// Builds the network under control.
pub(super) fn build(model: &Model, options: &Spec) -> Result<System, ModelError> {
    let spec = model.specification();
    let target = model.require("target", &spec.target, "deep feedback control")?;
    let network = network::build(model, "deep feedback control")?;
    let point = operating_point::build(model, &network, target)?.ok_or_else(|| {
        let problem = Problem::Needs {
            what: "deep feedback control".to_owned(),
            needs: "the input at which the network runs".to_owned(),
            remedy: "add `input` to [target], or use an example".to_owned(),
        };
        model.error("target", problem)
    })?;
    let error = target::build(model, target, &network, Some(&point), network.output_size())?;
    let wanted = point.forward.output() + error;
    let feedback = model.require("feedback", &spec.feedback, "deep feedback control")?;
    let table = FeedbackTable { model, key: "feedback", spec: feedback };
    let parameters = options.parameters();
    let q = feedback_of(&table, &network, &point.forward, parameters)?;
    let matrices = named(&q, network.layers().len());
    let built = DeepFeedbackControl::new(&network, &point.forward, wanted, q, parameters)
        .map_err(|e| model.refused(KEY, &e))?;
    let built = with_start(model, KEY, built, DeepFeedbackControl::with_initial_state)?;
    Ok(System {
        network: Some(network),
        operating_point: Some(point),
        equations: Equations::One(Box::new(built)),
        feedback: matrices,
        optimized: Vec::new(),
    })
}

/// `Q` at the activity `forward`.
fn feedback_of(
    table: &FeedbackTable<'_>,
    network: &Network,
    forward: &Forward,
    parameters: ControlParameters,
) -> Result<ControlFeedback, ModelError> {
    match table.spec {
        Feedback::JacobianTranspose { scale, update: QUpdate::Recomputed } => {
            Ok(ControlFeedback::Recomputed { scale: *scale })
        }
        Feedback::JacobianTranspose { .. } => {
            let mut matrices: Vec<DMatrix<f64>> = Vec::new();
            for column in 0..forward.columns() {
                let q = table.controller(network, forward, column)?;
                if column == 0 {
                    let wide =
                        |q: &DMatrix<f64>| DMatrix::zeros(q.nrows(), q.ncols() * forward.columns());
                    matrices = q.iter().map(wide).collect();
                }
                for (all, q) in matrices.iter_mut().zip(&q) {
                    all.columns_mut(column * q.ncols(), q.ncols()).copy_from(q);
                }
            }
            let several = forward.columns() > 1;
            Ok(if several {
                ControlFeedback::PerTarget(matrices)
            } else {
                ControlFeedback::Shared(matrices)
            })
        }
        Feedback::Learned(options) => {
            let start = table.controller(network, forward, 0)?;
            let sleep = options.sleep(table.model.specification().seed);
            let learned = learn_feedback(network, &forward.inputs, start, &parameters, &sleep);
            let learned = learned.map_err(|e| table.model.refused("feedback.learned", &e))?;
            Ok(ControlFeedback::Shared(learned))
        }
        _ => table.controller(network, forward, 0).map(ControlFeedback::Shared),
    }
}

/// Fixed matrices for the result file. Those of single targets follow from the weights.
fn named(feedback: &ControlFeedback, layers: usize) -> Vec<FeedbackMatrix> {
    let ControlFeedback::Shared(matrices) = feedback else { return Vec::new() };
    let matrix = |(matrix, l): (&DMatrix<f64>, usize)| FeedbackMatrix {
        to: l,
        from: layers,
        matrix: matrix.clone(),
    };
    matrices.iter().zip(1..).map(matrix).collect()
}

impl Spec {
    /// What the controller is told.
    #[must_use]
    pub fn parameters(&self) -> ControlParameters {
        let site = |site: spec::NoiseSite| match site {
            spec::NoiseSite::Apical => NoiseSite::Apical,
            spec::NoiseSite::Somatic => NoiseSite::Somatic,
        };
        let noise = self.noise.as_ref().map(|noise| match *noise {
            spec::Noise::White { location, std } => {
                ControlNoise::White { site: site(location), std }
            }
            spec::Noise::OrnsteinUhlenbeck { location, std, tau } => {
                ControlNoise::OrnsteinUhlenbeck { site: site(location), std, tau }
            }
        });
        ControlParameters {
            leak: self.leak,
            leak_on: leak_on(self.leak_on),
            k_p: self.k_p,
            tau_v: self.tau_v,
            tau_u: self.tau_u,
            tau_apical: self.tau_apical,
            instantaneous: self.instantaneous,
            filters: filters(self.filter.as_ref()),
            noise,
        }
    }
}

impl DfcRule {
    /// What the controller is told.
    #[must_use]
    pub fn parameters(&self) -> ControlParameters {
        ControlParameters {
            leak: self.leak,
            leak_on: leak_on(self.leak_on),
            k_p: self.k_p,
            tau_v: self.tau_v,
            tau_u: self.tau_u,
            tau_apical: self.tau_apical,
            instantaneous: self.instantaneous,
            filters: filters(self.filter.as_ref()),
            noise: None,
        }
    }
}

impl spec::DfcSsaRule {
    /// What the controller is told; the linearised steady state knows no time.
    #[must_use]
    pub fn parameters(&self) -> ControlParameters {
        ControlParameters {
            leak_on: leak_on(self.leak_on),
            k_p: self.k_p,
            ..ControlParameters::with_leak(self.leak)
        }
    }
}

impl LearnedFeedback {
    /// The sleep phase.
    #[must_use]
    pub fn sleep(&self, seed: u64) -> Sleep {
        Sleep {
            steps: self.steps,
            rate: self.rate,
            decay: self.decay,
            leak: self.leak,
            noise_std: self.noise_std,
            time: self.time,
            step: self.step,
            seed,
        }
    }
}

fn leak_on(leak_on: spec::LeakOn) -> LeakOn {
    match leak_on {
        spec::LeakOn::U => LeakOn::U,
        spec::LeakOn::W => LeakOn::W,
    }
}

fn filters(filter: Option<&spec::Filter>) -> ControlFilters {
    filter.map_or_else(ControlFilters::default, |f| ControlFilters {
        tau_error: f.tau_error,
        tau_controller: f.tau_controller,
        tau_voltage: f.tau_voltage,
    })
}
