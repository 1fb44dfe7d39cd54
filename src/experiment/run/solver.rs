//! The `[solver]` and `[run]` sections as options of the integrator.

use crate::dynamics::{Dynamics, StateLayout};
use crate::integrate::{self, Atol, Event, Noise, Options, SaveAt, SteadyState, Tolerances};
use crate::model::spec::{self, Direction, Run as RunSection, Solver};

/// What the solver section asks for, with `auto` where the model names none.
pub(in crate::experiment) fn default_solver() -> Solver {
    Solver::Auto(spec::Adaptive {
        rtol: 1e-8,
        atol: spec::Atol::One(1e-10),
        max_steps: 1_000_000,
        first_step: None,
        max_step: None,
    })
}

/// Options of the integrator.
pub(in crate::experiment) fn options(
    solver: &Solver,
    dynamics: &dyn Dynamics,
    seed: u64,
) -> Options {
    let layout = dynamics.layout();
    let mut options = Options::default();
    if !dynamics.noise().is_empty() {
        options.noise = Some(Noise::of(dynamics, seed));
    }
    if let Some(adaptive) = solver.adaptive() {
        options.tolerances = Tolerances { rtol: adaptive.rtol, atol: atol(&adaptive.atol, layout) };
        options.max_steps = adaptive.max_steps as u64;
        options.initial_step = adaptive.first_step;
        options.max_step = adaptive.max_step;
    }
    if let Some(fixed) = solver.fixed_step() {
        options.step = Some(fixed.step);
        options.max_steps = fixed.max_steps as u64;
    }
    if let Solver::OdeSolversDopri5(foreign) | Solver::OdeSolversDop853(foreign) = solver {
        options.tolerances = Tolerances::new(foreign.rtol, foreign.atol);
        options.max_steps = foreign.max_steps as u64;
    }
    options
}

fn atol(spec: &spec::Atol, layout: &StateLayout) -> Atol {
    match spec {
        spec::Atol::One(value) => Atol::Uniform(*value),
        spec::Atol::PerBlock(table) => {
            let mut values = vec![0.0; layout.dim()];
            for block in layout.blocks() {
                // Every block is named: the model was checked against the layout.
                let value = table.get(&block.name).copied().unwrap_or_default();
                values[block.range.clone()].fill(value);
            }
            Atol::PerComponent(values)
        }
    }
}

/// Output times.
pub(in crate::experiment) fn save_at(section: &RunSection) -> SaveAt {
    match &section.save_at {
        None | Some(spec::SaveAt::Steps) => SaveAt::Steps,
        Some(spec::SaveAt::Every(every)) => SaveAt::Every(*every),
        Some(spec::SaveAt::Count(count)) => SaveAt::Count(*count as u64),
        Some(spec::SaveAt::Times(times)) => SaveAt::Times(times.clone()),
        Some(spec::SaveAt::Log { first, count }) => {
            SaveAt::Log { first: *first, count: *count as u64 }
        }
        Some(spec::SaveAt::End) => SaveAt::End,
    }
}

/// The stop at a steady state, where asked for.
pub(super) fn steady_state(section: &RunSection, layout: &StateLayout) -> Option<SteadyState> {
    let stop = section.stop.as_ref()?.steady_state.as_ref()?;
    let blocks = layout.blocks().iter().map(|b| b.range.clone()).collect();
    Some(SteadyState { tolerance: stop.tolerance, dwell: stop.dwell, blocks })
}

/// The events of the model as functions of the state.
pub(super) fn events<'a>(section: &RunSection, dynamics: &'a dyn Dynamics) -> Vec<Event<'a>> {
    section.events.iter().filter_map(|event| event_of(event, dynamics)).collect()
}

fn event_of<'a>(spec: &spec::Event, dynamics: &'a dyn Dynamics) -> Option<Event<'a>> {
    let (name, index) = spec.component_parts()?;
    let (level, target) = (spec.level, spec.target);
    let layout = dynamics.layout();
    let mut event = match index {
        Some(index) => {
            let position = layout.block(name)?.column_range(target).start + index;
            Event::new(&spec.component, move |_, y: &[f64]| y[position] - level)
        }
        None => {
            let k = dynamics.observables().iter().position(|o| o.name == name)?;
            let (columns, count) = (layout.columns(), dynamics.observables().len());
            Event::new(&spec.component, move |t, y: &[f64]| {
                let mut values = vec![0.0; count * columns];
                dynamics.observe(t, y, &mut values);
                values[k * columns + target] - level
            })
        }
    };
    event = event.in_direction(match spec.direction {
        Direction::Rising => integrate::Direction::Rising,
        Direction::Falling => integrate::Direction::Falling,
        Direction::Either => integrate::Direction::Both,
    });
    Some(if spec.terminal { event.ending_the_run() } else { event })
}
