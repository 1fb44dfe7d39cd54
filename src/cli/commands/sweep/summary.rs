//! What a sweep tells on a terminal.

use crate::cli::number;
use crate::cli::table::{Column, Table};
use crate::experiment::sweep::{PointFailure, SweepReport, SweepStatus};

pub(super) fn of_sweep(report: &SweepReport) -> String {
    let mut facts = Table::facts();
    facts.fact("status", report.status.as_str());
    facts.fact("command", report.command.as_str());
    facts.fact("points", points(report.points, &report.dimensions));
    if let Some(shard) = &report.shard {
        facts.fact("shard", shard.as_str());
    }
    facts.fact("finished", finished(report.finished, report.failed, report.missing));
    if report.computed > 0 {
        let seconds = report.wall_seconds;
        let each = number::duration(seconds / report.computed as f64);
        let text = format!("{} in {}, {each} each", report.computed, number::duration(seconds));
        facts.fact("computed now", text);
        let threads = match report.threads_per_point {
            1 => "one thread each".to_owned(),
            several => format!("{several} threads each"),
        };
        facts.fact("at a time", format!("{}, {threads}", report.at_once));
    }
    match &report.file {
        Some(file) => {
            facts.fact("result", format!("{file}  ({})", number::bytes(report.bytes)));
        }
        None => facts.fact("finished points", report.folder.as_str()),
    }
    let failures = failures(&report.failures, report.failed);
    if failures.is_empty() { facts.render() } else { format!("{failures}\n{}", facts.render()) }
}

pub(super) fn of_status(status: &SweepStatus) -> String {
    let mut facts = Table::facts();
    facts.fact("command", status.command.as_str());
    facts.fact("points", points(status.points, &status.dimensions));
    let share = 100.0 * status.finished as f64 / status.points as f64;
    facts.fact("done", format!("{} %", number::significant(share, 3)));
    facts.fact("finished", finished(status.finished, status.failed, status.missing));
    if status.damaged > 0 {
        facts.fact("damaged", format!("{} records, which do not count", status.damaged));
    }
    if let (Some(time), Some(idle)) = (&status.last_finished, status.idle_seconds) {
        facts.fact("last finished", format!("{time} ({} ago)", number::duration(idle)));
    }
    if !status.jobs.is_empty() {
        facts.fact("Slurm jobs", status.jobs.join(", "));
    }
    facts.fact("result", status.file.as_deref().unwrap_or("not joined yet"));
    facts.render()
}

/// `500 = 25 leak x 20 scale`.
fn points(count: usize, dimensions: &[(String, usize)]) -> String {
    let axes: Vec<String> =
        dimensions.iter().map(|(name, length)| format!("{length} {name}")).collect();
    format!("{count} = {}", axes.join(" x "))
}

fn finished(finished: usize, failed: usize, missing: usize) -> String {
    let mut text = finished.to_string();
    if failed > 0 {
        text = format!("{text}, {failed} of them failed");
    }
    if missing > 0 {
        text = format!("{text}; {missing} missing");
    }
    text
}

fn failures(listed: &[PointFailure], all: usize) -> String {
    if listed.is_empty() {
        return String::new();
    }
    let mut table =
        Table::new([Column::number("point"), Column::text("values"), Column::text("failure")]);
    for failure in listed {
        let values: Vec<String> = failure
            .values
            .iter()
            .map(|(key, value)| format!("{} = {value}", key.rsplit('.').next().unwrap_or(key)))
            .collect();
        table.row([failure.point.into(), values.join(", ").into(), failure.error.as_str().into()]);
    }
    let more = all.saturating_sub(listed.len());
    let rest = if more > 0 { format!("and {more} more\n") } else { String::new() };
    format!("{}{rest}", table.render())
}
