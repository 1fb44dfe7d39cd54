//! What `dinv stability` prints on a terminal.

use crate::analysis::{BranchEnd, Verdict};
use crate::cli::number;
use crate::cli::table::{Cell, Column, Table};
use crate::experiment::stability::{ContinuationReport, Point, StabilityReport};
use crate::feedback::LinearisedAt;

/// The report as tables for a terminal.
pub(super) fn summary(report: &StabilityReport) -> String {
    let point = &report.deciding;
    let mut parts = vec![format!("{}: {}\n", point.verdict.name(), point.reason)];
    if !report.optimized.is_empty() {
        parts.push(optimized(report).render());
    }
    parts.push(facts(point).render());
    let unreached = report.equilibria.iter().any(|one| one.approached == Some(false));
    if report.equilibria.len() > 1 || unreached {
        parts.push(equilibria(report).render());
    }
    parts.push(modes(point).render());
    if !point.certificates.is_empty() {
        parts.push(certificates(point).render());
    }
    if !report.frozen_time.is_empty() {
        parts.push(frozen_time(report));
    }
    if !report.checkpoints.is_empty() {
        parts.push(checkpoints(report).render());
    }
    if let Some(continuation) = &report.continuation {
        parts.push(branch(continuation));
    }
    if let Some(map) = &report.map {
        let all = map.points[0] * map.points[1];
        parts.push(format!(
            "map of {} and {}: {} of {all} points stable\n",
            map.x, map.y, map.stable
        ));
    }
    if !report.notes.is_empty() {
        parts.push(report.notes.iter().map(|note| format!("note: {note}\n")).collect());
    }
    if let Some(file) = &report.file {
        parts.push(format!("result: {file}\n"));
    }
    parts.join("\n")
}

fn per_second(value: f64) -> String {
    format!("{} 1/s", number::significant(value, 6))
}

fn facts(point: &Point) -> Table {
    let mut facts = Table::facts();
    facts.fact("linearised at", point.point.as_str());
    facts.fact("states", point.states);
    facts.fact("eigenvalues from", method(point.method));
    let tolerance = number::significant(point.tolerance, 2);
    let abscissa = number::significant(point.spectral_abscissa, 10);
    facts.fact("spectral abscissa", format!("{abscissa} 1/s, known to {tolerance}"));
    facts.fact("numerical abscissa", point.numerical_abscissa.map(per_second));
    facts.fact(
        "stability radius",
        point.stability_radius.map(|radius| {
            let frequency = number::significant(point.stability_radius_frequency.unwrap_or(0.0), 6);
            format!("{} at {frequency} rad/s", per_second(radius))
        }),
    );
    facts.fact(
        "largest transient growth",
        point.max_transient_growth.map(|growth| {
            let time = number::significant(point.max_transient_growth_time.unwrap_or(0.0), 6);
            let bound = point.max_transient_growth_bound.unwrap_or(growth);
            let proven = if bound.is_finite() {
                format!("proven: at most {}", number::significant(bound, 6))
            } else {
                "no upper bound found".to_owned()
            };
            format!("{} at t = {time} s ({proven})", number::significant(growth, 8))
        }),
    );
    if let Some(bound) = point.kreiss_bound {
        facts.fact("Kreiss lower bound", number::significant(bound, 6));
    }
    for one in &point.critical.details {
        let text = one.critical.map_or_else(
            || match one.method {
                "closed-form" => "none: no value changes the verdict".to_owned(),
                _ => "none found within four decades of the present value".to_owned(),
            },
            |value| {
                format!(
                    "{} (now {}; {}{})",
                    number::significant(value, 8),
                    number::significant(one.present, 6),
                    one.method,
                    if one.confirmed { "" } else { ", not confirmed by the spectrum" }
                )
            },
        );
        facts.fact(&format!("critical {}", one.parameter.replace('_', " ")), text);
    }
    if let Some(euler) = &point.euler {
        let limit = euler.largest_stable_step.map_or_else(
            || "no stable step".to_owned(),
            |step| format!("stable below {} s", number::significant(step, 6)),
        );
        let radius = number::significant(euler.spectral_radius, 6);
        facts.fact(
            "published Euler scheme",
            format!(
                "spectral radius {radius} at step {} s; {limit}",
                number::significant(euler.step, 6)
            ),
        );
    }
    facts
}

