//! Models with numbers that make no sense, from the command line: refused by name, nothing written.

use std::fs;

use super::dinv;

const LINEAR: &str = "
schema_version = 1
[dynamics.linear]
a = [[-1.0, 0.0], [0.0, -2.0]]
[initial]
values = [1.0, 1.0]
[run]
t_span = [0.0, 1.0]
";

const LAYER: &str = "
schema_version = 1
[network]
sizes = [2, 2]
weights = { values = [[[1.0, 0.5], [0.25, nan]]] }
[dynamics.layerwise-inversion]
layer = 1
leak = 0.1
[target]
delta = [0.1, 0.2]
[run]
t_span = [0.0, 1.0]
";

#[test]
fn numbers_that_are_not_finite_are_refused_by_name_and_nothing_is_written() {
    let cases = [
        (LINEAR.replace("values = [1.0", "values = [nan"), "initial.values"),
        (LINEAR.replace("values = [1.0", "values = [inf"), "initial.values"),
        (LINEAR.replace("0.0, 1.0]\n", "0.0, nan]\n"), "run.t_span"),
        (LINEAR.replace("[[-1.0", "[[nan"), "dynamics.linear.a"),
        (LAYER.to_owned(), "network.weights"),
    ];
    for (model, entry) in cases {
        for command in ["run", "stability", "check"] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("bad.toml"), &model).unwrap();
            let output =
                dinv().current_dir(folder.path()).args([command, "bad.toml"]).output().unwrap();
            let text = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{command} {entry}: {text}");
            assert!(text.contains(entry), "{command} {entry}: {text}");
            let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
            assert_eq!(left.len(), 1, "{command} {entry}: {left:?}");
        }
    }
}

/// A sign is a sign, not a flag.
#[test]
fn negative_numbers_are_accepted_in_both_forms() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), LINEAR).unwrap();
    let (joined, apart) = ("--set=run.t_span=[-1, 1]", ["--set", "run.t_span=[-1, 1]"]);
    for arguments in [vec![joined], apart.to_vec()] {
        let mut command = dinv();
        command.current_dir(folder.path()).args(["run", "a.toml", "--force", "-q"]);
        command.args(arguments).assert().success();
    }
}

/// What only shows when the run is set up is refused without a trace, too.
#[test]
fn a_run_that_is_refused_late_leaves_nothing_behind() {
    let rectified = "schema_version = 1\n[dynamics.rate-network]\nw = [[0.5]]\nactivation = \"relu\"\n\
                     [solver]\nexact = {}\n[run]\nt_span = [0, 1]\n";
    for name in ["x.h5", "x.csv", "x.json"] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.toml"), rectified).unwrap();
        let mut command = dinv();
        command.current_dir(folder.path()).args(["run", "a.toml", "-o", name]).assert().code(2);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{name}");
    }
}
