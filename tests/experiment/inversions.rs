//! `invert`: a frame whose identities are known, and the file it writes.

use std::path::Path;

use dynamic_inversion::error::Error;
use dynamic_inversion::experiment::OutputOptions;
use dynamic_inversion::experiment::invert::{
    Against, InvertOptions, InvertReport, InvertedRule, invert,
};
use dynamic_inversion::learning::rules::Ndi;
use dynamic_inversion::learning::{Batch, Learner, LoopFeedback, LoopOptions, Options, RULES};
use dynamic_inversion::network::datasets::Dataset;
use dynamic_inversion::results::ResultReader;
use nalgebra::DMatrix;

use super::support::repository;
use super::{context, model};

const TANH: &str = r#"
schema_version = 1
seed = 4
[network]
sizes = [8, 12, 10, 4]
activation = "tanh"
weights = { normal = { scale = 1.0 } }
biases = { normal = { scale = 0.3 } }
[target]
input = { normal = { scale = 1.0 } }
normal = { scale = 0.5, count = 3 }
"#;

fn try_invert(text: &str) -> Result<InvertReport, Error> {
    invert(&model(text), Path::new("test.toml"), &InvertOptions::default(), &context())
}

fn inverted(text: &str) -> InvertReport {
    try_invert(text).unwrap_or_else(|error| panic!("{error}"))
}

fn rule<'a>(report: &'a InvertReport, name: &str) -> &'a InvertedRule {
    report.rules.iter().find(|r| r.name == name).unwrap_or_else(|| panic!("no rule {name}"))
}

fn against<'a>(report: &'a InvertReport, name: &str, reference: &str) -> &'a Against {
    let rule = rule(report, name);
    rule.against.iter().find(|a| a.reference == reference).expect("a known direction")
}

/// The rule equals the direction in every figure.
fn same(report: &InvertReport, name: &str, reference: &str, tolerance: f64) {
    let Against {
        angle,
        norm_ratio,
        update_angle,
        update_norm_ratio,
        total_angle,
        total_norm_ratio,
        ..
    } = against(report, name, reference);
    let angles = angle.iter().chain(update_angle).chain([total_angle]);
    let ratios = norm_ratio.iter().chain(update_norm_ratio).chain([total_norm_ratio]);
    assert!(angles.clone().all(|a| *a < tolerance), "{name} {reference}: {angles:?}");
    assert!(ratios.clone().all(|r| (r - 1.0).abs() < tolerance), "{name} {reference}");
}

#[test]
fn rules_meet_their_own_directions() {
    let rules = r#"
[invert]
dampings = [0.0, 0.3]
rules = [
    { bp = {} },
    { gauss-newton = { name = "GN" } },
    { gauss-newton = { name = "block", blocks = "layer" } },
    { gauss-newton = { name = "LM", damping = 0.3 } },
    { minimum-norm = {} },
]
"#;
    let report = inverted(&format!("{TANH}{rules}"));
    assert_eq!(report.examples, 3);
    for (name, direction) in [
        ("bp", "gradient"),
        ("GN", "gauss-newton"),
        ("GN", "levenberg-marquardt 0"),
        ("block", "gauss-newton-block"),
        ("LM", "levenberg-marquardt 0.3"),
        ("minimum-norm", "minimum-norm"),
    ] {
        same(&report, name, direction, 1e-10);
    }
    assert!(against(&report, "bp", "gauss-newton").total_angle > 5.0);
    // The minimum-norm change of all layers cancels the output error, each layer's block step its own.
    assert!(rule(&report, "minimum-norm").residual[3] < 1e-12);
    for (rank, left) in report.ranks[1..].iter().zip(&rule(&report, "minimum-norm").residual) {
        assert_eq!((rank.rank_min, rank.rank_max), (4, 4));
        assert!(*left > 0.0 && *left < 1.0);
    }
}

#[test]
fn predictive_coding_is_minimum_norm_on_linear_networks() {
    let report = inverted(&TANH.replace("\"tanh\"", "\"linear\""));
    same(&report, "predictive-coding", "minimum-norm", 1e-9);
}

/// The leak of loops is the damping of steps at the last hidden layer, and at no other here.
#[test]
fn leak_is_damping_at_the_last_hidden_layer() {
    let report = inverted(TANH);
    assert_eq!(report.leak_damping.len(), 3);
    for leak in &report.leak_damping {
        assert!(leak.angle[1] < 1e-10 && (leak.norm_ratio[1] - 1.0).abs() < 1e-12);
        assert!(leak.angle[0] > 1.0);
    }
}

/// Every rule is there, or its reason why not.
#[test]
fn rules_that_do_not_fit_are_left_out_with_a_reason() {
    let report = inverted(&TANH.replace("\"tanh\"", "\"softplus\""));
    assert_eq!(report.rules.len() + report.left_out.len(), RULES.len());
    let reason = |name: &str| {
        let found = report.left_out.iter().find(|l| l.rule == name);
        found.map(|l| l.reason.clone()).unwrap_or_default()
    };
    assert!(reason("hindsight").contains("softplus"), "{}", reason("hindsight"));
    assert!(
        reason("vector-broadcasting").contains("10 units"),
        "{}",
        reason("vector-broadcasting")
    );
}

