//! The equilibrium beside a run: which one it is, and what is said where there is none.

use dynamic_inversion::results::Data;

use super::run_text;

/// `x' = -x + tanh 2x`: unstable at 0, stable at +-0.957504.
fn bistable(start: &str, t_end: f64) -> String {
    format!(
        r#"
        schema_version = 1
        [dynamics.rate-network]
        w = [[1]]
        activation = "tanh"
        gain = 2
        [initial]
        values = [{start}]
        [solver.dopri5]
        rtol = 1e-8
        atol = 1e-18
        [run]
        t_span = [0, {t_end}]
        save_at = "end"
        "#
    )
}

#[test]
fn a_run_is_compared_with_the_equilibrium_it_comes_to() {
    for sign in [1.0, -1.0] {
        let finished = run_text(&bistable(&format!("{:e}", sign * 1e-12), 60.0));
        let state = finished.reader().f64s("equilibrium/state").unwrap();
        assert!((state[0] - sign * 0.957_504_024_077_268_7).abs() < 1e-12, "{state:?}");
        let report = finished.report;
        assert!(report.steady_state_error.unwrap() < 1e-9, "{:?}", report.steady_state_error);
        assert!((report.spectral_abscissa.unwrap() + 0.833_627_912_248_325_7).abs() < 1e-9);
        assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    }
}

#[test]
fn an_unstable_equilibrium_is_called_so() {
    let linear = "schema_version = 1\n[dynamics.linear]\na = [[1, 0], [0, -1]]\n\
                  [initial]\nvalues = [1, 1]\n[run]\nt_span = [0, 1]\n";
    for text in [bistable("1e-12", 5.0), bistable("0.0", 5.0), linear.to_owned()] {
        let report = run_text(&text).report;
        assert!((report.spectral_abscissa.unwrap() - 1.0).abs() < 1e-9);
        assert!(
            report.warnings[0].contains("the equilibrium is unstable"),
            "{:?}",
            report.warnings
        );
    }
}

#[test]
fn a_run_that_should_have_settled_and_did_not_says_so() {
    // A target out of reach and no leak: the controller winds up for ever.
    let report = run_text(
        r#"
        schema_version = 1
        [dynamics.rate-network]
        w = [[0]]
        activation = "tanh"
        readout = [[1]]
        target = [1.5]
        q = [[1]]
        controller = { leaky-integral = { leak = 0, tau = 1, k_i = 1 } }
        [run]
        t_span = [0, 1000]
        save_at = "end"
        stop = { steady_state = { tolerance = 1e-9, dwell = 5 } }
        "#,
    )
    .report;
    let said = |text: &str| report.warnings.iter().any(|warning| warning.contains(text));
    assert!(said("no steady state was reached by t = 1000"), "{:?}", report.warnings);
    assert!(said("no equilibrium found"), "{:?}", report.warnings);
    assert_eq!((report.stop_reason.as_str(), report.steady_state_error), ("complete", None));
}

#[test]
fn a_singular_equation_has_no_equilibrium_and_says_so() {
    let report = run_text(
        "schema_version = 1\n[dynamics.linear]\na = [[0, 0], [0, -1]]\nb = [1, 0]\n\
         [run]\nt_span = [0, 1]\n",
    )
    .report;
    assert!(report.warnings[0].contains("no equilibrium"), "{:?}", report.warnings);
    assert_eq!(report.steady_state_error, None);
}

#[test]
fn the_record_of_steps_does_not_grow_with_the_run() {
    let text = |t_end: u32| {
        format!(
            "schema_version = 1\n[dynamics.linear]\na = [[0, 1], [-1, 0]]\n[initial]\nvalues = [1, 0]\n\
             [solver.rk4]\nstep = 0.001\n[run]\nt_span = [0, {t_end}]\nsave_at = \"end\"\n"
        )
    };
    for (t_end, stride, kept) in [(32, 1, 32_000), (40, 2, 20_000), (70, 4, 17_500)] {
        let finished = run_text(&text(t_end));
        assert_eq!(finished.report.n_steps, 1000 * u64::from(t_end));
        let reader = finished.reader();
        let found = reader.variable("solver/step_stride").unwrap().data;
        assert!(matches!(&found, Data::I64(found) if *found == [stride]), "{t_end}");
        let times = reader.f64s("solver/step_time").unwrap();
        assert_eq!(times.len(), kept);
        for (k, t) in times.iter().enumerate() {
            let expected = 0.001 * (k as f64 * stride as f64 + 1.0);
            assert!((t - expected).abs() < 1e-9, "{k}: {t}");
        }
        assert_eq!(reader.f64s("solver/step_size").unwrap().len(), kept);
        assert_eq!(reader.f64s("solver/step_error").unwrap().len(), kept);
    }
}
