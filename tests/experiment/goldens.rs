//! Every golden loop from model text to result file, against references computed in SciPy.

use nalgebra::DMatrix;

use super::support::Golden;
use super::{Finished, run_text};

const LAYER_LOOPS: [(&str, &str); 8] = [
    ("linear_contracting", "linear"),
    ("linear_expanding", "linear"),
    ("linear_perturbed_feedback", "linear"),
    ("linear_square", "linear"),
    ("tanh_contracting", "tanh"),
    ("tanh_expanding", "tanh"),
    ("softplus_contracting", "softplus"),
    ("relu_contracting", "relu"),
];

const SINGLE_LOOPS: [(&str, &str); 3] = [
    ("single_loop_linear_2stage", "linear"),
    ("single_loop_linear_4stage", "linear"),
    ("single_loop_tanh_2stage", "tanh"),
];

/// A golden loop as a model without a solver, and what it must give.
struct Case {
    name: &'static str,
    is_linear: bool,
    model: String,
    /// Blocks of the trajectory, one row per time.
    blocks: Vec<(String, DMatrix<f64>)>,
    /// The same blocks in equilibrium.
    equilibrium: Vec<(String, Vec<f64>)>,
}

fn rows(matrix: &DMatrix<f64>) -> String {
    let row = |i: usize| format!("{:?}", matrix.row(i).iter().collect::<Vec<_>>());
    format!("[{}]", (0..matrix.nrows()).map(row).collect::<Vec<_>>().join(", "))
}

/// The parts of the model that all goldens share; `dynamics` holds keys of its own.
fn model(golden: &Golden, weights: &[DMatrix<f64>], dynamics: &str, activation: &str) -> String {
    let mut sizes = vec![weights[0].ncols()];
    sizes.extend(weights.iter().map(DMatrix::nrows));
    let weights: Vec<_> = weights.iter().map(rows).collect();
    let transfer = match activation {
        "linear" => "transfer = \"linear\"".to_owned(),
        name => format!("transfer = \"nonlinear\"\nactivation = \"{name}\""),
    };
    let times = golden.vector("times");
    format!(
        r#"
        schema_version = 1
        [network]
        sizes = {sizes:?}
        weights = {{ values = [{}] }}
        [feedback.values]
        matrices = [{}]
        {dynamics}
        leak = {:?}
        tau_state = {:?}
        tau_controller = {:?}
        {transfer}
        [target]
        delta = {:?}
        [run]
        t_span = [0, {:?}]
        save_at = {{ times = {:?} }}
        "#,
        weights.join(", "),
        rows(&golden.matrix("B")),
        golden.scalar("leak"),
        golden.scalar("tau_state"),
        golden.scalar("tau_controller"),
        golden.vector("delta").as_slice(),
        times[times.len() - 1],
        times.as_slice(),
    )
}

fn layer_loop(name: &'static str, activation: &str) -> Case {
    let golden = Golden::load(name);
    let dynamics = "[dynamics.layerwise-inversion]\nlayer = 1";
    let block = |name: &str| (name.to_owned(), golden.matrix(name));
    let end = |name: &str, key| (name.to_owned(), golden.vector(key).as_slice().to_vec());
    Case {
        name,
        is_linear: activation == "linear",
        model: model(&golden, &[golden.matrix("W")], dynamics, activation),
        blocks: vec![block("state"), block("controller")],
        equilibrium: vec![end("state", "steady_state"), end("controller", "steady_controller")],
    }
}

fn single_loop(name: &'static str, activation: &str) -> Case {
    let golden = Golden::load(name);
    // The first layer is not part of the loop.
    let above = golden.matrices("weights");
    let mut weights = vec![DMatrix::zeros(above[0].ncols(), 1)];
    weights.extend(above);
    let stages = golden.matrices("stages");
    let named = |k: usize| format!("stage_{}", k + 1);
    let mut blocks: Vec<_> =
        stages.into_iter().enumerate().map(|(k, stage)| (named(k), stage)).collect();
    blocks.push(("controller".to_owned(), golden.matrix("controller")));
    let ends = golden.value("steady_stages").as_array().expect("a list of stages");
    let ends = ends.iter().map(|end| crate::support::vector(end).as_slice().to_vec());
    let mut equilibrium: Vec<_> = ends.enumerate().map(|(k, end)| (named(k), end)).collect();
    let controller = golden.vector("steady_controller").as_slice().to_vec();
    equilibrium.push(("controller".to_owned(), controller));
    Case {
        name,
        is_linear: activation == "linear",
        model: model(&golden, &weights, "[dynamics.single-loop]", activation),
        blocks,
        equilibrium,
    }
}

