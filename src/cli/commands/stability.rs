//! `dinv stability MODEL`: how stable a model is, and why.

use clap::Args;

use crate::analysis::{BranchEnd, Verdict};
use crate::cli::arguments::DisplayArgs;
use crate::cli::job::JobArgs;
use crate::cli::table::{Cell, Column, Table};
use crate::cli::{number, progress};
use crate::error::{Error, ExitCode, Failure};
use crate::experiment::Signal;
use crate::experiment::stability::{
    self, ContinuationReport, Point, StabilityOptions, StabilityReport,
};
use crate::model::Override;

/// Arguments of `dinv stability`.
#[derive(Debug, Args)]
pub struct StabilityArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Follow the equilibrium in a parameter, e.g. `dynamics.layerwise-inversion.leak=0:1`
    #[arg(long = "continue", value_name = "KEY=FROM:TO", help_heading = "Computation")]
    continuation: Option<String>,
    /// Exit with code 1 unless the verdict is stable
    #[arg(long)]
    require_stable: bool,
}

pub(super) fn run(arguments: &StabilityArgs, display: &DisplayArgs) -> Result<ExitCode, Error> {
    let mut model = arguments.job.model.load()?;
    if let Some(text) = &arguments.continuation {
        model = model.with(&[continuation(text)?])?;
    }
    let progress = progress::display(display);
    let context = arguments.job.start(progress.as_ref())?;
    let options = StabilityOptions { output: arguments.job.output() };
    let report = stability::stability(&model, &arguments.job.model.model, &options, &context)?;
    arguments.job.json.print(&report, display, summary)?;
    if let Some(signal) = context.interrupt.signal() {
        return Ok(Signal::exit_code(signal));
    }
    let refused = arguments.require_stable && report.deciding.verdict != Verdict::Stable;
    Ok(if refused { ExitCode::ClaimFailed } else { ExitCode::Success })
}

/// `KEY=FROM:TO` as the section `stability.continuation`.
fn continuation(text: &str) -> Result<Override, Error> {
    let parts = text.split_once('=').and_then(|(key, range)| {
        let (from, to) = range.split_once(':')?;
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|x| x.is_finite());
        Some((key.trim(), number(from)?, number(to)?))
    });
    let (key, from, to) = parts.ok_or_else(|| NotARange { text: text.to_owned() })?;
    let value = format!("{{ parameter = {key:?}, from = {from:e}, to = {to:e} }}");
    Ok(Override::parse(&format!("stability.continuation={value}"))?)
}

/// The argument of `--continue` is not `KEY=FROM:TO`.
#[derive(Debug, thiserror::Error)]
#[error("--continue takes KEY=FROM:TO with two numbers, not `{text}`")]
struct NotARange {
    text: String,
}

impl Failure for NotARange {
    fn exit_code(&self) -> ExitCode {
        ExitCode::Usage
    }

    fn remedy(&self) -> Option<String> {
        Some("for example --continue dynamics.layerwise-inversion.leak=0:1".to_owned())
    }
}

fn summary(report: &StabilityReport) -> String {
    let point = &report.deciding;
    let mut parts = vec![format!("{}: {}\n", point.verdict.name(), point.reason)];
    parts.push(facts(point).render());
    if report.equilibria.len() > 1 {
        parts.push(equilibria(report).render());
    }
    parts.push(modes(point).render());
    if !point.certificates.is_empty() {
        parts.push(certificates(point).render());
    }
    if !report.frozen_time.is_empty() {
        parts.push(frozen_time(report));
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
            let bound = number::significant(point.max_transient_growth_bound.unwrap_or(growth), 6);
            format!("{} at t = {time} s (proven: at most {bound})", number::significant(growth, 8))
        }),
    );
    if let Some(bound) = point.kreiss_bound {
        facts.fact("Kreiss lower bound", number::significant(bound, 6));
    }
    for one in &point.critical.details {
        let text = one.critical.map_or_else(
            || "none: no value changes the verdict".to_owned(),
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
        text = format!("{text}; largest real part {abscissa} 1/s at t = {time} s");
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
    for one in &report.bifurcations {
        let cycle = one.limit_cycle.as_ref().map(|cycle| match (cycle.period, cycle.amplitude) {
            (Some(period), Some(amplitude)) => format!(
                "period {} s, amplitude {} at {}",
                number::significant(period, 6),
                number::significant(amplitude, 4),
                number::significant(cycle.parameter, 6)
            ),
            _ => cycle.reason.clone().unwrap_or_default(),
        });
        table.row([
            one.kind.into(),
            number::significant(one.parameter, 9).into(),
            one.frequency.into(),
            one.first_lyapunov.into(),
            one.criticality.clone().into(),
            cycle.into(),
        ]);
    }
    let found = if report.bifurcations.is_empty() {
        "no fold or Hopf point\n".to_owned()
    } else {
        table.render()
    };
    format!("branch in {name}: {} points, {end}\n{found}", report.points)
}
