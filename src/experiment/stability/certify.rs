//! The certificates the model asks for.

use nalgebra::DMatrix;

use super::linearisation::Linearisation;
use super::report::CertificateReport;
use crate::analysis::certificates::Certificate;
use crate::analysis::certificates::contraction::{ContractionNorm, contraction_certificate};
use crate::analysis::certificates::global::{GlobalCertificate, global_certificate};
use crate::analysis::certificates::lyapunov::lyapunov_certificate;
use crate::analysis::margins::LARGEST_MARGIN;
use crate::analysis::verdict::seven_digits;
use crate::dynamics::{Dynamics, LayerLoop, SlopeForm, SlopeUnit};
use crate::model::spec::{self, Norm, Stability};

/// Certificates in words and the matrices that prove them.
#[derive(Default)]
pub(super) struct Certified {
    pub(super) reports: Vec<CertificateReport>,
    pub(super) matrices: Vec<(String, DMatrix<f64>)>,
}

/// Tries every certificate of the section at one point.
pub(super) fn at(
    dynamics: &dyn Dynamics,
    column: usize,
    linearisation: &Linearisation,
    section: &Stability,
) -> Certified {
    let mut certified = Certified::default();
    for wanted in &section.certificates {
        match wanted {
            spec::Certificate::Lyapunov => certified.lyapunov(linearisation),
            spec::Certificate::Global => {
                certified.global(dynamics, column, linearisation);
            }
            spec::Certificate::Contraction => match dynamics.slope_form(column) {
                Some(form) if form.constant.nrows() <= LARGEST_MARGIN => {
                    for norm in &section.contraction_norms {
                        certified.contraction(&form, *norm);
                    }
                }
                Some(form) => certified.refuse(
                    "contraction",
                    &format!("{} states, the limit is {LARGEST_MARGIN}", form.constant.nrows()),
                ),
                None => certified.refuse(
                    "contraction",
                    "this dynamics does not state its Jacobian as a function of slopes",
                ),
            },
        }
    }
    certified
}

impl Certified {
    fn refuse(&mut self, name: &str, reason: &str) {
        self.push(name, None, None, reason.to_owned());
    }

    fn push(&mut self, name: &str, proof: Option<()>, rate: Option<f64>, statement: String) {
        let proven = proof.is_some();
        self.reports.push(CertificateReport { name: name.to_owned(), proven, rate, statement });
    }

    fn lyapunov(&mut self, linearisation: &Linearisation) {
        let jacobian = match &linearisation.jacobian {
            Some(jacobian) if jacobian.nrows() <= LARGEST_MARGIN => jacobian,
            _ => {
                let limit = format!("more than {LARGEST_MARGIN} states");
                return self.refuse("lyapunov", &limit);
            }
        };
        match lyapunov_certificate(jacobian) {
            Certificate::Proven(proof) => {
                let statement = format!(
                    "the linearisation is stable: V = x^T P x falls at least as exp(-{} t), \
                     proven with every rounding error enclosed",
                    seven_digits(2.0 * proof.rate)
                );
                self.push("lyapunov", Some(()), Some(proof.rate), statement);
                self.matrices.push(("lyapunov_p".to_owned(), proof.p));
            }
            Certificate::Refused { reason } => self.refuse("lyapunov", &reason),
        }
    }

    fn global(&mut self, dynamics: &dyn Dynamics, column: usize, linearisation: &Linearisation) {
        let Some((weights, units)) = nonlinear_loop(dynamics, column, linearisation) else {
            return self.refuse("global", "the statement is about one layer loop");
        };
        match global_certificate(&weights, &units) {
            Certificate::Proven(proof) => {
                let fit = match proof.residual {
                    0.0 => "exactly".to_owned(),
                    residual => format!("up to {residual:.1e} of its norm"),
                };
                let statement = format!(
                    "globally asymptotically stable for every target that has an equilibrium: \
                     B = -P W^T R {fit}, P and R positive definite"
                );
                self.push("global", Some(()), None, statement);
                let p = DMatrix::from_diagonal(&proof.p);
                self.matrices.push(("global_p".to_owned(), p));
                self.matrices.push(("global_r".to_owned(), proof.r));
            }
            Certificate::Refused { reason } => self.refuse("global", &reason),
        }
    }

    fn contraction(&mut self, form: &SlopeForm, norm: Norm) {
        let norm = match norm {
            Norm::One => ContractionNorm::One,
            Norm::Two => ContractionNorm::Two,
            Norm::Infinity => ContractionNorm::Infinity,
        };
        let name = format!("contraction-{}", norm.name());
        match contraction_certificate(form, norm) {
            Certificate::Proven(proof) => {
                let statement = format!(
                    "any two trajectories approach each other at least as exp(-{} t) in a \
                     weighted {}-norm; the equilibrium is unique and globally stable",
                    seven_digits(proof.rate),
                    norm.name()
                );
                self.push(&name, Some(()), Some(proof.rate), statement);
                let key = format!("contraction_{}_weights", norm.name());
                self.matrices.push((key, proof.weights));
            }
            Certificate::Refused { reason } => self.refuse(&name, &reason),
        }
    }
}

/// A proof of global stability with the loop it is about: what `V` is computed from.
pub(super) struct GlobalProof {
    pub(super) certificate: GlobalCertificate,
    pub(super) weights: LayerLoop,
    pub(super) units: Vec<SlopeUnit>,
}

/// The global certificate of a target, where it is proven.
pub(super) fn global_proof(
    dynamics: &dyn Dynamics,
    column: usize,
    linearisation: &Linearisation,
) -> Option<GlobalProof> {
    let (weights, units) = nonlinear_loop(dynamics, column, linearisation)?;
    let certificate = global_certificate(&weights, &units).proof()?.clone();
    Some(GlobalProof { certificate, weights, units })
}

/// The weights of a single layer loop, without slopes, and its nonlinear units.
fn nonlinear_loop(
    dynamics: &dyn Dynamics,
    column: usize,
    linearisation: &Linearisation,
) -> Option<(LayerLoop, Vec<SlopeUnit>)> {
    let layer = linearisation.layer_loop()?;
    let form = dynamics.slope_form(column)?;
    let (m, n) = layer.forward.shape();
    let mut weights = layer.clone();
    if !form.units.is_empty() {
        // The loop holds its weights with the slopes of one point.
        weights.forward = form.left.rows(n, m) * layer.tau_controller;
    }
    Some((weights, form.units))
}
