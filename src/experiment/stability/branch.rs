//! The equilibrium followed in one parameter of the model.

use serde::Serialize;

use super::error::StabilityError;
use crate::analysis::equilibria::{NewtonOptions, Start, find_equilibria};
use crate::analysis::limit_cycle::{LimitCycleOptions, limit_cycle};
use crate::analysis::{
    BifurcationKind, Branch, BranchEnd, BranchPoint, BuildError, ContinuationMethod,
    ContinuationOptions, continue_equilibrium,
};
use crate::dynamics::{Dynamics, VectorField};
use crate::error::Error;
use crate::model::spec;
use crate::model::{Model, Override};
use crate::results::{Group, Variable};

/// A branch of equilibria in numbers; its points go to the result file.
#[derive(Debug, Clone, Serialize)]
pub struct ContinuationReport {
    /// Dotted path of the parameter.
    pub parameter: String,
    /// Points of the branch.
    pub points: usize,
    /// Why the branch ends.
    pub end: BranchEnd,
    /// Folds, Hopf and branch points in order.
    pub bifurcations: Vec<BifurcationReport>,
    #[serde(skip)]
    branch: Branch,
}

/// One bifurcation.
#[derive(Debug, Clone, Serialize)]
pub struct BifurcationReport {
    /// `fold`, `hopf` or `branch-point`.
    pub kind: &'static str,
    /// The parameter there.
    pub parameter: f64,
    /// Frequency of the pair at a Hopf point, rad/s.
    pub frequency: Option<f64>,
    /// First Lyapunov coefficient at a Hopf point.
    pub first_lyapunov: Option<f64>,
    /// `supercritical`, `subcritical` or `degenerate`; why there is no coefficient, where there is
    /// none.
    pub criticality: Option<String>,
    /// The limit cycle at the first point beyond a Hopf point.
    pub limit_cycle: Option<LimitCycleReport>,
    /// Limit cycles at points further along the unstable part of the branch.
    pub limit_cycles: Vec<LimitCycleReport>,
}

/// A limit cycle.
#[derive(Debug, Clone, Serialize)]
pub struct LimitCycleReport {
    /// The parameter it was computed at.
    pub parameter: f64,
    /// Its period, s.
    pub period: Option<f64>,
    /// The largest amplitude of a state component.
    pub amplitude: Option<f64>,
    /// Why no cycle was found.
    pub reason: Option<String>,
}

/// Follows the equilibrium of the model that the section names.
pub(super) fn follow(
    model: &Model,
    section: &spec::Continuation,
    newton: NewtonOptions,
) -> Result<ContinuationReport, Error> {
    let start = at(model, &section.parameter, section.from)?;
    let zero = Start { name: "zero".to_owned(), state: vec![0.0; start.dim()] };
    let initial = Start { name: "initial".to_owned(), state: start.initial_state() };
    if start.layout().columns() > 1 {
        return Err(StabilityError::SeveralTargets.into());
    }
    let search = find_equilibria(start.as_ref(), 0, 0.0, &[initial, zero], newton);
    let Some(first) = search.equilibria.first() else {
        let explanation = search.explanation().unwrap_or_default();
        return Err(StabilityError::NoEquilibrium { explanation }.into());
    };
    let family = |value: f64| -> Result<Box<dyn VectorField>, BuildError> {
        let dynamics = at(model, &section.parameter, value).map_err(|e| e.to_string())?;
        Ok(dynamics)
    };
    let options = ContinuationOptions {
        method: match section.method {
            spec::ContinuationMethod::Natural => ContinuationMethod::Natural,
            spec::ContinuationMethod::PseudoArclength => ContinuationMethod::PseudoArclength,
        },
        first_step: section.first_step,
        max_points: section.max_points,
        tolerance: section.tolerance,
    };
    let branch = continue_equilibrium(&family, &first.state, section.from, section.to, &options)
        .map_err(StabilityError::from)?;
    let bifurcations = (0..branch.bifurcations.len())
        .map(|k| bifurcation(&branch, k, section.limit_cycles.then_some(&family)))
        .collect();
    Ok(ContinuationReport {
        parameter: section.parameter.clone(),
        points: branch.points.len(),
        end: branch.end,
        bifurcations,
        branch,
    })
}

