//! `dinv stability` beyond one point: along trajectories and training, critical values of equations
//! without block structure, feedback optimised before the analysis.

use std::path::Path;

use assert_cmd::Command;
use dynamic_inversion::analysis::Verdict;
use dynamic_inversion::results::{Data, ResultReader};
use serde_json::Value;

use crate::command::analysed;

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dinv"));
    let output = command.current_dir(folder).arg("stability").args(arguments).arg("--json");
    let output = output.assert().success().get_output().clone();
    serde_json::from_slice(&output.stdout).expect("one object")
}

fn folder(name: &str, text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!("schema_version = 1\n{text}");
    std::fs::write(folder.path().join(name), text).expect("writable");
    folder
}

/// The loop x' = (-x + B z)/tau, z' = (k (target - W x) - leak z)/tau_z is a layer loop with -k W.
#[test]
fn critical_values_of_a_rate_network_are_those_of_the_layer_loop_it_is() {
    let shared = "critical = [\"leak\", \"gain\", \"tau_ratio\"]\n";
    let rate = analysed(&format!(
        "[dynamics.rate-network]\nw = [[0, 0], [0, 0]]\nactivation = \"linear\"\ntau = 0.8\n\
         readout = [[1.0, -2.0], [3.0, 0.5]]\ntarget = [0.5, 0.1]\nq = [[-2.4, 0.9], [-1.7, -3.5]]\n\
         controller = {{ leaky-integral = {{ leak = 0.5, tau = 2.0, k_i = 0.5 }} }}\n\
         [stability]\n{shared}"
    ));
    let layer = analysed(&format!(
        "[network]\nsizes = [2, 2]\nweights = {{ values = [[[-0.5, 1.0], [-1.5, -0.25]]] }}\n\
         [feedback.values]\nmatrices = [[[-2.4, 0.9], [-1.7, -3.5]]]\n\
         [dynamics.layerwise-inversion]\nlayer = 1\nleak = 0.5\ntau_state = 0.8\n\
         tau_controller = 2.0\n[target]\ndelta = [-0.25, -0.05]\n[stability]\n{shared}"
    ));
    let (a, b) = (&rate.deciding.critical, &layer.deciding.critical);
    assert_eq!((rate.deciding.method, layer.deciding.method), ("full", "theorem-1"));
    let mut compared = 0;
    for (searched, closed) in a.details.iter().zip(&b.details) {
        assert_eq!((searched.method, closed.method), ("root-finding", "closed-form"));
        assert!(searched.confirmed && closed.confirmed, "{searched:?} {closed:?}");
        assert!((searched.present - closed.present).abs() < 1e-15);
        assert_eq!(searched.boundaries.len(), closed.boundaries.len(), "{searched:?} {closed:?}");
        for (x, y) in searched.boundaries.iter().zip(&closed.boundaries) {
            assert!((x - y).abs() < 1e-9 * y.abs(), "{searched:?} {closed:?}");
            compared += 1;
        }
    }
    assert!(compared >= 4, "{a:?}");
}

/// Three stages with gain 1.5: at leak = abscissa and at 2/1.5 times the couplings on the axis.
#[test]
fn critical_values_of_a_linear_system_have_their_closed_forms() {
    let report = analysed(
        "[dynamics.linear]\na = [[-1.0, 0.0, -1.5], [1.5, -1.0, 0.0], [0.0, 1.5, -1.0]]\n",
    );
    let critical = &report.deciding.critical;
    assert!((critical.leak.expect("one") + 0.25).abs() < 1e-12, "{critical:?}");
    assert!((critical.gain.expect("one") - 4.0 / 3.0).abs() < 1e-12, "{critical:?}");
    // Far from 1: the search is around the rate of the slowest mode.
    let fast = analysed("[dynamics.linear]\na = [[-5e7, 0.0], [1.0, -9e7]]\n");
    let leak = fast.deciding.critical.leak.expect("one");
    assert!((leak / -5e7 - 1.0).abs() < 1e-12, "{leak}");
    assert_eq!(fast.deciding.critical.gain, None);
}

