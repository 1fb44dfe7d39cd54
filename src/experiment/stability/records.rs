//! The groups `stability` and `equilibrium` of a result file.

use nalgebra::Complex;

use super::optimise::OptimisedReport;
use super::report::{CriticalReport, FrozenTime, Point, StabilityReport};
use crate::analysis::Verdict;
use crate::model::System;
use crate::results::{Data, Dimension, Group, Variable};

/// Everything about the deciding point, and the frozen-time spectra.
pub(super) fn stability(report: &StabilityReport) -> Group {
    let point = &report.deciding;
    let mut group = Group::new("stability")
        .with(verdicts("verdict", Vec::new(), &[point.verdict]))
        .with(Variable::text("reason", point.reason.as_str()))
        .with(Variable::text("method", point.method))
        .with(Variable::text("point", point.point.as_str()))
        .with(rate("spectral_abscissa", point.spectral_abscissa, "largest real part"))
        .with(rate("tolerance", point.tolerance, "how far rounding can move the abscissa"));
    let optional = [
        ("condition", point.condition, "1", "condition number of the deciding eigenvalue"),
        (
            "numerical_abscissa",
            point.numerical_abscissa,
            "s-1",
            "largest eigenvalue of (J + J^T)/2",
        ),
        ("stability_radius", point.stability_radius, "s-1", "complex stability radius"),
        (
            "stability_radius_frequency",
            point.stability_radius_frequency,
            "rad s-1",
            "frequency at which the radius is attained",
        ),
        ("max_transient_growth", point.max_transient_growth, "1", "largest norm of exp(J t)"),
        ("max_transient_growth_time", point.max_transient_growth_time, "s", "its time"),
        ("max_transient_growth_bound", point.max_transient_growth_bound, "1", "proven upper bound"),
        ("kreiss_bound", point.kreiss_bound, "1", "lower bound on the largest norm of exp(J t)"),
    ];
    for (name, value, units, phrase) in optional {
        if let Some(value) = value {
            group.push(Variable::scalar(name, value).units(units).long_name(phrase));
        }
    }
    push_spectrum(&mut group, point);
    push_modes(&mut group, point);
    for one in &point.critical.details {
        push_critical(&mut group, one);
    }
    if let Some(euler) = &point.euler {
        let step = Variable::scalar("euler_step", euler.step).units("s");
        group.push(step.long_name("step of the published semi-implicit Euler scheme"));
        let radius = Variable::scalar("euler_spectral_radius", euler.spectral_radius).units("1");
        group.push(radius.long_name("spectral radius of its one-step matrix"));
        if let Some(step) = euler.largest_stable_step {
            let step = Variable::scalar("euler_largest_stable_step", step).units("s");
            group.push(step.long_name("largest step below which the scheme is stable"));
        }
    }
    push_certificates(&mut group, point);
    push_arrays(&mut group, point);
    push_frozen_time(&mut group, report);
    push_optimised(&mut group, report);
    let parts = [
        report.map.as_ref().map(super::map::group),
        report.continuation.as_ref().map(super::branch::group),
        super::checkpoints::group(&report.checkpoints),
    ];
    let frozen = frozen_time_groups(report);
    parts.into_iter().flatten().chain(frozen).fold(group, Group::with_group)
}

/// The group `weights`: network and feedback as analysed, readable as weight files.
pub(super) fn weights(system: &System) -> Group {
    crate::experiment::run::records::weights(system)
}

fn push_optimised(group: &mut Group, report: &StabilityReport) {
    let found = &report.optimized;
    if found.is_empty() {
        return;
    }
    let column = |of: fn(&OptimisedReport) -> f64| -> Vec<f64> { found.iter().map(of).collect() };
    let counts = |of: fn(&OptimisedReport) -> usize| -> Vec<i64> {
        found.iter().map(|one| i64::try_from(of(one)).unwrap_or(i64::MAX)).collect()
    };
    let dim = "optimized_loop";
    let margin = Variable::vector("optimized_margin", dim, column(|o| o.margin));
    group.push(margin.units("s-1").long_name("margin aimed at"));
    let start = Variable::vector("optimized_start_abscissa", dim, column(|o| o.start_abscissa));
    group.push(start.units("s-1").long_name("spectral abscissa of the worst target before"));
    let abscissa = Variable::vector("optimized_abscissa", dim, column(|o| o.abscissa));
    group.push(abscissa.units("s-1").long_name("spectral abscissa of the worst target after"));
    let steps = Variable::integers("optimized_iterations", dim, counts(|o| o.iterations));
    group.push(steps.units("1").long_name("steps of the descent"));
    let layer = Variable::integers("optimized_layer", dim, counts(|o| o.from));
    group.push(layer.units("1").long_name("layer whose errors the feedback carries"));
    let at = found.iter().map(|o| o.linearised_at.words().to_owned()).collect();
    group.push(Variable::texts("optimized_linearised_at", dim, at));
}

