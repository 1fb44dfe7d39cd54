//! The equilibrium that the end of a run is compared with.

use super::stage::Stage;
use crate::analysis::equilibria::{NewtonOptions, Start, find_equilibria};
use crate::dynamics::{NoClosedForm, StateLayout};

/// Unknowns up to which an equilibrium is searched for beside a run: a Newton step costs a
/// factorisation, well below a second up to here.
const MAX_UNKNOWNS: usize = 1000;

/// Points closer than this, relative to their size, are the same equilibrium.
const SAME: f64 = 1e-6;

/// What is known of the equilibrium before the run.
pub(super) enum Known {
    /// The only one, in closed form.
    Unique(Vec<f64>),
    /// One of perhaps several, found from the initial state, or why none was.
    Searched(Result<Vec<f64>, String>),
    /// None, and none is searched for.
    Nothing,
}

impl Known {
    /// The state at rest.
    pub(super) fn state(&self) -> Option<&[f64]> {
        match self {
            Self::Unique(state) | Self::Searched(Ok(state)) => Some(state),
            Self::Searched(Err(_)) | Self::Nothing => None,
        }
    }
}

impl Stage<'_, '_, '_> {
    /// The equilibrium in closed form, or the one that Newton's iteration finds from the initial
    /// state.
    pub(super) fn known_equilibrium(&self) -> Known {
        match self.dynamics.closed_form_equilibrium() {
            Ok(equilibrium) => Known::Unique(equilibrium),
            Err(NoClosedForm::Nonlinear { .. }) => {
                let (layout, dynamics) = (self.dynamics.layout(), self.dynamics);
                let units = layout.dim() / layout.columns();
                let unknowns = dynamics.reduced(0).map_or(units, |equation| equation.dim());
                if unknowns <= MAX_UNKNOWNS {
                    return Known::Searched(self.search(&dynamics.initial_state()));
                }
                let text = format!(
                    "{}: no equilibrium searched for: {unknowns} unknowns are more than {MAX_UNKNOWNS}",
                    self.name
                );
                self.plan.context.progress.message(&text);
                Known::Nothing
            }
            Err(reason) => {
                self.plan.context.warn(format!("{}: no equilibrium: {reason}", self.name));
                Known::Nothing
            }
        }
    }

    /// The equilibrium nearest to the `end` of the run, and the times of convergence to it where it
    /// is the one that was `known` before.
    ///
    /// A nonlinear equation can have several equilibria, and the one that Newton's iteration finds
    /// from the initial state need not be the one that the trajectory goes to: next to an unstable
    /// point it never is. Unless the run came to the known one, the search is repeated from its end.
    pub(super) fn nearest(
        &self,
        known: Known,
        times: Vec<Option<f64>>,
        end: &[f64],
    ) -> (Option<Vec<f64>>, Vec<Option<f64>>) {
        let has_come = !times.is_empty() && times.iter().all(Option::is_some);
        let (before, why) = match known {
            Known::Unique(state) => return (Some(state), times),
            Known::Searched(Ok(state)) if has_come => return (Some(state), times),
            Known::Nothing => return (None, times),
            Known::Searched(Ok(state)) => (Some(state), String::new()),
            Known::Searched(Err(why)) => (None, why),
        };
        match (before, self.search(end)) {
            (Some(before), Ok(after)) if gap(&after, end) < gap(&before, end) => {
                if gap(&after, &before) <= SAME * size(&after).max(size(&before)) {
                    return (Some(before), times);
                }
                let text = format!(
                    "{}: the run ends near another equilibrium than the one nearest its start, so no time of convergence is known",
                    self.name
                );
                self.plan.context.progress.message(&text);
                (Some(after), Vec::new())
            }
            (None, Ok(after)) => (Some(after), Vec::new()),
            (Some(before), _) => (Some(before), times),
            (None, Err(_)) => {
                self.plan.context.warn(format!("{}: {why}", self.name));
                (None, times)
            }
        }
    }

    /// The equilibrium that Newton's iteration finds from `start`, for every target; the error says
    /// why there is none.
    fn search(&self, start: &[f64]) -> Result<Vec<f64>, String> {
        let (dynamics, layout) = (self.dynamics, self.dynamics.layout());
        let mut equilibrium = vec![0.0; layout.dim()];
        for column in 0..layout.columns() {
            let state = layout.column_state(column, start);
            let start = Start { name: "the run".to_owned(), state };
            let t = self.plan.section.t_span[0];
            let search = find_equilibria(dynamics, column, t, &[start], NewtonOptions::default());
            let Some(found) = search.equilibria.first() else {
                return Err(search.explanation().unwrap_or_default());
            };
            layout.set_column_state(column, &found.state, &mut equilibrium);
        }
        Ok(equilibrium)
    }

    /// Says that a run that was to stop at a steady state came to none.
    pub(super) fn warn_of_no_rest(&self, t: f64, residuals: &[f64]) {
        let largest = residuals.iter().copied().fold(0.0, f64::max);
        self.plan.context.warn(format!(
            "{}: no steady state was reached by t = {t} (residual {largest:.2e})",
            self.name
        ));
    }
}

/// The Euclidean distance of `y` to `equilibrium`, per target.
pub(super) fn distances(layout: &StateLayout, y: &[f64], equilibrium: &[f64]) -> Vec<f64> {
    let difference: Vec<f64> = y.iter().zip(equilibrium).map(|(y, e)| y - e).collect();
    let mut norms = vec![0.0; layout.columns()];
    layout.column_norms(&difference, &mut norms);
    norms
}

/// Largest difference of two states.
fn gap(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()))
}

/// Largest entry of a state.
fn size(a: &[f64]) -> f64 {
    a.iter().fold(0.0_f64, |m, a| m.max(a.abs()))
}
