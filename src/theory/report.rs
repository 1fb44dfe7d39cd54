//! What a check found over all its instances.

use super::check::{Check, Measurement, Obstacle, Relation, Sample, Tolerance};

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The claim holds on every instance that could be decided.
    Pass,
    /// It does not hold on at least one.
    Fail,
    /// Too few instances could be decided.
    Inconclusive,
}

impl Verdict {
    /// The word in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// A check is inconclusive when more than this share of its instances decides nothing.
const UNDECIDED: f64 = 0.25;

/// One measurement over all instances that have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name.
    pub name: &'static str,
    /// How measured and predicted should compare.
    pub relation: Relation,
    /// The points in the order of the instances, with the number of the instance.
    pub points: Vec<(usize, Measurement)>,
    /// Position of the point under the largest strain.
    pub worst: usize,
}

impl Series {
    /// The point under the largest strain.
    #[must_use]
    pub fn worst(&self) -> &Measurement {
        &self.points[self.worst].1
    }

    /// Number of the instance of the worst point.
    #[must_use]
    pub fn worst_instance(&self) -> usize {
        self.points[self.worst].0
    }

    /// The tolerance of the worst point.
    #[must_use]
    pub fn tolerance(&self) -> &Tolerance {
        &self.worst().tolerance
    }
}

/// What a check found.
#[derive(Debug, Clone)]
pub struct CheckReport {
    /// The check.
    pub check: Check,
    /// The outcome.
    pub verdict: Verdict,
    /// Why, where the verdict is not `pass`.
    pub reason: Option<String>,
    /// Instances drawn.
    pub instances: usize,
    /// The measurements.
    pub series: Vec<Series>,
    /// Instances that decide nothing, with the reason.
    pub undecided: Vec<(usize, String)>,
}

impl CheckReport {
    /// Gathers what the instances yielded, in their order.
    #[must_use]
    pub fn gather(check: &Check, samples: Vec<Result<Sample, Obstacle>>) -> Self {
        let instances = samples.len();
        let mut series: Vec<Series> = Vec::new();
        let mut undecided = Vec::new();
        for (index, sample) in samples.into_iter().enumerate() {
            match sample {
                Ok(sample) => sample.measurements.iter().for_each(|m| push(&mut series, index, m)),
                Err(obstacle) => undecided.push((index, obstacle.reason)),
            }
        }
        let (verdict, reason) = judge(&series, &undecided, instances);
        Self { check: *check, verdict, reason, instances, series, undecided }
    }

    /// The measurement under the largest strain; `None` when nothing was measured.
    #[must_use]
    pub fn worst(&self) -> Option<&Series> {
        let mut worst: Option<&Series> = None;
        for series in &self.series {
            if worst.is_none_or(|w| series.worst().strain() > w.worst().strain()) {
                worst = Some(series);
            }
        }
        worst
    }

    /// Number of the instance to look at: the one under the largest strain, else the first that
    /// decides nothing.
    #[must_use]
    pub fn worst_instance(&self) -> Option<usize> {
        let undecided = self.undecided.first().map(|(index, _)| *index);
        match self.verdict {
            Verdict::Inconclusive => undecided,
            _ => self.worst().map(Series::worst_instance).or(undecided),
        }
    }
}

fn push(series: &mut Vec<Series>, index: usize, measurement: &Measurement) {
    let point = (index, *measurement);
    match series.iter_mut().find(|s| s.name == measurement.name) {
        Some(known) => {
            known.points.push(point);
            if measurement.strain() > known.worst().strain() {
                known.worst = known.points.len() - 1;
            }
        }
        None => series.push(Series {
            name: measurement.name,
            relation: measurement.relation,
            points: vec![point],
            worst: 0,
        }),
    }
}

fn judge(
    series: &[Series],
    undecided: &[(usize, String)],
    instances: usize,
) -> (Verdict, Option<String>) {
    let missed = |s: &&Series| !s.worst().holds();
    if let Some(failed) = series.iter().find(missed) {
        let worst = failed.worst();
        let count = failed.points.iter().filter(|(_, m)| !m.holds()).count();
        let reason = format!(
            "{}: measured {:.6e} where {} {:.6e} is claimed (tolerance {:.1e}), in instance {}; \
             missed by {count} of {} instances",
            failed.name,
            worst.measured,
            failed.relation.sign(),
            worst.predicted,
            worst.tolerance.value,
            failed.worst_instance(),
            failed.points.len(),
        );
        return (Verdict::Fail, Some(reason));
    }
    if series.is_empty() || undecided.len() as f64 > UNDECIDED * instances as f64 {
        let first = undecided.first().map_or("no instance was drawn", |(_, reason)| reason);
        let reason =
            format!("{} of {instances} instances decide nothing: {first}", undecided.len());
        return (Verdict::Inconclusive, Some(reason));
    }
    (Verdict::Pass, None)
}
