//! Writing, reading back and interoperability of result files.

#[path = "../support/mod.rs"]
mod support;

mod crash;
mod documented;
mod interop;
mod output;
mod overview;
mod round_trip;

use std::sync::{RwLock, RwLockReadGuard};

/// A child process inherits every HDF5 file that is open when it starts, and the lock on it. Tests
/// hold this for reading while they write and for writing while they start a process.
static OPEN_FILES: RwLock<()> = RwLock::new(());

/// Held while a test has files open.
fn open_files() -> RwLockReadGuard<'static, ()> {
    OPEN_FILES.read().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Starts a process that inherits no open file.
fn start(command: &mut std::process::Command) -> std::process::Child {
    let _none_open = OPEN_FILES.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    command.spawn().expect("the program exists")
}
