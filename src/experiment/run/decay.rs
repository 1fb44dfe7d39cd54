//! The rate at which a run is expected to end: the spectral abscissa at the equilibrium.

use super::stage::Stage;
use crate::analysis::equilibria::column_jacobian;
use crate::analysis::spectrum::{spectrum_of, spectrum_work};
use crate::analysis::{Judgement, Verdict};

/// Cubes of the sizes of all eigenvalue problems up to which they are solved beside a run: one of
/// size 400, about a second.
const MOST_WORK: f64 = 400.0 * 400.0 * 400.0;

impl Stage<'_, '_, '_> {
    /// The largest real part of the spectrum at `equilibrium`, the largest over the targets, 1/s;
    /// `None` where it costs too much beside a run.
    pub(super) fn spectral_abscissa(&self, equilibrium: &[f64]) -> Option<f64> {
        let (dynamics, t) = (self.dynamics, self.plan.section.t_span[0]);
        let progress = self.plan.context.progress;
        let targets = if dynamics.shares_jacobian() { 1 } else { dynamics.layout().columns() };
        let mut largest = f64::NEG_INFINITY;
        let mut is_unstable = false;
        for column in 0..targets {
            let structure = dynamics.structure(t, equilibrium, column);
            if targets as f64 * spectrum_work(&structure, dynamics.layout()) > MOST_WORK {
                let text = format!("{}: no decay rate: the spectrum is too large", self.name);
                progress.message(&text);
                return None;
            }
            let jacobian = || column_jacobian(dynamics, t, equilibrium, column);
            match spectrum_of(&structure, jacobian) {
                Ok(spectrum) => {
                    largest = largest.max(spectrum.abscissa());
                    is_unstable |= Judgement::of(&spectrum).verdict == Verdict::Unstable;
                }
                Err(error) => {
                    progress.message(&format!("{}: no decay rate: {error}", self.name));
                    return None;
                }
            }
        }
        if is_unstable {
            self.plan.context.warn(format!(
                "{}: the equilibrium is unstable (spectral abscissa {largest:.3e} 1/s): nearby states leave it",
                self.name
            ));
        }
        Some(largest)
    }
}
