//! `dinv stability MODEL`: how stable a model is, and why.

use clap::Args;

use crate::analysis::Verdict;
use crate::cli::arguments::{DisplayArgs, JsonArgs, ModelArgs, OutputArgs, ThreadArgs};
use crate::cli::table::{Cell, Column, Table};
use crate::cli::{number, output, progress, session};
use crate::error::{Error, ExitCode};
use crate::experiment::stability::{self, Point, StabilityOptions, StabilityReport};
use crate::experiment::{OutputOptions, Signal};

/// Arguments of `dinv stability`.
#[derive(Debug, Args)]
pub struct StabilityArgs {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    json: JsonArgs,
    #[command(flatten)]
    threads: ThreadArgs,
    /// Exit with code 1 unless the verdict is stable
    #[arg(long)]
    require_stable: bool,
}

pub(super) fn run(arguments: &StabilityArgs, display: &DisplayArgs) -> Result<ExitCode, Error> {
    let model = arguments.model.load()?;
    let progress = progress::display(display);
    let context = session::start(progress.as_ref(), arguments.threads, arguments.model.seed)?;
    let options = StabilityOptions {
        output: OutputOptions {
            path: arguments.output.output.clone(),
            force: arguments.output.force,
            argv: std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect(),
        },
    };
    let report = stability::stability(&model, &arguments.model.model, &options, &context)?;
    if arguments.json.json {
        let object = serde_json::to_value(&report).expect("a report is plain data");
        output::print_json(&object)?;
    } else if !display.quiet {
        output::print(&summary(&report))?;
    }
    if let Some(signal) = context.interrupt.signal() {
        return Ok(Signal::exit_code(signal));
    }
    let refused = arguments.require_stable && report.deciding.verdict != Verdict::Stable;
    Ok(if refused { ExitCode::ClaimFailed } else { ExitCode::Success })
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
            one.starts.join(", ").into(),
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
        text = format!("{text}; largest real part {abscissa} 1/s at t = {time} s");
    }
    format!(
        "{text}\n(spectra of the Jacobian at single instants do not prove anything about the time-varying system)\n"
    )
}
