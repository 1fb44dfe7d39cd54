//! The published experiments.

use std::num::NonZeroUsize;
use std::path::Path;

use dynamic_inversion::experiment::train::{TrainOptions, TrainReport, train};
use dynamic_inversion::experiment::{Context, Interrupt, OutputOptions, Silent};
use dynamic_inversion::model::{KeyPath, Model, Override};
use dynamic_inversion::results::ResultReader;

use crate::support::repository;

fn run(name: &str, changes: &[(&str, &str)], file: &Path) -> TrainReport {
    let path = repository().join("models/papers").join(name);
    let changes: Vec<_> = changes
        .iter()
        .map(|(key, value)| Override::new("test", KeyPath::parse(key).unwrap(), value))
        .collect();
    let model = Model::load(&path, &changes).unwrap();
    let context = Context::new(&Silent, Interrupt::default(), NonZeroUsize::MIN);
    let output = OutputOptions { path: Some(file.to_owned()), ..OutputOptions::default() };
    train(&model, &path, &TrainOptions { output, resume: false }, &context).unwrap()
}

const LINEAR: &str = "podlaski2020-linear-regression.toml";
const SEEDS: usize = 5;
const RULES: usize = 10;
/// Rows, one per hundred updates, that come nearest to 200, 500, 1000 and 1999 examples.
const ROWS: [usize; 4] = [2, 5, 10, 20];

#[test]
fn errors_in_linear_regression_fall_as_published() {
    let folder = tempfile::tempdir().unwrap();
    let mut curves = Vec::new();
    for seed in 0..SEEDS {
        let file = folder.path().join(format!("{seed}.h5"));
        let (seed, metrics) = (seed.to_string(), "[{ nse = { every = 100 } }]");
        let report = run(LINEAR, &[("seed", &seed), ("training.metrics", metrics)], &file);
        // The loops of optimised feedback stay stable in the scheme that runs them.
        assert!(report.rules.iter().all(|r| r.unconverged == 0 && r.status == "complete"));
        curves.push(ResultReader::open(&file).unwrap().f64s("training/nse_train").unwrap());
    }
    let median = |row: usize, rule: usize| {
        let mut all: Vec<f64> = curves.iter().map(|c| c[row * RULES + rule]).collect();
        all.sort_by(f64::total_cmp);
        all[SEEDS / 2]
    };
    // Medians of three seeds of the published scripts, each with the ratios allowed. From 1000
    // examples on BP and FA scatter over decades: in a NumPy transcription the medians of three of
    // 50 seeds lie between 0.002 and 20 times these figures for BP after 1999 examples, and for FA
    // after 1000 at 0.01 to 0.6 times. These are the ranges of 95 % of medians of five.
    const CLOSE: (f64, f64) = (0.2, 5.0);
    let published = [
        ("BP", 0, [0.254, 5.7e-4, 6.3e-8, 2.4e-15], [CLOSE, CLOSE, (0.05, 2.0), (2e-3, 8.0)]),
        ("FA", 1, [0.023, 1.6e-4, 6.8e-7, 3.3e-13], [CLOSE, CLOSE, (0.01, 0.5), (1e-3, 2.0)]),
        ("PBP", 3, [0.041, 1.7e-4, 4.4e-8, 1.4e-15], [CLOSE; 4]),
        ("NDI 0.01", 4, [0.045, 8.5e-4, 1.6e-6, 1.1e-11], [CLOSE; 4]),
        ("NDI 0.001", 5, [0.050, 2.5e-4, 9.5e-8, 8.8e-15], [CLOSE; 4]),
        ("DI 0.01", 7, [0.045, 8.5e-4, 1.6e-6, 1.1e-11], [CLOSE; 4]),
        ("DI 0.001", 8, [0.032, 1.9e-4, 1.0e-7, 2.1e-14], [CLOSE; 4]),
    ];
    for (name, rule, expected, allowed) in published {
        for ((row, expected), (low, high)) in ROWS.into_iter().zip(expected).zip(allowed) {
            let ratio = median(row, rule) / expected;
            assert!((low..high).contains(&ratio), "{name}, row {row}: {ratio}");
        }
    }
}

#[test]
fn weak_leaks_stop_short_of_the_equilibrium_early_in_training() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.h5");
    let metrics = "[{ angle = { to = \"NDI 0.001\", every = 20 } }]";
    run(LINEAR, &[("training.metrics", metrics)], &file);
    let angles = ResultReader::open(&file).unwrap().f64s("training/angle_to_ndi_0_001").unwrap();
    let weak: Vec<f64> = angles.chunks_exact(RULES).map(|row| row[8]).collect();
    let worst = weak[..20].iter().copied().fold(0.0, f64::max);
    assert!((12.0..48.0).contains(&worst), "{worst} degrees: {weak:?}");
    assert!(weak[50..].iter().all(|a| *a < 0.1), "{weak:?}");
}

#[test]
fn nonlinear_regression_learns_in_both_presets() {
    let folder = tempfile::tempdir().unwrap();
    for preset in ["published", "corrected"] {
        let file = folder.path().join(format!("{preset}.h5"));
        let preset = format!("\"{preset}\"");
        let changes = [
            ("training.preset", preset.as_str()),
            ("training.steps", "300"),
            ("training.metrics", "[{ nse = { every = 100 } }]"),
        ];
        let report = run("podlaski2020-nonlinear-regression.toml", &changes, &file);
        for rule in &report.rules {
            assert_eq!((rule.unconverged, rule.status.as_str()), (0, "complete"), "{}", rule.name);
            assert!(rule.train_nse < 1.0, "{}: {}", rule.name, rule.train_nse);
        }
    }
}
