//! `dinv run` as a process: streams, files, interruption.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::dinv;

/// A damped oscillator, with a closed-form equilibrium.
const DECAY: &str = "
schema_version = 1
[dynamics.linear]
a = [[-0.1, 1.0], [-1.0, -0.1]]
b = [0.1, 0.0]
[initial]
values = [1.0, 0.0]
[solver.dopri5]
rtol = 1e-8
atol = 1e-10
[run]
t_span = [0, 10]
save_at = { every = 0.5 }
";

/// What turns [`DECAY`] into minutes of work with many rows.
const LONG: [&str; 3] = [
    "--set=dynamics.linear.a=[[-1e-3, 1000], [-1000, -1e-3]]",
    "--set=run.t_span=[0, 10000]",
    "--set=run.save_at.every=1e-3",
];

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("decay.toml"), DECAY).unwrap();
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> assert_cmd::assert::Assert {
    dinv().current_dir(folder).arg("run").args(arguments).assert()
}

fn status(file: &Path) -> String {
    let output = dinv().arg("inspect").arg(file).arg("--json").assert().success();
    let json: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    json["status"].as_str().unwrap().to_owned()
}

#[test]
fn a_run_prints_a_summary_and_writes_the_file() {
    let folder = folder();
    let output = run(folder.path(), &["decay.toml", "-o", "x.h5"]).success().get_output().clone();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("complete") && text.contains("x.h5"), "{text}");
    assert_eq!(status(&folder.path().join("x.h5")), "complete");
    // Standard error carries plain progress lines and nothing else.
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.lines().count() >= 1 && !log.contains(['\r', '\u{1b}']), "{log}");
    assert!(log.contains("integrate linear: done in "), "{log}");
}

#[test]
fn json_is_one_object_and_quiet_runs_are_silent() {
    let folder = folder();
    let output = run(folder.path(), &["decay.toml", "-o", "x.h5", "--json", "--no-progress"]);
    let output = output.success().get_output().clone();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for field in [
        "status",
        "stop_reason",
        "t_end",
        "n_steps",
        "n_rejected",
        "n_rhs",
        "residual_norm",
        "steady_state_error",
        "wall_seconds",
        "file",
    ] {
        assert!(json.get(field).is_some(), "{field} is missing in {json}");
    }
    assert_eq!(json["t_end"], 10.0);
    assert!(output.stderr.is_empty());
    let output = run(folder.path(), &["decay.toml", "-o", "y.h5", "-q"]).success();
    assert!(output.get_output().stdout.is_empty() && output.get_output().stderr.is_empty());
}

#[test]
fn an_existing_file_is_refused_before_computing() {
    let folder = folder();
    fs::write(folder.path().join("x.h5"), "precious").unwrap();
    let begun = Instant::now();
    let arguments = [&["decay.toml", "-o", "x.h5"], &LONG[..]].concat();
    let output = run(folder.path(), &arguments).code(4).get_output().clone();
    assert!(begun.elapsed() < Duration::from_secs(30), "it was computed first");
    assert!(String::from_utf8_lossy(&output.stderr).contains("--force"));
    assert_eq!(fs::read_to_string(folder.path().join("x.h5")).unwrap(), "precious");
    run(folder.path(), &["decay.toml", "-o", "x.h5", "--force"]).success();
}

#[test]
fn a_model_may_come_from_standard_input() {
    let folder = folder();
    let mut command = dinv();
    command.current_dir(folder.path()).args(["run", "-", "-o", "x.h5"]).write_stdin(DECAY);
    command.assert().success();
    assert_eq!(status(&folder.path().join("x.h5")), "complete");
}

#[test]
fn model_errors_name_the_place_and_exit_with_2() {
    let folder = folder();
    let misspelt = DECAY.replace("t_span", "t_spam");
    fs::write(folder.path().join("bad.toml"), misspelt).unwrap();
    let output = run(folder.path(), &["bad.toml", "-o", "x.h5"]).code(2).get_output().clone();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("bad.toml:12:1") && text.contains("did you mean `t_span`"), "{text}");
    let output = run(folder.path(), &["decay.toml", "--set", "dynamics.linear.aa=3"]).code(2);
    let text = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(text.contains("--set") && text.contains("dynamics.linear.aa"), "{text}");
    assert!(output.get_output().stdout.is_empty());
    assert!(!folder.path().join("x.h5").exists());
    run(folder.path(), &["missing.toml"]).code(4);
}

