//! `[[training.rules]]` to rules.

use std::sync::Arc;

use nalgebra::DMatrix;

use super::optimise::optimise;
use crate::dynamics::{Feedback, LoopParameters};
use crate::integrate::{Method, Options, Tolerances};
use crate::learning::rules::{
    Bp, Dfa, Dfc, DfcFeedback, DfcRun, DfcSsa, DfcUpdate, Di, Fa, Ndi, Pbp, Sdi,
};
use crate::learning::{LearningError, LoopFeedback, LoopOptions, Rule, Run, TransferKind};
use crate::model::spec::{
    Atol, DfcRule, Feedback as FeedbackSpec, LoopRule, QUpdate, Rule as Spec, Solver, TransferName,
    Until,
};
use crate::model::{FeedbackTable, Model, ModelError, Problem};
use crate::network::Network;

/// Builds one rule of a model for its network.
pub(super) struct Builder<'a> {
    pub(super) model: &'a Model,
    /// Where the rule is written, e.g. `training.rules[2]`.
    pub(super) key: String,
    pub(super) spec: &'a Spec,
    pub(super) network: &'a Network,
    /// Whether feedback of the kind `optimized` is optimised; not where it is replaced anyway.
    pub(super) optimises: bool,
}

impl Builder<'_> {
    pub(super) fn build(&self) -> Result<Box<dyn Rule>, ModelError> {
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
            Spec::Dfc(rule) => self.dfc(DfcUpdate::Mean, rule)?,
            Spec::DfcSs(rule) => self.dfc(DfcUpdate::Last, rule)?,
            Spec::StrongDfc(rule) => self.dfc(DfcUpdate::Strong, rule)?,
            Spec::DfcSsa(rule) => {
                let (feedback, parameters) = (self.controller()?, rule.parameters());
                let built = DfcSsa::new(network, feedback, parameters, rule.nudge);
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

    fn dfc(&self, update: DfcUpdate, rule: &DfcRule) -> Result<Box<dyn Rule>, ModelError> {
        let run = match rule.until {
            Until::Equilibrium => DfcRun::Rest,
            Until::Time(time) => {
                let Run::Steps { time, method, options } = self.stepped(time, &rule.solver)? else {
                    unreachable!("`stepped` gives steps");
                };
                DfcRun::Time { time, method, options }
            }
        };
        let (feedback, parameters) = (self.controller()?, rule.parameters());
        let built = Dfc::new(self.network, update, feedback, parameters, rule.nudge, run);
        Ok(Box::new(built.map_err(|e| self.refused(&e))?))
    }

    /// Feedback from the output to every layer.
    fn controller(&self) -> Result<DfcFeedback, ModelError> {
        Ok(match self.spec.feedback() {
            Some(FeedbackSpec::JacobianTranspose { scale, update }) => {
                let recomputed = *update == QUpdate::Recomputed;
                DfcFeedback::JacobianTranspose { scale: *scale, recomputed }
            }
            Some(FeedbackSpec::WeightProduct { scale }) => {
                DfcFeedback::WeightProduct { scale: *scale }
            }
            _ => {
                let forward = crate::network::Forward::new(self.network, 1);
                let start = |table: FeedbackTable<'_>| table.controller(self.network, &forward, 0);
                DfcFeedback::Fixed(self.with_table(start)?)
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
        let upper = self.network.layers()[1..].iter().map(|l| vec![l.weights.clone()]);
        let given = self.fixed(self.layerwise()?);
        let settled = upper.zip(given).map(|(w, b)| self.settled(w, b, parameters));
        settled.map(|b| b.map(LoopFeedback::Fixed)).collect()
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
        let given = self.with_table(|table| table.single_loop(&weights))?;
        self.settled(weights, given, parameters)
    }

    /// The feedback of the loop through `weights`: as given, or optimised from there.
    fn settled(
        &self,
        weights: Vec<DMatrix<f64>>,
        given: DMatrix<f64>,
        parameters: &LoopParameters,
    ) -> Result<DMatrix<f64>, ModelError> {
        let Some(FeedbackSpec::Optimized(options)) =
            self.spec.feedback().filter(|_| self.optimises)
        else {
            return Ok(given);
        };
        optimise(weights, given, parameters, options).map_err(|message| {
            let remedy = "choose another start, a smaller margin or a larger leak".to_owned();
            let key = format!("{}.{}.feedback", self.key, self.spec.kind());
            self.model.error(&key, Problem::Refused { message, remedy })
        })
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
        let run = match (rule.until, &rule.solver) {
            (Until::Equilibrium, _) => Run::Equilibrium,
            (Until::Time(time), Solver::Exact {}) => Run::Exact { time },
            (Until::Time(time), Solver::Auto(_)) if linear => Run::Exact { time },
            (Until::Time(time), solver) => self.stepped(time, solver)?,
        };
        Ok(LoopOptions { parameters, transfer, run })
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
