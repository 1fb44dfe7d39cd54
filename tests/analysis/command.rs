//! `dinv stability` as an experiment and as a process.

use std::num::NonZeroUsize;
use std::path::Path;

use assert_cmd::Command;
use dynamic_inversion::analysis::Verdict;
use dynamic_inversion::experiment::stability::{StabilityOptions, StabilityReport, stability};
use dynamic_inversion::experiment::{Context, Interrupt, Silent};
use dynamic_inversion::model::Model;
use dynamic_inversion::results::ResultReader;
use serde_json::Value;

pub(crate) fn analysed(text: &str) -> StabilityReport {
    let text = format!("schema_version = 1\n{text}");
    let model =
        Model::parse("test.toml", &text, Path::new(""), &[]).unwrap_or_else(|e| panic!("{e}"));
    let context = Context::new(&Silent, Interrupt::default(), NonZeroUsize::MIN);
    stability(&model, Path::new("test.toml"), &StabilityOptions::default(), &context)
        .unwrap_or_else(|e| panic!("{e}"))
}

const BISTABLE: &str = r#"
[dynamics.rate-network]
w = [[1.0]]
activation = "tanh"
gain = 2.0
[initial]
values = [1e-12]
[solver.dopri5]
rtol = 1e-8
atol = 1e-18
[run]
t_span = [0, 60]
"#;

#[test]
fn a_bistable_unit_is_judged_where_the_trajectory_goes() {
    let report = analysed(BISTABLE);
    assert_eq!(report.deciding.verdict, Verdict::Stable);
    assert!((report.deciding.spectral_abscissa + 0.833627912248326).abs() < 1e-12);
    assert_eq!(report.equilibria.len(), 3, "{:?}", report.equilibria);
    for one in &report.equilibria {
        let (expected, approached) = match one.state[0] {
            x if x.abs() < 1e-9 => (Verdict::Unstable, false),
            x => (Verdict::Stable, x > 0.0),
        };
        assert_eq!(one.verdict, expected);
        assert_eq!(one.approached, Some(approached), "{one:?}");
    }
}

/// Next to an unstable point the sign of the smallest start decides.
#[test]
fn tiny_starts_are_followed_to_their_own_side() {
    for (start, sign) in [("1e-15", 1.0), ("-1e-15", -1.0), ("-1e-12", -1.0)] {
        let report = analysed(&BISTABLE.replace("1e-12", start));
        let went: Vec<f64> = report
            .equilibria
            .iter()
            .filter(|one| one.approached == Some(true))
            .map(|one| one.state[0])
            .collect();
        assert_eq!(went.len(), 1, "{start}: {:?}", report.equilibria);
        assert!((went[0] - sign * 0.957_504_024_077_269).abs() < 1e-12, "{start}: {went:?}");
    }
}

/// Similar, by an integer matrix, to one Jordan block of size six with eigenvalue -1/256.
#[test]
fn a_defective_system_has_one_equilibrium_and_a_verdict_with_its_conditioning() {
    let report = analysed(
        "[dynamics.linear]\na = [[-3.00390625, -1, 2, 3, -1, 1], [4, 0.99609375, -1, -3, 1, -1], \
         [-9, -4, -0.00390625, 3, -2, 1], [0, 0, 2, 1.99609375, 0, 1], [1, 0, -2, -2, 0.99609375, 0], \
         [6, 2, 0, -3, 1, -1.00390625]]\n",
    );
    let mean = report.deciding.eigenvalues.iter().map(|z| z[0]).sum::<f64>() / 6.0;
    assert!((mean + 0.00390625).abs() < 1e-12, "{mean}");
    assert_ne!(report.deciding.verdict, Verdict::Unstable);
    assert!(report.deciding.reason.contains("ill-conditioned"), "{}", report.deciding.reason);
    assert_eq!(report.equilibria.len(), 1, "{:?}", report.equilibria);
    assert!(report.equilibria[0].state.iter().all(|x| x.abs() < 1e-9));
}

