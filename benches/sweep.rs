//! Speed and memory of sweeps: cost per point beside the point's own work, against a shell loop of
//! single commands, with one and two threads, and the peak memory of many points.
//!
//! Prints one JSON object a line. Arguments name the cases to run; all of them without.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dynamic_inversion::experiment::stability::{StabilityOptions, stability};
use dynamic_inversion::experiment::sweep::{SweepOptions, sweep};
use dynamic_inversion::experiment::{Context, Interrupt, OutputOptions, Silent};
use dynamic_inversion::model::{Model, Override, SweepPlan};

/// A loop of 10 x 20 over leak and gain.
const LOOP: &str = r#"
schema_version = 1
[network]
sizes = [20, 10]
weights = { normal = { scale = 1.0 } }
[feedback.negative-transpose]
scale = 1.0
[dynamics.layerwise-inversion]
layer = 1
leak = 0.01
[sweep]
command = "stability"
collect = ["verdict", "spectral_abscissa", "critical.leak"]
[sweep.grid]
"dynamics.layerwise-inversion.leak" = { log = { from = 1e-3, to = 1.0, count = LEAKS } }
"feedback.negative-transpose.scale" = { linear = { from = 0.1, to = 2.0, count = GAINS } }
"#;

fn text(leaks: usize, gains: usize) -> String {
    LOOP.replace("LEAKS", &leaks.to_string()).replace("GAINS", &gains.to_string())
}

fn model(text: &str) -> Model {
    Model::parse("bench.toml", text, Path::new("."), &[]).expect("a model")
}

fn context(threads: usize) -> Context<'static> {
    let threads = NonZeroUsize::new(threads).expect("at least one");
    Context::new(&Silent, Interrupt::default(), threads)
}

/// Seconds of a sweep with its log and its result file; the least of three.
fn swept(model: &Model, threads: usize) -> f64 {
    let once = || {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Some(folder.path().join("map.h5"));
        let output = OutputOptions { path, ..OutputOptions::default() };
        let options = SweepOptions { output, ..SweepOptions::default() };
        let began = Instant::now();
        sweep(model, Path::new("bench.toml"), &options, &context(threads)).expect("a sweep");
        began.elapsed().as_secs_f64()
    };
    (0..3).map(|_| once()).fold(f64::INFINITY, f64::min)
}

/// Cost per point beyond calling the command on finished models.
fn overhead() {
    let model = model(&text(40, 50));
    let plan = SweepPlan::new(&model).expect("a plan");
    // What a sweep does not compute because nobody collects it.
    let spared = ["stability.stability_radius=false", "stability.transient_growth=false"];
    let spared = spared.map(|text| Override::parse(text).expect("an override"));
    let points: Vec<Model> = (0..plan.len())
        .map(|k| plan.model(k).and_then(|m| m.with(&spared)).expect("a point"))
        .collect();
    let own = || {
        let began = Instant::now();
        for point in &points {
            let found = stability(point, Path::new("p"), &StabilityOptions::default(), &context(1));
            std::hint::black_box(found.expect("a spectrum"));
        }
        began.elapsed().as_secs_f64()
    };
    let own = (0..3).map(|_| own()).fold(f64::INFINITY, f64::min) / points.len() as f64;
    let all = swept(&model, 1) / points.len() as f64;
    println!(
        "{{\"case\": \"overhead\", \"points\": {}, \"own_ms\": {:.4}, \"sweep_ms\": {:.4}, \"overhead_ms\": {:.4}}}",
        points.len(),
        1e3 * own,
        1e3 * all,
        1e3 * (all - own)
    );
}

/// `dinv sweep` against a shell loop of `dinv stability` over the same 200 points.
fn shell() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("map.toml"), text(20, 10)).expect("written");
    let dinv = env!("CARGO_BIN_EXE_dinv");
    let time = |script: &str| {
        let began = Instant::now();
        let status = Command::new("sh")
            .args(["-c", script, dinv])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("a shell");
        assert!(status.success(), "{script}");
        began.elapsed().as_secs_f64()
    };
    let best = |script: &str| (0..3).map(|_| time(script)).fold(f64::INFINITY, f64::min);
    let mut lines = String::new();
    let plan = SweepPlan::new(&model(&text(20, 10))).expect("a plan");
    for k in 0..plan.len() {
        let sets: Vec<String> = plan
            .point(k)
            .overrides
            .iter()
            .map(|o| format!("--set {}={}", o.key, o.value))
            .collect();
        lines += &format!("\"$0\" stability map.toml --json {}\n", sets.join(" "));
    }
    let (loops, sweep) = (best(&lines), best("\"$0\" sweep map.toml --force --quiet"));
    println!(
        "{{\"case\": \"shell\", \"points\": 200, \"shell_s\": {loops:.3}, \"sweep_s\": {sweep:.3}, \"ratio\": {:.1}}}",
        loops / sweep
    );
}

/// Two threads against one, on points of some milliseconds.
fn speedup() {
    let text =
        text(20, 10).replace("\"critical.leak\"", "\"stability_radius\", \"max_transient_growth\"");
    let model = model(&text);
    let (one, two) = (swept(&model, 1), swept(&model, 2));
    println!(
        "{{\"case\": \"speedup\", \"one_s\": {one:.3}, \"two_s\": {two:.3}, \"ratio\": {:.2}}}",
        one / two
    );
}

/// Peak memory of a thousand and of a hundred thousand points.
fn memory() {
    for (leaks, gains) in [(40, 25), (400, 250)] {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("map.toml"), text(leaks, gains)).expect("written");
        let began = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_dinv"))
            .args(["sweep", "map.toml", "--quiet"])
            .current_dir(folder.path())
            .spawn()
            .expect("a process");
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0;
        while child.try_wait().expect("a process").is_none() {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
            peak = peak.max(kib.unwrap_or(0));
            std::thread::sleep(Duration::from_millis(2));
        }
        println!(
            "{{\"case\": \"memory\", \"points\": {}, \"peak_mb\": {:.1}, \"seconds\": {:.2}}}",
            leaks * gains,
            peak as f64 / 1024.0,
            began.elapsed().as_secs_f64()
        );
    }
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let cases: [(&str, fn()); 4] =
        [("overhead", overhead), ("shell", shell), ("speedup", speedup), ("memory", memory)];
    for (name, case) in cases {
        if wanted.is_empty() || wanted.iter().any(|w| w == name) {
            case();
        }
    }
}
