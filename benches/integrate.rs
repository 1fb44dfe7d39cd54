//! Whole runs: tanh loops with `B = -W^T` and leak 0.01 from rest, by method.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use dynamic_inversion::dynamics::{
    Dynamics, Feedback, LayerwiseInversion, LoopParameters, Transfer,
};
use dynamic_inversion::integrate::{AUTO, DOP853, DOPRI5, IMPLICIT, Method, Options, Run, TSIT5};
use dynamic_inversion::network::{Activation, random};
use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};

fn tanh_loop(rows: usize, units: usize, targets: usize, tau_controller: f64) -> LayerwiseInversion {
    let mut rng = random::generator(1, 0);
    let mut normal = |rows, columns, scale: f64| {
        DMatrix::from_fn(rows, columns, |_, _| {
            let x: f64 = StandardNormal.sample(&mut rng);
            scale * x
        })
    };
    let w = normal(rows, units, 1.0 / (units as f64).sqrt());
    let target = normal(rows, targets, 0.5);
    let transfer = Transfer::Nonlinear { activation: Activation::Tanh };
    let parameters = LoopParameters { leak: 0.01, tau_state: 1.0, tau_controller };
    LayerwiseInversion::new(w, Feedback::Tied { scale: 1.0 }, transfer, target, parameters)
        .expect("the parts fit")
}

fn run(dynamics: &LayerwiseInversion, method: &'static Method, rtol: f64, t_end: f64) -> f64 {
    let y0 = dynamics.initial_state();
    let options = Options::with_tolerances(rtol, rtol * 1e-2);
    let run = Run::new(dynamics, method, (0.0, t_end), &y0).options(options);
    run.integrate(&mut ()).expect("the loop is stable").y[0]
}

fn loops(c: &mut Criterion) {
    let mut group = c.benchmark_group("loops");
    for (rows, units, targets, t_end) in
        [(10, 20, 1, 100.0), (100, 200, 1, 100.0), (300, 784, 1, 50.0), (300, 784, 256, 1.0)]
    {
        let dynamics = tanh_loop(rows, units, targets, 1.0);
        for method in [&DOPRI5, &TSIT5, &DOP853] {
            let shape = format!("{rows}x{units}x{targets}");
            group.bench_function(BenchmarkId::new(method.name, shape), |b| {
                b.iter(|| run(&dynamics, method, 1e-6, t_end));
            });
        }
    }
    group.finish();
}

fn stiff(c: &mut Criterion) {
    let mut group = c.benchmark_group("time-constant-ratio-1e-3");
    let dynamics = tanh_loop(100, 200, 1, 1e-3);
    for method in [&DOPRI5, &IMPLICIT, &AUTO] {
        group.bench_function(method.name, |b| b.iter(|| run(&dynamics, method, 1e-6, 20.0)));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = loops, stiff
}
criterion_main!(benches);
