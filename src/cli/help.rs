//! The overview `dinv --help`: commands in groups, then examples.

use anstyle::{AnsiColor, Effects, Style};
use clap::builder::Styles;
use clap::{ColorChoice, CommandFactory};

use super::arguments::Arguments;

const HEADING: Style = Style::new().effects(Effects::BOLD.insert(Effects::UNDERLINE));
const LITERAL: Style = AnsiColor::Cyan.on_default().effects(Effects::BOLD);

/// Every command, in the groups and the order of the overview.
pub const GROUPS: &[(&str, &[&str])] = &[
    ("Simulate", &["run", "train", "check"]),
    ("Analyse", &["stability", "invert", "sweep", "validate"]),
    ("Look", &["plot", "inspect", "list"]),
    ("Shell", &["completions", "man"]),
];

/// Examples at the end of the overview, with what each does.
pub const EXAMPLES: &[(&str, &str)] = &[
    ("dinv run loop.toml -o loop.h5", "integrate, write the trajectory"),
    ("dinv run loop.toml --set solver.dopri5.rtol=1e-12", "the same, more accurately"),
    ("dinv plot loop.h5", "draw it"),
    ("dinv stability loop.toml", "spectrum, verdict, margins"),
    ("dinv sweep map.toml", "a command over a grid, on all cores"),
    ("dinv invert loop.toml", "its error through every rule"),
    ("dinv list solvers", "names a model file may use"),
    ("dinv man run | man -l -", "the manual of one command"),
];

/// The command line as clap sees it: the one source of parsing, help, completions and manuals.
#[must_use]
pub fn command(color: ColorChoice) -> clap::Command {
    let command = Arguments::command().color(color).styles(
        Styles::styled().header(HEADING).usage(HEADING).literal(LITERAL).placeholder(Style::new()),
    );
    let template = format!(
        "{{name}} {{version}}\n{{about}}\n\n{{usage-heading}} {{usage}}\n\n{}{HEADING}Options:{HEADING:#}\n{{options}}{{after-help}}",
        overview(&command),
    );
    command.help_template(template).after_help(after_help())
}

/// The commands with their summaries, group by group.
fn overview(command: &clap::Command) -> String {
    let names = GROUPS.iter().flat_map(|(_, names)| *names);
    let width = names.map(|name| name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for (group, names) in GROUPS {
        out.push_str(&format!("{HEADING}{group}:{HEADING:#}\n"));
        for name in *names {
            let about = command
                .find_subcommand(name)
                .and_then(|c| c.get_about())
                .map_or_else(String::new, ToString::to_string);
            out.push_str(&format!("  {LITERAL}{name:width$}{LITERAL:#}  {about}\n"));
        }
        out.push('\n');
    }
    out
}

fn after_help() -> String {
    let width = EXAMPLES.iter().map(|(line, _)| line.len()).max().unwrap_or(0);
    let mut out = format!("{HEADING}Examples:{HEADING:#}\n");
    for (line, meaning) in EXAMPLES {
        out.push_str(&format!("  {LITERAL}{line:width$}{LITERAL:#}  {meaning}\n"));
    }
    out.push_str("\n`dinv COMMAND --help` shows the options of a command.");
    out
}
