//! `dinv list [KIND]`: the registries of the library, as names with summaries.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::arguments::JsonArgs;
use crate::cli::output;
use crate::cli::table::{Column, Table};
use crate::error::{Error, ExitCode};
use crate::network::ACTIVATIONS;

/// Arguments of `dinv list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// What to list; everything if left out
    kind: Option<Kind>,
    #[command(flatten)]
    json: JsonArgs,
}

/// The registries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Activations,
}

/// One line of a registry.
struct Entry {
    name: &'static str,
    summary: String,
}

impl Kind {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn entries(self) -> Vec<Entry> {
        match self {
            Self::Activations => ACTIVATIONS
                .iter()
                .map(|&(name, activation)| Entry { name, summary: activation.formula().into() })
                .collect(),
        }
    }
}

pub(super) fn run(arguments: &ListArgs) -> Result<ExitCode, Error> {
    let kinds: Vec<Kind> =
        arguments.kind.map_or_else(|| Kind::value_variants().to_vec(), |kind| vec![kind]);
    if arguments.json.json {
        let object: serde_json::Map<String, Value> =
            kinds.iter().map(|kind| (kind.name(), json(&kind.entries()))).collect();
        output::print_json(&Value::Object(object))?;
        return Ok(ExitCode::Success);
    }
    let tables: Vec<String> = kinds.iter().map(|&kind| table(kind)).collect();
    output::print(&tables.join("\n"))?;
    Ok(ExitCode::Success)
}

fn json(entries: &[Entry]) -> Value {
    entries.iter().map(|e| json!({ "name": e.name, "summary": e.summary })).collect()
}

fn table(kind: Kind) -> String {
    let mut table = Table::new([Column::text(kind.name()), Column::text("")]);
    for entry in kind.entries() {
        table.row([entry.name.into(), entry.summary.into()]);
    }
    table.render()
}
