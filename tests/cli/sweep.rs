//! `dinv sweep` as a process: kills, signals, full disks, shards, batch systems.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::dinv;

/// Forty points of some ten milliseconds each.
const MAP: &str = r#"
schema_version = 1
[dynamics.linear]
a = [[-0.1, 1.0], [-1.0, -0.1]]
b = [0.1, 0.0]
[initial]
values = [1.0, 0.0]
[solver.rk4]
step = 1e-3
[run]
t_span = [0, 30]
save_at = "end"
[sweep]
command = "run"
collect = ["t_end", "residual_norm", "n_steps", "stop_reason"]
[sweep.grid]
"dynamics.linear.b[0]" = { linear = { from = 0.1, to = 1.0, count = 40 } }
"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("map.toml"), MAP).unwrap();
    folder
}

fn sweep(folder: &Path, arguments: &[&str]) -> Output {
    let output = dinv().current_dir(folder).args(["sweep"]).args(arguments).output();
    output.unwrap()
}

fn text(output: &Output) -> String {
    let all = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8(all).unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(output)))
}

/// The result of a sweep that nothing disturbs.
fn undisturbed() -> Vec<u8> {
    let folder = folder();
    let output = sweep(folder.path(), &["map.toml", "-q"]);
    assert!(output.status.success(), "{}", text(&output));
    fs::read(folder.path().join("map.h5")).unwrap()
}

