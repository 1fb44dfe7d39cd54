//! The search for equilibria: what it costs, and where it starts.

use rand_distr::{Distribution, Normal};

use super::{Analysis, StabilityError};
use crate::analysis::equilibria::{
    EquilibriumSearch, FoundEquilibrium, NewtonOptions, Start, find_equilibria,
};
use crate::analysis::spectrum::{check_dense_size, spectrum_work};
use crate::dynamics::Dynamics;
use crate::error::Error;
use crate::model::Model;
use crate::model::spec::{EigenvalueMethod, Stability, StartPoint};
use crate::network::random::{generator, streams};

/// States below which nothing takes long enough to speak of.
const QUICK: usize = 2000;

/// Operations of the eigenvalues of a dense matrix over the cube of its size (Golub & Van Loan,
/// Matrix Computations, section 7.5.6, with the condition numbers).
const OPERATIONS: f64 = 25.0;

/// Operations per second that dense linear algebra reaches at the least, on one core.
const RATE: f64 = 5e9;

/// Seconds from which the duration is announced.
const LONG: f64 = 60.0;

impl Analysis<'_, '_> {
    /// Refuses what would not end in reasonable time and memory before any of it is spent, and
    /// announces what takes long.
    pub(super) fn foresee(&self, dynamics: &dyn Dynamics, name: &str) -> Result<(), Error> {
        let layout = dynamics.layout();
        let units = layout.dim() / layout.columns();
        if self.section.starts.contains(&StartPoint::Drawn) {
            let shape = [(self.section.drawn, units)];
            self.model.require_memory("stability.drawn", "the starts", shape)?;
        }
        if let Some(grid) = &self.section.pseudospectrum {
            let shape = [(grid.points, grid.points)];
            self.model.require_memory("stability.pseudospectrum.points", "the grid", shape)?;
        }
        if units <= QUICK {
            return Ok(());
        }
        let is_full = self.section.method == EigenvalueMethod::Full;
        if is_full {
            check_dense_size("the spectrum", units).map_err(StabilityError::from)?;
        }
        let unknowns = dynamics.reduced(0).map_or(units, |equation| equation.dim());
        check_dense_size("the equilibrium", unknowns).map_err(StabilityError::from)?;
        let cubes = if is_full {
            (units as f64).powi(3)
        } else {
            spectrum_work(&dynamics.structure(0.0, &dynamics.initial_state(), 0), layout)
        };
        let seconds = OPERATIONS * cubes / RATE;
        if seconds > LONG {
            let minutes = (seconds / 60.0).ceil();
            self.context.warn(format!(
                "{name}: the eigenvalues take in the order of {minutes} minutes of one core"
            ));
        }
        Ok(())
    }

    /// How Newton's iteration ends.
    pub(super) fn newton(&self) -> NewtonOptions {
        NewtonOptions {
            tolerance: self.section.newton_tolerance,
            iterations: self.section.newton_iterations,
        }
    }

    /// The equilibria of one target: the one in closed form, or all that the starts lead to.
    ///
    /// A linear equation has one, or a continuum where its Jacobian is singular; where it is so to
    /// rounding, every start leads to a point of its own, and the first stands for all.
    pub(super) fn equilibria(
        &mut self,
        dynamics: &dyn Dynamics,
        column: usize,
        closed: Option<&[f64]>,
        label: &str,
    ) -> EquilibriumSearch {
        if let Some(all) = closed {
            let found = in_closed_form(dynamics, column, all);
            return EquilibriumSearch { equilibria: vec![found], failures: Vec::new() };
        }
        let starts = starts(self.model, self.section, dynamics, column);
        let mut search = find_equilibria(dynamics, column, 0.0, &starts, self.newton());
        let count = search.equilibria.len();
        if dynamics.is_linear() && count > 1 {
            search.equilibria.truncate(1);
            let place = if label.is_empty() { String::new() } else { format!("{label}: ") };
            self.found.notes.push(format!(
                "{place}the Jacobian is singular to rounding: {count} points of rest were found, which differ along \
                 its null directions; the first stands for all"
            ));
        }
        search
    }
}

/// The equilibrium of a linear equation, all targets, where there is exactly one.
pub(super) fn closed_form(dynamics: &dyn Dynamics) -> Option<Vec<f64>> {
    if dynamics.is_linear() { dynamics.closed_form_equilibrium().ok() } else { None }
}

fn in_closed_form(dynamics: &dyn Dynamics, column: usize, all: &[f64]) -> FoundEquilibrium {
    let layout = dynamics.layout();
    let mut f = vec![0.0; all.len()];
    dynamics.eval(0.0, all, &mut f);
    let f = layout.column_state(column, &f);
    FoundEquilibrium {
        state: layout.column_state(column, all),
        residual: f.iter().fold(0.0_f64, |m, x| m.max(x.abs())),
        iterations: 0,
        starts: vec!["closed form".to_owned()],
    }
}

/// The starts that the section names, for one target.
fn starts(
    model: &Model,
    section: &Stability,
    dynamics: &dyn Dynamics,
    column: usize,
) -> Vec<Start> {
    let layout = dynamics.layout();
    let initial = layout.column_state(column, &dynamics.initial_state());
    let size = initial.len();
    let mut starts = Vec::new();
    for start in &section.starts {
        match start {
            StartPoint::Initial => {
                starts.push(Start { name: "initial".to_owned(), state: initial.clone() });
            }
            StartPoint::Zero => {
                starts.push(Start { name: "zero".to_owned(), state: vec![0.0; size] });
            }
            StartPoint::Drawn => {
                let seed = model.specification().seed;
                let normal = Normal::new(0.0, section.drawn_scale)
                    .expect("the model was checked: the scale is positive and finite");
                starts.extend((0..section.drawn).map(|k| {
                    let mut random = generator(seed, streams::NEWTON_STARTS + k as u64);
                    let state = (0..size).map(|_| normal.sample(&mut random)).collect();
                    Start { name: format!("drawn {}", k + 1), state }
                }));
            }
        }
    }
    starts
}
