//! `dinv train` with the rules of deep feedback control and sleep phases.

use std::path::Path;

use dynamic_inversion::model::Model;
use dynamic_inversion::results::ResultReader;

use crate::training::run;

const TEXT: &str = r#"
schema_version = 1
seed = 3
[network]
sizes = [6, 5, 4, 3]
activation = "tanh"
weights = { normal = { scale = 1 } }
[training]
steps = 60
rate = 0.05
batch = { size = 4 }
[training.data.teacher]
weights = { normal = { scale = 1 } }
train_count = 40
test_count = 10
[training.sleep]
every = 30
phase = { steps = 64, noise_std = 0.05, rate = 0.02, leak = 2, step = 0.05, time = 10 }
[[training.rules]]
[training.rules.dfc]
leak = 0.5
tau_v = 0.2
until = { time = 10 }
solver = { euler = { step = 0.05 } }
[[training.rules]]
dfc-ss = { leak = 0.5 }
[[training.rules]]
dfc-ssa = { leak = 0.5, feedback = "weight-product" }
[[training.rules]]
strong-dfc = { leak = 0.5, filter = { tau_voltage = 0.2 } }
[[training.rules]]
[training.rules.dfc-ss]
name = "random"
leak = 1
feedback = "random-normal"
[[training.rules]]
[training.rules.dfc-ss]
name = "learned"
leak = 1
feedback = { learned = { steps = 320, noise_std = 0.05, rate = 0.02, leak = 2, step = 0.05, time = 10 } }
[[training.metrics]]
loss = { set = "train", every = 30 }
[[training.metrics]]
row-space = { every = 30 }
[[training.metrics]]
condition1 = { every = 30 }
"#;

#[test]
fn every_rule_learns_and_sleep_aligns_the_feedback() {
    let model = Model::parse("asleep.toml", TEXT, Path::new("."), &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("asleep.h5");
    let report = run(&model, &file, false).unwrap();
    assert_eq!(report.status, "complete");
    let reader = ResultReader::open(&file).unwrap();
    let rules = 6;
    let rows = |name: &str| -> Vec<Vec<f64>> {
        let values = reader.f64s(&format!("training/{name}")).unwrap();
        values.chunks_exact(rules).map(<[f64]>::to_vec).collect()
    };
    let loss = rows("loss_train");
    // Fixed random feedback need not point downhill.
    for rule in (0..rules).filter(|rule| *rule != 4) {
        assert!(loss[2][rule] < loss[0][rule], "rule {rule}: {loss:?}");
    }
    let share = rows("row_space");
    let close = |x: f64, y: f64| (x - y).abs() < 1e-9;
    assert!(close(share[0][0], 1.0) && close(share[2][1], 1.0), "J^T lies in the row space");
    // Learned before training and kept so by sleep; random feedback is drawn there by sleep.
    assert!(share[0][5] > share[0][4] + 0.1, "{share:?}");
    assert!(share[2][4] > share[0][4] + 0.05, "{share:?}");
    assert!(rows("condition1").iter().flatten().all(|x| x.is_finite() && *x >= 0.0));
}
