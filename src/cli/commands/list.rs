//! `dinv list [KIND]`: the registries of the library, as names with summaries.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::arguments::{DisplayArgs, JsonArgs};
use crate::cli::output;
use crate::cli::table::{Column, Table};
use crate::dynamics::DYNAMICS;
use crate::error::{Error, ExitCode};
use crate::feedback::FEEDBACK;
use crate::integrate::Solver;
use crate::learning::RULES;
use crate::network::ACTIVATIONS;
use crate::theory::CHECKS;

/// Arguments of `dinv list`.
#[derive(Debug, Args)]
#[command(after_help = "-v adds where each is published.")]
pub struct ListArgs {
    /// What to list; everything if left out
    kind: Option<Kind>,
    #[command(flatten)]
    json: JsonArgs,
}

/// The registries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Dynamics,
    Solvers,
    Rules,
    Checks,
    Activations,
    Feedback,
}

/// One line of a registry.
struct Entry {
    name: &'static str,
    summary: &'static str,
    reference: &'static str,
}

impl Kind {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn entries(self) -> Vec<Entry> {
        match self {
            Self::Dynamics => DYNAMICS
                .iter()
                .map(|e| Entry { name: e.name, summary: e.summary, reference: e.reference })
                .collect(),
            Self::Solvers => Solver::all()
                .filter(|s| s.is_built())
                .map(|s| Entry { name: s.name(), summary: s.summary(), reference: s.reference() })
                .collect(),
            Self::Rules => RULES
                .iter()
                .map(|e| Entry { name: e.name, summary: e.summary, reference: e.reference })
                .collect(),
            Self::Checks => CHECKS
                .iter()
                .map(|c| Entry { name: c.id, summary: c.claim, reference: c.source })
                .collect(),
            Self::Activations => ACTIVATIONS
                .iter()
                .map(|&(name, g)| Entry { name, summary: g.formula(), reference: "" })
                .collect(),
            Self::Feedback => FEEDBACK
                .iter()
                .map(|e| Entry { name: e.name, summary: e.summary, reference: e.reference })
                .collect(),
        }
    }
}

pub(super) fn run(arguments: &ListArgs, display: &DisplayArgs) -> Result<ExitCode, Error> {
    let kinds: Vec<Kind> =
        arguments.kind.map_or_else(|| Kind::value_variants().to_vec(), |kind| vec![kind]);
    if arguments.json.json {
        let object: serde_json::Map<String, Value> =
            kinds.iter().map(|kind| (kind.name(), json(&kind.entries()))).collect();
        output::print_json(&Value::Object(object))?;
        return Ok(ExitCode::Success);
    }
    let tables: Vec<String> = kinds.iter().map(|&kind| table(kind, display.verbose)).collect();
    output::print(&tables.join("\n"))?;
    Ok(ExitCode::Success)
}

fn json(entries: &[Entry]) -> Value {
    let object =
        |e: &Entry| json!({ "name": e.name, "summary": e.summary, "reference": e.reference });
    entries.iter().map(object).collect()
}

fn table(kind: Kind, with_references: bool) -> String {
    let mut columns = vec![Column::text(kind.name()), Column::text("")];
    columns.extend(with_references.then(|| Column::text("reference")));
    let mut table = Table::new(columns);
    for entry in kind.entries() {
        let mut row = vec![entry.name.into(), entry.summary.into()];
        row.extend(with_references.then(|| entry.reference.into()));
        table.row(row);
    }
    table.render()
}
