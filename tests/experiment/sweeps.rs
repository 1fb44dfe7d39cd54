//! `sweep`: points, logs, shards, resuming, and the file they are joined into.

use std::collections::HashMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use dynamic_inversion::error::Error;
use dynamic_inversion::experiment::stability::{StabilityOptions, stability};
use dynamic_inversion::experiment::sweep::{
    Shard, SweepError, SweepOptions, SweepReport, estimate, merge, status, sweep,
};
use dynamic_inversion::experiment::{Context, Interrupt, OutputOptions, Signal, Silent};
use dynamic_inversion::model::{Model, SweepPlan};
use dynamic_inversion::results::{Data, ResultReader};

use super::{context, model};

/// Twenty loops with seeds, as in published maps of leak and gain.
const LOOPS: &str = r#"
schema_version = 1
seed = 4
[network]
sizes = [6, 4]
weights = { normal = { scale = 1 } }
[feedback.random-normal]
scale = 0.5
[dynamics.layerwise-inversion]
layer = 1
leak = 0.1
[sweep]
command = "stability"
seeds = 2
collect = ["verdict", "spectral_abscissa", "critical.leak", "eigenvalues", "euler.spectral_radius"]
[sweep.grid]
"dynamics.layerwise-inversion.leak" = { log = { from = 1e-3, to = 1.0, count = 5 } }
"feedback.random-normal.scale" = [0.5, 1.5]
"#;

/// Decay at a swept rate; one rate grows beyond all numbers.
const DECAY: &str = r#"
schema_version = 1
[dynamics.linear]
a = [[-1.0]]
b = [0.0]
[initial]
values = [1.0]
[solver.rk4]
step = 0.01
[run]
t_span = [0, 1]
save_at = "end"
[sweep]
command = "run"
collect = ["t_end", "residual_norm", "stop_reason", "n_steps"]
[sweep.grid]
"dynamics.linear.a[0][0]" = [-2.0, -1.0, 1e5, 0.5]
"#;

/// A folder that a sweep writes into.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("map.h5")
    }

    fn points(&self) -> PathBuf {
        self.0.path().join("map.h5.points")
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.file()).expect("a result")
    }

    fn options(&self) -> SweepOptions {
        let output = OutputOptions { path: Some(self.file()), ..OutputOptions::default() };
        SweepOptions { output, ..SweepOptions::default() }
    }

    fn resume(&self) -> SweepOptions {
        SweepOptions { resume: true, ..self.options() }
    }

    fn shard(&self, index: usize, count: usize) -> SweepOptions {
        SweepOptions { shard: Shard::new(index, count), ..self.options() }
    }

    /// The only log.
    fn log(&self) -> PathBuf {
        self.points().join("points-1of1-0.log")
    }
}

fn with_threads(threads: usize) -> Context<'static> {
    let threads = NonZeroUsize::new(threads).expect("at least one");
    Context::new(&Silent, Interrupt::default(), threads)
}

fn compute(model: &Model, options: &SweepOptions, threads: usize) -> Result<SweepReport, Error> {
    sweep(model, Path::new("map.toml"), options, &with_threads(threads))
}

fn done(model: &Model, options: &SweepOptions) -> SweepReport {
    compute(model, options, 1).unwrap_or_else(|error| panic!("{error}"))
}

fn numbers(file: &Path, name: &str) -> Vec<f64> {
    ResultReader::open(file).and_then(|reader| reader.f64s(name)).expect(name)
}

fn texts(file: &Path, name: &str) -> Vec<String> {
    let variable = ResultReader::open(file).and_then(|reader| reader.variable(name));
    match variable.expect(name).data {
        Data::Text(texts) => texts,
        other => panic!("{name} is {}", other.type_name()),
    }
}

fn statuses(file: &Path) -> Vec<u8> {
    match ResultReader::open(file).and_then(|r| r.variable("status")).expect("status").data {
        Data::U8(flags) => flags,
        other => panic!("{}", other.type_name()),
    }
}

