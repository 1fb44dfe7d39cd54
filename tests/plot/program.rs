//! `dinv plot` as its users meet it.

use std::path::Path;

use super::files::{Folder, Rows};

fn dinv(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = assert_cmd::Command::cargo_bin("dinv").unwrap();
    let output = command.current_dir(folder).arg("plot").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_picture_lies_in_the_working_directory_and_is_not_overwritten() {
    let folder = Rows::new(3, 50).file();
    let elsewhere = tempfile::tempdir().unwrap();
    let file = folder.file();
    let file = file.to_str().unwrap();
    let (code, stdout, stderr) = dinv(elsewhere.path(), &[file]);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "out.png: trajectory\n", ""));
    let first = std::fs::read(elsewhere.path().join("out.png")).unwrap();

    let (code, stdout, stderr) = dinv(elsewhere.path(), &[file]);
    assert_eq!((code, stdout.as_str()), (4, ""));
    assert!(stderr.contains("--force"), "{stderr}");
    assert_eq!(dinv(elsewhere.path(), &[file, "--force"]).0, 0);
    assert_eq!(std::fs::read(elsewhere.path().join("out.png")).unwrap(), first);
    // Nothing else is left behind.
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 1);
}

#[test]
fn mistakes_are_named_with_their_exit_codes() {
    let folder = Rows::new(3, 50).file();
    for (arguments, code, message) in [
        (&["out.h5", "-o", "a.pdf"][..], 2, ".svg or .png"),
        (&["out.h5", "-o", "a"], 2, ".svg or .png"),
        (&["out.h5", "--picture", "trajectry"], 2, "the nearest is \"trajectory\""),
        (&["out.h5", "--picture", "spectrum"], 4, "stability/eigenvalue_re"),
        (&["out.h5", "--target", "1"], 2, "no target 1"),
        (&["out.h5", "-o", "missing/a.svg"], 4, "cannot write the picture"),
        (&["none.h5"], 4, "none.h5"),
    ] {
        let (found, stdout, stderr) = dinv(folder.path(), arguments);
        assert_eq!((found, stdout.as_str()), (code, ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_file_without_pictures_says_so() {
    let folder = Folder::with_groups(&[]);
    let (code, stdout, stderr) = dinv(folder.path(), &["out.h5"]);
    assert_eq!((code, stdout.as_str()), (4, ""));
    assert!(stderr.contains("nothing to draw"), "{stderr}");
}
