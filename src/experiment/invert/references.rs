//! The directions that rules are compared with.

use std::ops::Range;

use nalgebra::DMatrix;

use super::compare::Update;
use super::report::RankReport;
use super::{InvertError, Scene};
use crate::analysis::geometry::{Geometry, GeometryBlocks, Rank, Step, StepKind, Weighting};
use crate::model::spec::Invert;

/// Columns of stacked Jacobians held at a time.
const STACKED: usize = 4096;

/// A direction: the gradient or a step of Gauss-Newton type.
pub(super) struct Reference {
    pub name: String,
    pub delta: Vec<DMatrix<f64>>,
    pub update: Update,
}

/// Every direction, in the order of reports.
pub(super) fn all(scene: &Scene, section: &Invert) -> Result<Vec<Reference>, InvertError> {
    let parameters = Weighting::Parameters { biases: scene.biases };
    let kind = |weighting, blocks, damping| {
        Some(StepKind { weighting, blocks, damping, cutoff: section.cutoff })
    };
    let mut wanted = vec![
        ("gradient".to_owned(), None),
        ("gauss-newton".to_owned(), kind(parameters, GeometryBlocks::Full, 0.0)),
        ("gauss-newton-block".to_owned(), kind(parameters, GeometryBlocks::Layer, 0.0)),
        ("minimum-norm".to_owned(), kind(Weighting::PreActivations, GeometryBlocks::Full, 0.0)),
    ];
    for damping in &section.dampings {
        let full = kind(parameters, GeometryBlocks::Full, *damping);
        let layer = kind(parameters, GeometryBlocks::Layer, *damping);
        wanted.push((format!("levenberg-marquardt {}", short(*damping)), full));
        wanted.push((format!("levenberg-marquardt-block {}", short(*damping)), layer));
    }
    let mut deltas: Vec<Vec<DMatrix<f64>>> = vec![blank(scene); wanted.len()];
    for range in chunks(scene) {
        let geometry = Geometry::new(&scene.network, &scene.forward, &scene.error, range.clone());
        for ((name, kind), delta) in wanted.iter().zip(&mut deltas) {
            let step = match kind {
                None => geometry.gradient(),
                Some(kind) => geometry
                    .step(kind)
                    .map_err(|source| InvertError::Reference { direction: name.clone(), source })?,
            };
            put(&step, range.clone(), delta);
        }
    }
    let finish = |((name, _), delta): ((String, _), Vec<DMatrix<f64>>)| {
        let update = Update::new(scene, &delta);
        Reference { name, delta, update }
    };
    Ok(wanted.into_iter().zip(deltas).map(finish).collect())
}

/// Rank and singular values of the parameter Jacobian, of all layers and of each.
pub(super) fn ranks(scene: &Scene, cutoff: f64) -> Result<Vec<RankReport>, InvertError> {
    let weighting = Weighting::Parameters { biases: scene.biases };
    let layers = scene.network.layers().len();
    let mut found: Vec<Vec<Rank>> = vec![Vec::new(); layers + 1];
    for range in chunks(scene) {
        let count = range.len();
        let geometry = Geometry::new(&scene.network, &scene.forward, &scene.error, range);
        for example in 0..count {
            for (blocks, first) in [(GeometryBlocks::Full, 0), (GeometryBlocks::Layer, 1)] {
                let kind = StepKind { weighting, blocks, damping: 0.0, cutoff };
                let ranks = geometry.ranks(&kind, example).map_err(|source| {
                    let direction = "gauss-newton".to_owned();
                    InvertError::Reference { direction, source }
                })?;
                for (place, rank) in ranks.into_iter().enumerate() {
                    found[first + place].push(rank);
                }
            }
        }
    }
    Ok(found.iter().enumerate().map(|(place, ranks)| RankReport::new(place, ranks)).collect())
}

fn chunks(scene: &Scene) -> impl Iterator<Item = Range<usize>> + use<> {
    let columns = scene.forward.columns();
    let size = (STACKED / scene.network.output_size()).max(1);
    (0..columns).step_by(size).map(move |first| first..(first + size).min(columns))
}

fn blank(scene: &Scene) -> Vec<DMatrix<f64>> {
    let columns = scene.forward.columns();
    scene.network.layers().iter().map(|l| DMatrix::zeros(l.units(), columns)).collect()
}

fn put(step: &Step, range: Range<usize>, delta: &mut [DMatrix<f64>]) {
    for (delta, step) in delta.iter_mut().zip(&step.delta) {
        delta.columns_mut(range.start, range.len()).copy_from(step);
    }
}

/// A number with few zeros.
fn short(x: f64) -> String {
    if x == 0.0 || (1e-3..1e4).contains(&x) { x.to_string() } else { format!("{x:e}") }
}