/// A chain of two units, forward weight 2, fed back to both: with leak a, gain g and ratio q the
/// characteristic polynomial is (q x + 1)^2 (x + a) + g (q x + 3), and Routh and Hurwitz say where
/// it leaves the left half-plane.
#[test]
fn critical_values_of_deep_feedback_control_are_those_of_routh_and_hurwitz() {
    let report = analysed(
        "[network]\nsizes = [1, 1, 1]\nweights = { values = [[[1.0]], [[2.0]]] }\n\
         [feedback.values]\nmatrices = [[[1.0]], [[1.0]]]\n\
         [dynamics.deep-feedback-control]\nleak = 0\n[target]\ninput = [0.3]\noutput = [1.0]\n\
         [stability]\ncritical = [\"leak\", \"gain\", \"tau_ratio\"]\n",
    );
    let critical = &report.deciding.critical;
    for (name, found, expected) in [
        ("leak", critical.leak, (17f64.sqrt() - 5.0) / 4.0),
        ("gain", critical.gain, 2.0),
        ("tau_ratio", critical.tau_ratio, 2.0),
    ] {
        let found = found.unwrap_or_else(|| panic!("{name}: {critical:?} {:?}", report.notes));
        assert!((found / expected - 1.0).abs() < 1e-9, "{name}: {found}, expected {expected}");
    }
    assert!(critical.details.iter().all(|one| one.confirmed), "{critical:?}");
}

const NONLINEAR: &str = r#"
[network]
sizes = [8, 6, 5]
activation = "tanh"
weights = { normal = { scale = 1.5 } }
[feedback.negative-transpose]
[dynamics.layerwise-inversion]
layer = 2
leak = 0.3
transfer = "nonlinear"
[target]
normal = { scale = 0.4, count = 3 }
[run]
t_span = [0, 20]
save_at = { count = 11 }
[stability]
at = "trajectory"
certificates = ["global"]
"#;

#[test]
fn every_target_has_its_frozen_time_spectra_and_a_falling_lyapunov_function() {
    let folder = folder("m.toml", NONLINEAR);
    let found = json(folder.path(), &["m.toml", "-o", "m.h5"]);
    let rows = found["frozen_time"].as_array().expect("rows");
    assert_eq!(rows.len(), 33);
    for target in 0..3 {
        let own: Vec<&Value> = rows.iter().filter(|row| row["target"] == target).collect();
        let value = |row: &Value| row["lyapunov"].as_f64().expect("proven");
        assert!(own.windows(2).all(|w| value(w[1]) < value(w[0])), "target {target}");
        assert!(own.iter().all(|row| row["lyapunov_rate"].as_f64().expect("proven") <= 0.0));
    }
    let reader = ResultReader::open(&folder.path().join("m.h5")).expect("a result");
    let stored = reader.f64s("stability/lyapunov").expect("stored");
    assert_eq!(stored.len(), 33);
    assert_eq!(stored[4], rows[4]["lyapunov"].as_f64().expect("a number"));
    let info = reader.info("stability/frozen_time_spectral_abscissa").expect("stored");
    let dims: Vec<_> = info.dims.iter().map(|d| (d.name.as_str(), d.length)).collect();
    assert_eq!(dims, [("time", 11), ("target", 3)]);
    assert_eq!(reader.f64s("stability/time").expect("stored")[10], 20.0);
}

#[test]
fn the_solver_of_the_model_makes_the_trajectory() {
    // With a step of 12 s Euler's method overshoots: only the model's own solver shows that.
    let text = format!("{NONLINEAR}[solver.euler]\nstep = 10.0\n");
    let fixed = analysed(&text.replace("count = 11", "count = 3"));
    let adaptive = analysed(&NONLINEAR.replace("count = 11", "count = 3"));
    let abscissa = |r: &dynamic_inversion::experiment::stability::StabilityReport| {
        r.frozen_time[3].spectral_abscissa
    };
    assert_eq!(fixed.frozen_time[3].time, 10.0);
    assert!((abscissa(&fixed) - abscissa(&adaptive)).abs() > 1e-3);
}

const UNSTABLE: &str = r#"
seed = 6
[network]
sizes = [6, 5, 4]
activation = "tanh"
weights = { normal = { scale = 1.2 } }
[feedback.random-normal]
scale = 3.0
[dynamics.layerwise-inversion]
layer = 2
leak = 0.4
transfer = "nonlinear"
[target]
normal = { scale = 0.3, count = 3 }
"#;