#[test]
fn bytes_depend_neither_on_threads_nor_on_shards_nor_on_repetition() {
    let model = model(LOOPS);
    let reference = Place::new();
    assert_eq!(done(&model, &reference.options()).points, 20);
    for threads in [1, 2, 8] {
        for _ in 0..3 {
            let place = Place::new();
            compute(&model, &place.options(), threads).expect("a sweep");
            assert!(place.bytes() == reference.bytes(), "{threads} threads");
        }
    }
    for count in [2, 3, 30] {
        let place = Place::new();
        for index in (1..=count).rev() {
            let report = done(&model, &place.shard(index, count));
            assert_eq!(report.status, "complete");
            assert!(report.file.is_none());
        }
        let report = merge(&place.points(), &OutputOptions::default(), &context()).expect("joined");
        assert_eq!((report.finished, report.missing), (20, 0));
        assert!(place.bytes() == reference.bytes(), "{count} shards");
    }
}

#[test]
fn points_are_what_the_command_says_alone() {
    let place = Place::new();
    let model = model(LOOPS);
    done(&model, &place.options());
    let plan = SweepPlan::new(&model).expect("a plan");
    let abscissas = numbers(&place.file(), "spectral_abscissa");
    let critical = numbers(&place.file(), "critical_leak");
    let verdicts = texts(&place.file(), "verdict");
    let eigenvalues = numbers(&place.file(), "eigenvalues");
    for k in 0..plan.len() {
        let point = plan.model(k).expect("a point");
        let alone = stability(&point, Path::new("p"), &StabilityOptions::default(), &context());
        let alone = alone.expect("a spectrum").deciding;
        assert_eq!(abscissas[k], alone.spectral_abscissa);
        assert_eq!(critical[k], alone.critical.leak.unwrap_or(f64::NAN));
        assert_eq!(verdicts[k], alone.verdict.name());
        let expected: Vec<f64> = alone.eigenvalues.iter().flatten().copied().collect();
        assert_eq!(eigenvalues[k * 20..(k + 1) * 20], expected);
    }
    let reader = ResultReader::open(&place.file()).expect("a file");
    let dims = |name: &str| {
        let info = reader.info(name).expect(name);
        info.dims.into_iter().map(|d| (d.name, d.length)).collect::<Vec<_>>()
    };
    let swept = [("leak", 5), ("scale", 2), ("repeat", 2)];
    let swept: Vec<_> = swept.iter().map(|(n, l)| ((*n).to_owned(), *l)).collect();
    assert_eq!(dims("spectral_abscissa"), swept);
    let own = [("eigenvalues_index".to_owned(), 10), ("eigenvalues_index_2".to_owned(), 2)];
    assert_eq!(dims("eigenvalues"), [swept.clone(), own.to_vec()].concat());
}

#[test]
fn coordinates_are_the_points_to_the_last_bit() {
    let cases: [(&str, &[f64]); 5] = [
        ("{ step = { from = 0.5, to = 0.9, step = 0.1 } }", &[0.5, 0.6, 0.7, 0.8, 0.9]),
        ("{ step = { from = 0.6, to = 0.9, step = 0.1 } }", &[0.6, 0.7, 0.8, 0.9]),
        ("{ step = { from = 0.65, to = 0.8, step = 0.05 } }", &[0.65, 0.7, 0.75, 0.8]),
        (
            "{ step = { from = 0, to = 1, step = 0.1 } }",
            &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
        ),
        (
            "{ log = { from = 1e-3, to = 1e3, count = 7 } }",
            &[1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0],
        ),
    ];
    for (range, expected) in cases {
        let axis = "[-2.0, -1.0, 1e5, 0.5]";
        let text = DECAY
            .replace(axis, range)
            .replace("a[0][0]", "b[0]")
            .replace("\"run\"", "\"stability\"");
        let text = text.replace(
            "\"t_end\", \"residual_norm\", \"stop_reason\", \"n_steps\"",
            "\"spectral_abscissa\"",
        );
        let place = Place::new();
        done(&model(&text), &place.options());
        assert_eq!(numbers(&place.file(), "b"), expected, "{range}");
        // The swept constant does not move the eigenvalue.
        assert_eq!(numbers(&place.file(), "spectral_abscissa"), vec![-1.0; expected.len()]);
    }
}

