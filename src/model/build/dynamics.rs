//! `[dynamics]` to differential equations.

use std::sync::Arc;

use nalgebra::DMatrix;

use super::{Equations, FeedbackMatrix, OperatingPoint, System, feedback, initial, matrix, network, target};
use super::{operating_point, shared_weights};
use crate::dynamics::{
    ChainLayer, ConcurrentInversion, Controller, Dynamics, DynamicsError, InvertedLayer,
    LayerwiseInversion, LinearDynamics, LoopParameters, RateNetwork, RateParameters, SingleLoop,
    Transfer,
};
use crate::model::spec::{
    self, ChosenLayer, Controller as ControllerSpec, Dynamics as Spec, LoopDynamics, TransferName,
};
use crate::model::{Model, ModelError, Problem};
use crate::network::{Activation, Network};

/// Loops for several layers that run one after the other, top layer first.
#[derive(Debug, Clone)]
pub struct Cascade {
    /// The inverted layers, top first: number, weights, feedback, transfer.
    layers: Vec<(usize, InvertedLayer)>,
    target: DMatrix<f64>,
    parameters: LoopParameters,
}

impl Cascade {
    /// Numbers of the inverted layers, in the order in which they run.
    pub fn layer_numbers(&self) -> impl Iterator<Item = usize> + '_ {
        self.layers.iter().map(|(number, _)| *number)
    }

    /// The loop that runs first.
    ///
    /// # Errors
    /// [`DynamicsError`] when its parts do not fit.
    pub fn first(&self) -> Result<LayerwiseInversion, DynamicsError> {
        self.stage(0, self.target.clone())
    }

    /// Loop `index` in the order of running, inverting `target` (the state at the end of the loop
    /// before it).
    ///
    /// # Errors
    /// [`DynamicsError`] when its parts do not fit.
    pub fn stage(
        &self,
        index: usize,
        target: DMatrix<f64>,
    ) -> Result<LayerwiseInversion, DynamicsError> {
        let layer = &self.layers[index].1;
        LayerwiseInversion::new(
            Arc::clone(&layer.weights),
            layer.feedback.clone(),
            layer.transfer.clone(),
            target,
            self.parameters,
        )
    }
}

/// Builds everything the model describes.
pub(super) fn build(model: &Model) -> Result<System, ModelError> {
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
            Loops::new(model, &layerwise.loop_options())?.layerwise(layerwise.layer)?
        }
        Spec::ConcurrentInversion(options) => Loops::new(model, options)?.concurrent()?,
        Spec::SingleLoop(options) => Loops::new(model, options)?.single_loop()?,
        Spec::DeepFeedbackControl(_) | Spec::PredictiveCoding(_) => {
            let problem = Problem::NotAllowed {
                what: "this dynamics".to_owned(),
                with: "this version of dinv".to_owned(),
                allowed: vec!["layerwise-inversion", "concurrent-inversion", "single-loop"],
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
    }
}

/// Sets the initial state of the model, where it has one.
fn with_start<D: Dynamics>(
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
    match (spec.controller, &spec.q) {
        (Some(controller), Some(q)) => {
            built.with_controller(readout, target.clone(), controller_of(controller), matrix(q))
        }
        _ => built.with_readout(readout, target.clone()),
    }
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

/// The parts that all inversion loops are made from.
struct Loops<'m> {
    model: &'m Model,
    key: String,
    options: LoopDynamics,
    network: Network,
    weights: Vec<Arc<DMatrix<f64>>>,
    operating_point: Option<OperatingPoint>,
}

impl<'m> Loops<'m> {
    fn new(model: &'m Model, options: &LoopDynamics) -> Result<Self, ModelError> {
        let spec = model.specification();
        let network = network::build(model, "an inversion loop")?;
        let target = model.require("target", &spec.target, "an inversion loop")?;
        let operating_point = operating_point::build(model, &network, target)?;
        let weights = shared_weights(&network);
        let name = spec.dynamics.as_ref().map_or("", Spec::name);
        let key = format!("dynamics.{name}");
        Ok(Self { model, key, options: options.clone(), network, weights, operating_point })
    }

