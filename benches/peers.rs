//! This project's half of the comparison with other tools; see benches/peers/README.md.
//!
//! ```text
//! cargo bench --features diffsol --bench peers -- FOLDER CASE
//! ```
//!
//! Reads the problems that benches/peers/problems.py wrote to FOLDER, solves them on one thread and
//! prints one JSON object a line: method, tolerance, seconds (the shortest of several runs) and the
//! largest deviation from the reference.

use std::path::{Path, PathBuf};
use std::time::Instant;

use dynamic_inversion::dynamics::{
    Dynamics, Feedback, LayerwiseInversion, LoopParameters, Transfer,
};
use dynamic_inversion::integrate::{
    Flow, Observer, Options, Problem, SaveAt, Solver, Trajectory, solve,
};
use dynamic_inversion::network::{Activation, weights};
use nalgebra::DMatrix;

/// Seconds spent on each row, and the fewest and most runs; the peers' halves use the same.
const BUDGET: f64 = 1.5;
const RUNS: std::ops::RangeInclusive<usize> = 3..=200;

/// The arrays of one problem.
struct Arrays(PathBuf);

impl Arrays {
    fn new(folder: &Path, name: &str) -> Self {
        Self(folder.join(name).with_extension("npz"))
    }

    fn values(&self, key: &str) -> Vec<f64> {
        weights::read_array(&self.0, key).expect("written by problems.py").values
    }

    /// A matrix written row by row.
    fn matrix(&self, key: &str) -> DMatrix<f64> {
        let array = weights::read_array(&self.0, key).expect("written by problems.py");
        match array.shape.as_slice() {
            [rows] => DMatrix::from_column_slice(*rows, 1, &array.values),
            [rows, columns] => DMatrix::from_row_slice(*rows, *columns, &array.values),
            shape => panic!("{key} has the shape {shape:?}"),
        }
    }

    /// The loop `r' = -r - W^T u`, `tau u' = -0.01 u + W g(r) - delta`, targets as columns.
    fn inversion(&self, targets: DMatrix<f64>, tau: f64, transfer: Transfer) -> LayerwiseInversion {
        let parameters = LoopParameters { leak: 0.01, tau_state: 1.0, tau_controller: tau };
        let feedback = Feedback::Tied { scale: 1.0 };
        LayerwiseInversion::new(self.matrix("w"), feedback, transfer, targets, parameters)
            .expect("the parts fit")
    }
}

fn tanh() -> Transfer {
    Transfer::Nonlinear { activation: Activation::Tanh }
}

/// The result and the shortest time of several runs.
fn best<T>(mut run: impl FnMut() -> T) -> (T, f64) {
    let (start, mut result, mut best, mut runs) = (Instant::now(), run(), f64::INFINITY, 0);
    while runs < *RUNS.start() || start.elapsed().as_secs_f64() < BUDGET && runs < *RUNS.end() {
        let began = Instant::now();
        result = run();
        best = best.min(began.elapsed().as_secs_f64());
        runs += 1;
    }
    (result, best)
}

fn row(method: &str, tolerance: f64, seconds: f64, error: f64) {
    let object = serde_json::json!({
        "tool": "dinv", "method": method, "tolerance": tolerance, "seconds": seconds, "error": error,
    });
    println!("{object}");
}

fn largest_difference(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len());
    x.iter().zip(y).fold(0.0, |m, (x, y)| m.max((x - y).abs()))
}

fn trajectory(problem: &Problem<'_>, solver: &str) -> Trajectory {
    let solver = Solver::named(solver).expect("registered and built");
    problem.trajectory(solver).expect("a stable loop").0
}

/// One tanh loop at 101 times.
fn single(folder: &Path, name: &str) {
    let arrays = Arrays::new(folder, name);
    let dynamics = arrays.inversion(arrays.matrix("delta"), 1.0, tanh());
    let (times, reference) = (arrays.values("times"), arrays.values("reference"));
    for method in ["tsit5", "dopri5", "dop853", "auto"] {
        for tolerance in [1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11] {
            let mut problem = Problem::new(&dynamics, (times[0], times[times.len() - 1]));
            problem.save_at = SaveAt::Times(times.clone());
            problem.options = Options::with_tolerances(tolerance, tolerance * 1e-2);
            let (rows, seconds) = best(|| trajectory(&problem, method));
            row(method, tolerance, seconds, largest_difference(&rows.states, &reference));
        }
    }
}

