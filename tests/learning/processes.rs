//! `dinv train` as a process that is killed or interrupted.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use dynamic_inversion::results::{ResultReader, Status};

/// About a second of learning on a slow machine, with checkpoints all the time.
const MODEL: &str = r#"
schema_version = 1
seed = 5
[network]
sizes = [30, 40, 20]
activation = "tanh"
weights = { normal = { scale = 1 } }
[training]
steps = 30000
rate = 1e-3
checkpoint = { interval = 0.02 }
[training.data.teacher]
weights = { normal = { scale = 1 } }
train_count = 500
[[training.rules]]
bp = {}
[[training.rules]]
ndi = { leak = 0.1 }
[[training.metrics]]
nse = { every = 1000 }
"#;

fn start(folder: &Path, output: &str, more: &[&str]) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin("dinv"))
        .args(["train", "model.toml", "--quiet", "-o", output])
        .args(more)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.toml"), MODEL).unwrap();
    folder
}

/// Updates that a checkpoint has reached, from its header.
fn reached(path: &Path) -> Option<u64> {
    let bytes = std::fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1 << 20)]).into_owned();
    let (_, after) = text.split_once("\\\"step\\\":")?;
    after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn wait_for_checkpoint(path: &Path, child: &mut Child) -> u64 {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        if let Some(step) = reached(path).filter(|step| *step > 0) {
            assert!(child.try_wait().unwrap().is_none(), "the run ended too early to be stopped");
            return step;
        }
        sleep(Duration::from_millis(2));
    }
    panic!("no checkpoint appeared");
}

fn numbers(file: &Path) -> Vec<u64> {
    let reader = ResultReader::open(file).unwrap();
    assert_eq!(reader.status().unwrap(), Status::Complete);
    let paths = ["training/nse_train", "weights/bp/w_1", "weights/ndi/w_1", "weights/ndi/w_2"];
    paths.iter().flat_map(|p| reader.f64s(p).unwrap()).map(f64::to_bits).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = files.map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_killed_run_goes_on_from_its_last_checkpoint() {
    let folder = folder();
    let place = |name: &str| folder.path().join(name);
    assert!(start(folder.path(), "whole.h5", &[]).wait().unwrap().success());
    let mut killed = 0;
    // Killed several times, at other moments of writing.
    for round in 0..3 {
        let more: &[&str] = if round == 0 { &[] } else { &["--resume"] };
        let mut child = start(folder.path(), "out.h5", more);
        let before = if round == 0 { 0 } else { killed };
        let began = Instant::now();
        let mut step = wait_for_checkpoint(&place("out.h5.checkpoint"), &mut child);
        // Checkpoints move on while the process lives.
        while step <= before && began.elapsed() < Duration::from_secs(60) {
            step = wait_for_checkpoint(&place("out.h5.checkpoint"), &mut child);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed = reached(&place("out.h5.checkpoint")).unwrap();
        assert!(killed >= step, "a checkpoint was lost");
        assert!(!place("out.h5").exists(), "an unfinished result has the name of a finished one");
    }
    assert!(start(folder.path(), "out.h5", &["--resume"]).wait().unwrap().success());
    assert_eq!(numbers(&place("whole.h5")), numbers(&place("out.h5")));
    let expected = ["model.toml", "out.h5", "out.h5.checkpoint", "whole.h5", "whole.h5.checkpoint"];
    assert_eq!(names(folder.path()), expected);
}

#[test]
#[cfg(unix)]
fn an_interrupted_run_leaves_a_valid_result() {
    let folder = folder();
    let file = folder.path().join("out.h5");
    let mut child = start(folder.path(), "out.h5", &[]);
    wait_for_checkpoint(&folder.path().join("out.h5.checkpoint"), &mut child);
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let reader = ResultReader::open(&file).unwrap();
    assert_eq!(reader.status().unwrap(), Status::Interrupted);
    let rows = reader.f64s("training/step").unwrap().len();
    assert_eq!(reader.f64s("training/nse_train").unwrap().len(), 2 * rows);
    assert!(reader.f64s("weights/bp/w_1").unwrap().iter().all(|w| w.is_finite()));
    drop(reader);
    assert_eq!(names(folder.path()), ["model.toml", "out.h5", "out.h5.checkpoint"]);
    assert!(start(folder.path(), "out.h5", &["--resume"]).wait().unwrap().success());
    assert_eq!(ResultReader::open(&file).unwrap().status().unwrap(), Status::Complete);
}
