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
/// `nudge (desired - y)`, so the inverted layer must be the output layer.
pub(super) fn build(
    model: &Model,
    target: &Target,
    network: &Network,
    operating_point: Option<&OperatingPoint>,
    units: usize,
    is_output_layer: bool,
) -> Result<DMatrix<f64>, ModelError> {
    let source = target.source().ok_or_else(|| {
        let known = vec!["delta", "normal", "output", "example", "examples"];
        model.error("target", Problem::NoVariant { known })
    })?;
    let key = match source {
        Source::Delta(delta) => return Ok(columns(delta.vectors())),
        Source::Normal(drawn) => {
            let seed = model.specification().seed;
            return Ok(normal(units, drawn.count, drawn.scale, seed));
        }
        Source::Output(_) => "target.output",
        Source::Example(_) => "target.example",
        Source::Examples(_) => "target.examples",
    };
    if !is_output_layer {
        let problem = Problem::Needs {
            what: "the network's output error".to_owned(),
            needs: "the output layer at the top of the loops".to_owned(),
            remedy: "invert the last layer or \"all\", or give delta".to_owned(),
        };
        return Err(model.error(key, problem));
    }
    let point = operating_point.ok_or_else(|| {
        let problem = Problem::Needs {
            what: "a desired output".to_owned(),
            needs: "the input at which the network runs".to_owned(),
            remedy: "add input = [...] to [target]".to_owned(),
        };
        model.error(key, problem)
    })?;
    let (desired, nudge) = match source {
        Source::Output(output) => (columns(output.vectors()), target.nudge.unwrap_or(1.0)),
        Source::Example(example) => (desired(point), example.nudge),
        Source::Examples(examples) => (desired(point), examples.nudge),
        Source::Delta(_) | Source::Normal(_) => unreachable!("returned above"),
    };
    let mut error = DMatrix::zeros(units, point.forward.columns());
    network
        .output_error(&point.forward, desired.as_slice(), error.as_mut_slice())
        .map_err(|e| model.refused(key, &e))?;
    Ok(error * nudge)
}

fn desired(point: &OperatingPoint) -> DMatrix<f64> {
    point.desired.clone().expect("examples come with desired outputs")
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
