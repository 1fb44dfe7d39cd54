//! The program as a process.

use std::ffi::OsStr;
use std::io::Read;
use std::process::{Command, Stdio};

use super::dinv;

fn stdout(arguments: &[&str]) -> String {
    let output = dinv().args(arguments).assert().success().get_output().clone();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn help_reads_well() {
    let help = stdout(&["--help"]);
    assert!(help.lines().all(|line| line.chars().count() <= 100));
    insta::assert_snapshot!(help.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn short_and_long_help_agree_and_every_command_has_one() {
    assert_eq!(stdout(&["-h"]), stdout(&["--help"]));
    assert_eq!(stdout(&["help"]), stdout(&["--help"]));
    let command = dynamic_inversion::cli::help::command(clap::ColorChoice::Never);
    for name in command.get_subcommands().map(clap::Command::get_name) {
        let help = stdout(&[name, "--help"]);
        assert!(help.contains(&format!("Usage: dinv {name}")), "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
}

#[test]
fn version_is_one_line() {
    assert_eq!(stdout(&["--version"]), format!("dinv {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn usage_errors_exit_with_2_and_leave_stdout_empty() {
    for arguments in [
        &["--nonsense"][..],
        &["lits"],
        &[],
        &["list", "nothing"],
        &["list", "--color", "sometimes"],
        &["list", "-q", "-v"],
        &["completions"],
        &["man", "nothing"],
    ] {
        let output = dinv().args(arguments).assert().code(2).get_output().clone();
        assert!(output.stdout.is_empty(), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_misspelt_command_is_answered_with_the_nearest() {
    let output = dinv().arg("lits").assert().code(2).get_output().clone();
    assert!(String::from_utf8_lossy(&output.stderr).contains("'list'"));
}

#[test]
fn lists_are_text_or_one_json_object() {
    let text = stdout(&["list", "activations"]);
    assert!(text.starts_with("activations\n") && text.contains("leaky-relu"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&stdout(&["list", "--json"])).unwrap();
    let names: Vec<&str> = json["activations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"tanh"), "{json}");
}

#[test]
fn completions_exist_for_the_usual_shells() {
    for (shell, mark) in
        [("bash", "complete -F"), ("zsh", "#compdef dinv"), ("fish", "complete -c dinv")]
    {
        let script = stdout(&["completions", shell]);
        assert!(script.contains(mark) && script.contains("no-progress"), "{shell}");
    }
}

/// The shell itself accepts its script.
#[test]
fn bash_loads_its_completions() {
    let script = stdout(&["completions", "bash"]);
    let status = Command::new("bash").args(["-n", "-c", &script]).status().unwrap();
    assert!(status.success());
}

#[test]
fn manual_pages_describe_the_program_and_each_command() {
    let page = stdout(&["man"]);
    assert!(page.contains(".TH dinv 1") && page.contains(".SH SYNOPSIS"), "{page}");
    let page = stdout(&["man", "list"]);
    assert!(page.contains(".TH dinv-list 1") && page.contains("dinv list"), "{page}");
}

/// Runs with standard output connected to a reader that goes away at once.
#[test]
fn a_closed_pipe_is_silent() {
    for arguments in [&["list"][..], &["man"], &["completions", "zsh"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("dinv"))
            .args(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut complaints = String::new();
        child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
        let code = child.wait().unwrap().code();
        assert!(matches!(code, Some(0 | 141)), "{arguments:?}: {code:?}");
        assert_eq!(complaints, "", "{arguments:?}");
    }
}

#[test]
fn an_error_with_standard_error_closed_does_not_panic() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("dinv"))
        .args(["man", "nothing"])
        .stderr(writer)
        .spawn()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_an_error() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(assert_cmd::cargo::cargo_bin!("dinv"))
        .arg("list")
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.starts_with("error: cannot write to standard output"), "{text}");
}

#[cfg(unix)]
#[test]
fn arguments_that_are_not_utf8_do_not_panic() {
    use std::os::unix::ffi::OsStrExt;
    let odd = OsStr::from_bytes(b"caf\xe9.toml");
    for arguments in [vec![odd], vec![OsStr::new("list"), odd], vec![OsStr::new("man"), odd]] {
        let output = dinv().args(&arguments).assert().code(2).get_output().clone();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.starts_with("error:") && !text.contains("panicked"), "{text}");
    }
    let output = dinv().arg("inspect").arg(odd).assert().code(4).get_output().clone();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.starts_with("error: caf") && !text.contains("panicked"), "{text}");
}

#[test]
fn colour_follows_the_flag_then_the_environment() {
    let coloured = |arguments: &[&str], environment: Option<(&str, &str)>| {
        let mut command = dinv();
        command.args(arguments).envs(environment);
        let output = command.assert().get_output().clone();
        output.stdout.contains(&0x1b) || output.stderr.contains(&0x1b)
    };
    // Neither stream is a terminal here.
    assert!(!coloured(&["list"], None));
    assert!(coloured(&["list", "--color", "always"], None));
    assert!(coloured(&["list", "--color=always"], Some(("NO_COLOR", "1"))));
    assert!(coloured(&["list"], Some(("CLICOLOR_FORCE", "1"))));
    assert!(!coloured(&["list", "--color=never"], Some(("CLICOLOR_FORCE", "1"))));
    // The same for help, usage errors and other errors.
    for arguments in [&["--help"][..], &["list", "nothing"], &["man", "nothing"]] {
        assert!(!coloured(arguments, None));
        assert!(coloured(&[&["--color", "always"], arguments].concat(), None));
        assert!(!coloured(
            &[arguments, &["--color=never"]].concat(),
            Some(("CLICOLOR_FORCE", "1"))
        ));
    }
}

#[test]
fn inspect_shows_a_result_as_text_and_json() {
    use dynamic_inversion::results::{Group, Header, Status, Variable, create};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("réponse.h5");
    let mut writer = create(&path, false, &Header::default()).unwrap();
    let mut group = Group::new("stability");
    group.push(Variable::scalar("spectral_abscissa", -0.25));
    writer.write_group(&group).unwrap();
    writer.finish(Status::Interrupted).unwrap();
    let path = path.to_str().unwrap();

    let text = stdout(&["inspect", path]);
    assert!(text.contains("interrupted") && text.contains("spectral_abscissa"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&stdout(&["inspect", path, "--json"])).unwrap();
    assert_eq!(json["status"], "interrupted");
    assert_eq!(json["groups"][0]["variables"][0]["value"], -0.25);
}

#[test]
fn files_that_cannot_be_read_exit_with_4() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = folder.path().join("text.h5");
    std::fs::write(&foreign, "not HDF5").unwrap();
    let long = "x".repeat(300);
    for path in [foreign.to_str().unwrap(), "missing.h5", "-", &long] {
        let output = dinv().args(["inspect", path]).assert().code(4).get_output().clone();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.starts_with(&format!("error: {path}: ")), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(output.stdout.is_empty());
    }
}
