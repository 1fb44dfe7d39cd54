//! docs/json.md against what `--json` prints, both ways.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::dinv;

const LOOP: &str = r#"
schema_version = 1
seed = 3
[network]
sizes = [4, 4, 4, 4]
weights = { orthogonal = { gain = 1.0 } }
[feedback.negative-transpose]
[dynamics.single-loop]
leak = 0.1
[target]
normal = { scale = 0.5 }
[solver.dopri5]
[run]
t_span = [0, 5]
save_at = { count = 3 }
"#;

const TRAINING: &str = r#"
schema_version = 1
[network]
sizes = [4, 3, 2]
weights = { normal = { scale = 1.0 } }
[dynamics.layerwise-inversion]
layer = 2
leak = 0.5
[target]
delta = [0.1, -0.2]
input = [1.0, 0.5, -0.5, 0.2]
[training]
steps = 4
rate = 0.01
rules = ["bp", { ndi = { leak = 0.1 } }]
[training.checkpoint]
keep_every = 2
[training.data.teacher]
weights = { normal = { scale = 1.0 } }
train_count = 4
[sweep]
command = "stability"
collect = ["verdict"]
[sweep.grid]
"dynamics.layerwise-inversion.leak" = [0.1, 0.2]
"#;

/// Names in the first columns of the tables of the sections whose headings name a command.
fn documented(command: &str) -> BTreeSet<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/json.md");
    let text = std::fs::read_to_string(page).unwrap();
    let sections = text.split("\n## ").skip(1);
    let wanted = sections.filter(|s| s.lines().next().unwrap().contains(&format!("`{command}`")));
    let rows = wanted.flat_map(|s| s.lines().filter(|line| line.starts_with("| `")));
    let cells = rows.map(|line| line.trim_start_matches("| ").split(" | ").next().unwrap());
    cells.flat_map(|cell| cell.split(", ").map(|name| name.trim_matches('`').to_owned())).collect()
}

/// Paths of all fields; attributes of files are whatever they are.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) if !path.ends_with("attributes") => {
            for (name, value) in entries {
                let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                fields(value, &inner, found);
                found.insert(inner);
            }
        }
        Value::Array(items) => {
            items.iter().for_each(|item| fields(item, &format!("{path}[]"), found));
        }
        _ => {}
    }
}

fn printed(folder: &Path, arguments: &str) -> BTreeSet<String> {
    let mut command = dinv();
    command.current_dir(folder).args(arguments.split(' ')).args(["--json", "--no-progress"]);
    let output = command.assert().success().get_output().stdout.clone();
    let object: Value = serde_json::from_slice(&output).unwrap();
    assert!(object.is_object(), "{arguments}");
    let mut found = BTreeSet::new();
    fields(&object, "", &mut found);
    found
}

#[test]
fn every_field_of_every_object_is_documented_and_exists() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    place("loop.toml", LOOP);
    place("training.toml", TRAINING);
    let along = "--set stability.at=\"trajectory\" --set stability.certificates=[\"lyapunov\"]";
    let branch = "--continue feedback.negative-transpose.scale=1:2";
    for (command, runs) in [
        ("run", vec!["run loop.toml --cross-check dop853 --estimate-error".to_owned()]),
        ("train", vec!["train training.toml -o t.h5".to_owned()]),
        (
            "stability",
            vec![
                format!("stability loop.toml {along} {branch}"),
                "stability training.toml --optimize-feedback --map leak=0:1,gain=0:1".to_owned(),
                "stability training.toml --checkpoints t.h5".to_owned(),
            ],
        ),
        ("invert", vec!["invert training.toml".to_owned()]),
        (
            "sweep",
            ["sweep training.toml -o s.h5", "sweep status s.h5.points"].map(str::to_owned).into(),
        ),
        ("validate", vec!["validate push-through".to_owned()]),
        ("check", ["check loop.toml", "check training.toml"].map(str::to_owned).into()),
        ("plot", ["plot loop.h5", "inspect loop.h5", "list"].map(str::to_owned).into()),
    ] {
        let mut found = BTreeSet::new();
        runs.iter().for_each(|run| found.append(&mut printed(folder.path(), run)));
        // `list` has one kind of entries under every name.
        found.retain(|name| command != "plot" || !name.contains("[].") || name.contains("groups"));
        let listed = documented(command);
        assert_eq!(found, listed, "{command}");
    }
}
