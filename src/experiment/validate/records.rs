//! The result file of `dinv validate`.

use std::path::Path;

use super::Findings;
use crate::results::{self, Group, Header, Provenance, ResultError, ResultWriter, Variable};
use crate::theory::{CheckReport, Measurement, Series};

/// Opens the file and writes header and provenance.
pub(super) fn open(
    path: &Path,
    force: bool,
    findings: &Findings<'_>,
) -> Result<Box<dyn ResultWriter>, ResultError> {
    let header = Header {
        title: "dinv validate".to_owned(),
        history: findings.argv.join(" "),
        references: vec!["arXiv:2007.05112".to_owned(), "arXiv:2106.07887".to_owned()],
    };
    let mut writer = results::create(path, force, &header)?;
    let duration = Variable::scalar("duration", findings.seconds);
    let group = provenance(findings)
        .group()
        .with(duration.units("s").long_name("wall-clock time of the measurements"));
    writer.write_group(&group)?;
    Ok(writer)
}

/// Where the numbers come from.
pub(super) fn provenance(findings: &Findings<'_>) -> Provenance {
    Provenance {
        model: None,
        resolved_model: None,
        argv: findings.argv.to_vec(),
        seed: Some(findings.options.seed),
        threads: findings.threads,
        start: findings.start,
    }
}

/// One entry per check, and one group per check with all its instances.
pub(super) fn theory(findings: &Findings<'_>) -> Group {
    let reports = findings.reports;
    let texts = |name: &str, long: &str, of: fn(&CheckReport) -> String| {
        Variable::texts(name, "check", reports.iter().map(of).collect()).long_name(long)
    };
    let counts = |name: &str, long: &str, of: fn(&CheckReport) -> usize| {
        let values = reports.iter().map(|r| i64::try_from(of(r)).unwrap_or(i64::MAX)).collect();
        Variable::integers(name, "check", values).units("1").long_name(long)
    };
    let dims = vec![results::Dimension::new("check", reports.len())];
    let verdicts = reports.iter().map(|r| r.verdict as u8).collect();
    let group = Group::new("theory")
        .with(texts("id", "name of the check", |r| r.check.id.to_owned()))
        .with(texts("claim", "the claim", |r| r.check.claim.to_owned()))
        .with(texts("equation", "the claim as a formula (TeX)", |r| r.check.equation.to_owned()))
        .with(texts("reference", "source of the claim", |r| r.check.source.to_owned()))
        .with(texts("method", "how it is measured", |r| r.check.method.to_owned()))
        .with(texts("reason", "why the verdict is not pass", |r| {
            r.reason.clone().unwrap_or_default()
        }))
        .with(Variable::flags("verdict", dims, verdicts, &["pass", "fail", "inconclusive"]))
        .with(counts("instances", "instances drawn", |r| r.instances))
        .with(counts("undecided", "instances that decide nothing", |r| r.undecided.len()))
        .with(Variable::boolean("thorough", findings.options.thorough));
    reports.iter().fold(group, |group, report| group.with_group(check(report)))
}

fn check(report: &CheckReport) -> Group {
    report
        .series
        .iter()
        .fold(Group::new(plain(report.check.id)), |group, series| group.with_all(variables(series)))
}

fn variables(series: &Series) -> [Variable; 4] {
    let name = plain(series.name);
    let dim = format!("{name}_point");
    let values = |part: &str, long: &str, of: fn(&Measurement) -> f64| {
        let values: Vec<f64> = series.points.iter().map(|(_, m)| of(m)).collect();
        Variable::vector(format!("{name}_{part}"), &dim, values).long_name(long)
    };
    let tolerance = series.tolerance();
    let instances = series.points.iter().map(|(index, _)| *index as i64).collect();
    [
        Variable::integers(format!("{name}_instance"), &dim, instances)
            .units("1")
            .long_name("number of the instance"),
        values("predicted", "what the claim says", |m| m.predicted),
        values("measured", "what was found", |m| m.measured)
            .with("relation", series.relation.sign()),
        values("tolerance", "how far the two may differ", |m| m.tolerance.value)
            .with("source", format!("{}: {}", tolerance.origin.name(), tolerance.why)),
    ]
}

/// Names of groups and variables: letters, digits and underscores.
fn plain(name: &str) -> String {
    name.replace('-', "_")
}
