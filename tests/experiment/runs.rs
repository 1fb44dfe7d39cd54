//! `run`: trajectories, equilibria, awkward spans and failures.

use approx::assert_relative_eq;
use dynamic_inversion::experiment::run::RunOptions;
use dynamic_inversion::results::Status;
use nalgebra::DMatrix;

use super::support::repository;
use super::{Finished, model, run_text, try_run};

#[test]
fn a_cascade_feeds_each_loop_with_the_end_of_the_one_above() {
    let finished = run_text(
        r#"
        schema_version = 1
        seed = 3
        [network]
        sizes = [6, 5, 4]
        activation = "tanh"
        weights = { normal = { scale = 1.0 } }
        [dynamics.layerwise-inversion]
        layer = "all"
        leak = 0.05
        [target]
        output = [0.1, -0.2, 0.3, 0.0]
        input = [0.5, -1, 0.25, 0, 1, -0.5]
        [solver.dop853]
        rtol = 1e-11
        atol = 1e-12
        [run]
        t_span = [0, 400]
        save_at = "end"
        "#,
    );
    assert_eq!(finished.report.loops.len(), 1, "layers above the first: only layer 2");
    let deeper = run_text(
        r#"
        schema_version = 1
        seed = 3
        [network]
        sizes = [6, 5, 5, 4]
        weights = { normal = { scale = 1.0 } }
        [dynamics.layerwise-inversion]
        layer = "all"
        leak = 0.05
        [target]
        delta = [0.1, -0.2, 0.3, 0.0]
        [solver.dop853]
        rtol = 1e-11
        atol = 1e-12
        [run]
        t_span = [0, 400]
        save_at = { count = 3 }
        "#,
    );
    let reader = deeper.reader();
    let above = reader.f64s("trajectory/layer_3/state").unwrap();
    let target = &above[above.len() - 5..];
    let w = reader.f64s("weights/w_2").unwrap();
    let w = DMatrix::from_row_slice(5, 5, &w);
    // r = W^T (W W^T + leak I)^-1 delta, the Tikhonov form of the equilibrium for B = -W^T.
    let gram = &w * w.transpose() + DMatrix::identity(5, 5) * 0.05;
    let delta = DMatrix::from_column_slice(5, 1, target);
    let expected = w.transpose() * gram.lu().solve(&delta).unwrap();
    let below = reader.f64s("trajectory/layer_2/state").unwrap();
    let end = DMatrix::from_column_slice(5, 1, &below[below.len() - 5..]);
    assert_relative_eq!(end, expected, epsilon = 1e-8);
    assert!(deeper.report.steady_state_error.unwrap() < 1e-8);
}

#[test]
fn many_targets_equal_single_ones() {
    let text = |target: &str| {
        format!(
            r#"
            schema_version = 1
            seed = 5
            [network]
            sizes = [8, 3]
            weights = {{ normal = {{ scale = 1.0 }} }}
            [dynamics.layerwise-inversion]
            layer = 1
            leak = 0.1
            transfer = "nonlinear"
            activation = "tanh"
            [target]
            {target}
            [solver.dop853]
            rtol = 1e-12
            atol = 1e-13
            [run]
            t_span = [0, 20]
            save_at = "end"
            "#
        )
    };
    let both = run_text(&text("delta = [[0.1, 0.2, 0.3], [-0.3, 0.1, 0.0]]"));
    let second = run_text(&text("delta = [-0.3, 0.1, 0.0]"));
    let info = both.reader().info("trajectory/state").unwrap();
    let dims: Vec<_> = info.dims.iter().map(|d| (d.name.as_str(), d.length)).collect();
    assert_eq!(dims, [("time", 1), ("target", 2), ("state_unit", 8)]);
    let batch = both.reader().f64s("trajectory/state").unwrap();
    let single = second.reader().f64s("trajectory/state").unwrap();
    for (a, b) in batch[8..].iter().zip(&single) {
        assert!((a - b).abs() < 1e-10, "{a} {b}");
    }
}

