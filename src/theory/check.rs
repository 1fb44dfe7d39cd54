//! What a check is, and what one instance of it yields.

use super::draw::Draw;

/// One claim as a falsifiable measurement over random instances.
///
/// The formula under test is written out in the check's own file as a function, and the
/// measurement takes it as an argument: so a test can put a wrong formula in its place and see the
/// check fail.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Unique kebab-case name.
    pub id: &'static str,
    /// The claim in one line.
    pub claim: &'static str,
    /// The claim as a formula, in the part of TeX that `docs/theory.md` and the report share.
    pub equation: &'static str,
    /// Where the claim comes from, with equation or section.
    pub source: &'static str,
    /// How it is measured.
    pub method: &'static str,
    /// How many instances are drawn.
    pub instances: Instances,
    /// Draws one instance and measures it.
    pub measure: fn(&mut Draw) -> Result<Sample, Obstacle>,
    /// The same instance as the text of a model file that `dinv run` takes.
    pub model: fn(&mut Draw) -> Result<String, Obstacle>,
}

/// Numbers of instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instances {
    /// In a usual run.
    pub usual: usize,
    /// In a thorough run.
    pub thorough: usize,
}

/// What was measured on one instance.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// The measurements, in an order that is the same for every instance.
    pub measurements: Vec<Measurement>,
}

/// One predicted number beside the measured one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// Snake-case name, unique within the check.
    pub name: &'static str,
    /// What the claim says.
    pub predicted: f64,
    /// What was found.
    pub measured: f64,
    /// How the two should compare.
    pub relation: Relation,
    /// How far they may differ.
    pub tolerance: Tolerance,
}

/// How a measured number should compare with the predicted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Equal.
    Equal,
    /// Not larger.
    AtMost,
    /// Not smaller.
    AtLeast,
}

impl Relation {
    /// The sign between measured and predicted.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::AtMost => "<=",
            Self::AtLeast => ">=",
        }
    }
}

/// An allowance with its source: there are no others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Largest deviation that counts as agreement, in the units of the measurement.
    pub value: f64,
    /// The kind of error it allows for.
    pub origin: Origin,
    /// How its size was found.
    pub why: &'static str,
}

/// Kinds of error that a tolerance allows for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Rounding, from a model of its propagation.
    Rounding,
    /// The error of a solver, measured by comparing two tolerances.
    Solver,
    /// A finite sample of random numbers.
    Sampling,
    /// Terms left out of an expansion or a finite difference.
    Truncation,
    /// None: counts and verdicts.
    Exact,
}

impl Origin {
    /// The word in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rounding => "rounding",
            Self::Solver => "solver",
            Self::Sampling => "sampling",
            Self::Truncation => "truncation",
            Self::Exact => "exact",
        }
    }
}

impl Tolerance {
    /// For rounding errors; `why` is the model.
    #[must_use]
    pub fn rounding(value: f64, why: &'static str) -> Self {
        Self { value, origin: Origin::Rounding, why }
    }

    /// For the error of a solver.
    #[must_use]
    pub fn solver(value: f64, why: &'static str) -> Self {
        Self { value, origin: Origin::Solver, why }
    }

    /// For a finite sample.
    #[must_use]
    pub fn sampling(value: f64, why: &'static str) -> Self {
        Self { value, origin: Origin::Sampling, why }
    }

    /// For terms left out.
    #[must_use]
    pub fn truncation(value: f64, why: &'static str) -> Self {
        Self { value, origin: Origin::Truncation, why }
    }

    /// None.
    #[must_use]
    pub fn exact() -> Self {
        Self { value: 0.0, origin: Origin::Exact, why: "counts and verdicts have no error" }
    }
}

impl Measurement {
    /// Measured and predicted should be equal.
    #[must_use]
    pub fn equal(name: &'static str, predicted: f64, measured: f64, tolerance: Tolerance) -> Self {
        Self { name, predicted, measured, relation: Relation::Equal, tolerance }
    }

    /// Measured should not exceed predicted.
    #[must_use]
    pub fn at_most(name: &'static str, bound: f64, measured: f64, tolerance: Tolerance) -> Self {
        Self { name, predicted: bound, measured, relation: Relation::AtMost, tolerance }
    }

    /// Measured should reach predicted.
    #[must_use]
    pub fn at_least(name: &'static str, bound: f64, measured: f64, tolerance: Tolerance) -> Self {
        Self { name, predicted: bound, measured, relation: Relation::AtLeast, tolerance }
    }

    /// A yes or no, written as 1 and 0.
    #[must_use]
    pub fn verdict(name: &'static str, predicted: bool, measured: bool) -> Self {
        let number = |yes: bool| f64::from(u8::from(yes));
        Self::equal(name, number(predicted), number(measured), Tolerance::exact())
    }

    /// Two vectors that should be equal, by the component in which they differ most.
    #[must_use]
    pub fn vectors(
        name: &'static str,
        predicted: &[f64],
        measured: &[f64],
        tolerance: Tolerance,
    ) -> Self {
        if predicted.len() != measured.len() || predicted.is_empty() {
            return Self::equal(name, f64::NAN, f64::NAN, tolerance);
        }
        let size = |k: usize| {
            let difference = (predicted[k] - measured[k]).abs();
            if difference.is_nan() { f64::INFINITY } else { difference }
        };
        let worst = (0..predicted.len()).fold(0, |m, k| if size(k) > size(m) { k } else { m });
        Self::equal(name, predicted[worst], measured[worst], tolerance)
    }

    /// How far the claim is missed; 0 where it holds exactly, infinite with NaN.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        let difference = self.measured - self.predicted;
        if difference.is_nan() {
            // Equal infinities agree, NaN never does.
            return if self.measured == self.predicted { 0.0 } else { f64::INFINITY };
        }
        match self.relation {
            Relation::Equal => difference.abs(),
            Relation::AtMost => difference.max(0.0),
            Relation::AtLeast => (-difference).max(0.0),
        }
    }

    /// The deviation in units of the tolerance: the claim holds up to 1.
    #[must_use]
    pub fn strain(&self) -> f64 {
        let deviation = self.deviation();
        if deviation == 0.0 {
            0.0
        } else if self.tolerance.value.is_nan() || self.tolerance.value <= 0.0 {
            f64::INFINITY
        } else {
            deviation / self.tolerance.value
        }
    }

    /// Whether the claim holds here.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.strain() <= 1.0
    }
}

impl From<Vec<Measurement>> for Sample {
    fn from(measurements: Vec<Measurement>) -> Self {
        Self { measurements }
    }
}

/// Why an instance decides nothing: it lies too close to a boundary for its rounding errors, or a
/// computation it rests on did not succeed.
///
/// Deliberately no error type: any error turns into one by `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The reason.
    pub reason: String,
}

impl Obstacle {
    /// An obstacle with this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl<E: std::error::Error> From<E> for Obstacle {
    fn from(error: E) -> Self {
        Self::new(error.to_string())
    }
}
