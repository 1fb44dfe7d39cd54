//! What is written is what is read.

use dynamic_inversion::dynamics::{Observable, StateLayout};
use dynamic_inversion::results::{
    self, Data, Dimension, Group, Header, ResultError, ResultReader, RowLayout, RowVariable,
    Status, Value, Variable,
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

fn small(path: &std::path::Path) {
    let mut writer = results::create(path, false, &header()).unwrap();
    let layout = StateLayout::new(2).with("state", 2, "activity");
    let rows = RowLayout::trajectory(
        &layout,
        &[Observable::new("residual", "norm"), Observable::new("energy", "energy")],
    );
    writer.write_group(&Group::new("weights").with(Variable::scalar("norm", 0.1))).unwrap();
    writer.start_rows(rows.keep(&["state".to_owned(), "energy".to_owned()]).unwrap()).unwrap();
    writer.append_row(0.0, &[1.0, 2.0, 3.0, 4.0], &[-1.0, -2.0, -3.0, -4.0]).unwrap();
    writer
        .append_row(0.1, &[1e300, 1e-300, f64::NAN, 0.1 + 0.2], &[5.0, 6.0, f64::INFINITY, 8.0])
        .unwrap();
    writer.finish(Status::Complete).unwrap();
}

#[test]
fn the_same_results_are_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let _open = crate::open_files();
    for extension in ["h5", "csv", "json"] {
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name).with_extension(extension));
        small(&a);
        // HDF5 would record whole seconds if asked to.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        small(&b);
        assert!(std::fs::read(a).unwrap() == std::fs::read(b).unwrap(), "{extension}");
    }
}

#[test]
fn csv_is_a_table_of_components_that_reads_back_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    small(&path);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "time,state[0][0],state[0][1],state[1][0],state[1][1],energy[0],energy[1]"
    );
    assert_eq!(lines[1], "0.0,1.0,2.0,3.0,4.0,-3.0,-4.0");
    let second: Vec<f64> = lines[2].split(',').map(|number| number.parse().unwrap()).collect();
    assert_eq!(second[..3], [0.1, 1e300, 1e-300]);
    assert!(second[3].is_nan() && second[4] == 0.1 + 0.2 && second[5] == f64::INFINITY);
    assert_eq!(lines.len(), 3);
}

#[test]
fn csv_without_rows_has_a_line_per_value() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let mut writer = results::create(&path, false, &header()).unwrap();
    let w = DMatrix::from_fn(2, 2, |i, j| (10 * i + j) as f64);
    let inner = Group::new("inner").with(Variable::text("name", "a, \"b\"\nc"));
    writer
        .write_group(&Group::new("g").with(Variable::matrix("w", "i", "j", &w)).with_group(inner))
        .unwrap();
    writer.finish(Status::Complete).unwrap();
    let expected = "variable,value\ng/w[0][0],0.0\ng/w[0][1],1.0\ng/w[1][0],10.0\ng/w[1][1],11.0\n\
                    g/inner/name,\"a, \"\"b\"\"\nc\"\n";
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
}

#[test]
fn records_no_format_could_hold_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _open = crate::open_files();
    let wrong = [
        (
            "places",
            Group::new("g").with(Variable::new(
                "x",
                vec![Dimension::new("n", 2)],
                Data::F64(vec![1.0]),
            )),
        ),
        (
            "lengths",
            Group::new("g").with(Variable::vector("x", "n", vec![1.0])).with(Variable::vector(
                "y",
                "n",
                vec![1.0, 2.0],
            )),
        ),
        (
            "twice",
            Group::new("g").with(Variable::scalar("x", 1.0)).with(Variable::scalar("x", 2.0)),
        ),
        ("twice", Group::new("g").with(Variable::matrix("x", "n", "n", &DMatrix::zeros(2, 2)))),
        (
            "same name",
            Group::new("g")
                .with(Variable::vector("x", "n", vec![1.0]))
                .with(Variable::scalar("n", 1.0)),
        ),
        ("not a name", Group::new("g").with(Variable::scalar("a/b", 1.0))),
        ("not a name", Group::new("")),
        ("NUL", Group::new("g").with(Variable::text("x", "a\0b"))),
    ];
    for extension in ["h5", "csv", "json"] {
        let path = folder.path().join("a").with_extension(extension);
        let mut writer = results::create(&path, true, &header()).unwrap();
        for (reason, group) in &wrong {
            let refused = writer.write_group(group).unwrap_err();
            assert!(matches!(refused, ResultError::InvalidRecord { .. }), "{refused}");
            assert!(refused.to_string().contains(reason), "{refused}");
        }
        assert!(matches!(writer.append_row(0.0, &[], &[]), Err(ResultError::Misuse { .. })));
        let layout = RowLayout::trajectory(&StateLayout::new(1).with("state", 1, "x"), &[]);
        writer.start_rows(layout.clone()).unwrap();
        // A second table follows the first, except in CSV, which is one table.
        let mut second = layout;
        second.group = "again/inside".to_owned();
        let refused = matches!(writer.start_rows(second), Err(ResultError::Misuse { .. }));
        assert_eq!(refused, extension == "csv");
    }
}

