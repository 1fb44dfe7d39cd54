//! Exact solutions against stepping: 1000 targets at 1000 times, and one end per target.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use dynamic_inversion::dynamics::{Feedback, LayerwiseInversion, LoopParameters, Transfer};
use dynamic_inversion::integrate::{Options, Problem, SaveAt, Solver, solve};
use nalgebra::DMatrix;

const T_END: f64 = 100.0;

fn matrix(rows: usize, columns: usize, seed: usize) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |i, j| {
        let k = (seed * 7919 + i * 104_729 + j * 1_299_709 + i * j * 31 + 1) as f64;
        ((k * 0.618_033_988_749_894_9).fract() - 0.5) * 3.4 / (columns as f64).sqrt()
    })
}

fn inversion(m: usize, n: usize, targets: usize) -> LayerwiseInversion {
    LayerwiseInversion::new(
        matrix(m, n, 1),
        Feedback::Tied { scale: 1.0 },
        Transfer::Linear,
        matrix(m, targets, 2),
        LoopParameters::with_leak(0.01),
    )
    .expect("the parts fit")
}

/// Solves and drops the rows.
fn run(problem: &Problem<'_>, name: &str) -> f64 {
    let solver = Solver::named(name).expect("registered");
    solve(problem, solver, &mut ()).expect("a stable linear loop").y[0]
}

fn loops(c: &mut Criterion) {
    for (m, n) in [(10, 20), (100, 200)] {
        let mut group = c.benchmark_group(format!("exact/{m}x{n}"));
        let batch = inversion(m, n, 1000);
        let single = inversion(m, n, 1);
        let mut problem = Problem::new(&batch, (0.0, T_END));
        problem.save_at = SaveAt::Count(1000);
        problem.options = Options::with_tolerances(1e-12, 1e-14);
        group.bench_function("exact-1000-targets-1000-times", |b| {
            b.iter(|| black_box(run(&problem, "exact")));
        });
        if m == 10 {
            group.bench_function("dop853-1000-targets-1000-times", |b| {
                b.iter(|| black_box(run(&problem, "dop853")));
            });
        }
        problem.save_at = SaveAt::End;
        problem.t_span.1 = 499.5;
        group.bench_function("exact-1000-targets-end", |b| {
            b.iter(|| black_box(run(&problem, "exact")));
        });
        let mut problem = Problem::new(&single, (0.0, T_END));
        problem.save_at = SaveAt::Count(1000);
        problem.options = Options::with_tolerances(1e-12, 1e-14);
        for name in ["exact", "dop853", "dopri5"] {
            group.bench_function(format!("{name}-1-target-1000-times"), |b| {
                b.iter(|| black_box(run(&problem, name)));
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(1000))
        .sample_size(10);
    targets = loops
}
criterion_main!(benches);