/// Every rule applies to a network of the form that vector broadcasting trains, and that form alone
/// makes its errors point downhill.
#[test]
fn vectorised_networks_admit_every_rule() {
    let first = "[[0.3, -0.2, 0.5], [0.1, 0.4, -0.6], [-0.5, 0.2, 0.7], [0.6, 0.1, -0.3]]";
    let tied = "[[0.8, 0, 0.3, 0], [0, 0.8, 0, 0.3]]";
    let network = |second: &str| {
        format!(
            "schema_version = 1\n[network]\nsizes = [3, 4, 2]\nactivation = \"tanh\"\n\
             weights = {{ values = [{first}, {second}] }}\n[target]\ninput = [0.5, -1.0, 0.8]\n\
             delta = [0.2, -0.3]\n"
        )
    };
    let report = inverted(&network(tied));
    assert_eq!(report.rules.len(), RULES.len(), "{:?}", report.left_out);
    assert!(report.rules.iter().all(|r| r.status == "complete" && r.unconverged == 0));
    let angle = against(&report, "vector-broadcasting", "gradient").total_angle;
    assert!(angle < 60.0, "{angle}");
    let report = inverted(&network("[[0.8, 0.1, 0.3, 0], [0, -0.8, 0, 0.3]]"));
    let left_out = report.left_out.iter().map(|l| l.rule.as_str()).collect::<Vec<_>>();
    assert_eq!(left_out, ["vector-broadcasting"]);
    let reason = &report.left_out[0].reason;
    assert!(reason.contains("form of its own") && !reason.contains("--set"), "{reason}");
}

/// Averaging over samples lowers the noise of an update with the root of their number.
#[test]
fn the_noise_of_stochastic_rules_is_told() {
    let rules = "[invert]\nrules = [{ bp = {} }, { hindsight = { name = \"one\", samples = 1 } }, \
                 { hindsight = { name = \"nine\", samples = 9 } }]\n";
    let report = inverted(&format!("{TANH}{rules}"));
    assert_eq!(rule(&report, "bp").noise, None);
    let noise = |name: &str| rule(&report, name).noise.expect("it draws");
    let ratio = noise("one") / noise("nine");
    assert!((2.4..3.6).contains(&ratio), "{} {}", noise("one"), noise("nine"));
}

/// The loss after one update against a learner that makes it.
#[test]
fn the_loss_decrease_is_that_of_learning() {
    let text = format!("{TANH}[invert]\nrules = [{{ ndi = {{ leak = 0.1 }} }}]\n");
    let report = inverted(&text);
    let model = model(&text);
    let network = model.network("test").unwrap();
    let point = model.operating_point(&network).unwrap().unwrap();
    let error = model.output_errors(&network, Some(&point), "test").unwrap();
    let targets: DMatrix<f64> = point.forward.output() + error;
    let data = Dataset::dense(point.forward.inputs.clone(), targets).unwrap();
    let feedback =
        network.layers()[1..].iter().map(|l| LoopFeedback::Fixed(-l.weights.transpose())).collect();
    let rule = Ndi::new(&network, feedback, LoopOptions::at_rest(0.1)).unwrap();
    let mut learner = Learner::new("ndi", network, Box::new(rule), Options::with_rate(1.0));
    let batch = Batch::new(&data, &[0, 1, 2], 3);
    learner.learn(&batch);
    let before = learner.losses()[0];
    learner.learn(&batch);
    let expected = 1.0 - learner.losses()[0] / before;
    let found = report.rules[0].loss_decrease_full_step;
    assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    assert!(report.rules[0].loss_decrease_best >= found);
    assert!((report.loss - before / 3.0).abs() < 1e-12);
}

#[test]
fn missing_inputs_and_hidden_layers_are_named() {
    let text = TANH.replace("input = { normal = { scale = 1.0 } }\n", "");
    let message = try_invert(&text).unwrap_err().to_string();
    assert!(message.contains("input"), "{message}");
    let message = try_invert(&TANH.replace("[8, 12, 10, 4]", "[8, 4]")).unwrap_err().to_string();
    assert!(message.contains("hidden layer"), "{message}");
}

#[test]
fn the_file_holds_what_the_documentation_lists() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let output = OutputOptions { path: Some(path.clone()), ..OutputOptions::default() };
    let options = InvertOptions { output };
    let report = invert(&model(TANH), Path::new("test.toml"), &options, &context())
        .unwrap_or_else(|error| panic!("{error}"));
    let reader = ResultReader::open(&path).unwrap();
    let documentation = std::fs::read_to_string(repository().join("docs/results.md")).unwrap();
    let section = documentation.split("## Group `invert`").nth(1).expect("documented");
    for variable in reader.variables("invert").unwrap() {
        let name = variable.name().to_owned();
        assert!(section.contains(&format!("`{name}`")) || name == "delta_3", "{name}");
        assert!(variable.attribute_text("long_name").is_some(), "{name}");
        let is_text = variable.type_name == "text";
        assert_eq!(variable.attribute_text("units").is_none(), is_text, "{name}");
    }
    let delta = reader.variable("invert/delta_2").unwrap();
    let shape: Vec<usize> = delta.dims.iter().map(|d| d.length).collect();
    assert_eq!(shape, [report.rules.len(), 3, 10]);
    let angles = reader.f64s("invert/total_angle").unwrap();
    assert_eq!(angles[0], report.rules[0].against[0].total_angle);
}
