//! Verdicts over two parameters.

use serde::Serialize;

use super::error::StabilityError;
use crate::analysis::Verdict;
use crate::analysis::stability_map::{LoopParameter, MapAxis, StabilityMap, stability_map};
use crate::dynamics::LayerLoop;
use crate::model::spec::{self, Critical};
use crate::results::{Dimension, Group, Variable};

/// What a stability map shows, in numbers; the map itself goes to the result file.
#[derive(Debug, Clone, Serialize)]
pub struct MapReport {
    /// Name of the horizontal axis.
    pub x: &'static str,
    /// Name of the vertical axis.
    pub y: &'static str,
    /// Points along both axes.
    pub points: [usize; 2],
    /// Points that are stable.
    pub stable: usize,
    /// Points on the boundary, `[x, y]`.
    pub boundary: Vec<[f64; 2]>,
    #[serde(skip)]
    map: StabilityMap,
}

/// Computes the map of a layer loop.
pub(super) fn of_loop(
    layer: &LayerLoop,
    section: &spec::StabilityMap,
) -> Result<MapReport, StabilityError> {
    let axis = |axis: &spec::MapAxis| MapAxis {
        parameter: match axis.parameter {
            Critical::Leak => LoopParameter::Leak,
            Critical::Gain => LoopParameter::Gain,
            Critical::TauRatio => LoopParameter::TauRatio,
        },
        values: axis.points.numbers(),
    };
    let map = stability_map(layer, axis(&section.x), axis(&section.y))?;
    Ok(MapReport {
        x: map.x.parameter.name(),
        y: map.y.parameter.name(),
        points: [map.x.values.len(), map.y.values.len()],
        stable: map.verdicts.iter().filter(|v| **v == Verdict::Stable).count(),
        boundary: map.boundary.iter().map(|(x, y)| [*x, *y]).collect(),
        map,
    })
}

/// The group `map`.
pub(super) fn group(report: &MapReport) -> Group {
    let map = &report.map;
    let words = |parameter: LoopParameter| match parameter {
        LoopParameter::Leak => "leak",
        LoopParameter::Gain => "gain of the feedback",
        LoopParameter::TauRatio => "tau_state / tau_controller",
    };
    let axis = |name: &str, axis: &MapAxis| {
        Variable::vector(name, name, axis.values.clone())
            .units("1")
            .long_name(words(axis.parameter))
    };
    let dims =
        vec![Dimension::new("y", map.y.values.len()), Dimension::new("x", map.x.values.len())];
    let code = |v: &Verdict| Verdict::ALL.iter().position(|known| known == v).unwrap_or(0) as u8;
    let names: Vec<&str> = Verdict::ALL.iter().map(|v| v.name()).collect();
    let by_rows = map.verdicts.transpose();
    let verdicts = Variable::flags("verdict", dims, by_rows.iter().map(code).collect(), &names);
    let ends = |of: fn(&(f64, f64)) -> f64| map.boundary.iter().map(of).collect::<Vec<f64>>();
    let mut group = Group::new("map").with(axis("x", &map.x)).with(axis("y", &map.y)).with(
        Variable::matrix("abscissa", "y", "x", &map.abscissa)
            .units("s-1")
            .long_name("spectral abscissa"),
    );
    group.push(verdicts.long_name("verdict"));
    if !map.boundary.is_empty() {
        let x = Variable::vector("boundary_x", "boundary_point", ends(|p| p.0)).units("1");
        group.push(x.long_name("points at which the verdict changes, horizontal axis"));
        let y = Variable::vector("boundary_y", "boundary_point", ends(|p| p.1)).units("1");
        group.push(y.long_name("points at which the verdict changes, vertical axis"));
    }
    group
}
