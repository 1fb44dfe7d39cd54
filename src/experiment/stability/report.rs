//! What a stability analysis tells: the object of `--json` and the numbers of the table. Field
//! names are those of the result file.

use nalgebra::{Complex, DMatrix};
use serde::Serialize;

use super::branch::ContinuationReport;
use super::checkpoints::CheckpointRow;
use super::map::MapReport;
use super::optimise::OptimisedReport;
use crate::analysis::margins::critical::CriticalValue;
use crate::analysis::margins::pseudospectrum::PseudospectrumGrid;
use crate::analysis::verdict::{Mode, Verdict};
use crate::analysis::{Judgement, Spectrum};
use crate::dynamics::LoopParameters;

/// The result of `dinv stability`.
#[derive(Debug, Clone, Serialize)]
pub struct StabilityReport {
    /// `equilibrium`; `trajectory` when spectra along a run are listed too; `checkpoints`.
    pub at: String,
    /// The point that decides: the equilibrium the trajectory approaches, else the first one found;
    /// of several loops or targets the least stable.
    #[serde(flatten)]
    pub deciding: Point,
    /// Every equilibrium of every loop and target.
    pub equilibria: Vec<EquilibriumReport>,
    /// Frozen-time spectra along the trajectory: each row is the verdict on the Jacobian at one
    /// instant, which says nothing rigorous about the time-varying system.
    pub frozen_time: Vec<FrozenTime>,
    /// Spectra of the loops of a training, one row per checkpoint and loop, the weights frozen.
    pub checkpoints: Vec<CheckpointRow>,
    /// How the feedback was optimised before the analysis.
    pub optimized: Vec<OptimisedReport>,
    /// The equilibrium followed in one parameter.
    pub continuation: Option<ContinuationReport>,
    /// Verdicts over two parameters.
    pub map: Option<MapReport>,
    /// Remarks: what was not computed and why.
    pub notes: Vec<String>,
    /// Warnings, in order of appearance.
    pub warnings: Vec<String>,
    /// The result file.
    pub file: Option<String>,
}

/// One linearisation and everything computed from it.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    /// `stable`, `unstable` or `marginal`.
    pub verdict: Verdict,
    /// Why, one sentence.
    pub reason: String,
    /// Largest real part of the eigenvalues, 1/s.
    pub spectral_abscissa: f64,
    /// How far rounding can move it, 1/s.
    pub tolerance: f64,
    /// Condition number of the deciding eigenvalue; absent when infinite.
    pub condition: Option<f64>,
    /// `full`, `theorem-1` or `theorem-2`.
    pub method: &'static str,
    /// Where the linearisation was taken: loop, target, equilibrium.
    pub point: String,
    /// Size of the Jacobian.
    pub states: usize,
    /// Every eigenvalue as `[re, im]`, 1/s.
    pub eigenvalues: Vec<[f64; 2]>,
    /// Condition number of each eigenvalue; absent where it is defective to working precision.
    pub eigenvalue_conditions: Vec<Option<f64>>,
    /// Estimated rounding error of each eigenvalue, 1/s.
    pub eigenvalue_errors: Vec<f64>,
    /// The slowest modes.
    pub modes: Vec<Mode>,
    /// Eigenvalues of `W G B` of a layer loop, `[re, im]`.
    pub loop_eigenvalues: Vec<[f64; 2]>,
    /// Largest eigenvalue of `(J + J^T)/2`, 1/s.
    pub numerical_abscissa: Option<f64>,
    /// Complex stability radius, 1/s.
    pub stability_radius: Option<f64>,
    /// Frequency at which the radius is attained, rad/s.
    pub stability_radius_frequency: Option<f64>,
    /// `max_t |e^{Jt}|_2`.
    pub max_transient_growth: Option<f64>,
    /// Its time, s.
    pub max_transient_growth_time: Option<f64>,
    /// Proven upper bound on it.
    pub max_transient_growth_bound: Option<f64>,
    /// Lower bound on it from the Kreiss constant.
    pub kreiss_bound: Option<f64>,
    /// Critical values of parameters.
    pub critical: Critical,
    /// The published Euler scheme.
    pub euler: Option<EulerReport>,
    /// Certificates tried.
    pub certificates: Vec<CertificateReport>,
    #[serde(skip)]
    pub(crate) data: PointData,
}

/// Arrays that go to the result file only.
#[derive(Debug, Clone, Default)]
pub(crate) struct PointData {
    pub(crate) jacobian: Option<DMatrix<f64>>,
    pub(crate) conditions: Vec<f64>,
    pub(crate) layer: Option<LoopParameters>,
    /// Times and values of `|e^{Jt}|`.
    pub(crate) growth: (Vec<f64>, Vec<f64>),
    pub(crate) pseudospectrum: Option<PseudospectrumGrid>,
    pub(crate) covariance: Option<DMatrix<f64>>,
    pub(crate) matrices: Vec<(String, DMatrix<f64>)>,
}

