//! Rows are streamed: memory does not grow with the length of a run.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// 300 units, so 1000 rows are 2.4 MB.
const WIDE: &str = "
schema_version = 1
[network]
sizes = [200, 100]
weights = { normal = { scale = 1.0 } }
[dynamics.layerwise-inversion]
layer = 1
leak = 0.1
[target]
normal = { scale = 0.5 }
[solver]
exact = {}
[run]
t_span = [0, 100]
save_at = { count = 2 }
";

/// The most memory that a run with this many rows has used, bytes, and the size of its file.
fn peak_of_run(rows: u32) -> (u64, u64) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wide.toml"), WIDE).unwrap();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("dinv"))
        .current_dir(folder.path())
        .args(["run", "wide.toml", "-q", "-o", "x.h5"])
        .arg(format!("--set=run.save_at.count={rows}"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    // The high-water mark is read until the process is gone: the last reading is a few milliseconds
    // before its end.
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = kib.map_or(peak, |kib| 1024 * kib);
        sleep(Duration::from_millis(2));
    }
    assert!(child.wait().unwrap().success());
    (peak, fs::metadata(folder.path().join("x.h5")).unwrap().len())
}

#[test]
fn memory_does_not_grow_with_the_rows() {
    let (short_peak, short_file) = peak_of_run(4_000);
    let (long_peak, long_file) = peak_of_run(20_000);
    let rows_more = 16_000 * 8 * 300;
    assert!(long_file > short_file + rows_more / 4, "{short_file} {long_file}");
    assert!(long_peak < short_peak + rows_more / 4, "{short_peak} {long_peak}");
    assert!(long_peak < 200_000_000, "{long_peak}");
}
