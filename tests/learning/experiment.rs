//! `dinv train` as a library call: results, checkpoints, interruption.

use std::num::NonZeroUsize;
use std::path::Path;

use dynamic_inversion::error::Error;
use dynamic_inversion::experiment::train::{TrainOptions, TrainReport, train};
use dynamic_inversion::experiment::{Context, Interrupt, OutputOptions, Progress, Signal, Silent};
use dynamic_inversion::model::{KeyPath, Model, Override};
use dynamic_inversion::results::ResultReader;

use crate::support::repository;

const SMALL: &str = r#"
schema_version = 1
seed = 3
[network]
sizes = [8, 6, 5, 4]
activation = "tanh"
weights = { normal = { scale = 1 } }
[training]
steps = 90
rate = 0.02
schedule = { exponential = { factor = 0.99 } }
decay = 1e-5
[training.data.teacher]
weights = { normal = { scale = 1 } }
train_count = 40
test_count = 10
[[training.rules]]
bp = {}
[[training.rules]]
pbp = {}
[[training.rules]]
ndi = { leak = 0.1, feedback = { optimized = { margin = 0.01 } } }
[[training.rules]]
di = { leak = 0.1, until = { time = 5 } }
[[training.rules]]
sdi = { leak = 0.1 }
[[training.metrics]]
nse = { every = 7 }
[[training.metrics]]
loss = { set = "test", every = 10 }
[[training.metrics]]
angle = { to = "bp", every = 30 }
[[training.metrics]]
abscissa = { every = 30 }
"#;

/// Asks to stop once so many updates are done.
struct StopAt {
    step: u64,
    interrupt: Interrupt,
}

impl Progress for StopAt {
    fn begin(&self, _: &str, _: Option<u64>) {}
    fn update(&self, done: u64, _: &[(&str, f64)]) {
        if done >= self.step {
            self.interrupt.raise(Signal::Interrupt);
        }
    }
    fn message(&self, _: &str) {}
    fn warning(&self, _: &str) {}
    fn finish(&self) {}
}

fn model(overrides: &[(&str, &str)]) -> Model {
    let overrides: Vec<_> = overrides
        .iter()
        .map(|(key, value)| Override::new("test", KeyPath::parse(key).unwrap(), value))
        .collect();
    Model::parse("small.toml", SMALL, Path::new("."), &overrides).unwrap()
}

fn options(file: &Path, resume: bool) -> TrainOptions {
    let output = OutputOptions { path: Some(file.to_owned()), ..OutputOptions::default() };
    TrainOptions { output, resume }
}

fn run(model: &Model, file: &Path, resume: bool) -> Result<TrainReport, Error> {
    let context = Context::new(&Silent, Interrupt::default(), NonZeroUsize::MIN);
    train(model, Path::new("small.toml"), &options(file, resume), &context)
}

fn run_until(model: &Model, file: &Path, resume: bool, step: u64) -> TrainReport {
    let interrupt = Interrupt::default();
    let progress = StopAt { step, interrupt: interrupt.clone() };
    let context = Context::new(&progress, interrupt, NonZeroUsize::MIN);
    train(model, Path::new("small.toml"), &options(file, resume), &context).unwrap()
}

/// Every number of the groups that must not depend on time or threads, as bits.
fn bits(file: &Path) -> Vec<(String, Vec<u64>)> {
    let reader = ResultReader::open(file).unwrap();
    let names = ["nse_train", "loss_test", "angle_to_bp", "abscissa", "step"];
    let mut all = Vec::new();
    for name in names {
        all.push(format!("training/{name}"));
    }
    for rule in ["bp", "pbp", "ndi", "di", "sdi"] {
        all.extend(["w_1", "w_2", "w_3", "b_1"].map(|name| format!("weights/{rule}/{name}")));
    }
    let read = |path: String| {
        let values = reader.f64s(&path).unwrap();
        (path, values.iter().map(|x| x.to_bits()).collect())
    };
    all.into_iter().map(read).collect()
}

#[test]
fn resumed_training_is_uninterrupted_training_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole.h5"), folder.path().join("parts.h5"));
    let model = model(&[]);
    let report = run(&model, &whole, false).unwrap();
    assert_eq!(report.status, "complete");
    assert!(report.rules.iter().all(|r| r.status == "complete" && r.train_nse < 1.0));
    assert_eq!(run_until(&model, &parts, false, 20).status, "interrupted");
    assert_eq!(run_until(&model, &parts, true, 50).status, "interrupted");
    assert_eq!(run(&model, &parts, true).unwrap().status, "complete");
    assert_eq!(bits(&whole), bits(&parts));
}