#[test]
fn a_spectrum_too_large_for_memory_is_refused_before_anything_else() {
    let text = "schema_version = 1\n[network]\nsizes = [10001, 1]\nweights = \"normal\"\n\
                [dynamics.layerwise-inversion]\nlayer = 1\nleak = 0.1\n[target]\ndelta = [1]\n\
                [stability]\nmethod = \"full\"\n";
    let model = Model::parse("test.toml", text, Path::new(""), &[]).expect("a model");
    let context = Context::new(&Silent, Interrupt::default(), NonZeroUsize::MIN);
    let options = StabilityOptions::default();
    let error = stability(&model, Path::new("test.toml"), &options, &context).expect_err("large");
    let message = error.to_string();
    assert!(message.contains("10002") && message.contains("GiB"), "{message}");
}

#[test]
fn grids_and_starts_beyond_any_memory_are_refused_by_key() {
    for (setting, key) in [
        ("drawn = 2000000000000000000", "stability.drawn"),
        ("pseudospectrum = { points = 10000000000 }", "stability.pseudospectrum.points"),
    ] {
        let text = format!("schema_version = 1\n{BISTABLE}\n[stability]\n{setting}\n");
        let model = Model::parse("test.toml", &text, Path::new(""), &[]).expect("a model");
        let context = Context::new(&Silent, Interrupt::default(), NonZeroUsize::MIN);
        let options = StabilityOptions::default();
        let error =
            stability(&model, Path::new("test.toml"), &options, &context).expect_err("refused");
        assert!(error.to_string().contains(key), "{error}");
    }
}

const WIND_UP: &str = r#"
[dynamics.rate-network]
w = [[0.0]]
activation = "tanh"
readout = [[1.0]]
target = [1.5]
q = [[1.0]]
[dynamics.rate-network.controller.leaky-integral]
leak = LEAK
tau = 1.0
k_i = 1.0
"#;

#[test]
fn without_an_equilibrium_the_report_says_so() {
    let report = analysed(&WIND_UP.replace("LEAK", "0.1"));
    assert_eq!(report.deciding.verdict, Verdict::Stable);
    assert!((report.deciding.spectral_abscissa + 0.100201438882173).abs() < 1e-12);
    let text = format!("schema_version = 1\n{}", WIND_UP.replace("LEAK", "0.0"));
    let model = Model::parse("test.toml", &text, Path::new(""), &[]).expect("a model");
    let context = Context::new(&Silent, Interrupt::default(), NonZeroUsize::MIN);
    let options = StabilityOptions::default();
    let error = stability(&model, Path::new("test.toml"), &options, &context).expect_err("none");
    let message = error.to_string();
    assert!(message.contains("no equilibrium found") && message.contains("5.00"), "{message}");
}

const LOOP: &str = r#"
[network]
sizes = [3, 2]
[network.weights]
values = [[[0.5, -1.0, 0.25], [2.0, 0.3, -0.75]]]
[feedback.values]
matrices = [[[-1.0, 0.2], [0.4, -0.6], [0.1, 0.9]]]
[dynamics.layerwise-inversion]
layer = 1
leak = 1.0
[target]
delta = [1.0, -2.0]
[stability]
method = "METHOD"
critical = ["leak", "gain", "tau_ratio"]
certificates = ["lyapunov", "global", "contraction"]
kreiss = true
[stability.pseudospectrum]
points = 5
[stability.covariance]
std = 0.5
"#;

#[test]
fn a_loop_is_analysed_the_same_by_both_methods() {
    let reduced = analysed(&LOOP.replace("METHOD", "auto"));
    let full = analysed(&LOOP.replace("METHOD", "full"));
    assert_eq!((reduced.deciding.method, full.deciding.method), ("theorem-1", "full"));
    for (a, b) in reduced.deciding.eigenvalues.iter().zip(&full.deciding.eigenvalues) {
        assert!((a[0] - b[0]).abs() < 1e-12 && (a[1].abs() - b[1].abs()).abs() < 1e-12);
    }
    // mu of W B: -0.665 +- 1.328 i.
    assert!((reduced.deciding.loop_eigenvalues[0][0] + 0.665).abs() < 1e-12);
    let critical = &reduced.deciding.critical;
    assert!(critical.details.iter().all(|one| one.confirmed), "{critical:?}");
    let gain = critical.gain.expect("complex eigenvalues have a limit");
    // s a + s^2 c b^2 = leak with a = -0.665, b = 1.328.., c = 1/4.
    let (a, square) = (-0.665, 1.32826014018339_f64.powi(2) / 4.0);
    assert!((gain * a + gain * gain * square - 1.0).abs() < 1e-12);
    let names: Vec<&str> = reduced.deciding.certificates.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["lyapunov", "global", "contraction-1", "contraction-2", "contraction-inf"]);
    assert!(reduced.deciding.certificates[0].proven);
    assert!(!reduced.deciding.certificates[1].proven);
    assert!(reduced.notes.is_empty(), "{:?}", reduced.notes);
}

