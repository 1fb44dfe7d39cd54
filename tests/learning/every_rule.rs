//! Every rule at once: threads and interruptions change nothing, divergence stays where it is.

use std::path::Path;

use dynamic_inversion::learning::RULES;
use dynamic_inversion::model::{KeyPath, Model, Override};
use dynamic_inversion::results::ResultReader;

use crate::experiment::run_until;
use crate::training::run;

/// A first layer large enough to be delayed.
const TEXT: &str = r#"
schema_version = 1
seed = 6
[network]
sizes = [700, 50, 20, 10]
activation = "tanh"
weights = { normal = { scale = 1 } }
[training]
steps = 24
rate = 0.01
[training.data.teacher]
weights = { normal = { scale = 1 } }
train_count = 40
[training.sleep]
every = 12
phase = { steps = 4, noise_std = 0.05, rate = 0.02, leak = 2, step = 0.05, time = 2 }
"#;

/// All rules, some in several forms.
const ENTRIES: &[&str] = &[
    "bp = {}",
    "fa = {}",
    "dfa = {}",
    "pbp = {}",
    "ndi = { leak = 0.1, retie = true }",
    "di = { leak = 0.1, until = { time = 5 } }",
    "di = { name = \"nonlinear\", leak = 0.5, transfer = \"nonlinear\" }",
    "sdi = { leak = 0.1, feedback = { negative-transpose = { scale = 0.1 } } }",
    "dfc = { leak = 0.5, tau_v = 0.2, until = { time = 2 }, solver = { euler = { step = 0.1 } } }",
    "dfc-ss = { leak = 0.5 }",
    "dfc-ss = { name = \"random\", leak = 1, feedback = \"random-normal\" }",
    "dfc-ssa = { leak = 0.5, feedback = \"weight-product\" }",
    "strong-dfc = { leak = 0.5, filter = { tau_voltage = 0.2 } }",
    "gauss-newton = { damping = 1 }",
    "minimum-norm = { damping = 1 }",
    "predictive-coding = {}",
    "vector-broadcasting = {}",
    "hindsight = { samples = 2 }",
];

fn model(batch: usize) -> Model {
    let rules: Vec<_> = ENTRIES.iter().map(|entry| format!("{{ {entry} }}")).collect();
    let metrics = "metrics = [{ nse = { every = 8 } }, { abscissa = { every = 12 } }, \
                   { update-angle = { to = \"gauss-newton\", every = 12 } }]";
    let lines = format!("batch = {{ size = {batch} }}\nrules = [{}]\n{metrics}", rules.join(", "));
    let text = TEXT.replace("rate = 0.01\n", &format!("rate = 0.01\n{lines}\n"));
    Model::parse("every.toml", &text, Path::new("."), &[]).unwrap()
}

fn run_to_the_end(model: &Model, file: &Path, resume: bool) {
    let report = run(model, file, resume).unwrap();
    assert_eq!(report.status, "complete");
    for rule in &report.rules {
        // Random feedback may point away from a target.
        let most = if rule.name == "random" { 10 } else { 0 };
        assert!(rule.unconverged <= most, "{}: {}", rule.name, rule.unconverged);
        assert_eq!(rule.status, "complete", "{}", rule.name);
    }
}

/// All curves and weights, as bits.
fn bits(file: &Path) -> Vec<(String, Vec<u64>)> {
    let reader = ResultReader::open(file).unwrap();
    let names = reader.groups("weights").unwrap();
    assert_eq!(names.len(), ENTRIES.len());
    let groups = names.iter().map(|name| format!("weights/{name}"));
    let mut all = Vec::new();
    for group in groups.chain(["training".to_owned()]) {
        for variable in reader.variables(&group).unwrap() {
            if variable.type_name == "f64" && variable.name() != "wall_time" {
                let values = reader.f64s(&variable.path).unwrap();
                all.push((variable.path, values.iter().map(|x| x.to_bits()).collect()));
            }
        }
    }
    assert!(all.len() >= 6 * ENTRIES.len(), "{}", all.len());
    all
}

#[test]
fn every_rule_is_here() {
    for rule in RULES {
        let named = |entry: &&&str| entry.split(" = ").next() == Some(rule.name);
        assert!(ENTRIES.iter().any(|entry| named(&entry)), "{}", rule.name);
    }
}

#[test]
fn threads_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for batch in [1, 5] {
        let trained = |threads: usize| {
            let file = folder.path().join(format!("{batch}-{threads}.h5"));
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run_to_the_end(&model(batch), &file, false));
            bits(&file)
        };
        let one = trained(1);
        assert_same(&one, &trained(2));
        assert_same(&one, &trained(8));
    }
}

#[test]
fn interruptions_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole.h5"), folder.path().join("parts.h5"));
    let model = model(1);
    run_to_the_end(&model, &whole, false);
    for (resume, step) in [(false, 5), (true, 10), (true, 16)] {
        assert_eq!(run_until(&model, &parts, resume, step).status, "interrupted");
    }
    run_to_the_end(&model, &parts, true);
    assert_same(&bits(&whole), &bits(&parts));
}

/// Names what differs rather than print it all.
fn assert_same(a: &[(String, Vec<u64>)], b: &[(String, Vec<u64>)]) {
    let names = |x: &[(String, Vec<u64>)]| x.iter().map(|x| x.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(a), names(b));
    let differs = a.iter().zip(b).filter(|(a, b)| a.1 != b.1).map(|(a, _)| a.0.as_str());
    assert_eq!(differs.collect::<Vec<_>>(), [] as [&str; 0]);
}

/// The product of the loop's matrices overflows after the first update.
const OVERFLOW: &str = r#"
schema_version = 1
[network]
sizes = [8, 6, 5, 4]
activation = "tanh"
weights = { normal = { scale = 1 } }
[training]
steps = 20
rate = 0.02
unconverged = "include"
rules = [{ bp = {} }, { sdi = { leak = 0.1, until = { time = 3 }, solver = { euler = { step = 1 } } } }]
metrics = [{ nse = { every = 1 } }, { abscissa = { every = 5 } }]
[training.data.teacher]
weights = { normal = { scale = 1 } }
train_count = 40
"#;

#[test]
fn a_loop_that_cannot_be_judged_any_more_stops_alone() {
    let rows: Vec<_> = (0..6)
        .map(|i| (0..4).map(|j| if i == j { "1e160" } else { "0" }).collect::<Vec<_>>().join(","))
        .map(|row| format!("[{row}]"))
        .collect();
    let feedback = format!("{{ values = {{ matrices = [[{}]] }} }}", rows.join(","));
    let key = KeyPath::parse("training.rules[1].sdi.feedback").unwrap();
    let overrides = [Override::new("test", key, &feedback)];
    let model = Model::parse("huge.toml", OVERFLOW, Path::new("."), &overrides).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let report = run(&model, &folder.path().join("out.h5"), false).unwrap();
    assert_eq!(report.status, "complete");
    let [bp, sdi] = &report.rules[..] else { panic!("two rules") };
    assert_eq!((bp.status.as_str(), bp.steps), ("complete", 20));
    assert_eq!(sdi.status, "stopped");
    assert!(sdi.steps < 20 && sdi.reason.as_ref().unwrap().contains("layer"), "{sdi:?}");
    assert!(report.warnings.iter().any(|w| w.contains("sdi")), "{:?}", report.warnings);
}