#[test]
fn a_failed_run_exits_with_3_and_keeps_the_rows_it_reached() {
    let folder = folder();
    let arguments = ["decay.toml", "-o", "x.h5", "--set", "solver.dopri5.max_steps=3"];
    let output = run(folder.path(), &arguments).code(3).get_output().clone();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("error: max_steps = 3 reached at t = "), "{text}");
    assert_eq!(status(&folder.path().join("x.h5")), "failed");
    assert!(!folder.path().join("x.h5.partial").exists());
}

/// A reader that goes away loses the summary, not the file.
#[test]
fn a_closed_pipe_does_not_stop_the_run() {
    let folder = folder();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(assert_cmd::cargo::cargo_bin!("dinv"))
        .current_dir(folder.path())
        .args(["run", "decay.toml", "-o", "x.h5", "--no-progress"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert!(matches!(output.status.code(), Some(0 | 141)), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    assert_eq!(status(&folder.path().join("x.h5")), "complete");
}

/// Starts a run of minutes and waits until it has written rows.
fn start_long(folder: &Path, limit: Option<u32>) -> Child {
    let limit = limit.map_or_else(String::new, |kib| format!("ulimit -f {kib}; "));
    let child = Command::new("bash")
        .current_dir(folder)
        .args(["-c", &format!("{limit}exec \"$0\" run decay.toml -o x.h5 \"$@\"")])
        .arg(assert_cmd::cargo::cargo_bin!("dinv"))
        .args(LONG)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let partial = folder.join("x.h5.partial");
    let begun = Instant::now();
    while fs::metadata(&partial).map_or(0, |found| found.len()) < 20_000 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no rows were written");
        sleep(Duration::from_millis(10));
    }
    child
}

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").arg(name).arg(child.id().to_string()).status().unwrap();
    assert!(status.success());
}

#[test]
fn an_interrupted_run_leaves_a_valid_file() {
    for (name, code) in [("-INT", 130), ("-TERM", 143)] {
        let folder = folder();
        let child = start_long(folder.path(), None);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert_eq!(status(&folder.path().join("x.h5")), "interrupted");
        assert!(!folder.path().join("x.h5.partial").exists());
    }
}

#[test]
fn a_killed_run_leaves_nothing_under_the_final_name() {
    let folder = folder();
    let child = start_long(folder.path(), None);
    signal(&child, "-KILL");
    child.wait_with_output().unwrap();
    assert!(!folder.path().join("x.h5").exists());
    // What is left does not stand in the way of the next run.
    run(folder.path(), &["decay.toml", "-o", "x.h5"]).success();
    assert_eq!(status(&folder.path().join("x.h5")), "complete");
}

#[test]
fn a_file_size_limit_is_reported_as_such() {
    let folder = folder();
    let output = start_long(folder.path(), Some(100)).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("error: ") && text.contains("File too large"), "{text}");
    assert!(!folder.path().join("x.h5").exists());
}

/// Other systems refuse names that are not UTF-8.
#[cfg(target_os = "linux")]
#[test]
fn odd_names_work_and_do_not_collide() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = folder();
    let odd: [(&[u8], &[u8]); 3] = [
        (b"caf\xe9.toml", b"r\xe9s.h5"),
        (b"caf\xe8.toml", b"r\xe8s.h5"),
        (b"-a b.toml", b"a b.h5"),
    ];
    for (model, result) in odd {
        let (model, result) = (OsStr::from_bytes(model), OsStr::from_bytes(result));
        let mut file = fs::File::create(folder.path().join(model)).unwrap();
        file.write_all(DECAY.as_bytes()).unwrap();
        let mut command = dinv();
        command.current_dir(folder.path()).args(["run", "-o"]).arg(result).arg("--").arg(model);
        command.assert().success();
        assert_eq!(status(&folder.path().join(result)), "complete");
    }
}
