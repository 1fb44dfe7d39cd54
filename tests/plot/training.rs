//! Pictures of training.

use dynamic_inversion::results::{
    Data, Dimension, Group, ResultWriter, RowLayout, RowVariable, Status, Variable,
};

use super::files::Folder;
use super::{draw_png, only, svg, texts};

const RULES: usize = 3;

fn variable(name: &str, hidden: bool, units: &str) -> RowVariable {
    let mut dims = vec![Dimension::new("rule", RULES)];
    if hidden {
        dims.push(Dimension::new("hidden_layer", 2));
    }
    let (name, units, long_name) = (name.to_owned(), units.to_owned(), "a curve".to_owned());
    RowVariable { name, dims, units, long_name }
}

fn layout() -> RowLayout {
    let axis = RowVariable::new("step", Vec::new(), "number of updates");
    let variables = vec![
        variable("nse_train", false, "1"),
        variable("nse_test", false, "1"),
        variable("abscissa", true, "s-1"),
        variable("feedback_angle", true, "degree"),
        variable("angle_to_ndi", true, "degree"),
    ];
    RowLayout::table("training", axis, variables)
}

/// Errors fall by ten decades; the first rule is no loop.
fn rows(writer: &mut dyn ResultWriter, count: usize) {
    for k in 0..count {
        let t = k as f64 / count as f64;
        let mut row = Vec::new();
        for set in 0..2 {
            row.extend((0..RULES).map(|r| 10f64.powf(-10.0 * t - 0.2 * (r + set) as f64)));
        }
        for scale in [-0.1, 30.0, 20.0] {
            row.extend([f64::NAN; 2]);
            row.extend((0..2 * (RULES - 1)).map(|r| scale * (1.0 + r as f64) * (1.0 - t)));
        }
        writer.append_row(50.0 * k as f64, &row, &[]).unwrap();
    }
}

fn file(count: usize, named: bool) -> Folder {
    let folder = Folder::new();
    let mut writer = folder.writer();
    writer.start_rows(layout()).unwrap();
    rows(writer.as_mut(), count);
    if named {
        let names = ["BP", "NDI 0.01", "DI 0.01"].map(str::to_owned).to_vec();
        let group = Group::new("training").with(Variable::texts("rule_name", "rule", names));
        writer.write_group(&group).unwrap();
    }
    writer.finish(Status::Complete).unwrap();
    folder
}

#[test]
fn the_published_panels_are_drawn_without_being_asked_for() {
    let folder = file(40, true);
    let (drawn, image) = draw_png(&folder.file());
    assert_eq!(drawn.pictures, ["learning-curves"]);
    assert!(image.ink() > 0.01);
    let texts = texts(&svg(&folder.file()));
    for expected in [
        "normalised squared error, test and train set",
        "pale: train set",
        "spectral abscissa, hidden layer 1",
        "spectral abscissa, hidden layer 2",
        "angle of errors to NDI, hidden layer 2",
        "BP",
        "NDI 0.01",
        "DI 0.01",
        "updates",
    ] {
        assert!(texts.iter().any(|t| t == expected), "{expected}: {texts:?}");
    }
}

#[test]
fn a_killed_training_is_drawn_with_numbers_for_names() {
    let texts = texts(&svg(&file(3, false).file()));
    assert!(texts.iter().any(|t| t == "rule 2"), "{texts:?}");
}

#[test]
fn one_row_is_enough_and_none_is_said() {
    assert!(draw_png(&file(1, true).file()).1.width > 600);
    let folder = file(0, true);
    let options = dynamic_inversion::plot::PlotOptions::default();
    let error = super::svg_of(&folder.file(), &options).unwrap_err().to_string();
    assert!(error.contains("no rows"), "{error}");
}

/// Reconstructions of five images by two rules, one of which left none.
fn images() -> Folder {
    let dims =
        || vec![Dimension::new("image", 5), Dimension::new("row", 4), Dimension::new("column", 4)];
    let image = |name: &str, long: &str, value: f64| {
        Variable::new(name, dims(), Data::F64(vec![value; 80])).long_name(long)
    };
    let group = Group::new("reconstructions")
        .with(image("original", "image of the test set", 1.0))
        .with(image("reconstruction_1", "reconstruction by BP", 0.6))
        .with(image("reconstruction_2", "reconstruction by DI 0.01", f64::NAN));
    Folder::with_groups(&[group])
}

/// Files that hold data for every picture of training.
pub(crate) fn everything() -> [Folder; 2] {
    [file(3, true), images()]
}

#[test]
fn reconstructions_are_a_grid_with_a_row_per_rule() {
    let folder = images();
    let texts = texts(&only(&folder.file(), "reconstructions"));
    for expected in ["original", "BP", "DI 0.01"] {
        assert!(texts.iter().any(|t| t == expected), "{expected}: {texts:?}");
    }
    let (_, image) = draw_png(&folder.file());
    // Originals are black, those of the first rule grey: 255 (1 - 0.6).
    assert!(image.has([0, 0, 0]) && image.has([102, 102, 102]));
}
