//! Inversion loops: layerwise, concurrent, single.

use std::sync::Arc;

use nalgebra::DMatrix;

use super::cascade::Cascade;
use super::dynamics::with_start;
use super::feedback::FeedbackTable;
use super::optimized::{self, StabilisedLoop};
use super::{Equations, FeedbackMatrix, OperatingPoint, System, network, operating_point, target};
use crate::dynamics::{
    ChainLayer, ConcurrentInversion, Feedback, InvertedLayer, LayerwiseInversion, LoopParameters,
    SingleLoop, Transfer,
};
use crate::feedback::{OptimizeOptions, StabiliseError};
use crate::model::spec::{ChosenLayer, Dynamics as Spec, LoopDynamics, TransferName};
use crate::model::{Model, ModelError, Problem};
use crate::network::{Activation, Network};

/// The parts that all inversion loops are made from.
pub(super) struct Loops<'m> {
    model: &'m Model,
    key: String,
    options: LoopDynamics,
    network: Network,
    weights: Vec<Arc<DMatrix<f64>>>,
    operating_point: Option<OperatingPoint>,
    closing: Closing<'m>,
}

/// The feedback that closes the loops.
#[derive(Clone, Copy)]
pub(super) enum Closing<'m> {
    /// What the model says.
    Model,
    /// These matrices instead, in the order of the model's.
    Given(&'m [DMatrix<f64>]),
}

impl<'m> Loops<'m> {
    pub fn new(
        model: &'m Model,
        options: &LoopDynamics,
        closing: Closing<'m>,
    ) -> Result<Self, ModelError> {
        let spec = model.specification();
        let network = network::build(model, "an inversion loop")?;
        let operating_point = match &spec.target {
            Some(target) => operating_point::build(model, &network, target)?,
            None => None,
        };
        let weights = network.layers().iter().map(|l| Arc::new(l.weights.clone())).collect();
        let name = spec.dynamics.as_ref().map_or("", Spec::name);
        let key = format!("dynamics.{name}");
        Ok(Self {
            model,
            key,
            options: options.clone(),
            network,
            weights,
            operating_point,
            closing,
        })
    }

    pub fn layerwise(self, chosen: ChosenLayer) -> Result<System, ModelError> {
        let (first, last) = match chosen {
            ChosenLayer::Number(l) => (l, l),
            ChosenLayer::All(_) => (2, self.depth()),
        };
        let (layers, optimized) = self.inverted(first, last)?;
        let target = self.target(last)?;
        let feedback = named_feedback(&layers, first);
        let parameters = self.parameters();
        let layers = (first..).zip(layers).collect::<Vec<_>>().into_iter().rev().collect();
        let cascade = Cascade { layers, target, parameters };
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
        Ok(self.system(equations, feedback, optimized))
    }

    pub fn concurrent(self) -> Result<System, ModelError> {
        let (layers, optimized) = self.inverted(2, self.depth())?;
        let feedback = named_feedback(&layers, 2);
        let target = self.target(self.depth())?;
        let built = ConcurrentInversion::new(layers, target, self.parameters())
            .map_err(|e| self.model.refused(&self.key, &e))?;
        let set = ConcurrentInversion::with_initial_state;
        let built = with_start(self.model, &self.key, built, set)?;
        Ok(self.system(Equations::One(Box::new(built)), feedback, optimized))
    }

    pub fn single_loop(self) -> Result<System, ModelError> {
        let (table, layers) = (self.feedback()?, self.chain()?);
        let target = self.target(self.depth())?;
        let mut b = self.single_feedback()?;
        let mut optimized = Vec::new();
        if let (Closing::Model, Some(options)) = (self.closing, table.optimize_options()) {
            let found = optimized::single(&layers, b, &target, self.parameters(), &options);
            optimized = table.require_margin(found, options.margin)?;
            b = optimized[0].stabilised.feedback.clone();
        }
        let built = SingleLoop::new(layers, b.clone(), target, self.parameters())
            .map_err(|e| self.model.refused(&self.key, &e))?;
        let built = with_start(self.model, &self.key, built, SingleLoop::with_initial_state)?;
        let feedback = FeedbackMatrix { to: 1, from: self.depth(), matrix: b };
        Ok(self.system(Equations::One(Box::new(built)), vec![feedback], optimized))
    }

    /// The loops of the model with their feedback optimised from where the model puts it.
    pub fn stabilised(
        self,
        dynamics: &Spec,
        options: &OptimizeOptions,
    ) -> Result<Result<Vec<StabilisedLoop>, StabiliseError>, ModelError> {
        let depth = self.depth();
        let (first, last) = match dynamics {
            Spec::SingleLoop(_) => {
                let (chain, b) = (self.chain()?, self.single_feedback()?);
                let target = self.target(depth)?;
                return Ok(optimized::single(&chain, b, &target, self.parameters(), options));
            }
            Spec::LayerwiseInversion(layerwise) => match layerwise.layer {
                ChosenLayer::Number(l) => (l, l),
                ChosenLayer::All(_) => (2, depth),
            },
            _ => (2, depth),
        };
        let (mut layers, _) = self.inverted(first, last)?;
        let target = self.target(last)?;
        Ok(optimized::layers(&mut layers, first, target, self.parameters(), options))
    }

