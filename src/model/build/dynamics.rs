//! `[dynamics]` to differential equations.

use nalgebra::DMatrix;

use super::loops::{Closing, Loops};
use super::{Equations, StabilisedLoop, System, control, initial, matrix};
use crate::dynamics::{
    Controller, Dynamics, DynamicsError, LinearDynamics, RateNetwork, RateParameters,
};
use crate::feedback::{OptimizeOptions, StabiliseError};
use crate::model::spec::{self, Controller as ControllerSpec, Dynamics as Spec};
use crate::model::{Model, ModelError, Problem};

/// Optimises the feedback of the model's loops; see [`Model::stabilised_feedback`].
pub(super) fn stabilised(
    model: &Model,
    options: &OptimizeOptions,
) -> Result<Result<Vec<StabilisedLoop>, StabiliseError>, ModelError> {
    let spec = model.specification();
    let dynamics = model.require("dynamics", &spec.dynamics, "an equation")?;
    let loops = match dynamics {
        Spec::LayerwiseInversion(layerwise) => layerwise.loop_options(),
        Spec::ConcurrentInversion(options) | Spec::SingleLoop(options) => options.clone(),
        _ => return Ok(Err(StabiliseError::NoLoop)),
    };
    Loops::new(model, &loops, Closing::Model)?.stabilised(dynamics, options)
}

/// Builds everything the model describes, loops closed by `closing`.
pub(super) fn build(model: &Model, closing: Closing<'_>) -> Result<System, ModelError> {
    let spec = model.specification();
    let dynamics = model.require("dynamics", &spec.dynamics, "an equation")?;
    let system = match dynamics {
        Spec::Linear(linear) => {
            let b = linear.b.clone().unwrap_or_else(|| vec![0.0; linear.a.len()]);
            let built = LinearDynamics::new(matrix(&linear.a), b);
            let built = built.map_err(|e| model.refused("dynamics.linear", &e))?;
            alone(with_start(model, "dynamics.linear", built, LinearDynamics::with_initial_state)?)
        }
        Spec::RateNetwork(rate) => {
            let key = "dynamics.rate-network";
            let built = rate_network(rate).map_err(|e| model.refused(key, &e))?;
            alone(with_start(model, key, built, RateNetwork::with_initial_state)?)
        }
        Spec::LayerwiseInversion(layerwise) => {
            Loops::new(model, &layerwise.loop_options(), closing)?.layerwise(layerwise.layer)?
        }
        Spec::ConcurrentInversion(options) => Loops::new(model, options, closing)?.concurrent()?,
        Spec::SingleLoop(options) => Loops::new(model, options, closing)?.single_loop()?,
        Spec::DeepFeedbackControl(options) => control::build(model, options)?,
        Spec::PredictiveCoding(_) => {
            let problem = Problem::NotAllowed {
                what: "this dynamics".to_owned(),
                with: "this version of dinv".to_owned(),
                allowed: vec!["layerwise-inversion", "single-loop", "deep-feedback-control"],
            };
            return Err(model.error("dynamics", problem));
        }
    };
    check_names(model, &system)?;
    Ok(system)
}

fn check_names(model: &Model, system: &System) -> Result<(), ModelError> {
    let check = |dynamics: &dyn Dynamics| {
        let layout = dynamics.layout();
        let blocks: Vec<_> = layout.blocks().iter().map(|b| (b.name.as_str(), b.rows)).collect();
        let observables: Vec<_> = dynamics.observables().iter().map(|o| o.name.as_str()).collect();
        model.check_names(&blocks, &observables)
    };
    match &system.equations {
        Equations::One(dynamics) => check(dynamics.as_ref()),
        Equations::Cascade(cascade) => {
            let first = cascade.first().map_err(|e| model.refused("dynamics", &e))?;
            check(&first)
        }
    }
}

fn alone<D: Dynamics + 'static>(dynamics: D) -> System {
    System {
        network: None,
        operating_point: None,
        equations: Equations::One(Box::new(dynamics)),
        feedback: Vec::new(),
        optimized: Vec::new(),
    }
}

/// Sets the initial state of the model, where it has one.
pub(super) fn with_start<D: Dynamics>(
    model: &Model,
    key: &str,
    dynamics: D,
    set: impl FnOnce(D, Vec<f64>) -> Result<D, DynamicsError>,
) -> Result<D, ModelError> {
    match initial::build(model, dynamics.layout())? {
        None => Ok(dynamics),
        Some(state) => set(dynamics, state).map_err(|e| model.refused(key, &e)),
    }
}

fn rate_network(spec: &spec::RateNetwork) -> Result<RateNetwork, DynamicsError> {
    let parameters = RateParameters {
        w: matrix(&spec.w),
        activation: spec.activation.as_slice().to_vec(),
        gain: spec.gain,
        leak: spec.leak.as_slice().to_vec(),
        tau: spec.tau.as_slice().to_vec(),
        input: spec.input.as_slice().to_vec(),
    };
    let built = RateNetwork::new(parameters)?;
    let Some(target) = &spec.target else { return Ok(built) };
    let n = spec.w.len();
    // Without a readout the rates themselves are compared with the target.
    let readout = spec.readout.as_ref().map_or_else(|| DMatrix::identity(n, n), |r| matrix(r));
    let Some(controller) = spec.controller else {
        return built.with_readout(readout, target.clone());
    };
    // Without a feedback matrix every readout drives its own unit.
    let q = spec.q.as_ref().map_or_else(|| DMatrix::identity(n, n), |q| matrix(q));
    built.with_controller(readout, target.clone(), controller_of(controller), q)
}

fn controller_of(spec: ControllerSpec) -> Controller {
    match spec {
        ControllerSpec::LeakyIntegral { leak, tau, k_i } => {
            Controller::LeakyIntegral { leak, tau, k_i }
        }
        ControllerSpec::ProportionalIntegral { leak, tau, k_i, k_p } => {
            Controller::ProportionalIntegral { k_p, k_i, leak, tau }
        }
        ControllerSpec::Pid { leak, tau, k_i, k_p, k_d, tau_derivative } => {
            Controller::Pid { k_p, k_i, k_d, leak, tau, tau_derivative }
        }
    }
}