fn dinv(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dinv"));
    command.current_dir(folder);
    command
}

#[test]
fn the_program_prints_json_writes_a_file_and_sets_its_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!("schema_version = 1\n{}", LOOP.replace("METHOD", "auto"));
    std::fs::write(folder.path().join("loop.toml"), text).expect("writable");
    let output = dinv(folder.path())
        .args(["stability", "loop.toml", "--json", "-o", "out.h5", "--require-stable"])
        .assert()
        .success()
        .get_output()
        .clone();
    let json: Value = serde_json::from_slice(&output.stdout).expect("one object");
    for field in [
        "verdict",
        "spectral_abscissa",
        "tolerance",
        "numerical_abscissa",
        "stability_radius",
        "max_transient_growth",
        "eigenvalues",
        "method",
    ] {
        assert!(!json[field].is_null(), "{field}");
    }
    assert_eq!(json["verdict"], "stable");
    assert_eq!(json["eigenvalues"].as_array().map(Vec::len), Some(5));
    assert!(json["critical"]["leak"].is_number() && json["critical"]["gain"].is_number());
    let reader = ResultReader::open(&folder.path().join("out.h5")).expect("a result");
    let radius = reader.f64s("stability/stability_radius").expect("stored");
    assert_eq!(Some(radius[0]), json["stability_radius"].as_f64());
    assert_eq!(reader.f64s("stability/eigenvalue_re").expect("stored").len(), 5);
    assert_eq!(reader.f64s("stability/covariance").expect("stored").len(), 25);
    assert_eq!(reader.f64s("equilibrium/state").expect("stored").len(), 5);

    let table = dinv(folder.path()).args(["stability", "loop.toml"]).assert().success();
    let table = String::from_utf8(table.get_output().stdout.clone()).expect("text");
    assert!(table.starts_with("stable: every eigenvalue"), "{table}");
    assert!(!table.contains("nan"), "{table}");

    // Gain beyond the critical one.
    let unstable = dinv(folder.path())
        .args(["stability", "loop.toml", "--require-stable", "--json"])
        .args(["--set", "feedback.values.matrices=[[[-9.0, 1.8], [3.6, -5.4], [0.9, 8.1]]]"])
        .assert()
        .code(1);
    let json: Value = serde_json::from_slice(&unstable.get_output().stdout).expect("one object");
    assert_eq!(json["verdict"], "unstable");
    assert!(json["stability_radius"].is_null() && json["max_transient_growth"].is_null());
}

#[test]
fn spectra_along_a_trajectory_are_called_frozen_time() {
    let text = format!("{BISTABLE}save_at = {{ count = 7 }}\n[stability]\nat = \"trajectory\"\n");
    let report = analysed(&text);
    assert_eq!(report.frozen_time.len(), 7);
    assert_eq!(report.frozen_time[0].verdict, Verdict::Unstable);
    assert_eq!(report.frozen_time[6].verdict, Verdict::Stable);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("m.toml"), format!("schema_version = 1\n{text}"))
        .expect("ok");
    let output = dinv(folder.path()).args(["stability", "m.toml"]).assert().success();
    let table = String::from_utf8(output.get_output().stdout.clone()).expect("text");
    assert!(table.contains("frozen time"), "{table}");
}

#[test]
fn the_hopf_boundary_is_marginal_and_growth_is_reported_beside_stable() {
    let hopf = analysed(
        "[dynamics.linear]\na = [[-1.0, 0.0, -2.0], [2.0, -1.0, 0.0], [0.0, 2.0, -1.0]]\nb = [0, 0, 0]\n",
    );
    assert_eq!(hopf.deciding.verdict, Verdict::Marginal);
    let nonnormal =
        analysed("[dynamics.linear]\na = [[-1.0, 100.0], [0.0, -2.0]]\nb = [0.0, 0.0]\n");
    assert_eq!(nonnormal.deciding.verdict, Verdict::Stable);
    let growth = nonnormal.deciding.max_transient_growth.expect("computed");
    assert!((growth - 25.0062509689829).abs() < 1e-11);
    // A singular system without an equilibrium still has its spectrum.
    let none = analysed("[dynamics.linear]\na = [[0.0, 1.0], [0.0, 0.0]]\nb = [0.0, 1.0]\n");
    assert_eq!(none.deciding.verdict, Verdict::Marginal);
    assert!(none.notes[0].contains("no equilibrium found"), "{:?}", none.notes);
}

