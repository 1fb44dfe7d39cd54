//! Spectra along a trajectory, each instant frozen, and the Lyapunov function of the global
//! certificate along it.

use super::certify::{GlobalProof, global_proof};
use super::error::StabilityError;
use super::linearisation::Linearisation;
use super::report::FrozenTime;
use crate::analysis::Judgement;
use crate::analysis::certificates::global::{LyapunovValue, global_lyapunov_value};
use crate::dynamics::Dynamics;
use crate::experiment::run::solver;
use crate::integrate::{Problem, Solver, Trajectory, solve};
use crate::model::Model;
use crate::model::spec::{Certificate, Stability};

/// The verdict on the Jacobian of every target at every row of the trajectory that `[run]` and
/// `[solver]` describe. `equilibria` are those of the targets, where there are.
pub(super) fn frozen_time(
    model: &Model,
    section: &Stability,
    dynamics: &dyn Dynamics,
    name: &str,
    equilibria: &[Option<Vec<f64>>],
) -> Result<Vec<FrozenTime>, StabilityError> {
    let trajectory = trajectory(model, dynamics)?;
    let layout = dynamics.layout();
    let wants_value = section.certificates.contains(&Certificate::Global);
    // One Jacobian, and one certificate, for all targets and times.
    let is_constant = dynamics.is_linear() && dynamics.shares_jacobian();
    let mut rows = Vec::with_capacity(trajectory.len() * layout.columns());
    let mut known: Option<Judgement> = None;
    let mut proofs: Vec<Option<GlobalProof>> = Vec::new();
    for k in 0..trajectory.len() {
        for target in 0..layout.columns() {
            let state = layout.column_state(target, trajectory.state(k));
            if !is_constant || known.is_none() {
                let linearisation = Linearisation::at(dynamics, target, &state, section)?;
                if k == 0 && wants_value {
                    proofs.push(global_proof(dynamics, target, &linearisation));
                }
                known = Some(Judgement::of(&linearisation.spectrum));
            }
            let judgement = known.as_ref().expect("computed just now or before");
            let proof = proofs.get(if is_constant { 0 } else { target }).and_then(Option::as_ref);
            let rest = equilibria.get(target).and_then(Option::as_ref);
            let value = proof.zip(rest).map(|(proof, rest)| value(proof, rest, &state));
            rows.push(FrozenTime {
                point: name.to_owned(),
                target,
                time: trajectory.times[k],
                verdict: judgement.verdict,
                spectral_abscissa: judgement.spectral_abscissa,
                tolerance: judgement.tolerance,
                lyapunov: value.map(|v| v.v),
                lyapunov_rate: value.map(|v| v.rate),
            });
        }
    }
    Ok(rows)
}

fn value(proof: &GlobalProof, rest: &[f64], state: &[f64]) -> LyapunovValue {
    global_lyapunov_value(&proof.certificate, &proof.weights, &proof.units, rest, state)
}

/// The run of the model, rows kept.
fn trajectory(model: &Model, dynamics: &dyn Dynamics) -> Result<Trajectory, StabilityError> {
    let specification = model.specification();
    let mut trajectory = Trajectory { dim: dynamics.dim(), ..Trajectory::default() };
    let Some(run) = &specification.run else { return Ok(trajectory) };
    let section = specification.solver.clone().unwrap_or_else(solver::default_solver);
    let chosen = Solver::named(section.name()).map_err(crate::experiment::run::RunError::from)?;
    let mut problem = Problem::new(dynamics, (run.t_span[0], run.t_span[1]));
    problem.options = solver::options(&section, dynamics, specification.seed);
    problem.save_at = solver::save_at(run);
    solve(&problem, chosen, &mut trajectory)?;
    Ok(trajectory)
}
