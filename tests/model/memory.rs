//! What cannot be held is refused before it is made.

use dynamic_inversion::model::{ModelError, Problem, SweepPlan};

use crate::support::{refused, valid};

const LOOP: &str = "schema_version = 1
[network]
sizes = [2, 2]
weights = \"normal\"
[dynamics.layerwise-inversion]
layer = 1
leak = 0.1
[target]
normal = { scale = 1, count = 3 }
[training]
steps = 1
rate = 0.1
rules = [\"bp\"]
metrics = [{ loss = {} }]
[training.data.teacher]
weights = \"normal\"
train_count = 5
";

fn too_large(error: &ModelError, key: &str) {
    assert!(matches!(error.problem(), Problem::TooLarge { .. }), "{error}");
    assert_eq!(error.location().key, key, "{error}");
    let text = error.to_string();
    assert!(text.contains(" TB") && text.contains("available"), "{text}");
}

#[test]
fn objects_beyond_any_memory_are_refused_by_key_and_size() {
    assert!(valid(LOOP).system().is_ok());
    for (right, wrong, key) in [
        (
            "sizes = [2, 2]\nweights = \"normal\"\n[dyn",
            "sizes = [4000000000, 4000000000]\nweights = \"normal\"\n[dyn",
            "network.sizes",
        ),
        ("count = 3", "count = 1000000000000000000", "target.normal.count"),
    ] {
        let model = valid(&LOOP.replace(right, wrong));
        too_large(&model.system().err().expect("refused"), key);
    }
    assert!(valid(LOOP).training_data().is_ok());
    for (right, wrong, key) in [
        (
            "train_count = 5",
            "train_count = 1000000000000000000",
            "training.data.teacher.train_count",
        ),
        (
            "train_count = 5",
            "train_count = 5\ntest_count = 1000000000000000000",
            "training.data.teacher.test_count",
        ),
    ] {
        let model = valid(&LOOP.replace(right, wrong));
        too_large(&model.training_data().err().expect("refused"), key);
    }
}

#[test]
fn sweeps_beyond_counting_are_refused_before_their_points_are_listed() {
    let sweep = format!("{LOOP}[sweep]\ncommand = \"stability\"\n");
    let leak = "\"dynamics.layerwise-inversion.leak\"";
    for range in [
        "{ linear = { from = 0.1, to = 1, count = 1000000000000 } }",
        "{ log = { from = 0.1, to = 1, count = 1000000000000 } }",
        "{ step = { from = 0, to = 1, step = 1e-12 } }",
    ] {
        let error = refused(&format!("{sweep}[sweep.grid]\n{leak} = {range}\n"));
        assert!(error.to_string().contains("the most along one axis"), "{error}");
    }
    let model = valid(&format!("{sweep}seeds = 1000000000000000000\n"));
    too_large(&SweepPlan::new(&model).expect_err("refused"), "sweep");
}
