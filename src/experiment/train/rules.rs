//! `[[training.rules]]` to rules.

use std::sync::Arc;

use nalgebra::DMatrix;

use crate::analysis::geometry::GeometryBlocks;
use crate::dynamics::{Feedback, LayerLoop, LoopParameters, SingleLoopChain};
use crate::feedback::{Objective, OptimizeOptions, optimize, optimize_single_loop};
use crate::integrate::{Method, Options, Tolerances};
use crate::learning::rules::{
    Bp, Dfa, Di, Fa, GaussNewton, Hindsight, MinimumNorm, Ndi, Pbp, PredictiveCoding, Sdi,
    VectorBroadcasting,
};
use crate::learning::{LearningError, LoopFeedback, LoopOptions, Rule, Run, TransferKind};
use crate::model::spec::{
    self, Atol, Blocks, Feedback as FeedbackSpec, LoopRule, OptimizedFeedback, Rule as Spec,
    Solver, TransferName, Until,
};
use crate::model::{FeedbackTable, Model, ModelError, Problem};
use crate::network::{Activation, Network, Output};

/// Builds one rule of a model for its network.
pub(in crate::experiment) struct Builder<'a> {
    pub(in crate::experiment) model: &'a Model,
    /// Where the rule is written, e.g. `training.rules[2]`.
    pub(in crate::experiment) key: String,
    pub(in crate::experiment) spec: &'a Spec,
    pub(in crate::experiment) network: &'a Network,
    /// Whether biases learn.
    pub(in crate::experiment) biases: bool,
}

