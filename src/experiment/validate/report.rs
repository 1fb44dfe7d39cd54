//! The outcome of `dinv validate` as plain data.

use serde::Serialize;

use super::Findings;
use crate::theory::{Check, CheckReport, RunOptions, Series, Verdict};

/// What `dinv validate` found; with `--json` these are the fields.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValidateReport {
    /// `complete` or `interrupted`.
    pub status: String,
    /// Checks whose claim holds.
    pub passed: usize,
    /// Checks whose claim does not hold.
    pub failed: usize,
    /// Checks that decide nothing.
    pub inconclusive: usize,
    /// The seed of all instances.
    pub seed: u64,
    /// Whether more and larger instances were drawn.
    pub thorough: bool,
    /// Wall-clock time of the measurements, s.
    pub wall_seconds: f64,
    /// The checks, in the order of the list.
    pub checks: Vec<CheckEntry>,
    /// The result file, if one was written.
    pub file: Option<String>,
    /// The readable report, if one was written.
    pub html: Option<String>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckEntry {
    /// Its name.
    pub id: String,
    /// The claim in words.
    pub claim: String,
    /// The claim as a formula (TeX).
    pub equation: String,
    /// Where it comes from.
    pub reference: String,
    /// How it is measured.
    pub method: String,
    /// `pass`, `fail` or `inconclusive`.
    pub verdict: String,
    /// Why, where it is not `pass`.
    pub reason: Option<String>,
    /// Instances drawn.
    pub instances: usize,
    /// Instances that decide nothing.
    pub undecided: usize,
    /// Number of the instance under the largest strain.
    pub worst_instance: Option<usize>,
    /// The model file of that instance, if one was written.
    pub worst_model: Option<String>,
    /// Its measurements, each at the instance where it is strained most.
    pub measurements: Vec<MeasurementEntry>,
}

/// One measurement of a check, at the instance where it is strained most.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeasurementEntry {
    /// Its name.
    pub name: String,
    /// What the claim says.
    pub predicted: f64,
    /// What was found.
    pub measured: f64,
    /// How the two should compare: `=`, `<=` (measured at most predicted) or `>=`.
    pub relation: String,
    /// How far they may differ.
    pub tolerance: f64,
    /// The kind of error allowed for, and how its size was found.
    pub tolerance_from: String,
    /// Deviation in units of the tolerance; the claim holds up to 1. Absent where a count differs.
    pub strain: Option<f64>,
    /// Number of the instance.
    pub instance: usize,
    /// Instances with this measurement.
    pub count: usize,
}

impl ValidateReport {
    pub(super) fn new(findings: &Findings<'_>) -> Self {
        let count = |verdict| findings.reports.iter().filter(|r| r.verdict == verdict).count();
        Self {
            status: "complete".to_owned(),
            passed: count(Verdict::Pass),
            failed: count(Verdict::Fail),
            inconclusive: count(Verdict::Inconclusive),
            seed: findings.options.seed,
            thorough: findings.options.thorough,
            wall_seconds: findings.seconds,
            checks: findings.reports.iter().map(CheckEntry::new).collect(),
            file: None,
            html: None,
        }
    }

    /// Nothing is concluded from a run that was stopped.
    pub(super) fn interrupted(checks: &[Check], options: &RunOptions) -> Self {
        Self {
            status: "interrupted".to_owned(),
            passed: 0,
            failed: 0,
            inconclusive: checks.len(),
            seed: options.seed,
            thorough: options.thorough,
            wall_seconds: 0.0,
            checks: Vec::new(),
            file: None,
            html: None,
        }
    }

    /// Whether the run was stopped by the user.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.status == "interrupted"
    }
}

impl CheckEntry {
    fn new(report: &CheckReport) -> Self {
        let check = &report.check;
        Self {
            id: check.id.to_owned(),
            claim: check.claim.to_owned(),
            equation: check.equation.to_owned(),
            reference: check.source.to_owned(),
            method: check.method.to_owned(),
            verdict: report.verdict.name().to_owned(),
            reason: report.reason.clone(),
            instances: report.instances,
            undecided: report.undecided.len(),
            worst_instance: report.worst_instance(),
            worst_model: None,
            measurements: report.series.iter().map(MeasurementEntry::new).collect(),
        }
    }

    /// The measurement under the largest strain.
    #[must_use]
    pub fn worst(&self) -> Option<&MeasurementEntry> {
        let strain = |m: &MeasurementEntry| m.strain.unwrap_or(f64::INFINITY);
        let larger = |worst: Option<&'_ MeasurementEntry>, m: &MeasurementEntry| {
            worst.is_none_or(|w| strain(m) > strain(w))
        };
        let mut worst: Option<&MeasurementEntry> = None;
        for measurement in &self.measurements {
            if larger(worst, measurement) {
                worst = Some(measurement);
            }
        }
        worst
    }
}

impl MeasurementEntry {
    fn new(series: &Series) -> Self {
        let worst = series.worst();
        let tolerance = &worst.tolerance;
        Self {
            name: series.name.to_owned(),
            predicted: worst.predicted,
            measured: worst.measured,
            relation: series.relation.sign().to_owned(),
            tolerance: tolerance.value,
            tolerance_from: format!("{}: {}", tolerance.origin.name(), tolerance.why),
            strain: Some(worst.strain()).filter(|s| s.is_finite()),
            instance: series.worst_instance(),
            count: series.points.len(),
        }
    }
}
