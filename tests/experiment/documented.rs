//! docs/results.md against the files that runs write, both ways.

use std::collections::BTreeSet;

use dynamic_inversion::experiment::run::RunOptions;
use dynamic_inversion::results::ResultReader;

use super::support::repository;
use super::{Finished, model, try_run};

/// The names in the first column of the table of a group; generic ones such as *block* are not.
fn documented(group: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(repository().join("docs/results.md")).unwrap();
    let (_, section) = text.split_once(&format!("## Group `{group}`\n")).expect("a section");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let names = |line: &str| {
        let cell = line.trim_start_matches("| ").split(" | ").next().unwrap().to_owned();
        cell.split(", ").map(|name| name.trim_matches(['`', '.']).to_owned()).collect::<Vec<_>>()
    };
    rows.flat_map(names).collect()
}

/// Names of the variables of a group and of its subgroups.
fn written(reader: &ResultReader, group: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for variable in reader.variables(group).unwrap() {
        assert!(variable.attribute_text("long_name").is_some(), "{}", variable.path);
        names.insert(variable.name().to_owned());
    }
    for inner in reader.groups(group).unwrap() {
        names.extend(written(reader, &format!("{group}/{inner}")));
    }
    names
}

fn run_file(name: &str, options: RunOptions) -> Finished {
    let text = std::fs::read_to_string(repository().join("models").join(name)).unwrap();
    try_run(&model(&text), options).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn runs_write_what_the_documentation_lists() {
    let checked = RunOptions {
        cross_check: Some("dop853".to_owned()),
        estimate_error: true,
        ..RunOptions::default()
    };
    let runs = [
        run_file("linear_layer.toml", checked),
        run_file("rate_network_pid.toml", RunOptions::default()),
        run_file("mnist_layer_inversion.toml", RunOptions::default()),
        run_file("many_targets.toml", RunOptions::default()),
    ];
    for group in ["equilibrium", "solver", "provenance", "weights", "trajectory"] {
        let mut found = BTreeSet::new();
        for finished in &runs {
            let reader = finished.reader();
            let mut names = written(&reader, group);
            // Blocks and observables are called as the dynamics calls them; numbered variables are
            // listed by the first two.
            let generic = |name: &String| {
                let own = ["state", "controller", "stage", "inversion_error", "target_error"];
                let is_block = own.iter().any(|own| name.starts_with(own));
                let is_residual = group == "trajectory" && name == "residual";
                let stem = name.rsplit_once('_').filter(|(_, n)| n.parse::<u32>().is_ok());
                let is_further = stem.is_some_and(|(stem, n)| n != "1" && stem != "layer");
                is_block || is_residual || is_further || is_controller_state(name)
            };
            names.retain(|name| !generic(name));
            found.extend(names);
        }
        let mut listed = documented(group);
        listed.retain(|name| !name.ends_with("_2"));
        assert_eq!(found, listed, "group {group}");
    }
}

/// Blocks of the controllers of rate networks.
fn is_controller_state(name: &str) -> bool {
    matches!(name, "integral" | "filtered_error" | "u_int" | "derivative")
}