#[test]
fn training_without_a_test_set_is_resumed_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.h5");
    let text = SMALL.replace("test_count = 10\n", "").replace("set = \"test\"", "set = \"train\"");
    let model = Model::parse("small.toml", &text, Path::new("."), &[]).unwrap();
    assert_eq!(run_until(&model, &file, false, 20).status, "interrupted");
    let report = run(&model, &file, true).unwrap();
    assert_eq!((report.status.as_str(), report.steps), ("complete", 90));
    assert!(report.rules.iter().all(|r| r.test_loss.is_none()));
}

#[test]
fn threads_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let trained = |threads: usize| {
        let file = folder.path().join(format!("{threads}.h5"));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&model(&[]), &file, false)).unwrap();
        bits(&file)
    };
    let one = trained(1);
    assert_eq!(one, trained(2));
    assert_eq!(one, trained(8));
}

#[test]
fn a_changed_model_is_refused_by_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.h5");
    run_until(&model(&[]), &file, false, 20);
    let changed = model(&[("training.rate", "0.03")]);
    let error = run(&changed, &file, true).unwrap_err().to_string();
    assert!(error.contains("training.rate") && error.contains("0.02"), "{error}");
    // How often checkpoints are written changes nothing that is computed.
    let other_interval = model(&[("training.checkpoint.interval", "5")]);
    assert_eq!(run(&other_interval, &file, true).unwrap().status, "complete");
}

#[test]
fn a_checkpoint_is_not_overwritten_without_being_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.h5");
    run_until(&model(&[]), &file, false, 20);
    std::fs::remove_file(&file).unwrap();
    let error = run(&model(&[]), &file, false).unwrap_err();
    assert!(error.to_string().contains("checkpoint"), "{error}");
}

#[test]
fn a_diverging_rule_stops_alone() {
    let folder = tempfile::tempdir().unwrap();
    // Only the rule with these matrices diverges; the others do not see them.
    let huge = "[[1e200,0,0,0],[0,1e200,0,0],[0,0,1,0],[0,0,0,1],[1,0,0,0],[1,0,0,0]]";
    let second = "[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1],[1,0,0,0]]";
    let linear = SMALL.replace("activation = \"tanh\"", "activation = \"linear\"");
    let text = linear.replace(
        "pbp = {}",
        &format!("dfa = {{ feedback = {{ values = {{ matrices = [{huge}, {second}] }} }} }}"),
    );
    let model = Model::parse("small.toml", &text, Path::new("."), &[]).unwrap();
    let report = run(&model, &folder.path().join("out.h5"), false).unwrap();
    assert_eq!(report.status, "complete");
    let stopped: Vec<_> = report.rules.iter().filter(|r| r.status == "stopped").collect();
    assert_eq!(stopped.len(), 1);
    assert!(stopped[0].name == "dfa" && stopped[0].reason.as_ref().unwrap().contains("layer"));
    assert!(report.warnings.iter().any(|w| w.contains("dfa")));
}

#[test]
fn linear_regression_falls_as_published() {
    let folder = tempfile::tempdir().unwrap();
    let path = repository().join("models/papers/podlaski2020-linear-regression.toml");
    let model = Model::load(&path, &[]).unwrap();
    let file = folder.path().join("out.h5");
    let context = Context::new(&Silent, Interrupt::default(), NonZeroUsize::MIN);
    train(&model, &path, &options(&file, false), &context).unwrap();
    let reader = ResultReader::open(&file).unwrap();
    let nse = reader.f64s("training/nse_train").unwrap();
    let rules = 10;
    // Medians of three seeds of the published scripts after 500 and 1000 examples; one seed
    // scatters by about a factor of ten around them.
    let published = [
        (0, [5.7e-4, 6.3e-8]),
        (3, [1.7e-4, 4.4e-8]),
        (4, [8.5e-4, 1.6e-6]),
        (5, [2.5e-4, 9.5e-8]),
        (7, [8.5e-4, 1.6e-6]),
        (8, [1.9e-4, 1.0e-7]),
    ];
    for (rule, expected) in published {
        for (row, expected) in [(10, expected[0]), (20, expected[1])] {
            let ratio = nse[row * rules + rule] / expected;
            assert!((0.05..20.0).contains(&ratio), "rule {rule}, row {row}: ratio {ratio}");
        }
    }
}