/// Every equilibrium: its state by number, verdict and residual.
pub(super) fn equilibrium(report: &StabilityReport) -> Group {
    let found = &report.equilibria;
    let mut group = Group::new("equilibrium");
    if found.is_empty() {
        return group;
    }
    let axis = || vec![Dimension::new("equilibrium", found.len())];
    let verdict: Vec<Verdict> = found.iter().map(|e| e.verdict).collect();
    group.push(verdicts("verdict", axis(), &verdict));
    let numbers =
        |of: fn(&super::EquilibriumReport) -> f64| -> Vec<f64> { found.iter().map(of).collect() };
    let residual = Variable::vector("residual", "equilibrium", numbers(|e| e.residual));
    group.push(residual.units("1").long_name("largest component of the right-hand side"));
    let abscissa =
        Variable::vector("spectral_abscissa", "equilibrium", numbers(|e| e.spectral_abscissa));
    group.push(abscissa.units("s-1").long_name("largest real part"));
    let points = found.iter().map(|e| e.point.clone()).collect();
    group.push(Variable::texts("point", "equilibrium", points));
    let approached = found.iter().map(|e| match e.approached {
        Some(false) => 0,
        Some(true) => 1,
        None => 2,
    });
    let approached = approached.collect();
    let flags = Variable::flags("approached", axis(), approached, &["no", "yes", "unknown"]);
    group.push(flags.long_name("whether the trajectory from the initial state ends there"));
    let width = found[0].state.len();
    if found.iter().all(|e| e.state.len() == width) {
        let dims =
            vec![Dimension::new("equilibrium", found.len()), Dimension::new("component", width)];
        let states = found.iter().flat_map(|e| e.state.iter().copied()).collect();
        let variable = Variable::new("state", dims, Data::F64(states)).units("1");
        group.push(variable.long_name("state in equilibrium, blocks in layout order"));
    }
    group
}

fn verdicts(name: &str, dims: Vec<Dimension>, verdicts: &[Verdict]) -> Variable {
    let code = |v: &Verdict| Verdict::ALL.iter().position(|known| known == v).unwrap_or(0) as u8;
    let names: Vec<&str> = Verdict::ALL.iter().map(|v| v.name()).collect();
    Variable::flags(name, dims, verdicts.iter().map(code).collect(), &names)
}

fn rate(name: &str, value: f64, phrase: &str) -> Variable {
    Variable::scalar(name, value).units("s-1").long_name(phrase)
}

fn push_spectrum(group: &mut Group, point: &Point) {
    let complex = |pairs: &[[f64; 2]]| -> Vec<Complex<f64>> {
        pairs.iter().map(|[re, im]| Complex::new(*re, *im)).collect()
    };
    for variable in Variable::complex("eigenvalue", "mode", &complex(&point.eigenvalues)) {
        group.push(variable.units("s-1").long_name("eigenvalue of the Jacobian"));
    }
    let errors = Variable::vector("eigenvalue_error", "mode", point.eigenvalue_errors.clone());
    group.push(errors.units("s-1").long_name("estimated rounding error"));
    let conditions =
        Variable::vector("eigenvalue_condition", "mode", point.data.conditions.clone());
    group.push(conditions.units("1").long_name("condition number of the eigenvalue"));
    if !point.loop_eigenvalues.is_empty() {
        let mu = complex(&point.loop_eigenvalues);
        for variable in Variable::complex("loop_eigenvalue", "loop_mode", &mu) {
            group.push(variable.units("1").long_name("eigenvalue of W G B"));
        }
    }
}

fn push_modes(group: &mut Group, point: &Point) {
    let column = |of: fn(&crate::analysis::Mode) -> f64| -> Vec<f64> {
        point.modes.iter().map(of).collect()
    };
    let variables = [
        ("leading_re", column(|m| m.re), "s-1", "real part of the leading modes"),
        ("leading_im", column(|m| m.im), "rad s-1", "imaginary part of the leading modes"),
        ("frequency", column(|m| m.frequency), "Hz", "frequency"),
        ("time_constant", column(|m| m.time_constant.unwrap_or(f64::NAN)), "s", "time constant"),
        ("damping_ratio", column(|m| m.damping_ratio.unwrap_or(f64::NAN)), "1", "damping ratio"),
    ];
    for (name, values, units, phrase) in variables {
        let variable = Variable::vector(name, "leading_mode", values).units(units);
        group.push(variable.long_name(phrase));
    }
}

fn push_critical(group: &mut Group, one: &CriticalReport) {
    if let Some(value) = one.critical {
        let name = format!("critical_{}", one.parameter);
        let units = "1";
        let phrase = format!("value of the {} at which stability changes", one.parameter);
        let variable = Variable::scalar(name, value).units(units).long_name(&phrase);
        group.push(variable.with("method", one.method).with("present", one.present));
    }
}