fn start(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin("dinv"))
        .current_dir(folder)
        .args(["sweep", "map.toml", "--threads", "1", "--no-progress"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn finished(folder: &Path) -> usize {
    let output = sweep(folder, &["status", "map.h5.points", "--json"]);
    if output.status.success() { json(&output)["finished"].as_u64().unwrap() as usize } else { 0 }
}

fn wait_for_some(folder: &Path) {
    let began = Instant::now();
    while finished(folder) < 3 {
        assert!(began.elapsed() < Duration::from_secs(30), "no point is finished");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_killed_sweep_goes_on_and_ends_with_the_same_bytes() {
    let whole = undisturbed();
    let folder = folder();
    let mut child = start(folder.path(), &[]);
    wait_for_some(folder.path());
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    let before = finished(folder.path());
    assert!((3..40).contains(&before), "{before} points");
    assert!(!folder.path().join("map.h5").exists());
    let output = sweep(folder.path(), &["map.toml", "--resume", "--json"]);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(json(&output)["computed"], 40 - before);
    assert!(fs::read(folder.path().join("map.h5")).unwrap() == whole);
}

#[test]
fn a_terminated_sweep_leaves_a_valid_file_and_goes_on() {
    let whole = undisturbed();
    let folder = folder();
    let child = start(folder.path(), &["--json"]);
    wait_for_some(folder.path());
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(143), "{}", text(&output));
    let report = json(&output);
    assert_eq!(report["status"], "interrupted");
    assert!(report["missing"].as_u64().unwrap() > 0);
    let inspected = dinv().current_dir(folder.path()).args(["inspect", "map.h5"]).output().unwrap();
    assert!(text(&inspected).contains("interrupted"), "{}", text(&inspected));
    let output = sweep(folder.path(), &["map.toml", "--resume", "--threads", "3"]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(fs::read(folder.path().join("map.h5")).unwrap() == whole);
}

#[test]
fn a_full_disk_ends_the_sweep_with_the_reason_and_loses_no_point() {
    let whole = undisturbed();
    let folder = folder();
    // Room for the plan and some points, in blocks of 1024 bytes.
    let limited = "ulimit -f 5; exec \"$0\" sweep map.toml --no-progress --threads 1";
    let output = Command::new("bash")
        .current_dir(folder.path())
        .args(["-c", limited])
        .arg(assert_cmd::cargo::cargo_bin("dinv"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    assert!(text(&output).contains("finished point"), "{}", text(&output));
    assert!(text(&output).contains("--resume"), "{}", text(&output));
    let before = finished(folder.path());
    assert!((3..40).contains(&before), "{before} points");
    let output = sweep(folder.path(), &["map.toml", "--resume", "--json"]);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(json(&output)["computed"], 40 - before);
    assert!(fs::read(folder.path().join("map.h5")).unwrap() == whole);
}

#[test]
fn shards_are_joined_into_the_same_bytes() {
    let whole = undisturbed();
    let folder = folder();
    for shard in ["2/3", "1/3"] {
        let output = sweep(folder.path(), &["map.toml", "--shard", shard]);
        assert!(output.status.success(), "{}", text(&output));
        assert!(text(&output).contains(shard), "{}", text(&output));
    }
    let output = sweep(folder.path(), &["merge", "map.h5.points", "-o", "part.h5"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output).contains("13 of 40 points are missing"), "{}", text(&output));
    assert!(sweep(folder.path(), &["map.toml", "--shard", "3/3"]).status.success());
    let output = sweep(folder.path(), &["merge", "map.h5.points"]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(fs::read(folder.path().join("map.h5")).unwrap() == whole);
    let again = sweep(folder.path(), &["merge", "map.h5.points"]);
    assert_eq!(again.status.code(), Some(4));
    assert!(text(&again).contains("--force"), "{}", text(&again));
}

#[test]
fn shards_that_start_at_the_same_time_do_not_disturb_each_other() {
    let folder = folder();
    for round in 0..5 {
        let output = format!("round{round}.h5");
        let shards: Vec<Child> = (1..=8)
            .map(|shard| start(folder.path(), &["--shard", &format!("{shard}/8"), "-o", &output]))
            .collect();
        for shard in shards {
            let output = shard.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", text(&output));
        }
        let merged = sweep(folder.path(), &["merge", &format!("{output}.points")]);
        assert!(merged.status.success(), "{}", text(&merged));
    }
}

#[test]
fn exit_codes_tell_failed_points_from_wrong_arguments() {
    let folder = folder();
    let code = |arguments: &[&str]| sweep(folder.path(), arguments).status.code();
    for shard in ["0/2", "3/2", "x"] {
        assert_eq!(code(&["map.toml", "--shard", shard]), Some(2), "{shard}");
    }
    assert_eq!(code(&[]), Some(2));
    assert_eq!(code(&["map.toml", "--set", "sweep.grid={}"]), Some(2));
    assert_eq!(code(&["map.toml", "--dry-run"]), Some(2));
    assert_eq!(code(&["status", "nowhere"]), Some(4));
    assert!(!folder.path().join("map.h5.points").exists());
    // x' = 1e9 x leaves the range of numbers.
    let grid = "sweep.grid={\"dynamics.linear.a[0][0]\" = [-0.1, 1e9]}";
    let output = sweep(folder.path(), &["map.toml", "--set", grid, "-o", "f.h5"]);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(text(&output).contains("1 of 2 points failed"), "{}", text(&output));
}

#[test]
fn a_dry_run_prints_scripts_that_a_shell_accepts_and_writes_nothing() {
    let folder = folder();
    let arguments = [
        "map.toml",
        "--slurm",
        "--dry-run",
        "--partition",
        "long",
        "--time",
        "1:00:00",
        "--mem",
        "2G",
        "--account",
        "lab",
        "--max-jobs",
        "7",
        "--set",
        "title=it's \"mine\"",
        "--seed",
        "3",
    ];
    let output = sweep(folder.path(), &arguments);
    assert!(output.status.success(), "{}", text(&output));
    let shown = text(&output);
    for line in [
        "#SBATCH --partition=long",
        "#SBATCH --time=1:00:00",
        "#SBATCH --mem=2G",
        "#SBATCH --account=lab",
        "#SBATCH --array=1-7",
        "#SBATCH --requeue",
        "--shard \"$SLURM_ARRAY_TASK_ID/7\"",
        "sweep merge",
        "--dependency=afterany:JOB",
    ] {
        assert!(shown.contains(line), "{line} is missing in\n{shown}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let output = sweep(folder.path(), &[&arguments[..], &["--json"]].concat());
    let script = json(&output)["scripts"][0][1].as_str().unwrap().to_owned();
    let checked = Command::new("sh").args(["-n", "-c", &script]).status().unwrap();
    assert!(checked.success(), "{script}");
    assert_eq!(
        sweep(folder.path(), &["map.toml", "--slurm", "--partition", "a b"]).status.code(),
        Some(2)
    );
}

/// Programs called `sbatch` and `squeue` that run every task at once, in order, but for those in
/// `lost`.
fn batch_system(folder: &Path, lost: &str) -> PathBuf {
    let programs = folder.join("bin");
    fs::create_dir_all(&programs).unwrap();
    let sbatch = format!(
        r#"#!/bin/bash
for last; do :; done
echo "$@" >> "$(dirname "$0")/../sbatch.log"
array=$(sed -n 's/^#SBATCH --array=//p' "$last" | tr ',' ' ')
for range in $array; do
  for task in $(seq "${{range%-*}}" "${{range#*-}}"); do
    case " {lost} " in *" $task "*) continue;; esac
    SLURM_ARRAY_TASK_ID=$task sh "$last" > /dev/null 2>&1
  done
done
[ -n "$array" ] || sh "$last" > /dev/null 2>&1
echo 4711
"#
    );
    for (name, text) in [("sbatch", sbatch.as_str()), ("squeue", "#!/bin/sh\nexit 0\n")] {
        let path = programs.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    programs
}

#[test]
fn a_job_array_computes_all_points_and_lost_tasks_are_submitted_again() {
    let whole = undisturbed();
    // A name that a shell would take apart.
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("it's a $place");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("map.toml"), MAP).unwrap();
    let submit = |lost: &str, arguments: &[&str]| {
        let path = batch_system(&folder, lost);
        let path = format!("{}:{}", path.display(), std::env::var("PATH").unwrap());
        let mut command = dinv();
        command.current_dir(&folder).env("PATH", path);
        command.args(["sweep", "map.toml", "--slurm", "--max-jobs", "8"]).args(arguments);
        command.output().unwrap()
    };
    let output = submit("3 4", &["--json"]);
    assert!(output.status.success(), "{}", text(&output));
    let report = json(&output);
    assert_eq!((report["array"].as_str(), report["job"].as_str()), (Some("1-8"), Some("4711")));
    assert_eq!(finished(&folder), 30);
    let output = submit("", &["--resume", "--json"]);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(json(&output)["array"], "3-4");
    assert!(fs::read(folder.join("map.h5")).unwrap() == whole);
    let calls = fs::read_to_string(folder.join("sbatch.log")).unwrap();
    assert_eq!(calls.matches("--dependency=afterany:4711").count(), 2, "{calls}");
    let output = submit("", &["--resume"]);
    assert!(text(&output).contains("all 40 points are finished"), "{}", text(&output));
}

#[test]
fn a_batch_system_that_refuses_is_quoted() {
    let folder = folder();
    let programs = folder.path().join("bin");
    fs::create_dir(&programs).unwrap();
    let sbatch = programs.join("sbatch");
    fs::write(&sbatch, "#!/bin/sh\necho 'invalid partition specified: long' >&2\nexit 1\n")
        .unwrap();
    fs::set_permissions(&sbatch, fs::Permissions::from_mode(0o755)).unwrap();
    let output = dinv()
        .current_dir(folder.path())
        .env("PATH", &programs)
        .args(["sweep", "map.toml", "--slurm"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output).contains("invalid partition specified: long"), "{}", text(&output));
}
