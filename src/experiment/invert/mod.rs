//! `dinv invert`: one error, or those of a data set, carried to every layer by every rule, and
//! compared with the gradient and with steps of Gauss-Newton type.

mod compare;
mod descent;
mod error;
mod leak;
mod noise;
mod records;
mod references;
mod report;
mod rules;

use std::path::Path;

use nalgebra::DMatrix;

use super::{Context, OutputOptions};
use crate::error::Error;
use crate::learning::{Errors, carried};
use crate::model::spec::Invert;
use crate::model::{Model, Override, Problem};
use crate::network::{Forward, Network};
use crate::results::{Status, check_output};

pub use error::InvertError;
pub use report::{Against, InvertReport, InvertedRule, LeakReport, LeftOut, RankReport};

use compare::Update;
use references::Reference;
use rules::Candidate;

/// What `dinv invert` writes.
#[derive(Debug, Clone, Default)]
pub struct InvertOptions {
    /// Where the result goes; no file without a path.
    pub output: OutputOptions,
}

/// The network at the examples, and the errors to be carried.
struct Scene {
    network: Network,
    forward: Forward,
    /// `target - y`, `n_L x examples`.
    error: DMatrix<f64>,
    /// `y + error`.
    target: DMatrix<f64>,
    biases: bool,
}

/// One rule's result in full.
struct Carried {
    errors: Errors,
    curve: Vec<f64>,
}

/// Compares the rules of the model read from `path`.
///
/// # Errors
/// A model without network or target, a rule of the model that does not fit it, an output that
/// cannot be written. A rule that fails on the errors is no error: the report says so.
pub fn invert(
    model: &Model,
    path: &Path,
    options: &InvertOptions,
    context: &Context<'_>,
) -> Result<InvertReport, Error> {
    let file = options.output.path.as_ref().map(|_| options.output.path_for(path));
    if let Some(file) = &file {
        check_output(file, options.output.force)?;
    }
    let section = section(model)?;
    let scene = scene(model)?;
    let (candidates, left_out) = rules::candidates(model, &scene.network, &section)?;
    let references = references::all(&scene, &section)?;
    let mut report = InvertReport::new(&scene, &references, left_out);
    let mut found = Vec::new();
    context.progress.begin("rules", Some(candidates.len() as u64));
    let mut status = Status::Complete;
    for (done, candidate) in candidates.into_iter().enumerate() {
        if context.interrupt.is_raised() {
            status = Status::Interrupted;
            break;
        }
        let (one, carried) = apply(&scene, &references, candidate)?;
        report.rules.push(one);
        found.push(carried);
        context.progress.update(done as u64 + 1, &[]);
    }
    context.progress.finish();
    report.ranks = references::ranks(&scene, section.cutoff)?;
    report.leak_damping = leak::against_damping(&scene, &section.dampings)?;
    report.status = status.name().to_owned();
    if let Some(file) = &file {
        let mut writer = options.output.open(file, model, context)?;
        writer.write_group(&records::group(&scene, &section, &references, &report, &found))?;
        report.file = Some(writer.finish(status)?.path.display().to_string());
    }
    report.warnings = context.warnings();
    report.set_outcome(status);
    Ok(report)
}

/// The section of the model, or its defaults.
fn section(model: &Model) -> Result<Invert, Error> {
    if let Some(section) = &model.specification().invert {
        return Ok(section.clone());
    }
    // Naming one key with its default makes the others take theirs.
    let with_defaults = model.with(&[Override::parse("invert.cutoff=1e-12")?])?;
    let section = with_defaults.specification().invert.clone();
    Ok(section.expect("setting a key of a section creates the section"))
}

fn scene(model: &Model) -> Result<Scene, Error> {
    let network = model.network("dinv invert")?;
    let point = model.operating_point(&network)?;
    let error = model.output_errors(&network, point.as_ref(), "dinv invert")?;
    let Some(point) = point else {
        let problem = Problem::Needs {
            what: "comparing rules".to_owned(),
            needs: "the input at which the network runs".to_owned(),
            remedy: "add `input` to [target], or use an example".to_owned(),
        };
        return Err(model.error("target", problem).into());
    };
    if network.layers().len() < 2 {
        return Err(InvertError::NoHiddenLayer.into());
    }
    let forward = repeated(&network, point.forward, error.ncols())?;
    let target = forward.output() + &error;
    let biases = model.specification().training.as_ref().is_none_or(|t| t.learn_biases);
    Ok(Scene { network, forward, error, target, biases })
}

/// Whether a model names everything that [`invert`] needs, as `dinv check` wants to know.
pub(super) fn require_errors(model: &Model) -> Result<(), Error> {
    scene(model).map(|_| ())
}

/// One input for several errors becomes as many columns.
fn repeated(network: &Network, forward: Forward, columns: usize) -> Result<Forward, InvertError> {
    if forward.columns() == columns {
        return Ok(forward);
    }
    if forward.columns() != 1 {
        return Err(InvertError::Columns { inputs: forward.columns(), errors: columns });
    }
    let mut wide = Forward::new(network, columns);
    wide.inputs = DMatrix::from_fn(forward.inputs.nrows(), columns, |i, _| forward.inputs[(i, 0)]);
    network.propagate(&mut wide);
    Ok(wide)
}

/// Carries the errors by one rule and measures what comes out.
fn apply(
    scene: &Scene,
    references: &[Reference],
    mut candidate: Candidate,
) -> Result<(InvertedRule, Carried), Error> {
    let noise = noise::of_updates(scene, candidate.rule.as_ref());
    let carried = carried(&scene.network, &scene.forward, &scene.error, candidate.rule.as_mut());
    let (errors, failure) = match carried {
        Ok(errors) => (errors, None),
        Err(reason) => {
            let mut nothing = Errors::new(&scene.network, scene.forward.columns());
            nothing.delta.iter_mut().for_each(|d| d.fill(f64::NAN));
            nothing.converged.fill(false);
            (nothing, Some(reason.to_string()))
        }
    };
    let update = Update::new(scene, &errors.delta);
    let descent = descent::along(scene, &update);
    let residual = compare::residuals(scene, &errors.delta);
    let one = InvertedRule {
        name: candidate.name,
        kind: candidate.kind,
        status: if failure.is_some() { "failed" } else { "complete" }.to_owned(),
        reason: failure,
        unconverged: errors.converged.iter().filter(|c| !**c).count(),
        delta_norm: errors.delta.iter().map(|d| d.norm()).collect(),
        update_norm: update.norms(),
        residual,
        loss_decrease_full_step: descent.full_step,
        loss_decrease_best: descent.best,
        best_step: descent.best_step,
        noise,
        against: references.iter().map(|r| compare::against(scene, &errors, &update, r)).collect(),
    };
    Ok((one, Carried { errors, curve: descent.curve }))
}