/// The first equation of the model with one parameter changed.
fn at(model: &Model, parameter: &str, value: f64) -> Result<Box<dyn Dynamics>, Error> {
    let changed = model.with(&[Override::parse(&format!("{parameter}={value:e}"))?])?;
    let equations = changed.system()?.equations;
    Ok(equations.first().map_err(StabilityError::from)?)
}

type Fields<'a> = dyn Fn(f64) -> Result<Box<dyn VectorField>, BuildError> + 'a;

fn bifurcation<'a>(
    branch: &Branch,
    index: usize,
    family: Option<&(impl Fn(f64) -> Result<Box<dyn VectorField>, BuildError> + 'a)>,
) -> BifurcationReport {
    let found = &branch.bifurcations[index];
    let mut report = BifurcationReport {
        kind: kind(&found.kind),
        parameter: found.point.parameter,
        frequency: None,
        first_lyapunov: None,
        criticality: None,
        limit_cycle: None,
        limit_cycles: Vec::new(),
    };
    if let BifurcationKind::Hopf { frequency, first_lyapunov } = &found.kind {
        report.frequency = Some(*frequency);
        match first_lyapunov {
            Ok(coefficient) => {
                report.first_lyapunov = Some(coefficient.value);
                report.criticality = Some(format!("{:?}", coefficient.criticality).to_lowercase());
            }
            Err(error) => report.criticality = Some(error.to_string()),
        }
        if let Some(family) = family {
            let mut cycles = cycles_beyond(branch, index, family).into_iter();
            report.limit_cycle = cycles.next();
            report.limit_cycles = cycles.collect();
        }
    }
    report
}

/// Points of the branch beyond a Hopf point at which limit cycles are integrated.
const CYCLES: usize = 10;

/// Limit cycles on the unstable side of a Hopf point: at the next point of the branch and, where
/// there is one, at points spread over the rest of the unstable stretch.
fn cycles_beyond(branch: &Branch, index: usize, family: &Fields) -> Vec<LimitCycleReport> {
    let found = &branch.bifurcations[index];
    let points = &branch.points;
    let is_unstable = |k: &usize| points[*k].abscissa() > 0.0;
    let stretch: Vec<usize> = if found.change > 0 {
        (found.after + 1..points.len()).take_while(is_unstable).collect()
    } else {
        (0..=found.after.min(points.len() - 1)).rev().take_while(is_unstable).collect()
    };
    let stride = stretch.len().div_ceil(CYCLES).max(1);
    let mut cycles: Vec<LimitCycleReport> = Vec::new();
    for k in stretch.into_iter().step_by(stride) {
        let cycle = cycle_at(&points[k], family);
        let is_lost = cycle.period.is_none();
        // A first point without a cycle is reported with the reason; later ones end the family.
        if !is_lost || cycles.is_empty() {
            cycles.push(cycle);
        }
        if is_lost {
            break;
        }
    }
    cycles
}

fn cycle_at(point: &BranchPoint, family: &Fields) -> LimitCycleReport {
    let report = LimitCycleReport {
        parameter: point.parameter,
        period: None,
        amplitude: None,
        reason: None,
    };
    let field = match family(point.parameter) {
        Ok(field) => field,
        Err(error) => return LimitCycleReport { reason: Some(error.to_string()), ..report },
    };
    match limit_cycle(field.as_ref(), &point.y, &LimitCycleOptions::default()) {
        Ok(cycle) => LimitCycleReport {
            period: Some(cycle.period),
            amplitude: Some(cycle.amplitude.iter().fold(0.0, |m, a| m.max(*a))),
            ..report
        },
        Err(error) => LimitCycleReport { reason: Some(error.to_string()), ..report },
    }
}

fn kind(kind: &BifurcationKind) -> &'static str {
    match kind {
        BifurcationKind::Fold => "fold",
        BifurcationKind::Hopf { .. } => "hopf",
        BifurcationKind::BranchPoint => "branch-point",
    }
}