impl Builder<'_> {
    pub(in crate::experiment) fn build(&self) -> Result<Box<dyn Rule>, ModelError> {
        let network = self.network;
        Ok(match self.spec {
            Spec::Bp { .. } => Box::new(Bp),
            Spec::Fa { .. } => {
                let feedback = self.fixed(self.layerwise()?);
                Box::new(Fa::new(network, feedback).map_err(|e| self.refused(&e))?)
            }
            Spec::Dfa { .. } => {
                Box::new(Dfa::new(network, self.direct()?).map_err(|e| self.refused(&e))?)
            }
            Spec::Pbp { cutoff, .. } => Box::new(Pbp::new(network, *cutoff)),
            Spec::Ndi(rule) => {
                let parameters = LoopParameters::with_leak(rule.leak);
                let (transfer, run) = (transfer(rule.transfer), Run::Equilibrium);
                let options = LoopOptions { parameters, transfer, run };
                let feedback = self.loops(rule.retie, &parameters)?;
                Box::new(Ndi::new(network, feedback, options).map_err(|e| self.refused(&e))?)
            }
            Spec::Di(rule) => {
                let options = self.options(rule)?;
                let feedback = self.loops(rule.retie, &options.parameters)?;
                Box::new(Di::new(network, feedback, options).map_err(|e| self.refused(&e))?)
            }
            Spec::Sdi(rule) => {
                let options = self.options(rule)?;
                let feedback = self.single(rule.retie, &options.parameters)?;
                Box::new(Sdi::new(network, feedback, options).map_err(|e| self.refused(&e))?)
            }
            Spec::GaussNewton { damping, blocks, .. } => {
                let blocks = match blocks {
                    Blocks::Full => GeometryBlocks::Full,
                    Blocks::Layer => GeometryBlocks::Layer,
                };
                Box::new(GaussNewton::new(blocks, *damping, self.biases))
            }
            Spec::MinimumNorm { damping, .. } => Box::new(MinimumNorm::new(*damping)),
            Spec::PredictiveCoding(rule) => {
                let linear = self.is_linear();
                let run = self.run(rule.until, &rule.solver, linear)?;
                if matches!(run, Run::Exact { .. }) && !linear {
                    return Err(self.no_exact_solution());
                }
                Box::new(PredictiveCoding::new(rule.tau_state, rule.nudge, run))
            }
            Spec::VectorBroadcasting { .. } => {
                Box::new(VectorBroadcasting::new(network).map_err(|e| self.refused(&e))?)
            }
            Spec::Hindsight { samples, .. } => {
                let seed = self.model.specification().seed;
                let built = Hindsight::new(network, *samples, seed);
                Box::new(built.map_err(|e| self.refused(&e))?)
            }
            other => {
                let problem = Problem::NotAllowed {
                    what: format!("the rule \"{}\"", other.kind()),
                    with: "dinv train".to_owned(),
                    allowed: crate::learning::RULES.iter().map(|e| e.name).collect(),
                };
                return Err(self.model.error(&self.key, problem));
            }
        })
    }

    fn refused(&self, error: &LearningError) -> ModelError {
        let remedy = "change the rule or its feedback".to_owned();
        let problem = Problem::Refused { message: error.to_string(), remedy };
        self.model.error(&format!("{}.{}", self.key, self.spec.kind()), problem)
    }

    fn weights(&self) -> Vec<Arc<DMatrix<f64>>> {
        self.network.layers()[1..].iter().map(|l| Arc::new(l.weights.clone())).collect()
    }

    fn with_table<T>(
        &self,
        build: impl FnOnce(FeedbackTable<'_>) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        let key = format!("{}.{}.feedback", self.key, self.spec.kind());
        let spec = self.spec.feedback().expect("asked only of rules with feedback");
        build(FeedbackTable { model: self.model, key: &key, spec })
    }

    fn layerwise(&self) -> Result<Vec<Feedback>, ModelError> {
        self.with_table(|table| table.layerwise(&self.weights(), 2))
    }

    fn fixed(&self, feedback: Vec<Feedback>) -> Vec<DMatrix<f64>> {
        let upper = self.network.layers()[1..].iter();
        feedback.iter().zip(upper).map(|(f, l)| f.matrix(&l.weights)).collect()
    }

    /// Feedback from the output to each hidden layer.
    fn direct(&self) -> Result<Vec<DMatrix<f64>>, ModelError> {
        let forward = crate::network::Forward::new(self.network, 1);
        let mut all = match self.spec.feedback() {
            // These name one matrix per hidden layer; there is none for the output layer.
            Some(FeedbackSpec::Values { .. } | FeedbackSpec::File { .. }) => {
                let sizes = self.network.sizes();
                let (hidden, output) = (&sizes[1..sizes.len() - 1], sizes[sizes.len() - 1]);
                let shapes = hidden.iter().map(|&n| Arc::new(DMatrix::zeros(output, n)));
                let shapes: Vec<_> = shapes.collect();
                let given = self.with_table(|table| table.layerwise(&shapes, 1))?;
                given.iter().zip(&shapes).map(|(f, w)| f.matrix(w)).collect()
            }
            _ => self.with_table(|table| table.controller(self.network, &forward, 0))?,
        };
        all.truncate(self.network.layers().len() - 1);
        Ok(all)
    }

    /// Feedback of one loop per layer, optimised where asked for.
    fn loops(
        &self,
        retie: bool,
        parameters: &LoopParameters,
    ) -> Result<Vec<LoopFeedback>, ModelError> {
        if retie {
            let scale = self.tied_scale()?;
            return Ok(vec![LoopFeedback::Retied { scale }; self.network.layers().len() - 1]);
        }
        let mut matrices = self.fixed(self.layerwise()?);
        if let Some(FeedbackSpec::Optimized(options)) = self.spec.feedback() {
            let upper = self.network.layers()[1..].iter();
            for (b, layer) in matrices.iter_mut().zip(upper) {
                *b = optimize_layer(&layer.weights, b, parameters, options)
                    .map_err(|message| self.not_optimised(message))?;
            }
        }
        Ok(matrices.into_iter().map(LoopFeedback::Fixed).collect())
    }

    fn single(&self, retie: bool, parameters: &LoopParameters) -> Result<DMatrix<f64>, ModelError> {
        if retie {
            let problem = Problem::NotAllowed {
                what: "retie".to_owned(),
                with: "a single loop".to_owned(),
                allowed: Vec::new(),
            };
            return Err(self.model.error(&format!("{}.sdi.retie", self.key), problem));
        }
        let weights: Vec<_> =
            self.network.layers()[1..].iter().map(|l| l.weights.clone()).collect();
        let b = self.with_table(|table| table.single_loop(&weights))?;
        let Some(FeedbackSpec::Optimized(options)) = self.spec.feedback() else { return Ok(b) };
        optimize_chain(weights, b, parameters, options).map_err(|e| self.not_optimised(e))
    }

    fn not_optimised(&self, message: String) -> ModelError {
        let remedy = "choose another start, a smaller margin or a larger leak".to_owned();
        let key = format!("{}.{}.feedback", self.key, self.spec.kind());
        self.model.error(&key, Problem::Refused { message, remedy })
    }

    fn tied_scale(&self) -> Result<f64, ModelError> {
        match self.spec.feedback() {
            Some(FeedbackSpec::NegativeTranspose { scale }) => Ok(*scale),
            Some(FeedbackSpec::Transpose { scale }) => Ok(-scale),
            _ => {
                let problem = Problem::NotAllowed {
                    what: "retie".to_owned(),
                    with: "this feedback".to_owned(),
                    allowed: vec!["negative-transpose", "transpose"],
                };
                let key = format!("{}.{}.retie", self.key, self.spec.kind());
                Err(self.model.error(&key, problem))
            }
        }
    }

    fn options(&self, rule: &LoopRule) -> Result<LoopOptions, ModelError> {
        let parameters = LoopParameters {
            leak: rule.leak,
            tau_state: rule.tau_state,
            tau_controller: rule.tau_controller,
        };
        let transfer = transfer(rule.transfer);
        let linear = !matches!(transfer, TransferKind::Nonlinear | TransferKind::Deviation);
        let run = self.run(rule.until, &rule.solver, linear)?;
        Ok(LoopOptions { parameters, transfer, run })
    }

    /// How long an equation runs, and how; `linear` when its exact solution is known.
    fn run(&self, until: Until, solver: &Solver, linear: bool) -> Result<Run, ModelError> {
        Ok(match (until, solver) {
            (Until::Equilibrium, _) => Run::Equilibrium,
            (Until::Time(time), Solver::Exact {}) => Run::Exact { time },
            (Until::Time(time), Solver::Auto(_)) if linear => Run::Exact { time },
            (Until::Time(time), solver) => self.stepped(time, solver)?,
        })
    }

    fn no_exact_solution(&self) -> ModelError {
        let problem = Problem::NotAllowed {
            what: "the solver \"exact\"".to_owned(),
            with: "a nonlinear network".to_owned(),
            allowed: vec!["auto", "dopri5", "implicit"],
        };
        self.model.error(&format!("{}.{}.solver", self.key, self.spec.kind()), problem)
    }

    fn is_linear(&self) -> bool {
        let mut layers = self.network.layers().iter();
        self.network.output() == Output::Linear
            && layers.all(|l| l.activation == Activation::Linear)
    }

    fn stepped(&self, time: f64, solver: &Solver) -> Result<Run, ModelError> {
        let key = format!("{}.{}.solver", self.key, self.spec.kind());
        let refused = |message: String, remedy: &str| {
            self.model.error(&key, Problem::Refused { message, remedy: remedy.to_owned() })
        };
        let method = Method::named(solver.name())
            .map_err(|e| refused(e.to_string(), "choose one of the methods listed"))?;
        let mut options = Options::default();
        if let Some(adaptive) = solver.adaptive() {
            let Atol::One(atol) = adaptive.atol else {
                let message = "the loops of a rule have one absolute tolerance".to_owned();
                return Err(refused(message, "give one number"));
            };
            options.tolerances = Tolerances::new(adaptive.rtol, atol);
            options.max_steps = adaptive.max_steps as u64;
            options.initial_step = adaptive.first_step;
            options.max_step = adaptive.max_step;
        }
        if let Some(fixed) = solver.fixed_step() {
            options.step = Some(fixed.step);
            options.max_steps = fixed.max_steps as u64;
        }
        Ok(Run::Steps { time, method, options })
    }
}