#[test]
fn failed_points_are_recorded_and_the_others_go_on() {
    let place = Place::new();
    let report = done(&model(DECAY), &place.options());
    assert_eq!((report.finished, report.failed, report.missing), (4, 1, 0));
    assert_eq!(report.failures[0].point, 2);
    assert_eq!(statuses(&place.file()), [0, 0, 1, 0]);
    let errors = texts(&place.file(), "error");
    assert!(errors[0].is_empty() && !errors[2].is_empty(), "{errors:?}");
    // x' = a x from 1: the residual at t = 1 is |a| e^a.
    let residuals = numbers(&place.file(), "residual_norm");
    for (k, a) in [(0, -2.0f64), (1, -1.0), (3, 0.5)] {
        assert!((residuals[k] - a.abs() * a.exp()).abs() < 1e-9, "{residuals:?}");
    }
    // Failed points are finished: resuming computes nothing and gives the same bytes.
    let before = place.bytes();
    assert_eq!(done(&model(DECAY), &place.resume()).computed, 0);
    assert!(place.bytes() == before);
}

#[test]
fn resuming_computes_only_what_is_missing_or_damaged() {
    let model = model(LOOPS);
    let place = Place::new();
    done(&model, &place.options());
    let whole = place.bytes();
    let log = fs::read(place.log()).expect("a log");
    let lines: Vec<&[u8]> = log.split_inclusive(|b| *b == b'\n').collect();
    assert_eq!(lines.len(), 21);
    // A bit flipped in the middle of one point, another torn in half at the end.
    let mut damaged: Vec<u8> = lines[..19].concat();
    let middle = lines[..4].concat().len() + lines[4].len() / 2;
    damaged[middle] ^= 4;
    damaged.extend(&lines[19][..lines[19].len() / 2]);
    fs::write(place.log(), damaged).expect("written");
    fs::remove_file(place.file()).expect("removed");
    let report = done(&model, &place.resume());
    // The flipped one, the torn one, and the one after it.
    assert_eq!((report.computed, report.damaged, report.missing), (3, 2, 0));
    assert!(place.bytes() == whole);
}

#[test]
fn an_interrupted_sweep_leaves_a_valid_file_and_goes_on() {
    let model = model(LOOPS);
    let place = Place::new();
    done(&model, &place.shard(1, 3));
    let stopped = with_threads(1);
    stopped.interrupt.raise(Signal::Terminate);
    let report = sweep(&model, Path::new("m"), &place.resume(), &stopped).expect("a valid file");
    assert_eq!((report.status.as_str(), report.finished, report.missing), ("interrupted", 7, 13));
    let reader = ResultReader::open(&place.file()).expect("a file");
    assert_eq!(reader.status().expect("a status").name(), "interrupted");
    let flags = statuses(&place.file());
    assert!(flags.iter().enumerate().all(|(k, flag)| *flag == if k % 3 == 0 { 0 } else { 2 }));
    drop(reader);
    assert_eq!(done(&model, &place.resume()).computed, 13);
    let reference = Place::new();
    done(&model, &reference.options());
    assert!(place.bytes() == reference.bytes());
}

#[test]
fn points_of_another_model_are_refused_naming_the_key() {
    let place = Place::new();
    done(&model(LOOPS), &place.shard(1, 2));
    let refused = |text: &str| {
        let error = compute(&model(text), &place.resume(), 1).expect_err("another model");
        error.to_string()
    };
    let message = refused(&LOOPS.replace("[6, 4]", "[6, 5]"));
    assert!(message.contains("network.sizes") && message.contains('5'), "{message}");
    let message = refused(&LOOPS.replace("count = 5", "count = 6"));
    assert!(message.contains("sweep.grid") && message.contains("leak"), "{message}");
    let message = refused(&LOOPS.replace("seeds = 2", "seeds = 3"));
    assert!(message.contains("sweep.seeds"), "{message}");
    // Other axes in the same order of values: the order of the axes is part of the sweep.
    let leak =
        "\"dynamics.layerwise-inversion.leak\" = { log = { from = 1e-3, to = 1.0, count = 5 } }\n";
    let swapped = format!("{}{leak}", LOOPS.replace(leak, ""));
    let message = refused(&swapped);
    assert!(message.contains("sweep.grid"), "{message}");
    // A comment changes nothing.
    assert_eq!(done(&model(&format!("# a remark\n{LOOPS}")), &place.resume()).computed, 10);
}

