//! Streaming rows to disk: narrow and wide trajectories, per second of pure writing.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use dynamic_inversion::dynamics::StateLayout;
use dynamic_inversion::results::{self, Header, RowLayout, Status};

/// A decaying oscillation in every unit: smooth in time, noise in the last digits.
fn trajectory(units: usize, rows: usize) -> Vec<Vec<f64>> {
    let value = |k: usize, i: usize| {
        let (t, rate) = (k as f64 * 1e-3, 1.0 + i as f64 / units as f64);
        (-0.1 * rate * t).exp() * (3.0 * rate * t + i as f64).sin()
    };
    (0..rows).map(|k| (0..units).map(|i| value(k, i)).collect()).collect()
}

fn stream_rows(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let mut group = criterion.benchmark_group("stream rows");
    group.sample_size(10);
    for (units, rows) in [(3, 100_000), (300, 2_000), (2794, 200)] {
        let table = trajectory(units, rows);
        group.throughput(Throughput::Bytes((8 * (units + 1) * rows) as u64));
        for extension in ["h5", "csv"] {
            let path = folder.path().join("rows").with_extension(extension);
            group.bench_function(format!("{extension}/{units}x{rows}"), |bencher| {
                let layout = RowLayout::trajectory(
                    &StateLayout::new(1).with("state", units, "activity"),
                    &[],
                );
                let open = || {
                    let mut writer = results::create(&path, true, &Header::default())
                        .expect("the folder can be written");
                    writer.start_rows(layout.clone()).expect("a valid layout");
                    writer
                };
                let fill = |mut writer: Box<dyn results::ResultWriter>| {
                    for (k, row) in table.iter().enumerate() {
                        writer.append_row(k as f64, row, &[]).expect("room on the disk");
                    }
                    writer.finish(Status::Complete).expect("room on the disk")
                };
                bencher.iter_batched(open, fill, BatchSize::PerIteration);
            });
        }
    }
    group.finish();
}

criterion_group!(benches, stream_rows);
criterion_main!(benches);
