//! What is checked before anything is computed, and what happens to names.

use std::path::Path;

use dynamic_inversion::dynamics::StateLayout;
use dynamic_inversion::results::{
    self, Header, ResultError, ResultReader, RowLayout, Status, check_output, free_space,
};

use crate::open_files;

fn write(path: &Path, value: f64) -> Result<(), ResultError> {
    let mut writer = results::create(path, false, &Header::default())?;
    writer.start_rows(RowLayout::trajectory(&StateLayout::new(1).with("state", 1, "x"), &[]))?;
    writer.append_row(0.0, &[value], &[])?;
    writer.finish(Status::Complete).map(|_| ())
}

fn names(folder: &Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    names
}

#[test]
fn checking_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    check_output(&folder.path().join("a.h5"), false).unwrap();
    assert!(names(folder.path()).is_empty());
    assert!(free_space(&folder.path().join("a.h5")).unwrap() > 0);
}

#[test]
fn bad_outputs_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let said = |path: &Path| check_output(path, false).unwrap_err().to_string();
    assert!(said(&at("none/a.h5")).contains("No such file or directory"));
    assert!(said(&at(&format!("{}.h5", "x".repeat(300)))).contains("File name too long"));
    assert!(said(&at("a.hdf")).contains("unknown result format \"hdf\""));
    assert!(said(&at("a")).contains("use .h5, .nc, .csv or .json"));
    std::fs::create_dir(at("folder.h5")).unwrap();
    assert!(matches!(check_output(&at("folder.h5"), true), Err(ResultError::NotAFile { .. })));
    std::fs::write(at("there.h5"), "precious").unwrap();
    assert!(said(&at("there.h5")).contains("--force"));
    assert!(results::create(&at("there.h5"), false, &Header::default()).is_err());
    assert_eq!(std::fs::read(at("there.h5")).unwrap(), b"precious");
}

#[test]
fn force_replaces_only_when_the_new_file_is_done() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.h5", "a.csv", "a.json"] {
        let path = folder.path().join(name);
        std::fs::write(&path, "old").unwrap();
        let _open = open_files();
        let writer = results::create(&path, true, &Header::default()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        writer.finish(Status::Complete).unwrap();
        assert_ne!(std::fs::read(&path).unwrap(), b"old");
    }
    assert_eq!(names(folder.path()), ["a.csv", "a.h5", "a.json"]);
}

#[test]
fn a_name_taken_meanwhile_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let _open = open_files();
    let writer = results::create(&path, false, &Header::default()).unwrap();
    std::fs::write(&path, "someone else's").unwrap();
    assert!(matches!(writer.finish(Status::Complete), Err(ResultError::Exists { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), b"someone else's");
    assert_eq!(
        ResultReader::open(&folder.path().join("a.h5.partial")).unwrap().status().unwrap(),
        Status::Complete
    );
}

#[test]
fn odd_names_work() {
    let folder = tempfile::tempdir().unwrap();
    let longest = format!("{}.h5", "x".repeat(252));
    for name in ["with space.h5", "-dash.h5", "β.nc", "100%d.h5", longest.as_str()] {
        let path = folder.path().join(name);
        let _open = open_files();
        write(&path, 1.0).unwrap();
        assert_eq!(ResultReader::open(&path).unwrap().f64s("trajectory/state").unwrap(), [1.0]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_unicode_work_and_never_collide() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join(OsStr::from_bytes(b"caf\xe9"));
    std::fs::create_dir(&inner).unwrap();
    let paths = [&b"r\xe9s.h5"[..], b"r\xe8s.h5", "r\u{fffd}s.h5".as_bytes()]
        .map(|name| inner.join(OsStr::from_bytes(name)));
    let _open = open_files();
    for (k, path) in paths.iter().enumerate() {
        write(path, k as f64).unwrap();
    }
    for (k, path) in paths.iter().enumerate() {
        assert_eq!(ResultReader::open(path).unwrap().f64s("trajectory/state").unwrap(), [k as f64]);
    }
    assert_eq!(names(&inner).len(), 3);
}