#[test]
fn a_cascade_is_analysed_loop_by_loop() {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/mnist_layer_inversion.toml");
    let model = Model::load(Path::new(model), &[]).expect("the model");
    let context = Context::new(&Silent, Interrupt::default(), NonZeroUsize::MIN);
    let options = StabilityOptions::default();
    let report = stability(&model, Path::new("m.toml"), &options, &context).expect("analysed");
    let points: Vec<&str> = report.equilibria.iter().map(|e| e.point.as_str()).collect();
    assert_eq!(points, ["layer 3", "layer 2"]);
    assert_eq!(report.deciding.verdict, Verdict::Stable);
    assert_eq!(report.deciding.method, "theorem-1");
    // Tied feedback with equal time constants: the numerical abscissa is minus the leak.
    assert!((report.deciding.numerical_abscissa.expect("computed") + 0.01).abs() < 1e-12);
    assert_eq!(report.deciding.max_transient_growth, Some(1.0));
}

/// A ring of three inhibiting units: -1 + gain with the frequency sqrt(3) gain.
#[test]
fn a_branch_is_followed_through_its_hopf_point() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "schema_version = 1\n[dynamics.rate-network]\nactivation = \"tanh\"\ngain = 0.5\n\
                w = [[0, 0, -2], [2, 0, 0], [0, 2, 0]]\n";
    std::fs::write(folder.path().join("ring.toml"), text).expect("writable");
    let output = dinv(folder.path())
        .args(["stability", "ring.toml", "--json", "-o", "ring.h5"])
        .args(["--continue", "dynamics.rate-network.gain=0.5:2"])
        .assert()
        .success();
    let json: Value = serde_json::from_slice(&output.get_output().stdout).expect("one object");
    assert_eq!(json["continuation"]["end"], "reached");
    let found = &json["continuation"]["bifurcations"][0];
    assert_eq!((&found["kind"], &found["criticality"]), (&"hopf".into(), &"supercritical".into()));
    assert!((found["parameter"].as_f64().expect("a number") - 1.0).abs() < 1e-8);
    assert!((found["frequency"].as_f64().expect("a number") - 3f64.sqrt()).abs() < 1e-7);
    let period = found["limit_cycle"]["period"].as_f64().expect("a cycle");
    assert!((period / (std::f64::consts::TAU / 3f64.sqrt()) - 1.0).abs() < 0.1, "{period}");
    let reader = ResultReader::open(&folder.path().join("ring.h5")).expect("a result");
    let parameter = reader.f64s("stability/continuation/parameter").expect("stored");
    assert_eq!((parameter[0], parameter[parameter.len() - 1]), (0.5, 2.0));
    let wrong =
        dinv(folder.path()).args(["stability", "ring.toml", "--continue", "gain=1"]).assert();
    wrong.code(2);
}

#[test]
fn a_map_has_the_verdicts_of_its_points() {
    let map = "[stability.map]\nx = { parameter = \"leak\", points = [0.2, 1.0] }\n\
               y = { parameter = \"gain\", points = [0.5, 1.0, 4.0] }\n";
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!("schema_version = 1\n{}{map}", LOOP.replace("METHOD", "auto"));
    std::fs::write(folder.path().join("m.toml"), text).expect("writable");
    let output = dinv(folder.path()).args(["stability", "m.toml", "--json", "-o", "m.h5"]).assert();
    let json: Value =
        serde_json::from_slice(&output.success().get_output().stdout).expect("one object");
    assert_eq!(json["map"]["points"], serde_json::json!([2, 3]));
    let reader = ResultReader::open(&folder.path().join("m.h5")).expect("a result");
    let abscissa = reader.f64s("stability/map/abscissa").expect("stored");
    // Leak 1, gain 1 is the model itself.
    let own = json["spectral_abscissa"].as_f64().expect("a number");
    assert!((abscissa[3] - own).abs() < 1e-12, "{abscissa:?} {own}");
    assert!(abscissa[5] > 0.0, "gain 4 is beyond the critical gain");
}
