//! The group `invert` of a result file.

use nalgebra::DMatrix;

use super::report::{Against, InvertReport, InvertedRule, RankReport};
use super::{Carried, Reference, Scene, descent};
use crate::model::spec::Invert;
use crate::results::{Data, Dimension, Group, Variable};

pub(super) fn group(
    scene: &Scene,
    section: &Invert,
    references: &[Reference],
    report: &InvertReport,
    found: &[Carried],
) -> Group {
    let rules = &report.rules;
    let layers = report.layers.len();
    let names = rules.iter().map(|r| r.name.clone()).collect();
    let kinds = rules.iter().map(|r| r.kind.clone()).collect();
    let statuses = rules.iter().map(|r| r.reason.clone().unwrap_or_else(|| r.status.clone()));
    let failed = rules.iter().map(|r| r.unconverged as i64);
    let rule = || Dimension::new("rule", rules.len());
    let layer = || Dimension::new("layer", layers);
    let damping = Variable::vector("damping", "damping", section.dampings.clone()).units("1");
    let failed = Variable::integers("unconverged", "rule", failed.collect()).units("1");
    let loss = Variable::scalar("loss", report.loss).units("1");
    let texts = |name: &str, dim: &str, values: Vec<String>, long: &str| {
        Variable::texts(name, dim, values).long_name(long)
    };
    let mut group = Group::new("invert")
        .with(texts("rule_name", "rule", names, "name of the rule"))
        .with(texts("rule_kind", "rule", kinds, "the rule"))
        .with(texts("rule_status", "rule", statuses.collect(), "complete, or why it failed"))
        .with(texts("reference_name", "reference", report.references.clone(), "the direction"))
        .with(damping.long_name("damping of the steps, and leak of the loops beside them"))
        .with(failed.long_name("errors whose inversion failed"))
        .with(loss.long_name("mean loss before any update"));
    for (name, of, long) in per_rule() {
        let values: Vec<f64> = rules.iter().map(of).collect();
        group.push(Variable::vector(name, "rule", values).units("1").long_name(long));
    }
    for (name, of, long) in per_layer() {
        let values = rules.iter().flat_map(|r| of(r)[..layers].to_vec()).collect();
        let variable = Variable::new(name, vec![rule(), layer()], Data::F64(values));
        group.push(variable.units("1").long_name(long));
    }
    let all = rules.iter().map(|r| r.residual[layers]).collect::<Vec<_>>();
    let long = "output error left to first order when all layers move";
    group.push(Variable::vector("residual_all", "rule", all).units("1").long_name(long));
    let against = || rules.iter().flat_map(|r| r.against.iter());
    let reference = || Dimension::new("reference", references.len());
    for (name, of, units, long) in per_reference() {
        let values = against().flat_map(|a| of(a).to_vec()).collect();
        let dims = vec![rule(), reference(), layer()];
        group.push(Variable::new(name, dims, Data::F64(values)).units(units).long_name(long));
    }
    for (name, of, units, long) in totals() {
        let values = against().map(of).collect();
        let dims = vec![rule(), reference()];
        group.push(Variable::new(name, dims, Data::F64(values)).units(units).long_name(long));
    }
    push_curves(&mut group, found);
    push_leaks(&mut group, report, layers - 1);
    push_ranks(&mut group, report);
    push_errors(&mut group, scene, found);
    group
}