#[test]
fn optimised_feedback_has_the_margin_at_the_equilibrium_of_every_target() {
    let folder = folder("m.toml", UNSTABLE);
    let before = json(folder.path(), &["m.toml"]);
    assert_eq!(before["verdict"], "unstable", "{}", before["reason"]);
    let after = json(folder.path(), &["m.toml", "--optimize-feedback=0.2", "-o", "o.h5"]);
    let loops = after["optimized"].as_array().expect("loops");
    let one = &loops[0];
    assert_eq!((loops.len(), &one["reached"]), (1, &Value::Bool(true)), "{one}");
    assert_eq!((&one["from"], &one["to"]), (&2.into(), &1.into()));
    assert!(one["iterations"].as_u64().expect("steps") > 0);
    assert_eq!(one["linearised_at"], "equilibrium");
    let worst = after["spectral_abscissa"].as_f64().expect("a number");
    assert!(worst <= -0.2 && (worst - one["abscissa"].as_f64().expect("one")).abs() < 1e-9);
    assert_eq!(after["equilibria"].as_array().map(Vec::len), Some(3), "one per target");
    // The result is a weight file.
    let file = "feedback={ file = { path = \"o.h5\", matrices = [\"weights/feedback_2\"] } }";
    let text = std::fs::read_to_string(folder.path().join("m.toml")).expect("written above");
    let again = text.replace("[feedback.random-normal]\nscale = 3.0\n", "");
    let again = again.replacen(
        "schema_version = 1\n",
        &format!("schema_version = 1\n{}\n", file.replacen("feedback={", "feedback = {", 1)),
        1,
    );
    std::fs::write(folder.path().join("again.toml"), again).expect("writable");
    let again = json(folder.path(), &["again.toml"]);
    assert!((again["spectral_abscissa"].as_f64().expect("a number") - worst).abs() < 1e-9);
}

#[test]
fn what_cannot_be_optimised_is_said_with_its_reason() {
    let folder = folder("m.toml", UNSTABLE);
    let refused = |arguments: &[&str], part: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dinv"));
        let output = command.current_dir(folder.path()).arg("stability").args(arguments).assert();
        let output = output.code(2).get_output().clone();
        let text = String::from_utf8(output.stderr).expect("text");
        assert!(text.contains(part), "{text}");
    };
    refused(&["m.toml", "--optimize-feedback=0.9"], "ask for a margin below 0.7");
    refused(&["m.toml", "--optimize-feedback=much"], "a margin in 1/s");
    let decay = "schema_version = 1\n[dynamics.linear]\na = [[-1.0]]\n";
    std::fs::write(folder.path().join("decay.toml"), decay).expect("writable");
    refused(&["decay.toml", "--optimize-feedback"], "only layer loops and single loops");
    refused(&["decay.toml", "--map", "leak=0:1,gain=0:2"], "single layer loop");
    refused(&["m.toml", "--map", "leak=0:1"], "--map takes");
}

#[test]
fn maps_are_asked_for_on_the_command_line() {
    let folder = folder(
        "m.toml",
        &UNSTABLE.replace("normal = { scale = 0.3, count = 3 }", "delta = [0, 0, 0, 0]"),
    );
    for (map, names) in [
        ("leak=0:1,gain=0:4", ["leak", "gain"]),
        ("leak=0:1,tau_ratio=0.1:10", ["leak", "tau_ratio"]),
    ] {
        let found = json(folder.path(), &["m.toml", "--map", map]);
        assert_eq!(found["map"]["points"], serde_json::json!([64, 64]));
        assert_eq!([&found["map"]["x"], &found["map"]["y"]], names, "{map}");
        let stable = found["map"]["stable"].as_u64().expect("a count");
        assert!((1..64 * 64).contains(&stable), "{map}: {stable}");
    }
}

const TRAINING: &str = r#"
seed = 3
[network]
sizes = [8, 6, 5, 4]
weights = { normal = { scale = 1 } }
[training]
steps = 90
rate = 0.02
checkpoint = { keep_every = 30 }
rules = ["bp", { ndi = { leak = 0.1 } }, { di = { leak = 0.1, until = { time = 5 } } }, { sdi = { leak = 0.1, feedback = { negative-transpose = { scale = 0.2 } } } }]
metrics = [{ abscissa = { every = 30 } }]
[training.data.teacher]
weights = { normal = { scale = 1 } }
train_count = 40
"#;

