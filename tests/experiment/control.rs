//! `run` with deep feedback control: blocks of the file, equilibria, noise.

use dynamic_inversion::experiment::run::RunOptions;

use super::{model, run_text, try_run};

const NETWORK: &str = r#"
    schema_version = 1
    seed = 5
    [network]
    sizes = [3, 4, 2]
    activation = "tanh"
    weights = { normal = { scale = 1 } }
    [target]
    input = [0.2, -0.4, 0.7]
    output = [[0.4, -0.2], [0.1, 0.3]]
    [run]
    t_span = [0, 60]
    save_at = { count = 61 }
"#;

fn with(dynamics: &str) -> String {
    format!("{NETWORK}\n{dynamics}")
}

#[test]
fn every_part_of_the_state_is_a_variable() {
    let finished = run_text(&with(
        "[dynamics.deep-feedback-control]
         leak = 0.2
         k_p = 0.3
         tau_v = 0.1
         tau_apical = 0.2
         filter = { tau_error = 0.3, tau_controller = 0.2, tau_voltage = 0.5 }",
    ));
    assert_eq!(finished.report.status, "complete");
    // Newton's equilibrium is where the run ends.
    assert!(finished.report.steady_state_error.unwrap() < 1e-6);
    let reader = finished.reader();
    let names = [
        ("voltage_1", 4),
        ("voltage_2", 2),
        ("apical_1", 4),
        ("apical_2", 2),
        ("u_int", 2),
        ("error_filtered", 2),
        ("control_filtered", 2),
        ("voltage_filtered_1", 4),
        ("voltage_filtered_2", 2),
    ];
    for (name, units) in names {
        let values = reader.f64s(&format!("trajectory/{name}")).expect(name);
        assert_eq!(values.len(), 61 * 2 * units, "{name}");
    }
    for name in ["residual", "output_error", "control_norm"] {
        assert_eq!(reader.f64s(&format!("trajectory/{name}")).expect(name).len(), 61 * 2);
    }
    // At rest e = leak u.
    let last = |name: &str| *reader.f64s(&format!("trajectory/{name}")).unwrap().last().unwrap();
    assert!((last("output_error") - 0.2 * last("control_norm")).abs() < 1e-7);
}

#[test]
fn every_feedback_reaches_the_target() {
    for feedback in [
        "jacobian-transpose = { update = \"recomputed\" }",
        "jacobian-transpose = {}",
        "weight-product = {}",
        "learned = { steps = 200, noise_std = 0.05, rate = 0.02, leak = 2, step = 0.05 }",
    ] {
        let text = with(&format!(
            "[dynamics.deep-feedback-control]
             leak = 0
             tau_v = 0.1
             [feedback]
             {feedback}"
        ));
        let text = text.replace("t_span = [0, 60]", "t_span = [0, 400]");
        let finished = run_text(&text);
        let error = finished.reader().f64s("trajectory/output_error").unwrap();
        assert!(error[0] > 0.05, "{feedback}");
        assert!(*error.last().unwrap() < 1e-4, "{feedback}: {:?}", error.last());
    }
}

#[test]
fn fixed_feedback_is_kept_with_the_weights() {
    let text = with(
        "[dynamics.deep-feedback-control]
         leak = 0.1
         tau_v = 0.1
         [feedback.weight-product]",
    );
    let reader = run_text(&text).reader().f64s("weights/feedback_1").unwrap().len();
    assert_eq!(reader, 4 * 2);
}

#[test]
fn noise_follows_the_seed_and_needs_a_stochastic_solver() {
    let noisy = |solver: &str| {
        with(&format!(
            "[dynamics.deep-feedback-control]
             leak = 0.5
             tau_v = 0.1
             noise = {{ ornstein-uhlenbeck = {{ std = 0.2, tau = 0.5 }} }}
             {solver}"
        ))
    };
    let text = noisy("[solver.exponential-euler-maruyama]\nstep = 0.02");
    let values = |text: &str| run_text(text).reader().f64s("trajectory/u_int").unwrap();
    let first = values(&text);
    assert_eq!(first, values(&text));
    assert_ne!(first, values(&text.replace("seed = 5", "seed = 6")));
    let finished = run_text(&text);
    assert_eq!(finished.reader().f64s("trajectory/noise_1").unwrap().len(), 61 * 2 * 4);
    let refused = try_run(&model(&noisy("")), RunOptions::default());
    let Err(error) = refused else { panic!("noise without a stochastic solver") };
    assert!(error.to_string().contains("euler-maruyama"), "{error}");
    let options = RunOptions { estimate_error: true, ..RunOptions::default() };
    let Err(error) = try_run(&model(&text), options) else { panic!("noise compared") };
    assert!(error.to_string().contains("noise"), "{error}");
}

#[test]
fn an_unstable_loop_fails_with_its_partial_result_or_grows() {
    let text = with(
        "[dynamics.deep-feedback-control]
         leak = 0
         tau_v = 5
         k_p = 0
         [solver.dopri5]
         max_steps = 50",
    );
    let finished = run_text(&text);
    assert_eq!(finished.report.status, "failed");
}
