//! Eigenvalues of a Jacobian, from its entries or through its block structure.
//!
//! | method | used for | eigenvalue problem solved |
//! |---|---|---|
//! | `full` | any Jacobian | the Jacobian itself |
//! | `theorem-1` | layer loops | `W G B` or `B W G`, whichever is smaller |
//! | `theorem-2` | single loop through n stages | the product around the loop, at its narrowest place |
//! | `quotient` | deep feedback control | the projections of voltages on the output, `n_L` per layer |
//!
//! The reductions are exact; their derivations are in the private modules `layer_loop` and
//! `chain`.

mod chain;
mod layer_loop;
mod product;

use nalgebra::{Complex, DMatrix};

use super::error::AnalysisError;
use crate::dynamics::{ControlLoop, LayerLoop, SingleLoopChain, StateLayout, Structure};
use crate::linalg::eigen::{EigenOptions, eigen, rounding_error};

/// Largest matrix whose dense eigenvalue problem is attempted: 10,000 states take about 5 GiB and,
/// at 25 n^3 operations, the better part of an hour.
pub const LARGEST_DENSE: usize = 10_000;

/// Matrices of the size of the Jacobian that a dense eigenvalue problem with vectors keeps.
const COPIES: f64 = 7.0;

/// How a spectrum was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpectrumMethod {
    /// From the entries of the Jacobian.
    Full,
    /// Layer loops, through the eigenvalues of `W G B` or `B W G`.
    Theorem1,
    /// A chain of equal stages, through the eigenvalues of the product around the loop.
    Theorem2,
    /// A network under control, through the projections that its output sees.
    Quotient,
}

impl SpectrumMethod {
    /// The name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Theorem1 => "theorem-1",
            Self::Theorem2 => "theorem-2",
            Self::Quotient => "quotient",
        }
    }
}

/// The eigenvalues of a Jacobian with what is needed to judge them, listed by falling real part.
#[derive(Debug, Clone, PartialEq)]
pub struct Spectrum {
    /// The eigenvalues, 1/s.
    pub values: Vec<Complex<f64>>,
    /// Estimated rounding error of each, 1/s; of the order of a root of the rounding unit for
    /// defective eigenvalues.
    pub errors: Vec<f64>,
    /// Condition number of each, infinite when defective to working precision. With a reduction:
    /// that of the eigenvalue of the reduced matrix it comes from, 1 for eigenvalues known exactly.
    pub conditions: Vec<f64>,
    /// How they were found.
    pub method: SpectrumMethod,
}

/// One eigenvalue on its way into a [`Spectrum`].
#[derive(Debug, Clone, Copy)]
struct Entry {
    value: Complex<f64>,
    error: f64,
    condition: f64,
}

impl Entry {
    /// A real eigenvalue known from the structure.
    fn exact(value: f64) -> Self {
        Self { value: Complex::new(value, 0.0), error: 0.0, condition: 1.0 }
    }
}

impl Spectrum {
    /// Largest real part; negative infinity for an empty matrix.
    #[must_use]
    pub fn abscissa(&self) -> f64 {
        self.values.iter().fold(f64::NEG_INFINITY, |m, l| m.max(l.re))
    }

    fn sorted(mut entries: Vec<Entry>, method: SpectrumMethod) -> Result<Self, AnalysisError> {
        let broken = |e: &&Entry| !(e.value.re.is_finite() && e.value.im.is_finite());
        if let Some(entry) = entries.iter().find(broken) {
            let value = if entry.value.re.is_finite() { entry.value.im } else { entry.value.re };
            return Err(AnalysisError::NotFinite { what: "an eigenvalue", value });
        }
        // Stable: equal real parts keep the order in which pairs were made.
        entries.sort_by(|a, b| b.value.re.total_cmp(&a.value.re));
        Ok(Self {
            values: entries.iter().map(|e| e.value).collect(),
            errors: entries.iter().map(|e| e.error).collect(),
            conditions: entries.iter().map(|e| e.condition).collect(),
            method,
        })
    }
}

/// The spectrum of a Jacobian from its entries.
///
/// # Errors
/// Entries that are not finite (with their position), no convergence, more than
/// [`LARGEST_DENSE`] states.
pub fn full_spectrum(jacobian: &DMatrix<f64>) -> Result<Spectrum, AnalysisError> {
    check_dense_size("the spectrum", jacobian.nrows())?;
    let options = EigenOptions { conditions: true, vectors: false };
    let found = eigen(jacobian, &options).map_err(AnalysisError::linalg("the spectrum"))?;
    let n = found.values.len();
    Ok(Spectrum {
        errors: found
            .errors
            .unwrap_or_else(|| vec![rounding_error(n, found.balanced_norm, f64::INFINITY); n]),
        conditions: found.conditions.unwrap_or_else(|| vec![f64::INFINITY; n]),
        values: found.values,
        method: SpectrumMethod::Full,
    })
}