type Figure = (&'static str, fn(&InvertedRule) -> f64, &'static str);
type Layers = (&'static str, fn(&InvertedRule) -> &[f64], &'static str);
type Compared = (&'static str, fn(&Against) -> &[f64], &'static str, &'static str);
type Total = (&'static str, fn(&Against) -> f64, &'static str, &'static str);

fn per_rule() -> [Figure; 4] {
    [
        (
            "loss_decrease_full_step",
            |r| r.loss_decrease_full_step,
            "fraction of the loss that the mean update removes",
        ),
        (
            "loss_decrease_best",
            |r| r.loss_decrease_best,
            "largest fraction of the loss that any multiple of the mean update removes",
        ),
        ("best_step", |r| r.best_step, "that multiple"),
        (
            "noise",
            |r| r.noise.unwrap_or(f64::NAN),
            "standard deviation of an update over random draws, relative to its mean",
        ),
    ]
}

fn per_layer() -> [Layers; 3] {
    [
        ("delta_norm", |r| &r.delta_norm, "norm of the errors over all examples"),
        ("update_norm", |r| &r.update_norm, "norm of the mean update"),
        (
            "residual",
            |r| &r.residual,
            "output error left to first order when the layer moves alone",
        ),
    ]
}

fn per_reference() -> [Compared; 4] {
    [
        ("angle", |a| &a.angle, "degree", "angle between errors, mean over the examples"),
        ("norm_ratio", |a| &a.norm_ratio, "1", "norm of the errors relative to the direction"),
        ("update_angle", |a| &a.update_angle, "degree", "angle between mean updates"),
        (
            "update_norm_ratio",
            |a| &a.update_norm_ratio,
            "1",
            "norm of the mean update relative to the direction",
        ),
    ]
}

fn totals() -> [Total; 2] {
    [
        ("total_angle", |a| a.total_angle, "degree", "angle between mean updates of all layers"),
        (
            "total_norm_ratio",
            |a| a.total_norm_ratio,
            "1",
            "norm of the mean update of all layers relative to the direction",
        ),
    ]
}

/// The loss along every rule's update.
fn push_curves(group: &mut Group, found: &[Carried]) {
    let steps = descent::steps();
    let dims = vec![Dimension::new("rule", found.len()), Dimension::new("step", steps.len())];
    let curves = found.iter().flat_map(|c| c.curve.clone()).collect();
    let long = "multiple of the mean update";
    group.push(Variable::vector("step", "step", steps).units("1").long_name(long));
    let curves = Variable::new("relative_loss", dims, Data::F64(curves)).units("1");
    group.push(curves.long_name("loss after this multiple of the update, relative to the start"));
}

fn push_leaks(group: &mut Group, report: &InvertReport, hidden: usize) {
    let leaks = &report.leak_damping;
    let dims =
        || vec![Dimension::new("damping", leaks.len()), Dimension::new("hidden_layer", hidden)];
    let angles = leaks.iter().flat_map(|l| l.angle.clone()).collect();
    let long = "angle between loops at rest with this leak and the step of the layer alone";
    let angle = Variable::new("leak_angle", dims(), Data::F64(angles)).units("degree");
    group.push(angle.long_name(long));
    let ratios = leaks.iter().flat_map(|l| l.norm_ratio.clone()).collect();
    let long = "norm of loops at rest relative to the step of the layer alone";
    let ratio = Variable::new("leak_norm_ratio", dims(), Data::F64(ratios)).units("1");
    group.push(ratio.long_name(long));
}

/// A number that every report of ranks holds: name, value, meaning.
type RankColumn<T> = (&'static str, fn(&RankReport) -> T, &'static str);

/// Of the parameter Jacobian: all layers together first, then each.
fn push_ranks(group: &mut Group, report: &InvertReport) {
    let ranks = &report.ranks;
    let counts: [RankColumn<usize>; 2] = [
        ("rank_min", |r| r.rank_min, "smallest rank over the examples"),
        ("rank_max", |r| r.rank_max, "largest rank over the examples"),
    ];
    for (name, of, long) in counts {
        let values = ranks.iter().map(|r| of(r) as i64).collect();
        group.push(Variable::integers(name, "system", values).units("1").long_name(long));
    }
    let numbers: [RankColumn<f64>; 3] = [
        ("rank_cutoff", |r| r.cutoff, "singular values at or below this count as zero"),
        ("largest_singular_value", |r| r.largest, "largest singular value"),
        ("smallest_singular_value", |r| r.smallest, "smallest one above the cut-off"),
    ];
    for (name, of, long) in numbers {
        let values: Vec<f64> = ranks.iter().map(of).collect();
        group.push(Variable::vector(name, "system", values).units("1").long_name(long));
    }
}

/// Every rule's errors, one variable per layer.
fn push_errors(group: &mut Group, scene: &Scene, found: &[Carried]) {
    for (k, layer) in scene.network.layers().iter().enumerate() {
        let dims = vec![
            Dimension::new("rule", found.len()),
            Dimension::new("example", scene.forward.columns()),
            Dimension::new(format!("layer_{}_unit", k + 1), layer.units()),
        ];
        // Columns of a matrix are examples: its storage is row-major over (example, unit).
        let values = |c: &Carried| -> Vec<f64> {
            let delta: &DMatrix<f64> = &c.errors.delta[k];
            delta.as_slice().to_vec()
        };
        let values = found.iter().flat_map(values).collect();
        let name = format!("delta_{}", k + 1);
        let long = format!("error of layer {}", k + 1);
        group.push(Variable::new(name, dims, Data::F64(values)).units("1").long_name(&long));
    }
}
