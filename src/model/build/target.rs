//! `[target]` to the errors that loops invert.

use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};

use super::{OperatingPoint, columns};
use crate::model::spec::{Source, Target};
use crate::model::{Model, ModelError, Problem};
use crate::network::Network;
use crate::network::random::{generator, streams};

/// The errors at the top of the loops, `units x targets`.
///
/// `delta` and `normal` give them directly; `output` and examples give the output error
/// `nudge (desired - y)`, and belong to the output layer, which the model was checked for.
pub(super) fn build(
    model: &Model,
    target: &Target,
    network: &Network,
    operating_point: Option<&OperatingPoint>,
    units: usize,
) -> Result<DMatrix<f64>, ModelError> {
    let source = target.source().ok_or_else(|| {
        let known = vec!["delta", "normal", "output", "example", "examples"];
        model.error("target", Problem::NoVariant { known })
    })?;
    let (key, desired, nudge) = match (source, operating_point) {
        (Source::Delta(delta), _) => return Ok(columns(delta.vectors())),
        (Source::Normal(drawn), _) => {
            let shape = [(units, drawn.count)];
            model.require_memory("target.normal.count", "the targets", shape)?;
            return Ok(normal(units, drawn.count, drawn.scale, model.specification().seed));
        }
        (Source::Output(output), _) => {
            ("target.output", Some(columns(output.vectors())), target.nudge.unwrap_or(1.0))
        }
        (Source::Example(e), Some(point)) => ("target.example", point.desired.clone(), e.nudge),
        (Source::Examples(e), Some(point)) => ("target.examples", point.desired.clone(), e.nudge),
        (Source::Example(_) | Source::Examples(_), None) => ("target", None, 1.0),
    };
    let (Some(point), Some(desired)) = (operating_point, desired) else {
        let problem = Problem::Needs {
            what: "a desired output".to_owned(),
            needs: "the input at which the network runs".to_owned(),
            remedy: "add `input` to [target]".to_owned(),
        };
        return Err(model.error(key, problem));
    };
    let mut error = DMatrix::zeros(units, point.forward.columns());
    network
        .output_error(&point.forward, desired.as_slice(), error.as_mut_slice())
        .map_err(|e| model.refused(key, &e))?;
    Ok(error * nudge)
}

/// Normal errors; every target has a stream of its own.
fn normal(units: usize, count: usize, scale: f64, seed: u64) -> DMatrix<f64> {
    let mut targets = DMatrix::zeros(units, count);
    for (index, mut column) in targets.column_iter_mut().enumerate() {
        let mut generator = generator(seed, streams::TARGETS + index as u64);
        column.iter_mut().for_each(|x| {
            let sample: f64 = StandardNormal.sample(&mut generator);
            *x = scale * sample;
        });
    }
    targets
}