fn push_certificates(group: &mut Group, point: &Point) {
    for one in &point.certificates {
        let name = format!("certificate_{}", one.name.replace('-', "_"));
        let mut variable =
            Variable::boolean(name, one.proven).with("statement", one.statement.as_str());
        if let Some(rate) = one.rate {
            variable = variable.with("rate", rate);
        }
        group.push(variable);
    }
    for (name, matrix) in &point.data.matrices {
        let (rows, columns) = (format!("{name}_row"), format!("{name}_column"));
        group.push(Variable::matrix(name, &rows, &columns, matrix));
    }
}

fn push_arrays(group: &mut Group, point: &Point) {
    if let Some(jacobian) = &point.data.jacobian {
        let variable = Variable::matrix("jacobian", "state_row", "state_column", jacobian);
        group.push(variable.units("s-1").long_name("Jacobian at the point"));
    }
    if let Some(layer) = &point.data.layer {
        let leak = Variable::scalar("leak", layer.leak).units("1");
        group.push(leak.long_name("leak of the controller"));
        let state = Variable::scalar("tau_state", layer.tau_state).units("s");
        group.push(state.long_name("time constant of the state"));
        let controller = Variable::scalar("tau_controller", layer.tau_controller).units("s");
        group.push(controller.long_name("time constant of the controller"));
    }
    let (times, norms) = &point.data.growth;
    if times.len() > 1 {
        let axis = "transient_growth_time";
        let times = Variable::vector(axis, axis, times.clone()).units("s");
        group.push(times.long_name("times at which the norm was computed"));
        let norms = Variable::vector("transient_growth", axis, norms.clone()).units("1");
        group.push(norms.long_name("2-norm of exp(J t)"));
    }
    if let Some(covariance) = &point.data.covariance {
        let variable = Variable::matrix("covariance", "state_row", "state_column", covariance);
        group.push(variable.units("1").long_name("stationary covariance under white noise"));
    }
    if let Some(grid) = &point.data.pseudospectrum {
        let re = Variable::vector("pseudospectrum_re", "pseudospectrum_re", grid.re.clone());
        group.push(re.units("s-1").long_name("real part"));
        let im = Variable::vector("pseudospectrum_im", "pseudospectrum_im", grid.im.clone());
        group.push(im.units("s-1").long_name("imaginary part"));
        let sigma = Variable::matrix(
            "sigma_min",
            "pseudospectrum_im",
            "pseudospectrum_re",
            &grid.sigma_min,
        );
        group.push(sigma.units("s-1").long_name("smallest singular value of z I - J"));
    }
}

/// Spectra along the trajectory of a single equation.
fn push_frozen_time(group: &mut Group, report: &StabilityReport) {
    let rows: Vec<&FrozenTime> = report.frozen_time.iter().collect();
    if rows.iter().all(|row| row.point.is_empty()) {
        push_rows(group, &rows);
    }
}

/// A group per loop of a cascade, each with its own times.
fn frozen_time_groups(report: &StabilityReport) -> Vec<Group> {
    let mut names: Vec<&str> = report.frozen_time.iter().map(|row| row.point.as_str()).collect();
    names.dedup();
    let group = |name: &&str| {
        let mut group = Group::new(name.replace(' ', "_"));
        let rows: Vec<_> = report.frozen_time.iter().filter(|row| row.point == **name).collect();
        push_rows(&mut group, &rows);
        group
    };
    names.iter().filter(|name| !name.is_empty()).map(group).collect()
}

fn push_rows(group: &mut Group, rows: &[&FrozenTime]) {
    let Some(last) = rows.iter().map(|row| row.target).max() else { return };
    let targets = last + 1;
    let times: Vec<f64> = rows.iter().step_by(targets).map(|row| row.time).collect();
    let dims = || {
        let mut dims = vec![Dimension::new("time", times.len())];
        if targets > 1 {
            dims.push(Dimension::new("target", targets));
        }
        dims
    };
    group.push(Variable::vector("time", "time", times.clone()).units("s"));
    let over = |name: &str, of: &dyn Fn(&FrozenTime) -> f64| {
        Variable::new(name, dims(), Data::F64(rows.iter().map(|row| of(row)).collect()))
    };
    let abscissa = over("frozen_time_spectral_abscissa", &|row| row.spectral_abscissa);
    group.push(
        abscissa
            .units("s-1")
            .long_name("largest real part of the Jacobian at one instant (frozen time)"),
    );
    let verdict: Vec<Verdict> = rows.iter().map(|r| r.verdict).collect();
    group.push(verdicts("frozen_time_verdict", dims(), &verdict));
    if rows.iter().any(|row| row.lyapunov.is_some()) {
        let value = over("lyapunov", &|row| row.lyapunov.unwrap_or(f64::NAN)).units("1");
        group.push(value.long_name("Lyapunov function V of the global certificate"));
        let rate = over("lyapunov_rate", &|row| row.lyapunov_rate.unwrap_or(f64::NAN));
        group.push(rate.units("s-1").long_name("dV/dt"));
    }
}