#[test]
fn points_of_an_earlier_sweep_are_not_lost_by_accident() {
    let place = Place::new();
    let model = model(LOOPS);
    done(&model, &place.shard(1, 2));
    let error = compute(&model, &place.options(), 1).expect_err("points are there");
    assert!(error.to_string().contains("holds points of an earlier sweep"), "{error}");
    let mut options = place.options();
    options.output.force = true;
    fs::write(place.points().join("notes.txt"), "mine").expect("written");
    assert_eq!(done(&model, &options).computed, 20);
    assert!(place.points().join("notes.txt").exists());
}

#[test]
fn unknown_fields_are_refused_with_the_nearest() {
    let text = LOOPS.replace("\"verdict\", ", "\"verdcit\", ");
    let error = compute(&model(&text), &Place::new().options(), 1).expect_err("a misspelling");
    assert!(error.to_string().contains("verdcit"), "{error}");
    assert!(error.failure().remedy().is_some_and(|r| r.contains("did you mean `verdict`?")));
    assert_eq!(error.exit_code() as i32, 2);
}

#[test]
fn full_results_are_kept_one_file_per_point() {
    let text = DECAY.replace("collect =", "keep_results = true\ncollect =");
    let place = Place::new();
    done(&model(&text), &place.options());
    let of_point = |k: usize| place.points().join(format!("results/point-{k:07}.h5"));
    let reader = ResultReader::open(&of_point(1)).expect("a result");
    assert_eq!(reader.status().expect("a status").name(), "complete");
    assert!(reader.contains("trajectory/state"));
    drop(reader);
    let before = place.bytes();
    fs::remove_file(of_point(1)).expect("removed");
    assert_eq!(done(&model(&text), &place.resume()).computed, 1);
    assert!(of_point(1).exists() && place.bytes() == before);
}

#[test]
fn zipped_drawn_and_repeated_keys_have_coordinates() {
    let text = LOOPS.replace(
        "[sweep.grid]\n\"dynamics.layerwise-inversion.leak\" = { log = { from = 1e-3, to = 1.0, count = 5 } }\n\"feedback.random-normal.scale\" = [0.5, 1.5]",
        "[sweep.zip]\n\"network.sizes\" = [[6, 4], [3, 5]]\n\"dynamics.layerwise-inversion.tau_state\" = [1, 2]\n\
         [sweep.random]\ncount = 3\n\"dynamics.layerwise-inversion.leak\" = { log-uniform = { low = 1e-3, high = 1 } }",
    );
    let place = Place::new();
    let model = model(&text);
    assert_eq!(done(&model, &place.options()).dimensions.len(), 3);
    assert_eq!(texts(&place.file(), "sizes"), ["[6, 4]", "[3, 5]"]);
    let plan = SweepPlan::new(&model).expect("a plan");
    let leaks: Vec<f64> = (0..3)
        .map(|k| plan.coordinate(&plan.axes()[1], 0, k).as_float().expect("a number"))
        .collect();
    assert_eq!(numbers(&place.file(), "leak"), leaks);
    let reader = ResultReader::open(&place.file()).expect("a file");
    let info = reader.info("spectral_abscissa").expect("a field");
    assert_eq!(info.attribute_text("coordinates"), Some("sizes tau_state leak seed"));
    // Spectra of 10 and of 8 states: the shorter ones are padded.
    let eigenvalues = reader.f64s("eigenvalues").expect("a field");
    let missing: HashMap<bool, usize> = eigenvalues.iter().fold(HashMap::new(), |mut m, x| {
        *m.entry(x.is_nan()).or_default() += 1;
        m
    });
    assert_eq!((missing[&true], missing[&false]), (6 * 2 * 2, 6 * 20 + 6 * 16));
}