fn transfer(name: TransferName) -> TransferKind {
    match name {
        TransferName::Linear => TransferKind::Linear,
        TransferName::Nonlinear => TransferKind::Nonlinear,
        TransferName::Tangent => TransferKind::Tangent,
        TransferName::InverseSlope => TransferKind::InverseSlope,
        TransferName::Deviation => TransferKind::Deviation,
    }
}

/// Optimises the loops of a rule again, from where they are.
pub(super) fn reoptimise(
    rule: &dyn Rule,
    network: &Network,
    unstable: &[bool],
    options: &OptimizedFeedback,
) -> Result<Vec<DMatrix<f64>>, String> {
    let Some(loops) = rule.loops() else { return Ok(Vec::new()) };
    let weights: Vec<_> = network.layers()[1..].iter().map(|l| l.weights.clone()).collect();
    let mut feedback = rule.feedback(network);
    if loops.single {
        let b = feedback.swap_remove(0);
        return Ok(vec![optimize_chain(weights, b, &loops.parameters, options)?]);
    }
    for ((b, w), _) in feedback.iter_mut().zip(&weights).zip(unstable).filter(|(_, u)| **u) {
        *b = optimize_layer(w, b, &loops.parameters, options)?;
    }
    Ok(feedback)
}

fn optimize_layer(
    w: &DMatrix<f64>,
    b: &DMatrix<f64>,
    p: &LoopParameters,
    options: &OptimizedFeedback,
) -> Result<DMatrix<f64>, String> {
    let (forward, feedback) = (w.clone(), b.clone());
    let LoopParameters { leak, tau_state, tau_controller } = *p;
    let layer = LayerLoop { forward, feedback, leak, tau_state, tau_controller };
    let found = optimize(&layer, &translate(options)).map_err(|e| e.to_string())?;
    Ok(found.feedback)
}

fn optimize_chain(
    forward: Vec<DMatrix<f64>>,
    feedback: DMatrix<f64>,
    p: &LoopParameters,
    options: &OptimizedFeedback,
) -> Result<DMatrix<f64>, String> {
    let LoopParameters { leak, tau_state, tau_controller } = *p;
    let chain = SingleLoopChain { forward, feedback, leak, tau_state, tau_controller };
    let found = optimize_single_loop(&chain, &translate(options)).map_err(|e| e.to_string())?;
    Ok(found.feedback)
}

fn translate(options: &OptimizedFeedback) -> OptimizeOptions {
    OptimizeOptions {
        margin: options.margin,
        smoothing: options.smoothing,
        max_iterations: options.max_iterations,
        objective: match options.objective {
            spec::Objective::Auto => Objective::Auto,
            spec::Objective::Full => Objective::Full,
            spec::Objective::Reduced => Objective::Reduced,
        },
    }
}
