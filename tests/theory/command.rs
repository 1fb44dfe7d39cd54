//! `dinv validate` as a process: streams, files, exit codes, threads.

use std::fs;
use std::path::Path;

use serde_json::Value;

fn dinv(folder: &Path) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::cargo_bin("dinv").expect("cargo builds the program");
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "RAYON_NUM_THREADS"] {
        command.env_remove(name);
    }
    command.env("LANG", "C.UTF-8").current_dir(folder);
    command
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = dinv(folder).args(arguments).arg("--json").assert().success();
    serde_json::from_slice(&output.get_output().stdout).unwrap()
}

#[test]
fn a_selection_is_measured_and_tabulated() {
    let folder = tempfile::tempdir().unwrap();
    let output = dinv(folder.path()).args(["validate", "push-*", "tikhonov"]).assert().success();
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    for word in ["push-through", "tikhonov", "rounding", "pass", "2 passed, 0 failed"] {
        assert!(text.contains(word), "{word} in:\n{text}");
    }
    assert!(!text.contains("theorem"), "{text}");
    let verbose = dinv(folder.path()).args(["validate", "tikhonov", "-v"]).assert().success();
    let text = String::from_utf8(verbose.get_output().stdout.clone()).unwrap();
    assert!(text.contains("bound_reached") && text.contains("8 n eps"), "{text}");
}

#[test]
fn names_that_match_nothing_are_usage_errors() {
    let folder = tempfile::tempdir().unwrap();
    let output = dinv(folder.path()).args(["validate", "push-trough"]).assert().code(2);
    let text = String::from_utf8(output.get_output().stderr.clone()).unwrap();
    assert!(text.contains("push-trough") && text.contains("did you mean 'push-through'"), "{text}");
}

#[test]
fn checks_are_listed_without_being_run() {
    let folder = tempfile::tempdir().unwrap();
    let listed = json(folder.path(), &["validate", "--list"]);
    let ids: Vec<&str> =
        listed["checks"].as_array().unwrap().iter().map(|c| c["id"].as_str().unwrap()).collect();
    let known: Vec<&str> = dynamic_inversion::theory::CHECKS.iter().map(|c| c.id).collect();
    assert_eq!(ids, known);
    let also = json(folder.path(), &["list", "checks"]);
    assert_eq!(also["checks"].as_array().unwrap().len(), known.len());
}

/// Everything but the times and files.
fn outcome(mut report: Value) -> Value {
    report.as_object_mut().unwrap().retain(|key, _| key != "wall_seconds");
    report
}

#[test]
fn any_number_of_threads_measures_the_same_and_the_seed_matters() {
    let folder = tempfile::tempdir().unwrap();
    let with = |threads: &str, seed: &str| {
        let ids = ["validate", "theorem-1-*", "exact-trajectories", "composition"];
        let report = [&ids[..], &["--threads", threads, "--seed", seed]].concat();
        outcome(json(folder.path(), &report))
    };
    let one = with("1", "5");
    assert_eq!(one, with("2", "5"));
    assert_eq!(one, with("8", "5"));
    assert_ne!(one, with("1", "6"));
}

#[test]
fn worst_instances_are_model_files_that_run() {
    let folder = tempfile::tempdir().unwrap();
    let ids =
        ["layer-steady-state", "theorem-2-spectrum", "theorem-3-decrease", "tangent-lm", "dfc-*"];
    let arguments = [&["validate"][..], &ids, &["--export-worst", "worst"]].concat();
    let report = json(folder.path(), &arguments);
    for check in report["checks"].as_array().unwrap() {
        let file = check["worst_model"].as_str().unwrap();
        let text = fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(text.starts_with("# Instance "), "{text}");
        let run = json(folder.path(), &["run", file, "-o", "out.h5", "--force"]);
        assert_eq!(run["status"], "complete", "{file}: {run}");
    }
    // A second export does not overwrite the first.
    dinv(folder.path()).args(&arguments).assert().code(4);
}

#[test]
fn every_check_but_those_on_learning_exports_a_model() {
    use dynamic_inversion::theory::{CHECKS, RunOptions};
    let folder = tempfile::tempdir().unwrap();
    let options = RunOptions { seed: 1, thorough: false };
    for check in CHECKS.iter().filter(|c| c.id != "delayed-updates") {
        let text =
            check.model_text(&options, 0).unwrap_or_else(|o| panic!("{}: {}", check.id, o.reason));
        let path = folder.path().join("model.toml");
        fs::write(&path, text).unwrap();
        dynamic_inversion::model::Model::load(&path, &[])
            .and_then(|model| model.system().map(drop))
            .unwrap_or_else(|e| panic!("{}: {e}", check.id));
    }
}

#[test]
fn the_result_file_holds_every_instance() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["validate", "push-through", "tikhonov", "-o", "theory.h5"];
    let report = json(folder.path(), &arguments);
    assert_eq!(report["file"], "theory.h5");
    let written = json(folder.path(), &["inspect", "theory.h5"]);
    let text = written.to_string();
    for name in ["entry_predicted", "bound_reached_tolerance", "verdict", "push_through"] {
        assert!(text.contains(name), "{name} in {text}");
    }
    dinv(folder.path()).args(arguments).assert().code(4);
}
