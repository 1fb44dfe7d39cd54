//! Sweeps: refused before anything runs, or planned point by point.

use dynamic_inversion::model::spec::{Dynamics, Network};
use dynamic_inversion::model::{Model, Problem, SweepPlan};

use crate::support::{place, refused, valid};

const BASE: &str = r#"schema_version = 1
seed = 3
[network]
sizes = [20, 10]
weights = { normal = { scale = 1 } }
[dynamics.layerwise-inversion]
layer = 1
leak = 0.01
[feedback.negative-transpose]
scale = 1
[sweep]
command = "stability"
collect = ["verdict", "spectral_abscissa", "critical.leak"]
"#;

fn plan(grid: &str) -> SweepPlan {
    SweepPlan::new(&valid(&format!("{BASE}{grid}"))).expect("a valid sweep")
}

fn leak(model: &Model) -> f64 {
    match &model.specification().dynamics {
        Some(Dynamics::LayerwiseInversion(d)) => d.leak,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_grid_is_an_outer_product_with_the_last_axis_fastest() {
    let plan = plan(
        "[sweep.grid]\n\"dynamics.layerwise-inversion.leak\" = { log = { from = 1e-3, to = 1.0, count = 4 } }\n\
         \"feedback.negative-transpose.scale\" = { linear = { from = 0.1, to = 2.0, count = 20 } }\n\
         \"network.sizes\" = [[20, 10], [200, 100], [784, 10]]\n",
    );
    let axes: Vec<_> = plan.axes().iter().map(|a| (a.name.as_str(), a.len)).collect();
    assert_eq!(axes, [("leak", 4), ("scale", 20), ("sizes", 3)]);
    assert_eq!(plan.len(), 240);
    assert_eq!(plan.point(0).position, [0, 0, 0]);
    assert_eq!(plan.point(1).position, [0, 0, 1]);
    assert_eq!(plan.point(3).position, [0, 1, 0]);
    assert_eq!(plan.point(239).position, [3, 19, 2]);
    let model = plan.model(239).expect("a valid point");
    assert_eq!(leak(&model), 1.0);
    assert_eq!(
        model.specification().network.as_ref().map(|n: &Network| n.sizes.clone()),
        Some(vec![784, 10])
    );
    assert_eq!(model.specification().sweep, None);
    let leaks: Vec<_> = (0..4).map(|k| leak(&plan.model(k * 60).expect("valid"))).collect();
    assert_eq!(leaks, [0.001, 0.01, 0.1, 1.0]);
    let scale = plan.coordinate(&plan.axes()[1], 0, 2);
    assert_eq!(scale, toml::Value::Float(0.3));
}

#[test]
fn zipped_keys_walk_together_and_repeats_have_their_own_seeds() {
    let plan = plan(
        "seeds = 3\n[sweep.zip]\n\"network.sizes\" = [[5, 4], [4, 3]]\n\"dynamics.layerwise-inversion.leak\" = [1, 2]\n",
    );
    assert_eq!(plan.len(), 6);
    let models: Vec<_> = (0..6).map(|k| plan.model(k).expect("valid")).collect();
    assert_eq!(models.iter().map(leak).collect::<Vec<_>>(), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    let seeds: Vec<_> = models.iter().map(|m| m.specification().seed).collect();
    assert_eq!(seeds[..3], seeds[3..]);
    assert!(seeds[0] != seeds[1] && seeds[1] != seeds[2] && seeds[0] != 3);
    assert_eq!(
        models[0].specification().network.as_ref().map(|n| n.sizes.clone()),
        Some(vec![5, 4])
    );
}

#[test]
fn draws_depend_on_seed_and_number_only() {
    let text = |count: usize| {
        format!(
            "[sweep.random]\ncount = {count}\n\"dynamics.layerwise-inversion.leak\" = {{ log-uniform = {{ low = 1e-3, high = 1 }} }}\n\
             \"feedback.negative-transpose.scale\" = {{ uniform = {{ low = 1, high = 2 }} }}\n\"network.sizes\" = {{ choice = [[4, 3], [5, 2]] }}\n"
        )
    };
    let (short, long) = (plan(&text(10)), plan(&text(1000)));
    for k in 0..10 {
        assert_eq!(short.point(k), long.point(k));
    }
    let draws: Vec<f64> = (0..1000).map(|k| leak(&long.model(k).expect("valid"))).collect();
    assert!(draws.iter().all(|x| (1e-3..=1.0).contains(x)));
    // The logarithm is uniform: its mean is that of the ends, within four standard errors.
    let mean = draws.iter().map(|x| x.log10()).sum::<f64>() / 1000.0;
    assert!((mean + 1.5).abs() < 4.0 * 3.0 / (12.0f64 * 1000.0).sqrt(), "{mean}");
    let wide = (0..1000).filter(|k| {
        let network = long.model(*k).expect("valid").specification().network.clone();
        network.is_some_and(|n| n.sizes == [4, 3])
    });
    let wide = wide.count();
    assert!((437..563).contains(&wide), "{wide} of 1000");
}

#[test]
fn unknown_keys_are_refused_with_the_right_one_suggested() {
    let error =
        refused(&format!("{BASE}[sweep.grid]\n\"dynamics.layerwise-inversion.leek\" = [0, 1]\n"));
    assert_eq!((error.location().line, error.location().column), (15, 1));
    let Problem::UnknownKey { key, suggestion, .. } = error.problem() else { panic!("{error}") };
    assert_eq!((key.as_str(), suggestion.as_deref()), ("leek", Some("leak")));
    for key in ["sweep.seeds", "schema_version", "title"] {
        let error = refused(&format!("{BASE}[sweep.grid]\n\"{key}\" = [1, 2]\n"));
        assert!(matches!(error.problem(), Problem::NotAllowed { .. }), "{error}");
    }
}

#[test]
fn points_that_cannot_be_are_refused() {
    let leak = "dynamics.layerwise-inversion.leak";
    let cases = [
        (format!("\"{leak}\" = [0.1, \"much\"]"), "expected a number, found the text \"much\""),
        (format!("\"{leak}\" = [0.1, -1]"), "-1 is out of range"),
        (format!("\"{leak}\" = []"), "there are no values"),
        (
            format!("\"{leak}\" = [0.1, 0.2, 1e-1]"),
            "the point 0.1 appears twice, at positions 0 and 2",
        ),
        (format!("\"{leak}\" = [0.1, 0.10000000000000001]"), "appears twice"),
        (format!("\"{leak}\" = [1, 1.0]"), "appears twice"),
        (
            format!("\"{leak}\" = {{ step = {{ from = 1, to = 0, step = 0.1 }} }}"),
            "must be of the sign of to - from",
        ),
        (format!("\"{leak}\" = {{ step = {{ from = 0, to = 1, step = 0 }} }}"), "must be not 0"),
        (
            format!("\"{leak}\" = {{ log = {{ from = 0, to = 1, count = 3 }} }}"),
            "a logarithmic range has no zero",
        ),
        (
            format!("\"{leak}\" = {{ linear = {{ from = 1, to = 1, count = 3 }} }}"),
            "must be different from `from`",
        ),
        (
            format!("\"{leak}\" = {{ linear = {{ from = -1, to = 1, count = 3 }} }}"),
            "-1 is out of range",
        ),
        ("\"network.sizes\" = [[20, 10], [20, 0]]".to_owned(), "0 is out of range"),
        ("\"network.sizes\" = [[20, 10], [20]]".to_owned(), "a network needs at least two sizes"),
        ("\"solver.rk4.step\" = [0.1, 0.2]".to_owned(), "exclude each other"),
    ];
    for (line, message) in cases {
        let text = format!("{BASE}[solver]\ndopri5 = {{}}\n[sweep.grid]\n{line}\n");
        let error = match crate::support::parse(&text) {
            Err(error) => error,
            Ok(model) => SweepPlan::new(&model).expect_err(&line),
        };
        assert!(error.to_string().contains(message), "{line}: {error}");
    }
}

#[test]
fn sweeps_that_vary_nothing_or_one_thing_twice_are_refused() {
    let error = refused(BASE);
    assert!(error.to_string().contains("a sweep needs something to vary"), "{error}");
    let twice = "[sweep.grid]\n\"seed\" = [1, 2]\n[sweep.zip]\n\"seed\" = [3, 4]\n";
    let error = refused(&format!("{BASE}{twice}"));
    assert_eq!(place(&error), (17, 10, "sweep.zip.seed"));
    let error = refused(&format!("{BASE}seeds = 2\n[sweep.grid]\nseed = [1, 2]\n"));
    assert!(matches!(error.problem(), Problem::SeveralVariants { .. }), "{error}");
    let uneven =
        "[sweep.zip]\n\"seed\" = [1, 2]\n\"dynamics.layerwise-inversion.leak\" = [1, 2, 3]\n";
    let error = refused(&format!("{BASE}{uneven}"));
    assert!(error.to_string().contains("walk together, and `seed` has 2 values"), "{error}");
}

#[test]
fn axes_that_end_alike_keep_their_paths() {
    let plan = plan(
        "[sweep.grid]\n\"dynamics.layerwise-inversion.tau_state\" = [1, 2]\n\
         \"network.weights.normal.scale\" = [1, 2]\n\"feedback.negative-transpose.scale\" = [1, 2]\n",
    );
    let names: Vec<_> = plan.axes().iter().map(|a| a.name.as_str()).collect();
    assert_eq!(
        names,
        ["tau_state", "network.weights.normal.scale", "feedback.negative-transpose.scale"]
    );
}

#[test]
fn a_hundred_thousand_points_take_no_memory() {
    let plan = plan(
        "[sweep.grid]\n\"dynamics.layerwise-inversion.leak\" = { linear = { from = 0, to = 1, count = 1000 } }\n\
         \"feedback.negative-transpose.scale\" = { linear = { from = 0.5, to = 1, count = 1000 } }\n",
    );
    assert_eq!(plan.len(), 1_000_000);
    assert_eq!(leak(&plan.model(999_999).expect("valid")), 1.0);
}