/// The spectrum of layer loops whose joint Jacobian is block triangular: the union of the loops'
/// spectra, each from the smaller of `W G B` and `B W G`.
///
/// For a loop with `n` state units and `m` controller units, let `mu` run over the eigenvalues of
/// the smaller product. The spectrum is the roots of
/// `tau_state tau_controller x^2 + (tau_controller + leak tau_state) x + (leak - mu) = 0`, with
/// `-1/tau_state` (`n - m` times) or `-leak/tau_controller` (`m - n` times).
///
/// # Errors
/// As [`full_spectrum`], of the smaller product.
pub fn layer_loop_spectrum(loops: &[LayerLoop]) -> Result<Spectrum, AnalysisError> {
    let mut entries = Vec::new();
    for one in loops {
        layer_loop::push_entries(one, &mut entries)?;
    }
    Spectrum::sorted(entries, SpectrumMethod::Theorem1)
}

/// The spectrum of a chain of `n` equal stages closed by one controller.
///
/// Let `mu` run over the eigenvalues of the product around the loop, taken at its narrowest place
/// (`q` units). The spectrum is the roots of `(1 + tau_state x)^n (tau_controller x + leak) = mu`,
/// with `-1/tau_state` (units of all stages less `n q` times) and `-leak/tau_controller`
/// (`m - q` times).
///
/// # Errors
/// As [`full_spectrum`], of the product.
pub fn chain_spectrum(chain: &SingleLoopChain) -> Result<Spectrum, AnalysisError> {
    Spectrum::sorted(chain::entries(chain)?, SpectrumMethod::Theorem2)
}

/// The spectrum of a network under control: that of its reduced Jacobian and the known eigenvalues.
///
/// # Errors
/// As [`full_spectrum`], of the reduced Jacobian.
pub fn control_spectrum(control: &ControlLoop) -> Result<Spectrum, AnalysisError> {
    let reduced = full_spectrum(&control.jacobian)?;
    let parts = reduced.values.iter().zip(&reduced.errors).zip(&reduced.conditions);
    let mut entries: Vec<_> =
        parts.map(|((&value, &error), &condition)| Entry { value, error, condition }).collect();
    for &(value, count) in &control.known {
        entries.extend((0..count).map(|_| Entry::exact(value)));
    }
    Spectrum::sorted(entries, SpectrumMethod::Quotient)
}

/// The spectrum through the block structure; `None` where there is none.
///
/// # Errors
/// As [`full_spectrum`], of the reduced matrices.
pub fn reduced_spectrum(structure: &Structure) -> Result<Option<Spectrum>, AnalysisError> {
    match structure {
        Structure::Dense => Ok(None),
        Structure::LayerLoops(loops) => layer_loop_spectrum(loops).map(Some),
        Structure::SingleLoop(chain) => chain_spectrum(chain).map(Some),
        Structure::Control(control) => control_spectrum(control).map(Some),
    }
}

/// The spectrum through the block structure, or of the Jacobian where there is none.
///
/// # Errors
/// As [`full_spectrum`].
pub fn spectrum_of(
    structure: &Structure,
    jacobian: impl FnOnce() -> DMatrix<f64>,
) -> Result<Spectrum, AnalysisError> {
    match reduced_spectrum(structure)? {
        Some(spectrum) => Ok(spectrum),
        None => full_spectrum(&jacobian()),
    }
}

/// Cubes of the sizes of the eigenvalue problems that [`spectrum_of`] solves for one target of
/// `layout`.
#[must_use]
pub fn spectrum_work(structure: &Structure, layout: &StateLayout) -> f64 {
    let cube = |n: usize| (n as f64).powi(3);
    match structure {
        Structure::Dense => cube(layout.dim() / layout.columns()),
        Structure::Control(control) => cube(control.jacobian.nrows()),
        Structure::LayerLoops(loops) => {
            loops.iter().map(|l| cube(l.forward.nrows().min(l.forward.ncols()))).sum()
        }
        Structure::SingleLoop(chain) => {
            let widths = chain.forward.iter().flat_map(|w| [w.nrows(), w.ncols()]);
            cube(widths.min().unwrap_or(0))
        }
    }
}

/// The eigenvalues `mu` of `W G B` (or `B W G`, if smaller) of a loop: stability is decided by where
/// they lie relative to the parabola of theorem 1.
///
/// # Errors
/// As [`full_spectrum`], of the product.
pub fn loop_eigenvalues(layer: &LayerLoop) -> Result<Vec<Complex<f64>>, AnalysisError> {
    Ok(layer_loop::product_values(layer)?.into_iter().map(|mu| mu.value).collect())
}

/// The spectral abscissa of a loop whose `mu` are already known, as they are for every leak, gain and
/// time constant once they are known for one: no eigenvalue problem is solved.
#[must_use]
pub fn loop_abscissa(layer: &LayerLoop, eigenvalues: &[Complex<f64>]) -> f64 {
    layer_loop::abscissa(layer, eigenvalues)
}

/// Refuses dense eigenvalue problems that would not end in reasonable time and memory.
pub(crate) fn check_dense_size(what: &'static str, states: usize) -> Result<(), AnalysisError> {
    if states <= LARGEST_DENSE {
        return Ok(());
    }
    let gib = COPIES * 8.0 * (states as f64).powi(2) / f64::from(1 << 30);
    Err(AnalysisError::TooLarge { what, states, gib, limit: LARGEST_DENSE })
}
