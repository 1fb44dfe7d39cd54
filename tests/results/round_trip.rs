//! What is written is what is read.

use dynamic_inversion::dynamics::{Observable, StateLayout};
use dynamic_inversion::results::{
    self, Data, Dimension, Group, Header, ResultReader, RowLayout, Status, Value, Variable,
};
use nalgebra::DMatrix;

fn header() -> Header {
    Header {
        title: "a test".to_owned(),
        history: "dinv run x.toml".to_owned(),
        references: vec!["doi:1".to_owned()],
    }
}

#[test]
fn groups_and_rows_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.h5");
    let mut writer = results::create(&path, false, &header()).unwrap();
    let w = DMatrix::from_fn(3, 2, |i, j| (10 * i + j) as f64);
    let weights = Group::new("weights")
        .with(Variable::matrix("w_1", "layer_1", "layer_0", &w).units("1").long_name("weights"))
        .with(Variable::text("activation", "tanh_β"))
        .with(Variable::flags(
            "converged",
            vec![Dimension::new("layer_1", 3)],
            vec![0, 1, 1],
            &["no", "yes"],
        ));
    writer.write_group(&weights).unwrap();
    let layout = StateLayout::new(1).with("state", 3, "inverted activity").with(
        "controller",
        2,
        "control signal",
    );
    let rows = RowLayout::trajectory(&layout, &[Observable::new("residual", "norm")]);
    writer.start_rows(rows).unwrap();
    for k in 0..5000 {
        let t = f64::from(k) * 0.5;
        writer.append_row(t, &[t, 2.0 * t, 3.0 * t, -t, -2.0 * t], &[(-t).exp()]).unwrap();
    }
    let written = writer.finish(Status::Complete).unwrap();
    assert_eq!((written.rows, written.path.clone()), (5000, path.clone()));

    let reader = ResultReader::open(&path).unwrap();
    assert_eq!(reader.status().unwrap(), Status::Complete);
    assert_eq!(reader.groups("").unwrap(), ["weights", "trajectory"]);
    let names: Vec<_> =
        reader.variables("trajectory").unwrap().iter().map(|v| v.name().to_owned()).collect();
    assert_eq!(names, ["time", "state", "controller", "residual"]);
    let state = reader.variable("trajectory/state").unwrap();
    assert_eq!(state.dims, [Dimension::new("time", 5000), Dimension::new("state_unit", 3)]);
    let Data::F64(values) = &state.data else { panic!("{:?}", state.data.type_name()) };
    assert_eq!(&values[3 * 4321..3 * 4322], [2160.5, 4321.0, 6481.5]);
    assert_eq!(
        reader.variable("weights/w_1").unwrap().data,
        Data::F64(vec![0.0, 1.0, 10.0, 11.0, 20.0, 21.0])
    );
    assert_eq!(reader.text("weights/activation").unwrap(), "tanh_β");
    let flags = reader.variable("weights/converged").unwrap();
    assert_eq!(flags.data, Data::U8(vec![0, 1, 1]));
    assert_eq!(flags.attributes[0].value, Value::U8s(vec![0, 1]));
}
