//! Speed of right-hand sides and of the structured implicit solve against dense LU.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use dynamic_inversion::dynamics::{
    DenseShifted, Feedback, LayerwiseInversion, LoopParameters, ShiftedSolver, Transfer,
    VectorField,
};
use dynamic_inversion::network::{Activation, random};
use nalgebra::DMatrix;
use rand::RngExt;

fn tanh_loop(rows: usize, units: usize, columns: usize, tied: bool) -> LayerwiseInversion {
    let mut rng = random::generator(1, 0);
    let scale = 1.0 / (units as f64).sqrt();
    let mut matrix = |rows, columns, scale: f64| {
        DMatrix::from_fn(rows, columns, |_, _| rng.random_range(-scale..scale))
    };
    let w = matrix(rows, units, scale);
    let feedback =
        if tied { Feedback::Tied { scale: 1.0 } } else { Feedback::from(-w.transpose()) };
    let target = matrix(rows, columns, 0.5);
    let transfer = Transfer::Nonlinear { activation: Activation::Tanh };
    LayerwiseInversion::new(w, feedback, transfer, target, LoopParameters::with_leak(0.01))
        .expect("the parts fit")
}

fn right_hand_sides(c: &mut Criterion) {
    let mut group = c.benchmark_group("right-hand-side");
    for (rows, units, columns) in [(10, 20, 1), (100, 200, 1), (300, 784, 1), (300, 784, 256)] {
        for (kind, tied) in [("tied", true), ("matrix", false)] {
            let dynamics = tanh_loop(rows, units, columns, tied);
            let y = vec![0.1; dynamics.dim()];
            let mut dy = y.clone();
            let shape = format!("{rows}x{units}x{columns}");
            group.bench_function(BenchmarkId::new(kind, shape), |b| {
                b.iter(|| dynamics.eval(0.0, black_box(&y), &mut dy));
            });
        }
    }
    group.finish();
}

fn implicit_systems(c: &mut Criterion) {
    let mut group = c.benchmark_group("shifted");
    for (rows, units) in [(10, 20), (100, 200), (300, 784)] {
        let dynamics = tanh_loop(rows, units, 1, true);
        let y = vec![0.1; dynamics.dim()];
        let mut b = y.clone();
        let mut structured = dynamics.shifted_solver();
        let mut dense = DenseShifted::new(&dynamics);
        let solvers =
            [("structured", &mut *structured as &mut dyn ShiftedSolver), ("dense", &mut dense)];
        for (kind, solver) in solvers {
            let shape = format!("{rows}x{units}");
            group.bench_function(BenchmarkId::new(format!("{kind}-factor"), &shape), |bench| {
                bench.iter(|| solver.factor(0.0, black_box(&y), 0.1).expect("regular"));
            });
            group.bench_function(BenchmarkId::new(format!("{kind}-reshift"), &shape), |bench| {
                bench.iter(|| solver.reshift(black_box(0.1)).expect("regular"));
            });
            group.bench_function(BenchmarkId::new(format!("{kind}-solve"), &shape), |bench| {
                bench.iter(|| {
                    b.copy_from_slice(&y);
                    solver.solve(black_box(&mut b));
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400));
    targets = right_hand_sides, implicit_systems
}
criterion_main!(benches);
