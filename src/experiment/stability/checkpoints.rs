//! Spectra of the loops along training, the weights of each checkpoint frozen.

use std::path::{Path, PathBuf};

use nalgebra::DMatrix;
use serde::Serialize;

use super::error::StabilityError;
use super::linearisation::Linearisation;
use super::report::pairs;
use crate::analysis::margins::euler::euler_radius_of_loop;
use crate::analysis::{Judgement, Verdict};
use crate::dynamics::{
    ChainLayer, Dynamics, DynamicsError, LayerwiseInversion, LoopParameters, SingleLoop, Structure,
    Transfer,
};
use crate::error::Error;
use crate::experiment::train::history::{Trained, history};
use crate::feedback::semi_implicit_rate;
use crate::model::Model;
use crate::model::spec::{Rule, Stability};
use crate::results::{Data, Dimension, Group, Variable};

/// What a spectrum along training does and does not say.
pub(super) const REMARK: &str = "frozen-time: each row is the spectrum of a loop with the weights of \
    one checkpoint standing still, slopes one; it says nothing rigorous about weights that change";

/// The verdict on one loop with the weights of one checkpoint.
#[derive(Debug, Clone, Serialize)]
pub struct CheckpointRow {
    /// Updates made.
    pub step: usize,
    /// Name of the rule.
    pub rule: String,
    /// The layer that the loop inverts; the last one for a single loop.
    pub layer: usize,
    /// The verdict.
    pub verdict: Verdict,
    /// Largest real part, 1/s.
    pub spectral_abscissa: f64,
    /// How far rounding can move it, 1/s.
    pub tolerance: f64,
    /// Spectral radius of the published Euler scheme at `euler_step`.
    pub euler_spectral_radius: Option<f64>,
    /// Every eigenvalue as `[re, im]`, 1/s.
    #[serde(skip)]
    pub(crate) eigenvalues: Vec<[f64; 2]>,
}

/// One loop of a rule with the weights of a checkpoint.
pub(super) struct TrainedLoop {
    pub(super) step: usize,
    pub(super) rule: String,
    pub(super) layer: usize,
    pub(super) dynamics: Box<dyn Dynamics>,
}

/// The loops of every checkpoint that the section names, by rising step.
pub(super) fn loops(model: &Model, section: &Stability) -> Result<Vec<TrainedLoop>, Error> {
    let name = section.checkpoints.as_deref().unwrap_or_default();
    let path: PathBuf = model.path(name);
    let found = history(&path).map_err(StabilityError::from)?;
    let mut all = Vec::new();
    for one in &found {
        all.extend(loops_of(one)?);
    }
    if all.is_empty() {
        return Err(StabilityError::NoLoopRule { file: path.display().to_string() }.into());
    }
    Ok(all)
}

fn loops_of(trained: &Trained) -> Result<Vec<TrainedLoop>, Error> {
    let name = trained.file.display().to_string();
    let model = Model::parse(&name, &trained.model, Path::new(""), &[])?;
    let rules = model.specification().training.iter().flat_map(|t| &t.rules);
    let mut all = Vec::new();
    for (spec, rule) in rules.zip(&trained.rules) {
        let Some((parameters, is_single)) = parameters(spec) else { continue };
        let loops = |layer: usize, dynamics: Box<dyn Dynamics>| TrainedLoop {
            step: trained.step,
            rule: rule.name.clone(),
            layer,
            dynamics,
        };
        let depth = rule.weights.len();
        if is_single {
            let single = single(&rule.weights, &rule.feedback, parameters);
            all.push(loops(depth, single.map_err(StabilityError::from)?));
            continue;
        }
        for (k, (w, b)) in rule.weights.iter().skip(1).zip(&rule.feedback).enumerate() {
            let target = DMatrix::zeros(w.nrows(), 1);
            let inversion =
                LayerwiseInversion::new(w.clone(), b.clone(), Transfer::Linear, target, parameters)
                    .map_err(StabilityError::from)?;
            all.push(loops(k + 2, Box::new(inversion)));
        }
    }
    Ok(all)
}

/// Parameters of the loops behind a rule, and whether it is one loop through all layers.
fn parameters(rule: &Rule) -> Option<(LoopParameters, bool)> {
    match rule {
        Rule::Ndi(ndi) => Some((LoopParameters::with_leak(ndi.leak), false)),
        Rule::Di(one) | Rule::Sdi(one) => {
            let parameters = LoopParameters {
                leak: one.leak,
                tau_state: one.tau_state,
                tau_controller: one.tau_controller,
            };
            Some((parameters, matches!(rule, Rule::Sdi(_))))
        }
        _ => None,
    }
}