/// 256 targets side by side: the state at the end.
fn batch(folder: &Path) {
    let arrays = Arrays::new(folder, "batch-300x784");
    let deltas = arrays.matrix("deltas").transpose();
    let (targets, t_end) = (deltas.ncols(), arrays.values("t_end")[0]);
    let dynamics = arrays.inversion(deltas, 1.0, tanh());
    // One row per target in the file; blocks of all targets here.
    let by_target = arrays.matrix("reference");
    let reference: Vec<f64> = dynamics
        .layout()
        .blocks()
        .iter()
        .scan(0, |start, block| {
            let rows = *start..*start + block.rows;
            *start = rows.end;
            Some(
                (0..targets)
                    .flat_map(|c| rows.clone().map(|i| by_target[(c, i)]).collect::<Vec<_>>())
                    .collect::<Vec<_>>(),
            )
        })
        .flatten()
        .collect();
    for method in ["tsit5", "dopri5", "dop853"] {
        for tolerance in [1e-5, 1e-6, 1e-7, 1e-8] {
            let mut problem = Problem::new(&dynamics, (0.0, t_end));
            problem.options = Options::with_tolerances(tolerance, tolerance * 1e-2);
            let (rows, seconds) = best(|| trajectory(&problem, method));
            row(method, tolerance, seconds, largest_difference(&rows.states, &reference));
        }
    }
}

/// Looks at every row, keeps none.
#[derive(Default)]
struct Sum(f64);

impl Observer for Sum {
    fn on_row(&mut self, _t: f64, y: &[f64]) -> Flow {
        self.0 += y[0];
        Flow::Continue(())
    }
}

fn sum(problem: &Problem<'_>, solver: &str) -> f64 {
    let mut rows = Sum::default();
    solve(problem, Solver::named(solver).expect("registered"), &mut rows).expect("a stable loop");
    rows.0
}

/// Linear loops: 1000 targets at 1000 times without stepping, against integrating them, and the ends
/// of 1000 targets against Euler steps. Factorisations are part of every run.
fn exact(folder: &Path, shape: &str) {
    let arrays = Arrays::new(folder, &format!("linear-{shape}"));
    let deltas = arrays.matrix("deltas").transpose();
    let targets = deltas.ncols();
    let dynamics = arrays.inversion(deltas.clone(), 1.0, Transfer::Linear);
    let mut problem = Problem::new(&dynamics, (0.0, arrays.values("t_end")[0]));
    problem.save_at = SaveAt::Count(1000);
    let seconds = best(|| sum(&problem, "exact")).1;
    row("exact: 1000 targets at 1000 times", 0.0, seconds, 0.0);
    problem.save_at = SaveAt::End;
    let (rows, seconds) = best(|| trajectory(&problem, "exact"));
    let ends = arrays.matrix("reference");
    let units = ends.ncols();
    let states = &rows.states[..targets * units];
    let error = largest_difference(states, ends.transpose().as_slice());
    row("exact: ends of 1000 targets", 0.0, seconds, error);
    // Integrated target by target, as peers do: a few of them, times 1000.
    const SAMPLE: usize = 4;
    for (method, tolerance) in [("dop853", 1e-12), ("dopri5", 1e-6)] {
        let mut seconds = 0.0;
        for column in 0..SAMPLE {
            let dynamics =
                arrays.inversion(deltas.columns(column, 1).into_owned(), 1.0, Transfer::Linear);
            let mut problem = Problem::new(&dynamics, problem.t_span);
            problem.save_at = SaveAt::Count(1000);
            problem.options = Options::with_tolerances(tolerance, tolerance * 1e-2);
            seconds += best(|| sum(&problem, method)).1;
        }
        let name = format!("{method}: 1000 targets at 1000 times, one by one");
        row(&name, tolerance, seconds * targets as f64 / SAMPLE as f64, 0.0);
    }
}

/// A fast controller, time constants 1 to 1e-3, 300 units.
fn stiff(folder: &Path) {
    let arrays = Arrays::new(folder, "loop-100x200");
    let dynamics = arrays.inversion(arrays.matrix("delta"), 1e-3, tanh());
    let problem = |tolerance: f64| {
        let mut problem = Problem::new(&dynamics, (0.0, 20.0));
        problem.save_at = SaveAt::Count(21);
        problem.options = Options::with_tolerances(tolerance, tolerance * 1e-2);
        problem
    };
    let reference = trajectory(&problem(1e-13), "dop853");
    for method in ["auto", "tsit5", "dopri5", "dop853", "implicit", "diffsol-bdf"] {
        for tolerance in [1e-4, 1e-6, 1e-8, 1e-10] {
            let problem = problem(tolerance);
            let (rows, seconds) = best(|| trajectory(&problem, method));
            row(method, tolerance, seconds, largest_difference(&rows.states, &reference.states));
        }
    }
}

fn main() {
    // Cargo passes `--bench`.
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let (Some(folder), Some(case)) = (words.next(), words.next()) else {
        // Nothing to do without problems: `cargo bench` as a whole goes on.
        return eprintln!("usage: cargo bench --bench peers -- FOLDER CASE");
    };
    let folder = PathBuf::from(folder);
    match case.as_str() {
        "batch-300x784" => batch(&folder),
        "stiff-100x200" => stiff(&folder),
        name => match name.strip_prefix("linear-") {
            Some(shape) => exact(&folder, shape),
            None => single(&folder, name),
        },
    }
}