    /// The layers of a single loop.
    fn chain(&self) -> Result<Vec<ChainLayer>, ModelError> {
        let layer = |(weights, l): (&Arc<DMatrix<f64>>, usize)| {
            Ok(ChainLayer { weights: Arc::clone(weights), transfer: self.transfer(l)? })
        };
        self.weights[1..].iter().zip(2..).map(layer).collect()
    }

    fn single_feedback(&self) -> Result<DMatrix<f64>, ModelError> {
        if let Closing::Given([b]) = self.closing {
            return Ok(b.clone());
        }
        let above: Vec<_> = self.weights[1..].iter().map(|w| w.as_ref().clone()).collect();
        self.feedback()?.single_loop(&above)
    }

    fn depth(&self) -> usize {
        self.weights.len()
    }

    fn parameters(&self) -> LoopParameters {
        let LoopDynamics { leak, tau_state, tau_controller, .. } = self.options;
        LoopParameters { leak, tau_state, tau_controller }
    }

    fn feedback(&self) -> Result<FeedbackTable<'m>, ModelError> {
        let spec = &self.model.specification().feedback;
        let spec = self.model.require("feedback", spec, "an inversion loop")?;
        Ok(FeedbackTable { model: self.model, key: "feedback", spec })
    }

    /// The loops that invert layers `first ..= last`, in increasing order, with their feedback
    /// optimised where the model asks for that.
    fn inverted(
        &self,
        first: usize,
        last: usize,
    ) -> Result<(Vec<InvertedLayer>, Vec<StabilisedLoop>), ModelError> {
        let weights = &self.weights[first - 1..last];
        let table = self.feedback()?;
        let feedback = match self.closing {
            Closing::Given(given) => given.iter().cloned().map(Feedback::from).collect(),
            Closing::Model => table.layerwise(weights, first)?,
        };
        let layers = weights.iter().zip(feedback).zip(first..);
        let mut layers: Vec<_> = layers
            .map(|((weights, feedback), l)| {
                let (weights, transfer) = (Arc::clone(weights), self.transfer(l)?);
                Ok(InvertedLayer { weights, feedback, transfer })
            })
            .collect::<Result<_, _>>()?;
        let mut optimized = Vec::new();
        if let (Closing::Model, Some(options)) = (self.closing, table.optimize_options()) {
            let top = self.target(last)?;
            let found = optimized::layers(&mut layers, first, top, self.parameters(), &options);
            optimized = table.require_margin(found, options.margin)?;
        }
        Ok((layers, optimized))
    }

    /// The transfer of the loop that inverts layer `l`, which acts on the layer below it.
    fn transfer(&self, l: usize) -> Result<Transfer, ModelError> {
        let below = match l {
            1 => Activation::Linear,
            _ => self.network.layers()[l - 2].activation,
        };
        let activation = self.options.activation.unwrap_or(below);
        Ok(match self.options.transfer {
            TransferName::Linear => Transfer::Linear,
            TransferName::Nonlinear => Transfer::Nonlinear { activation },
            TransferName::Tangent => {
                Transfer::Tangent { activation, operating_point: self.pre_activation(l)? }
            }
            TransferName::InverseSlope => {
                Transfer::InverseSlope { activation, operating_point: self.pre_activation(l)? }
            }
            TransferName::Deviation => {
                Transfer::Deviation { activation, operating_point: self.pre_activation(l)? }
            }
        })
    }

    /// What the layer below `l` receives at the operating point; for layer 1 the input itself.
    fn pre_activation(&self, l: usize) -> Result<DMatrix<f64>, ModelError> {
        let point = self.operating_point.as_ref().ok_or_else(|| {
            let problem = Problem::Needs {
                what: format!("the transfer \"{}\"", self.options.transfer.name()),
                needs: "an operating point of the network".to_owned(),
                remedy: "add `input` to [target], or use an example".to_owned(),
            };
            self.model.error(&format!("{}.transfer", self.key), problem)
        })?;
        Ok(match l {
            1 => point.forward.inputs.clone(),
            _ => point.forward.pre_activations[l - 2].clone(),
        })
    }

    /// The errors at layer `top`, one column per target; zero when the model has no target.
    fn target(&self, top: usize) -> Result<DMatrix<f64>, ModelError> {
        let units = self.weights[top - 1].nrows();
        match &self.model.specification().target {
            None => Ok(DMatrix::zeros(units, 1)),
            Some(target) => {
                let point = self.operating_point.as_ref();
                target::build(self.model, target, &self.network, point, units)
            }
        }
    }

    fn system(
        self,
        equations: Equations,
        feedback: Vec<FeedbackMatrix>,
        optimized: Vec<StabilisedLoop>,
    ) -> System {
        let (network, operating_point) = (Some(self.network), self.operating_point);
        System { network, operating_point, equations, feedback, optimized }
    }
}

/// The matrices of the loops that invert layers `first ..`.
fn named_feedback(layers: &[InvertedLayer], first: usize) -> Vec<FeedbackMatrix> {
    let named = |(layer, l): (&InvertedLayer, usize)| FeedbackMatrix {
        to: l - 1,
        from: l,
        matrix: layer.feedback.matrix(&layer.weights),
    };
    layers.iter().zip(first..).map(named).collect()
}