#[test]
fn unknown_names_in_record_are_named() {
    let layout = RowLayout::trajectory(
        &StateLayout::new(1).with("state", 1, "x"),
        &[Observable::new("residual", "r")],
    );
    let error = layout.keep(&["residul".to_owned()]).unwrap_err();
    assert_eq!(error.to_string(), "unknown variable `residul`; there are state, residual");
}

#[test]
fn files_that_are_not_ours_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let _open = crate::open_files();
    let said = |name: &str| match ResultReader::open(&at(name)) {
        Ok(_) => panic!("{name} opened"),
        Err(error) => error,
    };
    assert!(said("none.h5").to_string().contains("No such file"));
    assert!(matches!(said(""), ResultError::NotAFile { .. }));
    std::fs::write(at("text.h5"), "time,state\n").unwrap();
    assert!(matches!(said("text.h5"), ResultError::NotHdf5 { .. }));
    std::fs::write(at("empty.h5"), "").unwrap();
    assert!(matches!(said("empty.h5"), ResultError::NotHdf5 { .. }));
    drop(hdf5::File::create(at("foreign.h5")).unwrap());
    assert!(matches!(said("foreign.h5"), ResultError::Foreign { .. }));
    small(&at("good.h5"));
    let bytes = std::fs::read(at("good.h5")).unwrap();
    std::fs::write(at("half.h5"), &bytes[..bytes.len() / 2]).unwrap();
    let damaged = said("half.h5");
    assert!(
        matches!(damaged, ResultError::Damaged { .. }) && damaged.to_string().contains("truncated"),
        "{damaged}"
    );
}

#[test]
fn what_is_asked_for_and_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let _open = crate::open_files();
    small(&path);
    let reader = ResultReader::open(&path).unwrap();
    assert!(
        reader.contains("trajectory/state")
            && !reader.contains("none/state")
            && !reader.contains("trajectory/none")
    );
    for error in
        [reader.f64s("trajectory/none").unwrap_err(), reader.f64s("none/state").unwrap_err()]
    {
        assert!(matches!(error, ResultError::Missing { kind: "variable", .. }), "{error}");
    }
    assert!(matches!(reader.variables("none"), Err(ResultError::Missing { kind: "group", .. })));
    assert!(matches!(reader.text("trajectory/state"), Err(ResultError::WrongType { .. })));
    assert_eq!(reader.rows("trajectory/state", 1..2).unwrap()[..2], [1e300, 1e-300]);
    assert_eq!(reader.rows("trajectory/time", 1..2).unwrap(), [0.1]);
    assert!(reader.rows("trajectory/state", 1..3).is_err());
}

#[test]
fn json_keeps_rows_and_other_variables_of_a_group_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.json");
    let mut writer = results::create(&path, false, &header()).unwrap();
    let loss = RowVariable {
        name: "loss".to_owned(),
        dims: vec![Dimension::new("rule", 2)],
        units: "1".to_owned(),
        long_name: "mean loss".to_owned(),
    };
    let axis = RowVariable::new("step", Vec::new(), "number of updates");
    writer.start_rows(RowLayout::table("training", axis, vec![loss])).unwrap();
    writer.append_row(0.0, &[1.0, 2.0], &[]).unwrap();
    let names = vec!["a".to_owned(), "b".to_owned()];
    let group = Group::new("training").with(Variable::texts("rule_name", "rule", names));
    writer.write_group(&group).unwrap();
    writer.finish(Status::Complete).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("\"training\"").count(), 1, "{text}");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let training = &json["groups"]["training"];
    assert_eq!(training["dims"], serde_json::json!({ "step": 1, "rule": 2 }));
    assert_eq!(training["coords"]["step"]["data"], serde_json::json!([0.0]));
    assert_eq!(training["data_vars"]["loss"]["data"], serde_json::json!([[1.0, 2.0]]));
    assert_eq!(training["data_vars"]["rule_name"]["data"], serde_json::json!(["a", "b"]));
}