fn method(name: &str) -> &str {
    match name {
        "theorem-1" => "theorem-1 (eigenvalues of W G B)",
        "theorem-2" => "theorem-2 (product around the loop)",
        "full" => "full (the Jacobian)",
        "quotient" => "quotient (what the output sees of the network)",
        other => other,
    }
}

fn modes(point: &Point) -> Table {
    let mut table = Table::new([
        Column::text("leading modes"),
        Column::number("real part").unit("1/s"),
        Column::number("frequency").unit("Hz"),
        Column::number("damping ratio"),
        Column::number("time constant").unit("s"),
        Column::number("times"),
        Column::number("condition"),
    ]);
    for mode in &point.modes {
        let kind = if mode.im > 0.0 { "pair" } else { "real" };
        let short = |x: f64| number::significant(x, 3);
        table.row([
            kind.into(),
            mode.re.into(),
            mode.frequency.into(),
            mode.damping_ratio.into(),
            mode.time_constant.into(),
            mode.multiplicity.into(),
            mode.condition.map(short).into(),
        ]);
    }
    table
}

fn equilibria(report: &StabilityReport) -> Table {
    let mut table = Table::new([
        Column::text("equilibria"),
        Column::text("verdict"),
        Column::number("spectral abscissa").unit("1/s"),
        Column::number("residual"),
        Column::text("approached"),
        Column::text("found from"),
    ]);
    for one in &report.equilibria {
        let approached = match one.approached {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        table.row([
            one.point.as_str().into(),
            one.verdict.name().into(),
            one.spectral_abscissa.into(),
            number::significant(one.residual, 2).into(),
            approached.into(),
            starts(&one.starts).into(),
        ]);
    }
    table
}

/// The names of few starts, the number of many.
fn starts(names: &[String]) -> String {
    if names.len() <= 3 { names.join(", ") } else { format!("{} starts", names.len()) }
}

fn optimized(report: &StabilityReport) -> Table {
    let mut table = Table::new([
        Column::text("feedback optimised"),
        Column::number("abscissa before").unit("1/s"),
        Column::number("after").unit("1/s"),
        Column::number("aim").unit("1/s"),
        Column::text("reached"),
        Column::number("steps"),
        Column::text("linearised"),
    ]);
    for one in &report.optimized {
        let at = match one.linearised_at {
            LinearisedAt::Linear => "linear loop".to_owned(),
            LinearisedAt::Equilibrium => format!("at the equilibrium of target {}", one.target),
            LinearisedAt::InitialState => {
                format!("at the initial state of target {}: no equilibrium", one.target)
            }
        };
        table.row([
            format!("layer {} to {}", one.from, one.to).into(),
            one.start_abscissa.into(),
            one.abscissa.into(),
            (-one.margin).into(),
            if one.reached { "yes" } else { "no" }.into(),
            one.iterations.into(),
            at.into(),
        ]);
    }
    table
}

/// Checkpoints shown in the table; of more, these many spread evenly.
const SHOWN_CHECKPOINTS: usize = 12;

fn checkpoints(report: &StabilityReport) -> Table {
    let mut table = Table::new([
        Column::number("updates"),
        Column::text("loop"),
        Column::text("verdict"),
        Column::number("spectral abscissa").unit("1/s"),
        Column::number("Euler spectral radius"),
    ]);
    let mut steps: Vec<usize> = report.checkpoints.iter().map(|row| row.step).collect();
    steps.dedup();
    let stride = steps.len().div_ceil(SHOWN_CHECKPOINTS).max(1);
    let last = steps.last().copied();
    let shown: Vec<usize> = steps.iter().copied().step_by(stride).chain(last).collect();
    let mut previous = None;
    for row in report.checkpoints.iter().filter(|row| shown.contains(&row.step)) {
        let updates = if previous == Some(row.step) { Cell::from("") } else { row.step.into() };
        previous = Some(row.step);
        table.row([
            updates,
            format!("{}, layer {}", row.rule, row.layer).into(),
            row.verdict.name().into(),
            row.spectral_abscissa.into(),
            row.euler_spectral_radius.into(),
        ]);
    }
    table
}

fn certificates(point: &Point) -> Table {
    let mut table =
        Table::new([Column::text("certificates"), Column::text(""), Column::text("statement")]);
    for one in &point.certificates {
        let word: Cell = if one.proven { "proven".into() } else { "refused".into() };
        table.row([one.name.as_str().into(), word, one.statement.as_str().into()]);
    }
    table
}

fn frozen_time(report: &StabilityReport) -> String {
    let rows = &report.frozen_time;
    let worst = rows.iter().max_by(|a, b| a.spectral_abscissa.total_cmp(&b.spectral_abscissa));
    let count = |verdict: Verdict| rows.iter().filter(|r| r.verdict == verdict).count();
    let mut text = format!(
        "along the trajectory, frozen time ({} rows): {} stable, {} unstable, {} marginal",
        rows.len(),
        count(Verdict::Stable),
        count(Verdict::Unstable),
        count(Verdict::Marginal)
    );
    if let Some(worst) = worst {
        let abscissa = number::significant(worst.spectral_abscissa, 6);
        let time = number::significant(worst.time, 6);
        let mut place = worst.point.clone();
        if rows.iter().any(|row| row.target != rows[0].target) {
            place = format!("{place} target {}", worst.target);
        }
        let place = if place.is_empty() { place } else { format!(" ({})", place.trim()) };
        text = format!("{text}; largest real part {abscissa} 1/s at t = {time} s{place}");
    }
    let values: Vec<f64> = rows.iter().filter_map(|row| row.lyapunov).collect();
    if let (Some(first), Some(last)) = (values.first(), values.last()) {
        text = format!(
            "{text}\nLyapunov function of the global certificate: {} at the start, {} at the end",
            number::significant(*first, 6),
            number::significant(*last, 6)
        );
    }
    format!(
        "{text}\n(spectra of the Jacobian at single instants do not prove anything about the time-varying system)\n"
    )
}

fn branch(report: &ContinuationReport) -> String {
    let end = match report.end {
        BranchEnd::Reached => "the whole range",
        BranchEnd::Returned => "back to the first value",
        BranchEnd::StepTooSmall => "up to where no step succeeds",
        BranchEnd::MaxPoints => "up to the cap on points",
    };
    let name = &report.parameter;
    let mut table = Table::new([
        Column::text("bifurcation"),
        Column::number(name.as_str()),
        Column::number("frequency").unit("rad/s"),
        Column::number("first Lyapunov coefficient"),
        Column::text("kind"),
        Column::text("limit cycle beyond"),
    ]);
    let mut remarks = String::new();
    for one in &report.bifurcations {
        let at = number::significant(one.parameter, 9);
        let mut remark = |text: &str| remarks.push_str(&format!("at {at}: {text}\n"));
        if let (None, Some(reason)) = (one.first_lyapunov, &one.criticality) {
            remark(reason);
        }
        if let Some(reason) = one.limit_cycle.as_ref().and_then(|cycle| cycle.reason.as_ref()) {
            remark(reason);
        }
        let cycle = one.limit_cycle.as_ref().map(|cycle| match (cycle.period, cycle.amplitude) {
            (Some(period), Some(amplitude)) => format!(
                "period {} s, amplitude {} at {}",
                number::significant(period, 6),
                number::significant(amplitude, 4),
                number::significant(cycle.parameter, 6)
            ),
            _ => "not found".to_owned(),
        });
        let more = one.limit_cycles.len();
        let cycle = cycle.map(|text| match one.limit_cycles.last() {
            Some(last) => format!(
                "{text}; {more} more, up to amplitude {} at {}",
                number::significant(last.amplitude.unwrap_or(f64::NAN), 4),
                number::significant(last.parameter, 6)
            ),
            None => text,
        });
        table.row([
            one.kind.into(),
            at.into(),
            one.frequency.into(),
            one.first_lyapunov.into(),
            one.criticality.clone().filter(|_| one.first_lyapunov.is_some()).into(),
            cycle.into(),
        ]);
    }
    let found = if report.bifurcations.is_empty() {
        "no fold or Hopf point\n".to_owned()
    } else {
        table.render()
    };
    format!("branch in {name}: {} points, {end}\n{found}{remarks}", report.points)
}
