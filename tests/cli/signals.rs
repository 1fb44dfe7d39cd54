//! Signals, in a child process: the handlers are for the whole process.

use std::env;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::Duration;

use dynamic_inversion::cli::signals::listen;
use dynamic_inversion::error::ExitCode;
use dynamic_inversion::experiment::Interrupt;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::raise;

/// Names the part a child plays.
const PART: &str = "DINV_TEST_SIGNALS";

/// Runs this test binary again as a child that plays `part`, below `limit` KiB of file size.
fn child(part: &str, limit: Option<u32>) -> Output {
    let binary = env::current_exe().unwrap();
    let limit = limit.map_or_else(String::new, |kib| format!("ulimit -f {kib}; "));
    Command::new("bash")
        .args(["-c", &format!("{limit}exec \"$0\" --exact signals::part --nocapture")])
        .arg(binary)
        .env(PART, part)
        .output()
        .unwrap()
}

/// Not a test of its own: what the children do.
#[test]
fn part() {
    let Ok(part) = env::var(PART) else { return };
    let interrupt = listen().unwrap();
    assert_eq!(interrupt.signal(), None);
    let first = if part.starts_with("term") { SIGTERM } else { SIGINT };
    match part.as_str() {
        "int" | "term" => {
            raise(first).unwrap();
            println!("flag {:?}", wait(&interrupt));
        }
        "int-burst" | "term-burst" => {
            raise(first).unwrap();
            raise(first).unwrap();
            wait(&interrupt);
            sleep(Duration::from_millis(300));
            println!("burst survived");
        }
        "int-twice" | "term-twice" => {
            raise(first).unwrap();
            wait(&interrupt);
            println!("first survived");
            sleep(Duration::from_millis(300));
            raise(first).unwrap();
            sleep(Duration::from_secs(10));
            println!("second survived");
        }
        "large-file" => {
            let path = env::temp_dir().join(format!("dinv-signals-{}", std::process::id()));
            let written = File::create(&path).unwrap().write_all(&[0; 1 << 20]);
            std::fs::remove_file(&path).unwrap();
            println!("write {:?}", written.map_err(|e| e.kind() == ErrorKind::FileTooLarge));
        }
        other => panic!("unknown part {other}"),
    }
}

/// The exit code that belongs to the signal, once it has been noticed.
fn wait(interrupt: &Interrupt) -> Option<ExitCode> {
    for _ in 0..1000 {
        if let Some(signal) = interrupt.signal() {
            return Some(signal.exit_code());
        }
        sleep(Duration::from_millis(5));
    }
    None
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_first_signal_raises_the_flag_and_is_remembered() {
    for (part, code) in [("int", ExitCode::Interrupted), ("term", ExitCode::Terminated)] {
        let output = child(part, None);
        assert!(output.status.success(), "{output:?}");
        assert!(text(&output).contains(&format!("flag Some({code:?})")), "{output:?}");
    }
}

/// `timeout` and batch systems signal a process and then its group.
#[test]
fn a_signal_that_arrives_doubled_is_one_request() {
    for part in ["int-burst", "term-burst"] {
        let output = child(part, None);
        assert!(output.status.success(), "{output:?}");
        assert!(text(&output).contains("burst survived"), "{output:?}");
    }
}

#[test]
fn the_second_signal_exits_at_once() {
    for (part, code) in [("int-twice", 130), ("term-twice", 143)] {
        let output = child(part, None);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(text(&output).contains("first survived"), "{output:?}");
        assert!(!text(&output).contains("second survived"), "{output:?}");
    }
}

#[test]
fn a_file_size_limit_is_an_error_and_not_a_death() {
    let output = child("large-file", Some(64));
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output).contains("write Err(true)"), "{output:?}");
}
