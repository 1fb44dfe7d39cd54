//! The groups of a run's result file beside the trajectory.

use std::time::Duration;

use super::stage::StageEnd;
use crate::integrate::Statistics;
use crate::model::System;
use crate::model::spec::Solver;
use crate::results::{Data, Dimension, Group, Variable, feedback_variable, weights_group};

/// The group `weights`: the network and the feedback matrices as used.
pub(in crate::experiment) fn weights(system: &System) -> Group {
    let Some(network) = &system.network else { return Group::new("weights") };
    // Loops are known by the layer they invert; an output controller drives every layer.
    let from_output = system.feedback.windows(2).any(|pair| pair[0].from == pair[1].from);
    let feedback = system.feedback.iter().map(|b| {
        let index = if from_output { b.to } else { b.from };
        feedback_variable(index, b.to, b.from, &b.matrix)
    });
    weights_group(network).with_all(feedback)
}

/// The group `equilibrium`: the state in equilibrium by blocks, and the distance to it at the end.
/// The loops of a cascade have a group each, as in `trajectory`.
pub(super) fn equilibrium(loops: &[StageEnd]) -> Group {
    grouped("equilibrium", loops, equilibrium_of)
}

/// The group `solver`: statistics and step sizes.
pub(super) fn solver(loops: &[StageEnd], solver: &Solver) -> Group {
    grouped("solver", loops, solver_of).attribute("solver", solver.name())
}

/// What is known only at the end of the command.
pub(super) fn ending(elapsed: Duration) -> Group {
    let seconds = Variable::scalar("duration", elapsed.as_secs_f64());
    let seconds = seconds.units("s").long_name("wall-clock time of the command");
    Group::new("provenance").with(seconds)
}

fn grouped(name: &str, loops: &[StageEnd], of: fn(&StageEnd, &str) -> Group) -> Group {
    match loops {
        [one] if one.suffix.is_empty() => of(one, name),
        several => several
            .iter()
            .fold(Group::new(name), |group, end| group.with_group(of(end, &end.suffix))),
    }
}

fn per_target(end: &StageEnd) -> Vec<Dimension> {
    let columns = end.layout.columns();
    if columns > 1 { vec![Dimension::new("target", columns)] } else { Vec::new() }
}

fn target_variable(end: &StageEnd, name: &str, values: &[f64], phrase: &str) -> Variable {
    Variable::new(name, per_target(end), Data::F64(values.to_vec())).long_name(phrase)
}

fn equilibrium_of(end: &StageEnd, name: &str) -> Group {
    let mut group = Group::new(name);
    let residual = target_variable(end, "residual", &end.residuals, "norm of f at the end");
    group.push(residual.units("1"));
    if let Some(equilibrium) = &end.equilibrium {
        for block in end.layout.blocks() {
            let mut dims = per_target(end);
            dims.push(Dimension::new(&block.dimension, block.rows));
            let values = Data::F64(equilibrium[block.range.clone()].to_vec());
            let phrase = format!("{} in equilibrium", block.long_name);
            group.push(
                Variable::new(&block.name, dims, values).units(&block.units).long_name(&phrase),
            );
        }
    }
    if let Some(abscissa) = end.spectral_abscissa {
        let phrase = "largest real part of the spectrum in equilibrium: the slowest rate of decay, largest over the targets";
        group.push(Variable::scalar("spectral_abscissa", abscissa).units("s-1").long_name(phrase));
    }
    if let Some(errors) = &end.errors {
        let phrase = "distance of the end of the run to the equilibrium";
        group.push(target_variable(end, "steady_state_error", errors, phrase).units("1"));
        let times: Vec<_> = (0..end.layout.columns())
            .map(|c| end.convergence.get(c).copied().flatten().unwrap_or(f64::NAN))
            .collect();
        let phrase = "time from which on the distance stays below convergence_fraction of its initial value; missing where it never does";
        group.push(target_variable(end, "convergence_time", &times, phrase).units("s"));
        group.push(
            Variable::scalar("convergence_fraction", super::FRACTION)
                .units("1")
                .long_name("fraction of the initial distance that counts as converged"),
        );
    }
    group
}

fn solver_of(end: &StageEnd, name: &str) -> Group {
    let s = &end.outcome.statistics;
    let count = |name: &str, value: u64, phrase: &str| {
        Variable::integer(name, i64::try_from(value).unwrap_or(i64::MAX))
            .units("1")
            .long_name(phrase)
    };
    let Statistics { n_steps, n_rejected, n_rhs, n_jac, n_factor, n_newton, .. } = *s;
    let mut group = Group::new(name)
        .with(count("n_steps", n_steps, "accepted steps"))
        .with(count("n_rejected", n_rejected, "rejected steps"))
        .with(count("n_rhs", n_rhs, "evaluations of the vector field"))
        .with(count("n_jac", n_jac, "Jacobian evaluations"))
        .with(count("n_factor", n_factor, "factorisations"))
        .with(count("n_newton", n_newton, "Newton iterations"))
        .with(Variable::text("stop_reason", end.stop_reason()).long_name("why the run ended"));
    let seconds = Variable::scalar("t_end", end.t).units("s").long_name("time reached");
    group.push(seconds);
    for variable in second_opinions(end) {
        group.push(variable);
    }
    if !end.steps.times.is_empty() {
        let axis = Variable::vector("step_time", "step_time", end.steps.times.clone());
        group.push(axis.units("s").long_name("end of each accepted step"));
        let phrase = "one of so many accepted steps is listed";
        group.push(count("step_stride", end.steps.stride(), phrase));
        let sizes = Variable::vector("step_size", "step_time", end.steps.sizes.clone());
        group.push(sizes.units("s").long_name("size of each accepted step"));
        let errors = Variable::vector("step_error", "step_time", end.steps.errors.clone());
        group.push(errors.units("1").long_name("estimated local error over the tolerance"));
    }
    if !end.events.is_empty() {
        let names = end.events.iter().map(|(name, _)| name.clone()).collect();
        let phrase = "component that passed its level";
        group.push(Variable::texts("event", "event_index", names).long_name(phrase));
        let times: Vec<_> = end.events.iter().map(|(_, hit)| hit.t).collect();
        let times = Variable::vector("event_time", "event_index", times).units("s");
        group.push(times.long_name("when it did"));
    }
    group
}

/// What `--cross-check` and `--estimate-error` found.
fn second_opinions(end: &StageEnd) -> Vec<Variable> {
    let number = |name: &str, value: f64, phrase: &str| {
        Variable::scalar(name, value).units("1").long_name(phrase)
    };
    let mut found = Vec::new();
    if let Some(check) = &end.cross_check {
        let phrase = "solver that the run was compared with";
        found.push(Variable::text("cross_check_solver", &check.solver).long_name(phrase));
        let phrase = "largest difference to the other solver";
        found.push(number("cross_check_difference", check.difference, phrase));
        let phrase = "the same in units of the tolerance";
        found.push(number("cross_check_scaled", check.scaled, phrase));
    }
    if let Some(estimate) = &end.error_estimate {
        let phrase = "largest difference to a run with tighter tolerances";
        found.push(number("error_estimate", estimate.difference, phrase));
        let phrase = "the same in units of the tolerance";
        found.push(number("error_estimate_scaled", estimate.scaled, phrase));
    }
    found
}
