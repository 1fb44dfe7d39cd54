//! The readable report: one page that needs nothing but a browser.

use std::fmt::Write;

use super::report::{CheckEntry, MeasurementEntry, ValidateReport};
use super::{Findings, chart, mathml, records};
use crate::results::Data;
use crate::theory::{CheckReport, Origin, Series};

const STYLE: &str = include_str!("report.css");

/// A formula as MathML; the text of the formula where it cannot be typeset.
#[must_use]
pub fn equation(formula: &str) -> String {
    mathml::mathml(formula).unwrap_or_else(|_| format!("<code>{}</code>", escape(formula)))
}

/// The whole page.
pub(super) fn page(findings: &Findings<'_>, report: &ValidateReport) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>dinv validate: {} passed, {} failed</title><style>{STYLE}</style></head><body>\n",
        report.passed, report.failed,
    );
    page.push_str(&heading(report));
    page.push_str(&table(report));
    for (found, entry) in findings.reports.iter().zip(&report.checks) {
        page.push_str(&section(found, entry, findings));
    }
    page.push_str(&provenance(findings));
    page + "</body></html>\n"
}

fn heading(report: &ValidateReport) -> String {
    let word = if report.thorough { "thorough " } else { "" };
    let class = if report.failed > 0 { "fail" } else { "pass" };
    format!(
        "<header><h1>The theory, measured</h1>\
         <p class=\"summary\"><strong class=\"{class}\">{} passed, {} failed, {} inconclusive</strong> \
         in a {word}run with seed {}, {:.1} s.</p>\
         <p>Every claim is a predicted number beside a measured one on many random instances. It holds \
         where the two differ by no more than the tolerance, whose source is stated; the strain is the \
         largest deviation in units of the tolerance.</p></header>\n",
        report.passed, report.failed, report.inconclusive, report.seed, report.wall_seconds,
    )
}

fn table(report: &ValidateReport) -> String {
    let mut text = String::from(
        "<div class=\"scroll\"><table><thead><tr><th>check</th><th>verdict</th><th class=\"claim\">claim</th>\
         <th>predicted</th><th>measured</th><th>tolerance</th><th>strain</th></tr></thead><tbody>\n",
    );
    for entry in &report.checks {
        let worst = entry.worst();
        let number = |of: fn(&MeasurementEntry) -> f64| {
            worst.map_or_else(|| "–".to_owned(), |m| figure(of(m)))
        };
        let kind = worst.map_or("", |m| m.tolerance_from.split(':').next().unwrap_or(""));
        let _ = writeln!(
            text,
            "<tr><td><a href=\"#{0}\">{0}</a></td><td><span class=\"verdict {6}\">{6}</span></td>\
             <td class=\"claim\">{1}</td><td class=\"n\">{2}</td>\
             <td class=\"n\">{3}</td><td class=\"n\">{4} <span class=\"kind\">{kind}</span></td>\
             <td class=\"n\">{5}</td></tr>",
            entry.id,
            escape(&entry.claim),
            number(|m| m.predicted),
            number(|m| m.measured),
            number(|m| m.tolerance),
            worst.map_or_else(String::new, strain),
            entry.verdict,
        );
    }
    text + "</tbody></table></div>\n"
}

fn section(found: &CheckReport, entry: &CheckEntry, findings: &Findings<'_>) -> String {
    let mut text = format!(
        "<section id=\"{0}\"><h2>{0} <span class=\"verdict {1}\">{1}</span></h2>\
         <p class=\"claim\">{2}.</p><div class=\"equation\">{3}</div>",
        entry.id,
        entry.verdict,
        escape(&capitalised(&entry.claim)),
        equation(&entry.equation),
    );
    if let Some(reason) = &entry.reason {
        let _ = write!(text, "<p class=\"reason\">{}</p>", escape(reason));
    }
    let decided = entry.instances - entry.undecided;
    let _ = write!(
        text,
        "<dl><dt>Method</dt><dd>{}; {decided} of {} instances decide.</dd><dt>Source</dt><dd>{}</dd></dl>",
        escape(&capitalised(&entry.method)),
        entry.instances,
        escape(&entry.reference),
    );
    text.push_str("<div class=\"plots\">");
    for (series, measurement) in found.series.iter().zip(&entry.measurements) {
        text.push_str(&figure_of(series, measurement));
    }
    text.push_str("</div>");
    text.push_str(&worst(found, entry, findings));
    text + "</section>\n"
}

/// A picture with the source of its tolerance; counts need no picture.
fn figure_of(series: &Series, measurement: &MeasurementEntry) -> String {
    let caption = format!(
        "tolerance {} at the worst instance ({})",
        figure(measurement.tolerance),
        escape(&measurement.tolerance_from)
    );
    if series.points.iter().all(|(_, m)| m.tolerance.origin == Origin::Exact) {
        let agree = series.points.iter().filter(|(_, m)| m.holds()).count();
        return format!(
            "<figure class=\"count\"><p><strong>{agree}</strong> of {} agree</p>\
             <figcaption>{}: yes or no, no tolerance</figcaption></figure>",
            series.points.len(),
            series.name,
        );
    }
    format!("<figure>{}<figcaption>{caption}</figcaption></figure>", chart::panel(series))
}

/// The instance under the largest strain, and how to see it again.
fn worst(found: &CheckReport, entry: &CheckEntry, findings: &Findings<'_>) -> String {
    let Some(index) = entry.worst_instance else { return String::new() };
    let options = &findings.options;
    let thorough = if options.thorough { " --thorough" } else { "" };
    let command =
        format!("dinv validate {} --seed {}{thorough} --export-worst DIR", entry.id, options.seed);
    let numbers = entry.worst().map_or_else(String::new, |m| {
        format!(
            ": {} predicted {:e}, measured {:e}, tolerance {:.2e}",
            m.name, m.predicted, m.measured, m.tolerance
        )
    });
    let model = match found.check.model_text(options, index) {
        Ok(text) => format!(
            "<details><summary>Model file of instance {index}, for <code>dinv run</code></summary>\
             <p><code>{}</code> writes it.</p><pre>{}</pre></details>",
            escape(&command),
            escape(&text)
        ),
        Err(obstacle) => format!("<p>{}.</p>", escape(&capitalised(&obstacle.reason))),
    };
    format!("<p class=\"worst\">Worst instance {index}{}.</p>{model}", escape(&numbers))
}

fn provenance(findings: &Findings<'_>) -> String {
    let group = records::provenance(findings).group();
    let mut text = String::from("<footer><h2>Provenance</h2><dl>");
    for variable in &group.variables {
        let value = match &variable.data {
            Data::Text(texts) => texts.join(" "),
            Data::I64(values) => {
                values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            }
            Data::F64(_) | Data::U8(_) => continue,
        };
        let _ = write!(text, "<dt>{}</dt><dd>{}</dd>", variable.name, escape(&value));
    }
    text + "</dl></footer>\n"
}

/// A number in a few digits.
fn figure(value: f64) -> String {
    let text = if value == 0.0 {
        "0".to_owned()
    } else if (1e-3..1e5).contains(&value.abs()) {
        format!("{value:.5}")
    } else {
        format!("{value:.2e}")
    };
    text.replace('-', "−")
}

fn strain(measurement: &MeasurementEntry) -> String {
    measurement.strain.map_or_else(|| "∞".to_owned(), |s| format!("{s:.3}"))
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