/// The group `continuation`.
pub(super) fn group(report: &ContinuationReport) -> Group {
    let points = &report.branch.points;
    let norm = |y: &[f64]| y.iter().map(|y| y * y).sum::<f64>().sqrt();
    let numbers =
        |of: &dyn Fn(&BranchPoint) -> f64| -> Vec<f64> { points.iter().map(of).collect() };
    let mut group = Group::new("continuation")
        .with(
            Variable::vector("parameter", "branch_point", numbers(&|p| p.parameter))
                .long_name(&report.parameter),
        )
        .with(
            Variable::vector("state_norm", "branch_point", numbers(&|p| norm(&p.y)))
                .units("1")
                .long_name("Euclidean norm of the equilibrium"),
        )
        .with(
            Variable::vector("abscissa", "branch_point", numbers(&|p| p.abscissa()))
                .units("s-1")
                .long_name("spectral abscissa"),
        );
    let found = &report.bifurcations;
    if found.is_empty() {
        return group;
    }
    let places: Vec<f64> = found.iter().map(|b| b.parameter).collect();
    let place = Variable::vector("bifurcation_parameter", "bifurcation_point", places);
    group.push(place.long_name(&report.parameter));
    let norms: Vec<f64> = report.branch.bifurcations.iter().map(|b| norm(&b.point.y)).collect();
    let norms = Variable::vector("bifurcation_state_norm", "bifurcation_point", norms);
    group.push(norms.units("1").long_name("Euclidean norm of the equilibrium"));
    let kinds = found.iter().map(|b| b.kind.to_owned()).collect();
    group.push(Variable::texts("bifurcation", "bifurcation_point", kinds));
    let optional = [
        ("bifurcation_frequency", "rad s-1", "frequency of the pair at a Hopf point"),
        ("first_lyapunov", "1", "first Lyapunov coefficient at a Hopf point"),
        ("limit_cycle_period", "s", "period of the limit cycle beyond a Hopf point"),
        ("limit_cycle_amplitude", "1", "its largest amplitude"),
    ];
    for (k, (name, units, phrase)) in optional.into_iter().enumerate() {
        let value = |b: &BifurcationReport| {
            let cycle = b.limit_cycle.as_ref();
            let values = [
                b.frequency,
                b.first_lyapunov,
                cycle.and_then(|c| c.period),
                cycle.and_then(|c| c.amplitude),
            ];
            values[k].unwrap_or(f64::NAN)
        };
        let values: Vec<f64> = found.iter().map(value).collect();
        let variable = Variable::vector(name, "bifurcation_point", values).units(units);
        group.push(variable.long_name(phrase));
    }
    push_cycles(&mut group, found);
    group
}

/// Amplitude and period of the limit cycles beyond every Hopf point.
fn push_cycles(group: &mut Group, found: &[BifurcationReport]) {
    let mut rows: Vec<[f64; 4]> = Vec::new();
    for (k, bifurcation) in found.iter().enumerate() {
        for cycle in bifurcation.limit_cycle.iter().chain(&bifurcation.limit_cycles) {
            if let (Some(period), Some(amplitude)) = (cycle.period, cycle.amplitude) {
                rows.push([cycle.parameter, period, amplitude, k as f64]);
            }
        }
    }
    if rows.is_empty() {
        return;
    }
    let column = |k: usize| rows.iter().map(|row| row[k]).collect::<Vec<f64>>();
    let variables = [
        ("cycle_parameter", "1", "parameter at which a limit cycle was integrated"),
        ("cycle_period", "s", "period of the limit cycle"),
        ("cycle_amplitude", "1", "largest amplitude of a state component on the limit cycle"),
    ];
    for (k, (name, units, phrase)) in variables.into_iter().enumerate() {
        group.push(Variable::vector(name, "cycle", column(k)).units(units).long_name(phrase));
    }
    let origin = column(3).into_iter().map(|k| k as i64).collect();
    let origin = Variable::integers("cycle_bifurcation", "cycle", origin).units("1");
    group.push(origin.long_name("index of the Hopf point it is beyond"));
}
