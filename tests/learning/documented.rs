//! The groups of training in docs/results.md against a written file.

use std::num::NonZeroUsize;
use std::path::Path;

use dynamic_inversion::experiment::train::{TrainOptions, train};
use dynamic_inversion::experiment::{Context, Interrupt, OutputOptions, Silent};
use dynamic_inversion::model::Model;
use dynamic_inversion::results::ResultReader;

use crate::support::repository;

/// Every metric, and a loop that turns unstable at once.
const MODEL: &str = r#"
schema_version = 1
[network]
sizes = [4, 3, 3]
activation = "linear"
weights = { normal = { scale = 1 } }
[training]
steps = 4
rate = 0.01
metrics = [
    { nse = {} }, { loss = { set = "test" } }, { error = {} }, { abscissa = {} },
    { feedback-angle = {} }, { angle = { to = "bp" } }, { update-angle = { to = "dfc-ssa" } },
    { row-space = {} }, { condition1 = {} }, { update-norm = {} }, { weight-norm = {} },
    { wall-time = {} },
]
[[training.rules]]
bp = {}
[[training.rules]]
dfc-ssa = { leak = 0.1 }
[[training.rules]]
di = { leak = 0.1, until = { time = 500 }, feedback = { transpose = {} } }
[training.data.idx]
task = "classification"
train_images = "images"
train_labels = "labels"
test_images = "images"
test_labels = "labels"
"#;

fn write_images(folder: &Path) {
    let header = |magic: u32, dims: &[u32]| -> Vec<u8> {
        std::iter::once(&magic).chain(dims).flat_map(|n| n.to_be_bytes()).collect()
    };
    let mut images = header(0x803, &[4, 2, 2]);
    images.extend((0..16u32).map(|k| (k * 37 % 251) as u8));
    let mut labels = header(0x801, &[4]);
    labels.extend([0u8, 1, 2, 1]);
    std::fs::write(folder.join("images"), images).unwrap();
    std::fs::write(folder.join("labels"), labels).unwrap();
}

fn run(text: &str, folder: &Path) -> ResultReader {
    let model = Model::parse("m.toml", text, folder, &[]).unwrap();
    let file = folder.join("out.h5");
    let context = Context::new(&Silent, Interrupt::default(), NonZeroUsize::MIN);
    let output =
        OutputOptions { path: Some(file.clone()), force: true, ..OutputOptions::default() };
    train(&model, Path::new("m.toml"), &TrainOptions { output, resume: false }, &context).unwrap();
    ResultReader::open(&file).unwrap()
}

/// The names in the first column of the table of a group; `<...>` stands for what varies.
fn documented(group: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("docs/results.md")).unwrap();
    let heading = format!("## Group `{group}`");
    let (_, section) = text.split_once(&heading).unwrap_or_else(|| panic!("no {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.map(|row| format!("`{}", row.split(" | ").next().unwrap()));
    cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

fn assert_same(reader: &ResultReader, group: &str) {
    let listed = documented(group);
    let matches = |name: &str, pattern: &str| match pattern.split_once('<') {
        Some((start, _)) => name.starts_with(start),
        None => name == pattern,
    };
    let variables = reader.variables(group).unwrap();
    for v in &variables {
        assert!(listed.iter().any(|p| matches(v.name(), p)), "{} is not documented", v.path);
        assert!(v.attribute_text("long_name").is_some(), "{} has no long name", v.path);
    }
    for pattern in &listed {
        assert!(variables.iter().any(|v| matches(v.name(), pattern)), "no {group}/{pattern}");
    }
}

#[test]
fn groups_of_training_hold_what_the_documentation_lists() {
    let folder = tempfile::tempdir().unwrap();
    write_images(folder.path());
    let reader = run(MODEL, folder.path());
    assert_same(&reader, "training");
    assert!(reader.contains("weights/bp/w_1") && reader.contains("weights/di/w_1"));
    let autoencoder = MODEL
        .replace("sizes = [4, 3, 3]", "sizes = [4, 3, 4]")
        .replace("{ transpose = {} }", "{ negative-transpose = {} }")
        .replace("classification", "autoencoder")
        .replace("train_labels = \"labels\"\n", "")
        .replace("test_labels = \"labels\"\n", "")
        .replace("{ error = {} },", "");
    drop(reader);
    assert_same(&run(&autoencoder, folder.path()), "reconstructions");
}
