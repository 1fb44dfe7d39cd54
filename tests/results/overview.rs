//! The overview of a file.

use dynamic_inversion::dynamics::{Observable, StateLayout};
use dynamic_inversion::results::inspect::{Summary, overview};
use dynamic_inversion::results::{self, Group, Header, RowLayout, Status, Variable};

fn example(path: &std::path::Path) {
    let header = Header { title: "A title".to_owned(), ..Header::default() };
    let mut writer = results::create(path, false, &header).unwrap();
    let group = Group::new("stability")
        .attribute("method", "full spectrum")
        .with(
            Variable::scalar("spectral_abscissa", -0.125).units("1").long_name("largest real part"),
        )
        .with(Variable::flags("verdict", Vec::new(), vec![1], &["unstable", "stable"]))
        .with(Variable::integers("rank", "mode", vec![3, -7, 5]))
        .with(Variable::text("model", "line 1\nline 2"))
        .with(Variable::vector("none", "nothing", Vec::new()))
        .with_group(Group::new("inner").with(Variable::boolean("proven", false)));
    writer.write_group(&group).unwrap();
    let layout = StateLayout::new(1).with("state", 2, "activity");
    writer
        .start_rows(RowLayout::trajectory(&layout, &[Observable::new("residual", "norm")]))
        .unwrap();
    for k in 0..4 {
        let x = f64::from(k);
        writer
            .append_row(0.5 * x, &[x, if k == 2 { f64::NAN } else { -x }], &[8.0 / (1.0 + x)])
            .unwrap();
    }
    writer.finish(Status::Interrupted).unwrap();
}

#[test]
fn the_overview_says_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let _open = crate::open_files();
    example(&path);
    let found = overview(&path).unwrap();
    assert_eq!(found.status, Status::Interrupted);
    assert_eq!(found.bytes, std::fs::metadata(&path).unwrap().len());
    let groups: Vec<&str> = found.groups.iter().map(|group| group.path.as_str()).collect();
    assert_eq!(groups, ["stability", "stability/inner", "trajectory"]);
    let summary = |group: usize, name: &str| {
        found.groups[group]
            .variables
            .iter()
            .find(|v| v.info.name() == name)
            .unwrap()
            .summary
            .clone()
    };
    assert_eq!(summary(0, "verdict"), Summary::Flag("stable".to_owned()));
    assert_eq!(summary(0, "rank"), Summary::Range { min: -7.0, max: 5.0, last: Some(5.0), nan: 0 });
    assert_eq!(summary(0, "none"), Summary::Empty);
    assert_eq!(summary(1, "proven"), Summary::Flag("false".to_owned()));
    assert_eq!(summary(2, "state"), Summary::Range { min: -3.0, max: 3.0, last: None, nan: 1 });
    assert_eq!(
        summary(2, "residual"),
        Summary::Range { min: 2.0, max: 8.0, last: Some(2.0), nan: 0 }
    );
}

#[test]
fn the_text_is_aligned_and_the_json_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let _open = crate::open_files();
    example(&path);
    let found = overview(&path).unwrap();
    let text = found.text();
    assert!(text.starts_with(&format!("{}: interrupted, ", path.display())));
    for line in [
        "  title        A title\n",
        "\nstability\n  :method = full spectrum\n",
        "  spectral_abscissa  f64            -0.125",
        "largest real part\n",
        "  rank               i64 mode=3     -7 .. 5\n",
        "\"line 1\\nline 2\"\n",
        "  time      f64 time=4                 0 .. 1.5        model time [s]\n",
        "  state     f64 time=4 x state_unit=2  -3 .. 3, 1 NaN  activity\n",
        "  residual  f64 time=4                 2 .. 8, last 2  norm\n",
    ] {
        assert!(text.contains(line), "{line:?} in\n{text}");
    }
    let json = found.json();
    assert_eq!(json["status"], "interrupted");
    assert_eq!(json["attributes"]["title"], "A title");
    let state = &json["groups"][2]["variables"][1];
    assert_eq!(state["dims"][1]["name"], "state_unit");
    assert_eq!((&state["min"], &state["nan"]), (&(-3.0).into(), &1.into()));
    assert_eq!(json["groups"][0]["variables"][3]["value"], "line 1\nline 2");
    assert_eq!(json["groups"][0]["attributes"]["method"], "full spectrum");
}