fn single(
    weights: &[DMatrix<f64>],
    feedback: &[DMatrix<f64>],
    parameters: LoopParameters,
) -> Result<Box<dyn Dynamics>, DynamicsError> {
    let layer =
        |w: &DMatrix<f64>| ChainLayer { weights: w.clone().into(), transfer: Transfer::Linear };
    let layers: Vec<ChainLayer> = weights.iter().skip(1).map(layer).collect();
    let b = feedback.first().cloned().unwrap_or_else(|| DMatrix::zeros(0, 0));
    let target = DMatrix::zeros(b.ncols(), 1);
    Ok(Box::new(SingleLoop::new(layers, b, target, parameters)?))
}

/// The verdict on one loop.
pub(super) fn row(one: &TrainedLoop, section: &Stability) -> Result<CheckpointRow, StabilityError> {
    let state = vec![0.0; one.dynamics.dim()];
    let linearisation = Linearisation::at(one.dynamics.as_ref(), 0, &state, section)?;
    let judgement = Judgement::of(&linearisation.spectrum);
    let step = section.euler_step;
    let radius = match (&linearisation.structure, linearisation.layer_loop()) {
        (_, Some(layer)) => {
            Some(euler_radius_of_loop(layer, &linearisation.loop_eigenvalues, step))
        }
        (Structure::SingleLoop(chain), _) => {
            semi_implicit_rate(chain, step).ok().map(|rate| (rate * step).exp())
        }
        _ => None,
    };
    Ok(CheckpointRow {
        step: one.step,
        rule: one.rule.clone(),
        layer: one.layer,
        verdict: judgement.verdict,
        spectral_abscissa: judgement.spectral_abscissa,
        tolerance: judgement.tolerance,
        euler_spectral_radius: radius,
        eigenvalues: pairs(&linearisation.spectrum.values),
    })
}

/// The group `checkpoints`: one row per checkpoint, one column per loop.
pub(super) fn group(rows: &[CheckpointRow]) -> Option<Group> {
    let mut steps: Vec<usize> = rows.iter().map(|r| r.step).collect();
    steps.dedup();
    let loops: Vec<(&str, usize)> = rows
        .iter()
        .take_while(|r| r.step == rows[0].step)
        .map(|r| (r.rule.as_str(), r.layer))
        .collect();
    if rows.is_empty() || rows.len() != steps.len() * loops.len() {
        return None;
    }
    let (count, width) = (steps.len(), loops.len());
    let dims = || vec![Dimension::new("checkpoint", count), Dimension::new("loop", width)];
    let over = |name: &str, values: Vec<f64>| Variable::new(name, dims(), Data::F64(values));
    let numbers = |of: fn(&CheckpointRow) -> f64| -> Vec<f64> { rows.iter().map(of).collect() };
    let code = |v: &Verdict| Verdict::ALL.iter().position(|known| known == v).unwrap_or(0) as u8;
    let words: Vec<&str> = Verdict::ALL.iter().map(|v| v.name()).collect();
    let verdicts = rows.iter().map(|r| code(&r.verdict)).collect();
    let steps = steps.into_iter().map(|s| i64::try_from(s).unwrap_or(i64::MAX)).collect();
    let mut group = Group::new("checkpoints")
        .with(Variable::integers("step", "checkpoint", steps).units("1").long_name("updates made"))
        .with(Variable::texts("rule", "loop", loops.iter().map(|l| l.0.to_owned()).collect()))
        .with(
            Variable::integers("layer", "loop", loops.iter().map(|l| l.1 as i64).collect())
                .units("1")
                .long_name("layer that the loop inverts"),
        )
        .with(
            over("spectral_abscissa", numbers(|r| r.spectral_abscissa))
                .units("s-1")
                .long_name("largest real part, weights frozen"),
        )
        .with(
            over("tolerance", numbers(|r| r.tolerance))
                .units("s-1")
                .long_name("how far rounding can move the abscissa"),
        )
        .with(
            over("euler_spectral_radius", numbers(|r| r.euler_spectral_radius.unwrap_or(f64::NAN)))
                .units("1")
                .long_name("spectral radius of the published Euler scheme"),
        )
        .with(Variable::flags("verdict", dims(), verdicts, &words));
    let modes = rows.iter().map(|r| r.eigenvalues.len()).max().unwrap_or(0);
    for (k, part) in ["re", "im"].into_iter().enumerate() {
        let mut dims = dims();
        dims.push(Dimension::new("mode", modes));
        let padded = |r: &CheckpointRow| {
            let mut values: Vec<f64> = r.eigenvalues.iter().map(|z| z[k]).collect();
            values.resize(modes, f64::NAN);
            values
        };
        let values = Data::F64(rows.iter().flat_map(padded).collect());
        let variable = Variable::new(format!("mode_{part}"), dims, values).units("s-1");
        group.push(variable.long_name("eigenvalue of the loop, weights frozen"));
    }
    Some(group.attribute("comment", REMARK))
}
