//! `dinv train` as a library call: results, checkpoints, interruption.

use std::num::NonZeroUsize;
use std::path::Path;

use dynamic_inversion::experiment::train::{TrainReport, train};
use dynamic_inversion::experiment::{Context, Interrupt, Progress, Signal};
use dynamic_inversion::model::{KeyPath, Model, Override};
use dynamic_inversion::results::{ResultReader, Status};

use crate::training::{options, run};

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
sdi = { leak = 0.1, feedback = { negative-transpose = { scale = 0.2 } } }
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

pub(crate) fn run_until(model: &Model, file: &Path, resume: bool, step: u64) -> TrainReport {
    let interrupt = Interrupt::default();
    let progress = StopAt { step, interrupt: interrupt.clone() };
    let context = Context::new(&progress, interrupt, NonZeroUsize::MIN);
    train(model, Path::new("model.toml"), &options(file, resume), &context).unwrap()
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
fn a_training_whose_rules_all_diverge_has_failed() {
    let folder = tempfile::tempdir().unwrap();
    let start = SMALL.find("[[training.rules]]").unwrap();
    let rest = "[[training.rules]]\nbp = {}\n[[training.metrics]]\nloss = { every = 1000 }\n";
    let text = format!("{}{rest}", &SMALL[..start]).replace("rate = 0.02", "rate = 1e300");
    let model = Model::parse("small.toml", &text, Path::new("."), &[]).unwrap();
    let file = folder.path().join("out.h5");
    let report = run(&model, &file, false).unwrap();
    assert_eq!((report.status.as_str(), report.rules[0].status.as_str()), ("failed", "stopped"));
    assert_eq!(ResultReader::open(&file).unwrap().status().unwrap(), Status::Failed);
}

/// A small model whose data are in an IDX file pair.
fn with_files(folder: &Path) -> String {
    let header = |magic: u32, dims: &[u32]| -> Vec<u8> {
        std::iter::once(&magic).chain(dims).flat_map(|n| n.to_be_bytes()).collect()
    };
    let mut images = header(0x803, &[30, 2, 2]);
    images.extend((0..120u32).map(|k| (k * 37 % 251) as u8));
    let mut labels = header(0x801, &[30]);
    labels.extend((0..30).map(|k| k % 3));
    std::fs::write(folder.join("images"), images).unwrap();
    std::fs::write(folder.join("labels"), labels).unwrap();
    let start = SMALL.find("[training.data").unwrap();
    let end = SMALL.find("[[training.rules]]").unwrap();
    let data = "[training.data.idx]\ntask = \"classification\"\ntrain_images = \"images\"\n\
                train_labels = \"labels\"\n";
    format!("{}{data}{}", &SMALL[..start], &SMALL[end..])
        .replace("sizes = [8, 6, 5, 4]", "sizes = [4, 6, 5, 3]")
        .replace("set = \"test\", ", "")
}

#[test]
fn a_batch_larger_than_the_data_learns_from_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let text = with_files(folder.path())
        .replace("steps = 90", "epochs = 4\nbatch = { size = 128 }")
        .replace("train_labels = \"labels\"\n", "train_labels = \"labels\"\ntrain_first = 3\n");
    let model = Model::parse("small.toml", &text, folder.path(), &[]).unwrap();
    let file = folder.path().join("out.h5");
    assert_eq!(run(&model, &file, false).unwrap().status, "complete");
    let reader = ResultReader::open(&file).unwrap();
    assert_eq!(reader.f64s("training/step").unwrap().last(), Some(&4.0));
    let loss = reader.f64s("training/final_train_loss").unwrap();
    assert!(loss.iter().all(|loss| *loss > 0.0), "{loss:?}");
}

#[test]
fn data_that_changed_are_noticed_when_resuming() {
    let folder = tempfile::tempdir().unwrap();
    let text = with_files(folder.path());
    let model = Model::parse("small.toml", &text, folder.path(), &[]).unwrap();
    let file = folder.path().join("out.h5");
    run_until(&model, &file, false, 20);
    let labels = folder.path().join("labels");
    let kept = std::fs::read(&labels).unwrap();
    let mut changed = kept.clone();
    changed[8] ^= 1;
    std::fs::write(&labels, changed).unwrap();
    let error = run(&model, &file, true).unwrap_err().to_string();
    assert!(error.contains("training.data.idx.train_labels"), "{error}");
    std::fs::write(&labels, kept).unwrap();
    assert_eq!(run(&model, &file, true).unwrap().status, "complete");
}

#[test]
fn nothing_is_left_lying_about() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.h5");
    run_until(&model(&[]), &file, false, 20);
    assert!(run(&model(&[("training.rate", "1")]), &file, true).is_err());
    assert!(run(&model(&[]), &file, false).is_err());
    run(&model(&[]), &file, true).unwrap();
    let names = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = names.map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["out.h5", "out.h5.checkpoint"]);
}

#[test]
fn equilibria_of_unstable_loops_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = SMALL.replace(
        "di = { leak = 0.1, until = { time = 5 } }",
        "di = { leak = 0.1, feedback = { transpose = {} } }",
    );
    let model = Model::parse("small.toml", &text, Path::new("."), &[]).unwrap();
    let error = run(&model, &folder.path().join("out.h5"), false).unwrap_err().to_string();
    assert!(error.contains("training.rules[3].di.until") && error.contains("unstable"), "{error}");
}

#[test]
fn examples_of_loops_that_turn_unstable_are_counted_and_teach_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // Positive feedback without strength to overcome the leak at first; weights grow by learning.
    let text = SMALL
        .replace("steps = 90", "steps = 400")
        .replace("rate = 0.02", "rate = 0.2")
        .replace("schedule = { exponential = { factor = 0.99 } }\n", "")
        .replace(
            "weights = { normal = { scale = 1 } }\n[training]",
            "weights = { normal = { scale = 0.14 } }\n[training]",
        )
        .replace(
            "di = { leak = 0.1, until = { time = 5 } }",
            "di = { leak = 0.1, until = { time = 500 }, feedback = { transpose = {} } }",
        );
    let model = Model::parse("small.toml", &text, Path::new("."), &[]).unwrap();
    let report = run(&model, &folder.path().join("out.h5"), false).unwrap();
    let di = &report.rules[3];
    assert!(di.unconverged > 0 && di.unconverged < 400, "{}", di.unconverged);
    assert!(report.stability_events > 0);
    let reader = ResultReader::open(&folder.path().join("out.h5")).unwrap();
    assert!(reader.contains("training/event_what"));
}