impl Point {
    /// A point with its spectrum and verdict and nothing else yet.
    pub(super) fn new(name: String, spectrum: &Spectrum, modes: Vec<Mode>) -> Self {
        let judgement = Judgement::of(spectrum);
        Self {
            verdict: judgement.verdict,
            reason: judgement.reason,
            spectral_abscissa: judgement.spectral_abscissa,
            tolerance: judgement.tolerance,
            condition: Some(judgement.condition).filter(|c| c.is_finite()),
            method: spectrum.method.name(),
            point: name,
            states: spectrum.values.len(),
            eigenvalues: pairs(&spectrum.values),
            eigenvalue_conditions: spectrum
                .conditions
                .iter()
                .map(|c| Some(*c).filter(|c| c.is_finite()))
                .collect(),
            eigenvalue_errors: spectrum.errors.clone(),
            modes,
            loop_eigenvalues: Vec::new(),
            numerical_abscissa: None,
            stability_radius: None,
            stability_radius_frequency: None,
            max_transient_growth: None,
            max_transient_growth_time: None,
            max_transient_growth_bound: None,
            kreiss_bound: None,
            critical: Critical::default(),
            euler: None,
            certificates: Vec::new(),
            data: PointData { conditions: spectrum.conditions.clone(), ..PointData::default() },
        }
    }
}

/// Complex numbers as pairs.
pub(super) fn pairs(values: &[Complex<f64>]) -> Vec<[f64; 2]> {
    values.iter().map(|z| [z.re, z.im]).collect()
}

/// Critical values: the nearest value of each parameter at which stability changes, slopes held at
/// the point; absent when no value does, or when it was not asked for.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Critical {
    /// Of the leak.
    pub leak: Option<f64>,
    /// Of a factor of the feedback matrix.
    pub gain: Option<f64>,
    /// Of `tau_state / tau_controller`.
    pub tau_ratio: Option<f64>,
    /// Each parameter with its present value, every boundary and how it was found.
    pub details: Vec<CriticalReport>,
}

/// One critical parameter in full.
#[derive(Debug, Clone, Serialize)]
pub struct CriticalReport {
    /// `leak`, `gain` or `tau_ratio`.
    pub parameter: &'static str,
    /// Its present value.
    pub present: f64,
    /// The boundary nearest to it.
    pub critical: Option<f64>,
    /// Signed distance from the present value to it.
    pub distance: Option<f64>,
    /// Every boundary, ascending.
    pub boundaries: Vec<f64>,
    /// `closed-form` or `root-finding`.
    pub method: &'static str,
    /// Whether the spectral abscissa changes sign at every boundary.
    pub confirmed: bool,
}

impl CriticalReport {
    pub(super) fn new(value: &CriticalValue, method: &'static str, confirmed: bool) -> Self {
        Self {
            parameter: value.parameter.name(),
            present: value.present,
            critical: value.nearest(),
            distance: value.distance(),
            boundaries: value.boundaries.clone(),
            method,
            confirmed,
        }
    }
}

/// The published semi-implicit Euler scheme on the linearisation.
#[derive(Debug, Clone, Serialize)]
pub struct EulerReport {
    /// The step, s.
    pub step: f64,
    /// Spectral radius of the one-step matrix at this step.
    pub spectral_radius: f64,
    /// Largest step below which the scheme is stable, s; absent when there is none.
    pub largest_stable_step: Option<f64>,
}

/// One certificate.
#[derive(Debug, Clone, Serialize)]
pub struct CertificateReport {
    /// `lyapunov`, `global` or `contraction-1`, `-2`, `-inf`.
    pub name: String,
    /// Whether the statement is proven.
    pub proven: bool,
    /// The certified rate, 1/s, where the certificate gives one.
    pub rate: Option<f64>,
    /// What is proven, or why nothing is.
    pub statement: String,
}

/// One equilibrium.
#[derive(Debug, Clone, Serialize)]
pub struct EquilibriumReport {
    /// Loop, target and number.
    pub point: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Its spectral abscissa, 1/s.
    pub spectral_abscissa: f64,
    /// Largest `|f_i|` there.
    pub residual: f64,
    /// Starts of Newton's method that led there.
    pub starts: Vec<String>,
    /// Whether the trajectory from the initial state ends there; absent when that is not known.
    pub approached: Option<bool>,
    /// The state.
    pub state: Vec<f64>,
}

/// The verdict on the Jacobian at one time of a trajectory.
#[derive(Debug, Clone, Serialize)]
pub struct FrozenTime {
    /// The loop, where there are several.
    pub point: String,
    /// The target.
    pub target: usize,
    /// Time, s.
    pub time: f64,
    /// The verdict.
    pub verdict: Verdict,
    /// Largest real part, 1/s.
    pub spectral_abscissa: f64,
    /// How far rounding can move it, 1/s.
    pub tolerance: f64,
    /// `V` of the global certificate relative to the equilibrium, where that is proven.
    pub lyapunov: Option<f64>,
    /// `dV/dt`, 1/s.
    pub lyapunov_rate: Option<f64>,
}
