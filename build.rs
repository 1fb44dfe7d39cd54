//! Links the high-level HDF5 library and records the git commit.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    link_dimension_scales();
    println!("cargo::rustc-env=DINV_COMMIT={}", commit());
}

/// Dimension scales live in `libhdf5_hl`, beside the library the bindings found; they export its
/// folder. With the feature `static` the bindings build and link both.
fn link_dimension_scales() {
    if env::var_os("CARGO_FEATURE_STATIC").is_none() {
        println!("cargo::rustc-link-lib=dylib=hdf5_hl");
    }
}

/// The commit of this checkout, `DINV_COMMIT` if the packager sets it, else `unknown`.
fn commit() -> String {
    println!("cargo::rerun-if-env-changed=DINV_COMMIT");
    if let Ok(given) = env::var("DINV_COMMIT") {
        return given;
    }
    from_git().unwrap_or_else(|| "unknown".to_owned())
}

fn from_git() -> Option<String> {
    let here = env::var("CARGO_MANIFEST_DIR").ok()?;
    let top = git(&here, &["rev-parse", "--show-toplevel"])?;
    // A copy of this crate inside another repository has no commit of its own.
    if Path::new(&top).canonicalize().ok()? != Path::new(&here).canonicalize().ok()? {
        return None;
    }
    // The log of HEAD changes with every commit and checkout.
    let log = git(&here, &["rev-parse", "--git-path", "logs/HEAD"])?;
    println!("cargo::rerun-if-changed={log}");
    git(&here, &["rev-parse", "HEAD"])
}

fn git(folder: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).current_dir(folder).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