/// All but those of other commands.
#[test]
fn every_model_with_a_run_section_runs() {
    let mut run = 0;
    for entry in std::fs::read_dir(repository().join("models")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if path.extension().is_none_or(|e| e != "toml") || !text.contains("\n[run]") {
            continue;
        }
        let finished = try_run(&model(&text), RunOptions::default())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(finished.report.status, "complete", "{}", path.display());
        assert_eq!(finished.reader().status().unwrap(), Status::Complete);
        run += 1;
    }
    assert!(run >= 7, "{run} models");
}

fn linear(a: &str, x0: &str, t_span: &str, rest: &str) -> String {
    format!(
        r#"
        schema_version = 1
        [dynamics.linear]
        a = {a}
        [initial]
        values = {x0}
        {rest}
        [run]
        t_span = {t_span}
        save_at = {{ every = 0.1 }}
        "#
    )
}

#[test]
fn awkward_spans_have_exact_rows() {
    for (t_span, count, start, end) in [
        ("[0, 0]", 1, 1.0, 1.0),
        ("[2, 2]", 1, 1.0, 1.0),
        ("[-1, 1]", 21, 1.0, (-2.0f64).exp()),
        ("[-2, -1]", 11, 1.0, (-1.0f64).exp()),
        ("[1, 0]", 11, 1.0, 1.0f64.exp()),
    ] {
        let finished = run_text(&linear("[[-1]]", "[1]", t_span, ""));
        let states = finished.reader().f64s("trajectory/state").unwrap();
        assert_eq!(states.len(), count, "{t_span}");
        assert_eq!(states[0], start);
        assert_relative_eq!(states[count - 1], end, max_relative = 1e-7);
        assert_eq!(finished.report.status, "complete");
    }
}

#[test]
fn too_few_steps_keep_the_rows_reached_and_say_so() {
    let solver = "[solver.dopri5]\nmax_steps = 50";
    let finished = run_text(&linear("[[0, 1000], [-1000, 0]]", "[1, 0]", "[0, 1000]", solver));
    assert_eq!(finished.report.status, "failed");
    assert!(
        finished.report.stop_reason.contains("max_steps = 50"),
        "{}",
        finished.report.stop_reason
    );
    assert!(finished.report.t_end < 1.0);
    let times = finished.reader().f64s("trajectory/time").unwrap();
    assert!(times.iter().all(|t| *t <= finished.report.t_end));
    assert_eq!(finished.reader().status().unwrap(), Status::Failed);
}

#[test]
fn an_unreachable_target_has_no_equilibrium_and_winds_up() {
    let rate = |leak: f64| {
        format!(
            r#"
            schema_version = 1
            [dynamics.rate-network]
            w = [[0]]
            activation = "tanh"
            readout = [[1]]
            target = [1.5]
            q = [[1]]
            controller = {{ leaky-integral = {{ leak = {leak:?}, tau = 1.0, k_i = 1.0 }} }}
            [solver.dop853]
            rtol = 1e-10
            atol = 1e-12
            [run]
            t_span = [0, 1000]
            save_at = "end"
            stop = {{ steady_state = {{ tolerance = 1e-9, dwell = 5.0 }} }}
            "#
        )
    };
    let held = run_text(&rate(0.1));
    assert_eq!(held.report.stop_reason, "steady-state");
    let v = held.reader().f64s("trajectory/state").unwrap()[0];
    assert_relative_eq!(v, 5.000_906_313_151_84, epsilon = 1e-6);
    let lost = run_text(&rate(0.0));
    assert_eq!(lost.report.stop_reason, "complete");
    assert_eq!(lost.report.steady_state_error, None);
    let v = lost.reader().f64s("trajectory/state").unwrap()[0];
    assert_relative_eq!(v, 500.707_482_58, epsilon = 1e-5);
}

#[test]
fn second_opinions_agree_within_reason() {
    let text = std::fs::read_to_string(repository().join("models/linear_layer.toml")).unwrap();
    let options = RunOptions {
        cross_check: Some("dop853".to_owned()),
        estimate_error: true,
        ..RunOptions::default()
    };
    let finished = try_run(&model(&text), options).unwrap();
    let one = &finished.report.loops[0];
    let check = one.cross_check.as_ref().expect("asked for");
    let estimate = one.error_estimate.as_ref().expect("asked for");
    assert!(check.difference > 0.0 && check.difference < 1e-6, "{check:?}");
    assert!(estimate.difference > 0.0 && estimate.difference < 1e-6, "{estimate:?}");
}

