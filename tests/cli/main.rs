//! The command line as its users meet it: text, exit codes, pipes, signals.

mod arguments;
mod display;
mod hostile;
mod json;
#[cfg(target_os = "linux")]
mod memory;
mod program;
mod readme;
mod report;
mod run;
mod signals;
mod sweep;

/// The program under test, away from the settings of whoever runs the tests.
fn dinv() -> assert_cmd::Command {
    let mut command = assert_cmd::Command::cargo_bin("dinv").expect("cargo builds the program");
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LC_ALL", "RAYON_NUM_THREADS"]
    {
        command.env_remove(name);
    }
    command.env("LANG", "C.UTF-8");
    command
}