    fn depth(&self) -> usize {
        self.weights.len()
    }

    fn parameters(&self) -> LoopParameters {
        let LoopDynamics { leak, tau_state, tau_controller, .. } = self.options;
        LoopParameters { leak, tau_state, tau_controller }
    }

    /// The transfer of the loop that inverts layer `l`, which acts on the layer below it.
    fn transfer(&self, l: usize) -> Result<Transfer, ModelError> {
        let below = match l {
            1 => Activation::Linear,
            _ => self.network.layers()[l - 2].activation,
        };
        let activation = self.options.activation.unwrap_or(below);
        let operating_point = || {
            let point = self.operating_point.as_ref().ok_or_else(|| {
                let problem = Problem::Needs {
                    what: format!("transfer \"{}\"", self.options.transfer.name()),
                    needs: "an operating point of the network".to_owned(),
                    remedy: "add input = [...] to [target]".to_owned(),
                };
                self.model.error(&format!("{}.transfer", self.key), problem)
            })?;
            Ok(match l {
                1 => point.forward.inputs.clone(),
                _ => point.forward.pre_activations[l - 2].clone(),
            })
        };
        Ok(match self.options.transfer {
            TransferName::Linear => Transfer::Linear,
            TransferName::Nonlinear => Transfer::Nonlinear { activation },
            TransferName::Tangent => {
                Transfer::Tangent { activation, operating_point: operating_point()? }
            }
            TransferName::InverseSlope => {
                Transfer::InverseSlope { activation, operating_point: operating_point()? }
            }
            TransferName::Deviation => {
                Transfer::Deviation { activation, operating_point: operating_point()? }
            }
        })
    }

    fn target(&self, top: usize) -> Result<DMatrix<f64>, ModelError> {
        let spec = self.model.specification();
        let target = self.model.require("target", &spec.target, "an inversion loop")?;
        let units = self.weights[top - 1].nrows();
        let point = self.operating_point.as_ref();
        target::build(self.model, target, &self.network, point, units, top == self.depth())
    }

    /// The loops that invert layers `first ..= last`, in increasing order.
    fn inverted(&self, first: usize, last: usize) -> Result<Vec<InvertedLayer>, ModelError> {
        let weights = &self.weights[first - 1..last];
        let feedback = feedback::layerwise(self.model, weights, first)?;
        let layers = weights.iter().zip(feedback).zip(first..);
        layers
            .map(|((weights, feedback), l)| {
                let layer = InvertedLayer {
                    weights: Arc::clone(weights),
                    feedback,
                    transfer: self.transfer(l)?,
                };
                self.stabilised(layer)
            })
            .collect()
    }

    /// The layer with its feedback optimised, where the model asks for that.
    fn stabilised(&self, layer: InvertedLayer) -> Result<InvertedLayer, ModelError> {
        let columns = layer.transfer.operating_point().map_or(1, DMatrix::ncols);
        // The target does not enter the Jacobian at the initial state, zero.
        let target = DMatrix::zeros(layer.weights.nrows(), columns);
        let InvertedLayer { weights, feedback, transfer } = layer.clone();
        let alone = LayerwiseInversion::new(weights, feedback, transfer, target, self.parameters())
            .map_err(|e| self.model.refused(&self.key, &e))?;
        Ok(match feedback::optimized(self.model, &alone)? {
            Some(feedback) => InvertedLayer { feedback: feedback.into(), ..layer },
            None => layer,
        })
    }