fn cases() -> Vec<Case> {
    let layers = LAYER_LOOPS.iter().map(|(name, activation)| layer_loop(name, activation));
    layers.chain(SINGLE_LOOPS.iter().map(|(name, g)| single_loop(name, g))).collect()
}

impl Case {
    fn run(&self, solver: &str) -> Finished {
        let finished = run_text(&format!("{}\n{solver}", self.model));
        assert_eq!(finished.report.status, "complete", "{}", self.name);
        finished
    }

    /// The largest deviation of the recorded blocks, in units of the largest state or 1.
    fn deviation(&self, finished: &Finished) -> f64 {
        let reader = finished.reader();
        let (mut deviation, mut scale) = (0.0_f64, 1.0_f64);
        for (name, expected) in &self.blocks {
            let values = reader.f64s(&format!("trajectory/{name}")).expect("recorded");
            assert_eq!(values.len(), expected.len(), "{} {name}", self.name);
            let found = DMatrix::from_row_slice(expected.nrows(), expected.ncols(), &values);
            deviation = deviation.max((found - expected).amax());
            scale = scale.max(expected.amax());
        }
        deviation / scale
    }

    /// The deviation in tolerances, with a line that says so where there are more than ten.
    fn beyond_ten_tolerances(&self, solver: &str, rtol: f64) -> Option<String> {
        let finished = self.run(&format!("[solver.{solver}]\nrtol = {rtol:e}\natol = {rtol:e}"));
        let tolerances = self.deviation(&finished) / rtol;
        let line = format!("{} {solver} {rtol:.0e}: {tolerances:.2} tolerances", self.name);
        println!("{line}");
        (tolerances > 10.0).then_some(line)
    }
}

#[test]
fn trajectories_lie_within_ten_tolerances() {
    let mut beyond = Vec::new();
    for case in cases() {
        for solver in ["dopri5", "tsit5", "dop853", "auto"] {
            for rtol in [1e-6, 1e-9, 1e-12] {
                beyond.extend(case.beyond_ten_tolerances(solver, rtol));
            }
        }
        for rtol in [1e-6, 1e-9] {
            beyond.extend(case.beyond_ten_tolerances("implicit", rtol));
        }
    }
    assert_eq!(beyond, [""; 0]);
}

#[test]
fn exact_solutions_of_linear_loops_lie_within_1e_11() {
    for case in cases().into_iter().filter(|case| case.is_linear) {
        let error = case.deviation(&case.run("[solver]\nexact = {}"));
        assert!(error <= 1e-11, "{}: {error:e}", case.name);
    }
}

#[test]
fn equilibria_lie_within_1e_12() {
    for case in cases() {
        let finished = case.run("[solver.dop853]");
        assert!(finished.report.steady_state_error.is_some(), "{}", case.name);
        for (name, expected) in &case.equilibrium {
            let found = finished.reader().f64s(&format!("equilibrium/{name}")).expect("written");
            assert_eq!(found.len(), expected.len());
            let error = found.iter().zip(expected).fold(0.0_f64, |m, (x, y)| m.max((x - y).abs()));
            assert!(error <= 1e-12, "{} {name}: {error:e}", case.name);
        }
    }
}

#[test]
fn the_predicted_decay_is_the_spectral_abscissa() {
    for case in cases() {
        let reader = case.run("[solver.dop853]").reader();
        let abscissa = reader.f64s("equilibrium/spectral_abscissa").expect("written")[0];
        let expected = Golden::load(case.name).scalar("spectral_abscissa");
        assert!((abscissa - expected).abs() < 1e-9, "{}: {abscissa} {expected}", case.name);
    }
}