#[test]
fn every_scalar_is_kept_where_nothing_is_named() {
    let text = LOOPS.lines().filter(|l| !l.starts_with("collect")).collect::<Vec<_>>().join("\n");
    let place = Place::new();
    done(&model(&text), &place.options());
    let reader = ResultReader::open(&place.file()).expect("a file");
    for name in [
        "verdict",
        "spectral_abscissa",
        "stability_radius",
        "critical_gain",
        "max_transient_growth",
    ] {
        assert!(reader.contains(name), "{name}");
    }
    for name in ["file", "eigenvalues", "wall_seconds"] {
        assert!(!reader.contains(name), "{name}");
    }
}

#[test]
fn a_folder_says_how_far_its_sweep_is() {
    let place = Place::new();
    let model = model(LOOPS);
    done(&model, &place.shard(2, 4));
    let found = status(&place.points()).expect("a sweep");
    assert_eq!((found.points, found.finished, found.missing, found.failed), (20, 5, 15, 0));
    assert_eq!(found.file, None);
    let none = status(place.0.path()).expect_err("no sweep").to_string();
    assert!(none.contains("is no folder of a sweep"), "{none}");
    fs::write(place.points().join("plan.json"), "0123456789abcdef {}").expect("written");
    let damaged = status(&place.points()).expect_err("a damaged plan").to_string();
    assert!(damaged.contains("plan.json is damaged"), "{damaged}");
}

#[test]
fn nothing_is_joined_from_nothing() {
    let place = Place::new();
    let model = model(LOOPS);
    let stopped = with_threads(1);
    stopped.interrupt.raise(Signal::Interrupt);
    sweep(&model, Path::new("m"), &place.shard(1, 1), &stopped).expect("an empty shard");
    let error = merge(&place.points(), &OutputOptions::default(), &context()).expect_err("empty");
    assert!(error.to_string().contains("no finished point"), "{error}");
}

#[test]
fn sweeps_go_to_arrays_and_shards_exist() {
    let place = Place::new();
    let mut options = place.options();
    options.output.path = Some(place.0.path().join("map.csv"));
    let error = compute(&model(LOOPS), &options, 1).expect_err("no table");
    assert_eq!(error.exit_code() as i32, 2);
    assert!(matches!("3/2".parse::<Shard>(), Err(SweepError::Shard { .. })));
}

#[test]
fn memory_is_that_of_the_points_at_a_time() {
    let two = NonZeroUsize::new(2).expect("not zero");
    let small = estimate(&model(LOOPS), two).expect("an estimate").expect("a sweep");
    assert_eq!((small.points, small.at_once), (20, 2));
    let wide = LOOPS.replace("[0.5, 1.5]", "[0.5, 1.5]\n\"network.sizes\" = [[6, 4], [200, 100]]");
    let wide = estimate(&model(&wide), two).expect("an estimate").expect("a sweep");
    // 300 states squared, in the dense analysis.
    assert!(wide.point_memory > 8 * 300 * 300 && wide.point_memory > 50 * small.point_memory);
    assert!(wide.memory > 2 * wide.point_memory);
}

#[test]
fn training_can_be_swept_and_leaves_no_checkpoints() {
    let text = r#"
schema_version = 1
[network]
sizes = [4, 3, 2]
weights = { uniform = { low = -0.1, high = 0.1 } }
[training]
steps = 20
rate = 0.01
rules = ["bp", { fa = { name = "random feedback" } }]
[training.data.teacher]
sizes = [4, 2]
weights = { uniform = { low = -1, high = 1 } }
train_count = 30
[sweep]
command = "train"
seeds = 3
collect = ["rules.bp.train_nse", "rules.\"random feedback\".train_nse", "steps"]
[sweep.grid]
"training.rate" = [0.0001, 0.05]
"#;
    let place = Place::new();
    let report = done(&model(text), &place.options());
    assert_eq!((report.failed, report.points), (0, 6));
    assert_eq!(numbers(&place.file(), "steps"), vec![20.0; 6]);
    let nse = numbers(&place.file(), "rules_bp_train_nse");
    assert!(nse[..3].iter().zip(&nse[3..]).all(|(slow, fast)| fast < slow), "{nse:?}");
    assert_eq!(numbers(&place.file(), "rules_random_feedback_train_nse").len(), 6);
    let names: Vec<_> = fs::read_dir(place.0.path()).expect("a folder").flatten().collect();
    assert_eq!(names.len(), 2, "{names:?}");
}