#[test]
fn spectra_along_training_are_those_that_training_measured() {
    let folder = folder("t.toml", TRAINING);
    let mut train = Command::new(env!("CARGO_BIN_EXE_dinv"));
    train.current_dir(folder.path()).args(["train", "t.toml", "-q"]).assert().success();
    let found = json(folder.path(), &["t.toml", "--checkpoints", "t.h5", "-o", "c.h5"]);
    assert_eq!(found["at"], "checkpoints");
    let rows = found["checkpoints"].as_array().expect("rows");
    // Steps 0, 30, 60, 90; two loops of ndi, two of di, the single loop of sdi.
    assert_eq!(rows.len(), 4 * 5);
    let steps: Vec<u64> =
        rows.iter().step_by(5).map(|r| r["step"].as_u64().expect("a step")).collect();
    assert_eq!(steps, [0, 30, 60, 90]);
    let trained = ResultReader::open(&folder.path().join("t.h5")).expect("a result");
    let reader = ResultReader::open(&folder.path().join("c.h5")).expect("a result");
    let stored = reader.f64s("stability/checkpoints/spectral_abscissa").expect("stored");
    let measured: Vec<String> = trained
        .variables("training")
        .expect("variables")
        .iter()
        .map(|variable| variable.name().to_owned())
        .filter(|name| name.contains("abscissa"))
        .collect();
    let mut compared = 0;
    for name in &measured {
        let values = trained.f64s(&format!("training/{name}")).expect("stored");
        let finite: Vec<f64> = values.into_iter().filter(|x| x.is_finite()).collect();
        for value in finite {
            let near = stored.iter().any(|x| (x - value).abs() < 1e-9);
            assert!(near, "{name}: {value} is not among {stored:?}");
            compared += 1;
        }
    }
    assert!(compared >= 20, "{measured:?}");
    let notes = found["notes"].as_array().expect("notes");
    assert!(notes.iter().any(|n| n.as_str().is_some_and(|n| n.contains("frozen-time"))));
    // The least stable loop of the last checkpoint decides.
    let last = rows[15..].iter().map(|r| r["spectral_abscissa"].as_f64().expect("a number"));
    let worst = last.fold(f64::NEG_INFINITY, f64::max);
    assert!((found["spectral_abscissa"].as_f64().expect("a number") - worst).abs() < 1e-12);
    let Data::Text(rules) = reader.variable("stability/checkpoints/rule").expect("stored").data
    else {
        panic!("rules are texts")
    };
    assert_eq!(rules, ["ndi", "ndi", "di", "di", "sdi"]);
    // A single checkpoint is a history of one; a missing one is named.
    let one = json(folder.path(), &["t.toml", "--checkpoints", "t.h5.checkpoint-000000030"]);
    assert_eq!(one["checkpoints"].as_array().map(Vec::len), Some(5));
    let mut missing = Command::new(env!("CARGO_BIN_EXE_dinv"));
    let missing = missing.current_dir(folder.path());
    let missing = missing.args(["stability", "t.toml", "--checkpoints", "no.h5"]).assert();
    let text = String::from_utf8(missing.code(4).get_output().stderr.clone()).expect("text");
    assert!(text.contains("there is no checkpoint"), "{text}");
}

#[test]
fn limit_cycles_are_listed_along_the_branch() {
    let ring = "[dynamics.rate-network]\nactivation = \"tanh\"\ngain = 0.5\n\
                w = [[0, 0, -2], [2, 0, 0], [0, 2, 0]]\n";
    let folder = folder("ring.toml", ring);
    let branch = "dynamics.rate-network.gain=0.5:2";
    let found = json(folder.path(), &["ring.toml", "--continue", branch, "-o", "ring.h5"]);
    assert_eq!(found["verdict"], Verdict::Stable.name());
    let hopf = &found["continuation"]["bifurcations"][0];
    let cycles = hopf["limit_cycles"].as_array().expect("cycles");
    assert!(cycles.len() >= 4, "{hopf}");
    let number = |cycle: &Value, key: &str| cycle[key].as_f64().expect("a number");
    // Supercritical: the amplitude grows along the branch, like its square root at first.
    assert!(cycles.windows(2).all(|w| number(&w[1], "amplitude") > number(&w[0], "amplitude")));
    let reader = ResultReader::open(&folder.path().join("ring.h5")).expect("a result");
    let stored = reader.f64s("stability/continuation/cycle_amplitude").expect("stored");
    assert_eq!(stored.len(), cycles.len() + 1);
    assert_eq!(stored[1], number(&cycles[0], "amplitude"));
    assert_eq!(stored[0], number(&hopf["limit_cycle"], "amplitude"));
}
