//! Files are checked by the readers users have: h5py, netCDF4 and xarray with both engines.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dynamic_inversion::dynamics::{Observable, StateLayout};
use dynamic_inversion::experiment::sweep::{SweepOptions, sweep};
use dynamic_inversion::experiment::{Context, Interrupt, OutputOptions, Silent};
use dynamic_inversion::model::Model;
use dynamic_inversion::results::{
    self, Attribute, Data, Dimension, Group, Header, Provenance, ResultWriter, RowLayout,
    RowVariable, Status, Value, Variable,
};
use nalgebra::{Complex, DMatrix};

use crate::{open_files, start, support::repository};

/// The interpreter with the packages of scripts/python-requirements.txt.
fn python() -> PathBuf {
    if let Some(given) = std::env::var_os("DINV_PYTHON") {
        return given.into();
    }
    let venv = repository().join("target/venv/bin/python");
    assert!(
        venv.exists(),
        "no Python to read the files with: run scripts/test.sh, or\n  python3 -m venv target/venv && \
         target/venv/bin/pip install -r scripts/python-requirements.txt\nor set DINV_PYTHON"
    );
    venv
}

/// Runs the checks called `check` of interop.py on what lies in `folder`.
fn python_accepts(check: &str, folder: &Path) {
    let script = repository().join("tests/results/interop.py");
    let mut command = Command::new(python());
    command
        .args(["-W", "error"])
        .arg(script)
        .arg(check)
        .arg(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = start(&mut command).wait_with_output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{check}:\n{}{}", said(&output.stdout), said(&output.stderr));
}

fn create(path: &Path) -> Box<dyn ResultWriter> {
    let header = Header {
        title: "Inversion of one layer".to_owned(),
        history: "dinv run model.toml -o out.h5".to_owned(),
        references: vec!["doi:10.48550/arXiv.2007.05112".to_owned()],
    };
    results::create(path, false, &header).unwrap()
}

/// Three units, three save times: axes of equal length must not be confused.
fn square_run(path: &Path, targets: usize, status: Status) {
    let _open = open_files();
    let mut writer = create(path);
    let layout = StateLayout::new(targets).with("state", 3, "inverted activity").with(
        "controller",
        2,
        "control signal",
    );
    let observables = [Observable::new("residual", "norm of the residual")];
    writer.start_rows(RowLayout::trajectory(&layout, &observables)).unwrap();
    for k in 0..3 {
        let row: Vec<f64> = (0..layout.dim()).map(|i| f64::from(k) * 1000.0 + i as f64).collect();
        let residual: Vec<f64> =
            (0..targets).map(|c| 0.25 + f64::from(k) + 10.0 * c as f64).collect();
        writer.append_row(0.5 * f64::from(k), &row, &residual).unwrap();
    }
    writer.finish(status).unwrap();
}

#[test]
fn trajectories_have_named_dimensions_in_every_reader() {
    let folder = tempfile::tempdir().unwrap();
    square_run(&folder.path().join("one.h5"), 1, Status::Complete);
    square_run(&folder.path().join("batch.h5"), 4, Status::Interrupted);
    square_run(&folder.path().join("failed.h5"), 1, Status::Failed);
    python_accepts("trajectory", folder.path());
}

#[test]
fn matrices_texts_flags_and_complex_numbers_arrive_as_meant() {
    let folder = tempfile::tempdir().unwrap();
    let open = open_files();
    let mut writer = create(&folder.path().join("groups.h5"));
    let w = DMatrix::from_fn(3, 2, |i, j| (10 * i + j) as f64);
    let weights = Group::new("weights")
        .with(
            Variable::matrix("w_1", "layer_1", "layer_0", &w)
                .units("1")
                .long_name("weights of layer 1"),
        )
        .with(Variable::texts(
            "activation",
            "layer",
            vec!["tanh_β".to_owned(), "sigmoid".to_owned()],
        ))
        .with(Variable::text("output", "tanh_β"));
    writer.write_group(&weights).unwrap();
    let verdicts = ["stable", "marginal", "unstable"];
    let stability = Group::new("stability")
        .with_all(Variable::complex(
            "eigenvalue",
            "mode",
            &[Complex::new(-0.25, 1.5), Complex::new(-0.25, -1.5)],
        ))
        .with(Variable::flags("verdict", Vec::new(), vec![2], &verdicts))
        .with(Variable::flags(
            "mode_verdict",
            vec![Dimension::new("mode", 2)],
            vec![0, 2],
            &verdicts,
        ))
        .with(Variable::boolean("balanced", true))
        .with(
            Variable::scalar("spectral_abscissa", -0.25).units("1").long_name("largest real part"),
        )
        .with(Variable::integers("rank", "mode", vec![2, 1]))
        .attribute("method", "full spectrum");
    writer.write_group(&stability).unwrap();
    let leaks = Variable::vector("leak", "leak", vec![0.001, 0.01, 0.1]).units("1");
    let sizes = Variable::texts("sizes", "sizes", vec!["20x10".to_owned(), "784x10".to_owned()]);
    let dims = vec![Dimension::new("leak", 3), Dimension::new("sizes", 2)];
    let sweep = Group::new("sweep")
        .with(leaks)
        .with(sizes)
        .with(Variable::new("abscissa", dims, Data::F64(vec![1.0, 2.0, 3.0, 4.0, f64::NAN, 6.0])))
        .with(Variable::vector("nothing", "none", Vec::new()))
        .with_group(Group::new("inner").with(Variable::vector("x", "n", vec![1.0, 2.0])));
    writer.write_group(&sweep).unwrap();
    let table = RowLayout::table(
        "training",
        RowVariable::new("step", Vec::new(), "examples seen"),
        vec![
            RowVariable::new("loss", vec![Dimension::new("rule", 2)], "loss"),
            RowVariable::new("angle", Vec::new(), "angle"),
        ],
    );
    writer.start_rows(table).unwrap();
    writer.append_row(0.0, &[1.0, 2.0, 3.0], &[]).unwrap();
    writer.append_row(10.0, &[4.0, 5.0, 6.0], &[]).unwrap();
    writer.finish(Status::Complete).unwrap();
    drop(open);
    python_accepts("groups", folder.path());
}

#[test]
fn model_texts_of_any_length_are_byte_identical() {
    let folder = tempfile::tempdir().unwrap();
    let open = open_files();
    // The header of an HDF5 object takes 64 KiB; a text in an attribute would end there.
    for length in [0, 1, 65_503, 65_504, 65_536, 78_195] {
        let mut text: String =
            "weights = [0.125, -0.5] # β\n".chars().cycle().take(length).collect();
        while text.len() > length {
            text.pop();
        }
        text.push_str(&"x".repeat(length - text.len()));
        std::fs::write(folder.path().join(format!("{length}.toml")), &text).unwrap();
        let provenance = Provenance {
            model: Some(text.clone()),
            resolved_model: Some(text),
            argv: vec!["dinv".to_owned(), "run".to_owned(), "modèle.toml".to_owned()],
            seed: Some(u64::MAX),
            threads: 2,
            start: std::time::UNIX_EPOCH,
        };
        let mut writer = create(&folder.path().join(format!("{length}.h5")));
        writer.write_group(&provenance.group()).unwrap();
        writer.write_group(&provenance.ending(std::time::Duration::from_millis(1500))).unwrap();
        writer.finish(Status::Complete).unwrap();
    }
    drop(open);
    python_accepts("provenance", folder.path());
}

#[test]
fn chunks_and_sizes_are_reasonable() {
    let folder = tempfile::tempdir().unwrap();
    let open = open_files();
    for (name, units, rows) in [("narrow", 3, 100_000), ("wide", 2794, 100), ("vast", 200_000, 3)] {
        let mut writer = create(&folder.path().join(format!("{name}.h5")));
        let layout = StateLayout::new(1).with("state", units, "activity");
        writer.start_rows(RowLayout::trajectory(&layout, &[])).unwrap();
        // Noise in every bit of the fraction: the least compressible trajectory.
        let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
        let mut row = vec![0.0; units];
        for k in 0..rows {
            for value in &mut row {
                noise = noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                *value = f64::from_bits(0x3ff0_0000_0000_0000 | noise >> 12);
            }
            writer.append_row(f64::from(k) * 0.1, &row, &[]).unwrap();
        }
        writer.finish(Status::Complete).unwrap();
    }
    drop(open);
    python_accepts("chunks", folder.path());
}

#[test]
fn json_is_what_xarray_takes() {
    let folder = tempfile::tempdir().unwrap();
    square_run(&folder.path().join("batch.json"), 4, Status::Complete);
    let open = open_files();
    let mut writer = create(&folder.path().join("groups.json"));
    let w = DMatrix::from_fn(3, 2, |i, j| (10 * i + j) as f64);
    let mut group = Group::new("weights").with(Variable::matrix("w_1", "layer_1", "layer_0", &w));
    group.attributes.push(Attribute { name: "count".to_owned(), value: Value::I64(1) });
    writer.write_group(&group).unwrap();
    writer.write_group(&Group::new("weights").with(Variable::scalar("norm", f64::NAN))).unwrap();
    writer.finish(Status::Complete).unwrap();
    drop(open);
    python_accepts("json", folder.path());
}

#[test]
fn points_of_a_sweep_are_selected_by_value() {
    let text = r#"
schema_version = 1
[network]
sizes = [4, 3]
weights = "normal"
[dynamics.layerwise-inversion]
layer = 1
leak = 0.1
[sweep]
command = "stability"
seeds = 2
collect = ["verdict", "spectral_abscissa", "eigenvalues"]
[sweep.grid]
"dynamics.layerwise-inversion.leak" = { log = { from = 1e-3, to = 1, count = 4 } }
"network.sizes" = [[4, 3], [5, 2]]
"#;
    let folder = tempfile::tempdir().unwrap();
    {
        let _open = open_files();
        let model = Model::parse("map.toml", text, Path::new("."), &[]).unwrap();
        let path = Some(folder.path().join("map.h5"));
        let output = OutputOptions { path, ..OutputOptions::default() };
        let options = SweepOptions { output, ..SweepOptions::default() };
        let context = Context::new(&Silent, Interrupt::default(), NonZeroUsize::MIN);
        sweep(&model, Path::new("map.toml"), &options, &context).unwrap();
    }
    python_accepts("sweep", folder.path());
}
