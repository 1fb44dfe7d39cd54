//! Speed of the inner loops: fused products, elementary functions, stage sums.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dynamic_inversion::linalg::{elementary, kernels};
use nalgebra::DMatrix;

fn products(c: &mut Criterion) {
    let mut group = c.benchmark_group("products");
    for (m, n) in [(10, 16), (100, 200), (300, 784)] {
        let w = DMatrix::from_fn(m, n, |i, j| ((7 * i + 3 * j) % 11) as f64 * 0.02 - 0.1);
        let (x, u) = (vec![0.2; n], vec![0.3; m]);
        let (mut in_place, mut wx, mut wtu) = (x.clone(), vec![0.0; m], vec![0.0; n]);
        group.throughput(Throughput::Elements((m * n) as u64));
        let shape = format!("{m}x{n}");
        group.bench_function(BenchmarkId::new("pair", &shape), |b| {
            b.iter(|| {
                in_place.copy_from_slice(&x);
                kernels::product_pair(black_box(&w), &u, &mut in_place, &mut wx);
            });
        });
        group.bench_function(BenchmarkId::new("two-passes", &shape), |b| {
            b.iter(|| {
                kernels::gemv(black_box(&w), &x, &mut wx);
                kernels::gemv_transposed(black_box(&w), &u, &mut wtu);
            });
        });
    }
    group.finish();
}

fn elementwise(c: &mut Criterion) {
    let mut group = c.benchmark_group("elementary");
    type Function = fn(&[f64], &mut [f64]);
    let functions: [(&str, Function); 3] = [
        ("tanh", elementary::tanh),
        ("sigmoid", elementary::sigmoid),
        ("softplus", elementary::softplus),
    ];
    for n in [200, 10_000] {
        let x: Vec<f64> = (0..n).map(|i| f64::from(i * 7919 % 1000) / 125.0 - 4.0).collect();
        let mut y = x.clone();
        group.throughput(Throughput::Elements(n as u64));
        for (name, function) in functions {
            group.bench_function(BenchmarkId::new(name, n), |b| {
                b.iter(|| function(black_box(&x), &mut y));
            });
        }
        group.bench_function(BenchmarkId::new("standard-library-tanh", n), |b| {
            b.iter(|| y.iter_mut().zip(black_box(&x)).for_each(|(y, x)| *y = x.tanh()));
        });
    }
    group.finish();
}

fn stepping(c: &mut Criterion) {
    let mut group = c.benchmark_group("stepping");
    let a = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7];
    for dim in [10, 300, 20_000] {
        let (y, k, e) = (vec![1.0; dim], vec![0.1; dim * a.len()], vec![1e-9; dim]);
        let mut out = vec![0.0; dim];
        group.throughput(Throughput::Elements(dim as u64));
        group.bench_function(BenchmarkId::new("seven-stages", dim), |b| {
            b.iter(|| kernels::linear_combination(black_box(&y), 0.1, &a, &k, &mut out));
        });
        group.bench_function(BenchmarkId::new("error-norm", dim), |b| {
            b.iter(|| kernels::weighted_square_sum(black_box(&e), &y, &y, 1e-9, 1e-6));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300))
        .sample_size(20);
    targets = products, elementwise, stepping
}
criterion_main!(benches);