/// The estimate covers the rows it compares, so the truth is taken at the same ones.
#[test]
fn the_estimate_of_the_error_is_close_to_the_true_error() {
    let text = |solver: &str| {
        format!(
            r#"
            schema_version = 1
            seed = 1
            [network]
            sizes = [20, 10]
            weights = {{ normal = {{ scale = 1.0 }} }}
            [dynamics.layerwise-inversion]
            layer = 1
            leak = 0.01
            [target]
            normal = {{ scale = 0.5 }}
            {solver}
            [run]
            t_span = [0, 50]
            save_at = {{ count = 101 }}
            "#
        )
    };
    let states = |finished: &Finished| {
        let read = |block| finished.reader().f64s(&format!("trajectory/{block}")).unwrap();
        [read("state"), read("controller")].concat()
    };
    let truth = states(&run_text(&text("[solver]\nexact = {}")));
    for solver in ["dopri5", "tsit5", "dop853", "auto", "implicit"] {
        for rtol in [1e-4, 1e-6, 1e-8] {
            let section = format!("[solver.{solver}]\nrtol = {rtol:e}\natol = {rtol:e}");
            let options = RunOptions { estimate_error: true, ..RunOptions::default() };
            let finished = try_run(&model(&text(&section)), options).unwrap();
            let pairs = states(&finished).into_iter().zip(&truth);
            let error = pairs.fold(0.0_f64, |m, (x, y)| m.max((x - y).abs()));
            let estimate = finished.report.loops[0].error_estimate.as_ref().unwrap().difference;
            let ratio = estimate / error;
            assert!((0.3..=3.0).contains(&ratio), "{solver} {rtol:e}: {estimate:e} {error:e}");
        }
    }
}

#[test]
fn a_misspelt_cross_check_is_refused_before_anything_is_written() {
    let text = std::fs::read_to_string(repository().join("models/linear_layer.toml")).unwrap();
    let options = RunOptions { cross_check: Some("dopri6".to_owned()), ..RunOptions::default() };
    let error = try_run(&model(&text), options).err().expect("refused");
    assert!(error.to_string().contains("dopri6") && error.to_string().contains("dopri5"));
}

#[test]
fn same_seed_same_bytes() {
    let text = std::fs::read_to_string(repository().join("models/many_targets.toml")).unwrap();
    let data = || run_text(&text).reader().f64s("trajectory/state").unwrap();
    assert_eq!(data(), data());
}

/// Times of convergence of every target of a loop integrated by a solver.
fn convergence_times(solver: &str) -> Vec<f64> {
    let finished = run_text(&format!(
        r#"
        schema_version = 1
        seed = 8
        [network]
        sizes = [6, 4]
        weights = {{ normal = {{ scale = 1.0 }} }}
        [dynamics.layerwise-inversion]
        layer = 1
        leak = 0.1
        [target.normal]
        count = 40
        [solver]
        {solver}
        [run]
        t_span = [0, 80]
        save_at = {{ every = 0.25 }}
        "#
    ));
    let times = finished.reader().f64s("equilibrium/convergence_time").unwrap();
    assert_eq!(times.len(), 40);
    times
}

#[test]
fn times_of_convergence_do_not_depend_on_how_the_run_was_computed() {
    let reference = convergence_times("exact = {}");
    assert!(reference.iter().all(|t| (1.0..80.0).contains(t)), "{reference:?}");
    for (k, t) in convergence_times("dop853 = { rtol = 1e-12, atol = 1e-13 }").iter().enumerate() {
        assert_relative_eq!(*t, reference[k], max_relative = 1e-7);
    }
}

#[test]
fn a_decay_converges_when_its_exponential_says() {
    for solver in ["exact = {}", "dopri5 = { rtol = 1e-12, atol = 1e-14 }"] {
        let finished = run_text(&format!(
            "schema_version = 1\ndynamics.linear.a = [[-0.5]]\ninitial.values = [3.0]\n\
             solver.{solver}\nrun = {{ t_span = [1.0, 30.0], save_at = \"end\" }}\n"
        ));
        let times = finished.reader().f64s("equilibrium/convergence_time").unwrap();
        assert_relative_eq!(times[0], 1.0 + 2.0 * 100f64.ln(), max_relative = 1e-10);
    }
}
