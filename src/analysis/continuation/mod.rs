//! Equilibria as a parameter changes: branches, folds and Hopf points.
//!
//! A branch of solutions of `f(y, p) = 0` is followed with a tangent predictor and a Newton
//! corrector, in the parameter itself or in arclength (Keller 1977; Seydel, Practical Bifurcation
//! and Stability Analysis, chapter 4). Steps shrink where the corrector or the direction of the
//! branch asks for it. Between two points, every real part that changes sign and every turn of the
//! parameter is located by a bracketed root search along the branch.
//!
//! | what is found | how |
//! |---|---|
//! | fold | the parameter component of the tangent changes sign |
//! | Hopf point | a complex pair crosses the imaginary axis |
//! | branch point | a real eigenvalue crosses zero and the parameter does not turn |
//!
//! At a Hopf point the first Lyapunov coefficient says which kind of limit cycle appears: see
//! [`FirstLyapunov`].

mod error;
mod locate;
mod normal_form;
mod root;
mod system;
mod trace;

use nalgebra::Complex;

pub use self::error::{ContinuationError, NormalFormError};
pub use self::normal_form::{Criticality, FirstLyapunov, first_lyapunov};
pub use self::trace::continue_equilibrium;
use crate::dynamics::VectorField;

/// Why a vector field could not be built at a parameter value.
pub type BuildError = Box<dyn std::error::Error + Send + Sync>;

/// A vector field for every value of a parameter, autonomous and of the same size throughout.
pub type Family<'a> = dyn Fn(f64) -> Result<Box<dyn VectorField>, BuildError> + 'a;

/// How a branch is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContinuationMethod {
    /// In the parameter; ends at a fold.
    Natural,
    /// Along the branch, around folds.
    #[default]
    PseudoArclength,
}

/// How to follow a branch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContinuationOptions {
    /// Natural or pseudo-arclength.
    pub method: ContinuationMethod,
    /// First step, in units of the parameter; a hundredth of the range when absent. Steps grow to at
    /// most five times as much.
    pub first_step: Option<f64>,
    /// Cap on the number of points.
    pub max_points: usize,
    /// Accuracy of bifurcation points in the parameter and, relative to its size, in the state.
    pub tolerance: f64,
}

impl Default for ContinuationOptions {
    fn default() -> Self {
        let method = ContinuationMethod::default();
        Self { method, first_step: None, max_points: 1000, tolerance: 1e-8 }
    }
}

/// One equilibrium of a branch.
#[derive(Debug, Clone, PartialEq)]
pub struct BranchPoint {
    /// The parameter.
    pub parameter: f64,
    /// The equilibrium.
    pub y: Vec<f64>,
    /// Length of the branch up to here, in units of the parameter.
    pub arclength: f64,
    /// Eigenvalues of the Jacobian by falling real part, 1/s.
    pub eigenvalues: Vec<Complex<f64>>,
    /// How many of them have a positive real part.
    pub unstable: usize,
}

impl BranchPoint {
    /// Largest real part, 1/s.
    #[must_use]
    pub fn abscissa(&self) -> f64 {
        self.eigenvalues.first().map_or(f64::NEG_INFINITY, |l| l.re)
    }
}

/// What happens at a bifurcation point.
#[derive(Debug, Clone, PartialEq)]
pub enum BifurcationKind {
    /// The branch turns back in the parameter; two equilibria meet.
    Fold,
    /// A complex pair crosses the imaginary axis; limit cycles begin.
    Hopf {
        /// Its imaginary part, rad/s.
        frequency: f64,
        /// The coefficient that decides about the cycles, or why there is none.
        first_lyapunov: Result<FirstLyapunov, NormalFormError>,
    },
    /// A real eigenvalue crosses zero where the branch does not turn: branches cross.
    BranchPoint,
}

/// A bifurcation of the branch.
#[derive(Debug, Clone, PartialEq)]
pub struct Bifurcation {
    /// What happens.
    pub kind: BifurcationKind,
    /// The equilibrium there.
    pub point: BranchPoint,
    /// Change of the number of unstable eigenvalues between the points of the branch before and
    /// after it.
    pub change: i64,
    /// Index of the point of the branch before it.
    pub after: usize,
}

/// Why a branch ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BranchEnd {
    /// The last value of the parameter was reached.
    Reached,
    /// The branch turned and came back to the first value of the parameter.
    Returned,
    /// Natural continuation met a fold, or the corrector failed however small the step.
    StepTooSmall,
    /// The cap on the number of points was reached.
    MaxPoints,
}

/// A branch of equilibria.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// Its points in order; neighbours bracket every bifurcation.
    pub points: Vec<BranchPoint>,
    /// Folds, Hopf and branch points in order.
    pub bifurcations: Vec<Bifurcation>,
    /// Why it ends.
    pub end: BranchEnd,
}
