//! Killed runs, full disks, files that are in use.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use dynamic_inversion::dynamics::{Observable, StateLayout};
use dynamic_inversion::results::{
    self, Header, ResultError, ResultReader, RowLayout, Status, check_output,
};

use crate::{open_files, start};

/// The folder in which the child of a test writes, handed over in the environment.
const FOLDER: &str = "DINV_TEST_FOLDER";

/// This test binary again, running only the test `name`.
fn child(name: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "--ignored", "--nocapture", "--test-threads=1", name])
        .env(FOLDER, folder);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn own_folder() -> std::path::PathBuf {
    std::env::var_os(FOLDER).expect("started by another test").into()
}

/// Writes rows until it is killed or the file system refuses.
fn write_rows(path: &Path) -> Result<(), ResultError> {
    let mut writer = results::create(path, false, &Header::default())?;
    let layout =
        StateLayout::new(1).with("state", 300, "activity").with("controller", 3, "control");
    writer.start_rows(RowLayout::trajectory(&layout, &[Observable::new("residual", "norm")]))?;
    println!("{}", writer.partial_path().display());
    for k in 0..1_000_000 {
        let t = f64::from(k);
        let row: Vec<f64> = (0..303).map(|i| (t + f64::from(i)).sin()).collect();
        writer.append_row(t, &row, &[t])?;
        if k == 5000 {
            println!("under way");
        }
    }
    writer.finish(Status::Complete).map(|_| ())
}

#[test]
#[ignore = "the child of killed_runs_leave_whole_rows_marked_running"]
fn endless_writer() {
    write_rows(&own_folder().join("out.h5")).unwrap();
}

#[test]
fn killed_runs_leave_whole_rows_marked_running() {
    for delay_ms in [0, 7, 23] {
        let folder = tempfile::tempdir().unwrap();
        let mut process = start(&mut child("crash::endless_writer", folder.path()));
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.map(Result::unwrap).any(|line| line.ends_with("under way")));
        std::thread::sleep(std::time::Duration::from_millis(delay_ms));
        process.kill().unwrap();
        process.wait().unwrap();
        assert!(!folder.path().join("out.h5").exists());

        let _open = open_files();
        let reader = ResultReader::open(&folder.path().join("out.h5.partial")).unwrap();
        assert_eq!(reader.status().unwrap(), Status::Running);
        let times = reader.f64s("trajectory/time").unwrap();
        assert!(times.len() >= 2048, "{} rows", times.len());
        let state = reader.f64s("trajectory/state").unwrap();
        assert_eq!(state.len(), 300 * times.len());
        for (k, row) in state.chunks_exact(300).enumerate() {
            assert_eq!(times[k], k as f64);
            assert!(
                row.iter().enumerate().all(|(i, &value)| value == ((k + i) as f64).sin()),
                "row {k}"
            );
        }
        assert_eq!(reader.f64s("trajectory/residual").unwrap(), times);
    }
}

#[test]
#[ignore = "the child of a_full_disk_is_an_error_that_says_so"]
fn writer_on_a_full_disk() {
    for format in ["h5", "csv", "json"] {
        let error = write_rows(&own_folder().join("full").with_extension(format)).unwrap_err();
        println!("error: {error}");
    }
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let writer = child("crash::writer_on_a_full_disk", folder.path());
    // The limit counts blocks of 512 or 1024 bytes; its signal would end the process before the
    // call that hit it could fail.
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 2000; exec \"$0\" \"$@\""])
        .arg(writer.get_program())
        .args(writer.get_args());
    limited.env(FOLDER, folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = start(&mut limited).wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for format in ["h5", "csv", "json"] {
        let error = said
            .lines()
            .find(|line| line.contains("error: ") && line.contains(&format!("full.{format}")))
            .unwrap();
        assert!(error.contains("File too large"), "{error}");
        assert!(!folder.path().join("full").with_extension(format).exists());
        assert!(folder.path().join(format!("full.{format}.partial")).exists());
    }
}

#[test]
#[ignore = "the child of files_in_use_are_refused_before_computing"]
fn holder() {
    let folder = own_folder();
    let _reading = hdf5::File::open(folder.join("held.h5")).unwrap();
    let mut _writing =
        results::create(&folder.join("other.csv"), false, &Header::default()).unwrap();
    println!("holding");
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[test]
fn files_in_use_are_refused_before_computing() {
    let folder = tempfile::tempdir().unwrap();
    let held = folder.path().join("held.h5");
    let open = open_files();
    results::create(&held, false, &Header::default()).unwrap().finish(Status::Complete).unwrap();
    drop(open);
    check_output(&held, true).unwrap();
    let mut process = start(child("crash::holder", folder.path()).stdin(Stdio::piped()));
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().map(Result::unwrap).any(|line| line.ends_with("holding")));

    assert!(matches!(check_output(&held, false), Err(ResultError::Exists { .. })));
    let refused = check_output(&held, true).unwrap_err();
    assert!(matches!(&refused, ResultError::InUse { path } if *path == held), "{refused}");
    assert!(refused.to_string().contains("in use by another process"));
    // The other process is still writing this one.
    assert!(matches!(
        check_output(&folder.path().join("other.csv"), false),
        Err(ResultError::InUse { .. })
    ));
    assert!(folder.path().join("other.csv.partial").exists());

    process.stdin.take();
    process.wait().unwrap();
    check_output(&held, true).unwrap();
    check_output(&folder.path().join("other.csv"), false).unwrap();
}
