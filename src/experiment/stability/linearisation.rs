//! The Jacobian at a point with what its structure gives.

use nalgebra::{Complex, DMatrix};

use super::report::{Point, pairs};
use crate::analysis::equilibria::column_jacobian;
use crate::analysis::margins::LARGEST_MARGIN;
use crate::analysis::margins::compress::Compressed;
use crate::analysis::spectrum::{full_spectrum, loop_eigenvalues, reduced_spectrum};
use crate::analysis::verdict::leading_modes;
use crate::analysis::{AnalysisError, Spectrum};
use crate::dynamics::{Dynamics, LayerLoop, Structure};
use crate::model::spec::{EigenvalueMethod, Stability};

/// One target's linearisation at one state.
pub(super) struct Linearisation {
    pub(super) structure: Structure,
    /// The full Jacobian, where it is small enough to be worth having.
    pub(super) jacobian: Option<DMatrix<f64>>,
    pub(super) spectrum: Spectrum,
    pub(super) state: Vec<f64>,
    /// Eigenvalues of `W G B` of a single layer loop.
    pub(super) loop_eigenvalues: Vec<Complex<f64>>,
}

impl Linearisation {
    /// Linearises target `column` at its `state`.
    pub(super) fn at(
        dynamics: &dyn Dynamics,
        column: usize,
        state: &[f64],
        section: &Stability,
    ) -> Result<Self, AnalysisError> {
        let layout = dynamics.layout();
        let mut all = dynamics.initial_state();
        layout.set_column_state(column, state, &mut all);
        let structure = dynamics.structure(0.0, &all, column);
        let reduced = match section.method {
            EigenvalueMethod::Full => None,
            EigenvalueMethod::Auto => reduced_spectrum(&structure)?,
            EigenvalueMethod::Reduced => {
                Some(reduced_spectrum(&structure)?.ok_or(AnalysisError::NoStructure)?)
            }
        };
        let needs_jacobian = reduced.is_none() || state.len() <= LARGEST_MARGIN;
        if reduced.is_none() {
            crate::analysis::spectrum::check_dense_size("the spectrum", state.len())?;
        }
        let jacobian = needs_jacobian.then(|| column_jacobian(dynamics, 0.0, &all, column));
        let spectrum = match (reduced, &jacobian) {
            (Some(spectrum), _) => spectrum,
            (None, Some(jacobian)) => full_spectrum(jacobian)?,
            (None, None) => return Err(AnalysisError::NoStructure),
        };
        let mut linearisation = Self {
            structure,
            jacobian,
            spectrum,
            state: state.to_vec(),
            loop_eigenvalues: Vec::new(),
        };
        if let Some(layer) = linearisation.layer_loop() {
            linearisation.loop_eigenvalues = loop_eigenvalues(layer)?;
        }
        Ok(linearisation)
    }

    /// The loop, where there is exactly one.
    pub(super) fn layer_loop(&self) -> Option<&LayerLoop> {
        match &self.structure {
            Structure::LayerLoops(loops) => match loops.as_slice() {
                [one] => Some(one),
                _ => None,
            },
            _ => None,
        }
    }

    /// What 2-norms depend on, where it is small enough.
    pub(super) fn compressed(&self) -> Result<Option<Compressed>, AnalysisError> {
        let compressed = match (self.layer_loop(), &self.jacobian) {
            (Some(layer), _) if smallest_compression(layer) <= LARGEST_MARGIN => {
                Some(Compressed::layer_loop(layer)?)
            }
            (None, Some(jacobian)) if jacobian.nrows() <= LARGEST_MARGIN => {
                Some(Compressed::whole(jacobian.clone()))
            }
            _ => None,
        };
        Ok(compressed)
    }

    /// The report of this point, spectrum and verdict only.
    pub(super) fn point(&self, name: String, modes: usize) -> Point {
        let mut point = Point::new(name, &self.spectrum, leading_modes(&self.spectrum, modes));
        point.loop_eigenvalues = pairs(&self.loop_eigenvalues);
        point.data.state.clone_from(&self.state);
        point.data.jacobian.clone_from(&self.jacobian);
        point
    }
}

/// Size of a loop's compressed Jacobian.
fn smallest_compression(layer: &LayerLoop) -> usize {
    let (m, n) = layer.forward.shape();
    (n + m).min(3 * n.min(m))
}