    fn layerwise(self, chosen: ChosenLayer) -> Result<System, ModelError> {
        let target;
        let layers = match chosen {
            ChosenLayer::Number(l) => {
                target = self.target(l)?;
                self.inverted(l, l)?
            }
            ChosenLayer::All(_) => {
                self.refuse_shallow()?;
                target = self.target(self.depth())?;
                self.inverted(2, self.depth())?
            }
        };
        let first = self.depth() + 1 - layers.len();
        let first = if let ChosenLayer::Number(l) = chosen { l } else { first };
        let feedback = named_feedback(&layers, first);
        let parameters = self.parameters();
        let cascade = Cascade {
            layers: (first..first + layers.len()).zip(layers).rev().collect(),
            target,
            parameters,
        };
        let top = cascade.first().map_err(|e| self.model.refused(&self.key, &e))?;
        let equations = match chosen {
            ChosenLayer::Number(_) => {
                let set = LayerwiseInversion::with_initial_state;
                Equations::One(Box::new(with_start(self.model, &self.key, top, set)?))
            }
            ChosenLayer::All(_) => {
                if self.model.specification().initial.is_some() {
                    let problem = Problem::NotAllowed {
                        what: "[initial]".to_owned(),
                        with: "layer = \"all\", where every loop starts at zero".to_owned(),
                        allowed: Vec::new(),
                    };
                    return Err(self.model.error("initial", problem));
                }
                Equations::Cascade(cascade)
            }
        };
        Ok(self.system(equations, feedback))
    }

    fn concurrent(self) -> Result<System, ModelError> {
        self.refuse_shallow()?;
        let layers = self.inverted(2, self.depth())?;
        let feedback = named_feedback(&layers, 2);
        let target = self.target(self.depth())?;
        let built = ConcurrentInversion::new(layers, target, self.parameters())
            .map_err(|e| self.model.refused(&self.key, &e))?;
        let set = ConcurrentInversion::with_initial_state;
        let built = with_start(self.model, &self.key, built, set)?;
        Ok(self.system(Equations::One(Box::new(built)), feedback))
    }

    fn single_loop(self) -> Result<System, ModelError> {
        self.refuse_shallow()?;
        let above: Vec<_> = self.weights[1..].iter().map(|w| w.as_ref().clone()).collect();
        let mut b = feedback::single_loop(self.model, &above)?;
        let layers = self.weights[1..].iter().zip(2..).map(|(weights, l)| {
            Ok(ChainLayer { weights: Arc::clone(weights), transfer: self.transfer(l)? })
        });
        let layers = layers.collect::<Result<Vec<_>, ModelError>>()?;
        let depth = self.depth();
        let target = self.target(depth)?;
        let close = |b| {
            SingleLoop::new(layers.clone(), b, target.clone(), self.parameters())
                .map_err(|e| self.model.refused(&self.key, &e))
        };
        let mut built = close(b.clone())?;
        if let Some(optimized) = feedback::optimized(self.model, &built)? {
            b = optimized;
            built = close(b.clone())?;
        }
        let built = with_start(self.model, &self.key, built, SingleLoop::with_initial_state)?;
        Ok(self.system(Equations::One(Box::new(built)), vec![FeedbackMatrix { to: 1, from: depth, matrix: b }]))
    }

    /// Layers above the first are inverted, so there must be some.
    fn refuse_shallow(&self) -> Result<(), ModelError> {
        if self.depth() > 1 {
            return Ok(());
        }
        let problem = Problem::Needs {
            what: "the inversion of all hidden layers".to_owned(),
            needs: "at least one hidden layer".to_owned(),
            remedy: "give three or more sizes, or use layerwise-inversion with layer = 1"
                .to_owned(),
        };
        Err(self.model.error("network.sizes", problem))
    }

    fn system(self, equations: Equations, feedback: Vec<FeedbackMatrix>) -> System {
        let network = Some(self.network);
        System { network, operating_point: self.operating_point, equations, feedback }
    }
}

/// The matrices of the loops that invert layers `first ..`.
fn named_feedback(layers: &[InvertedLayer], first: usize) -> Vec<FeedbackMatrix> {
    let numbered = layers.iter().zip(first..);
    numbered
        .map(|(layer, l)| FeedbackMatrix {
            to: l - 1,
            from: l,
            matrix: layer.feedback.matrix(&layer.weights),
        })
        .collect()
}
