//! The picture of `dinv validate`.

use dynamic_inversion::results::{Dimension, Group, Variable};

use super::files::Folder;
use super::{draw_png, svg, texts};

/// Two checks: one with two measurements, one that failed and reaches over many decades.
pub(crate) fn file() -> Folder {
    let ids = vec!["push-through".to_owned(), "tikhonov".to_owned()];
    let series = |name: &str, part: &str, values: &[f64]| {
        Variable::vector(format!("{name}_{part}"), &format!("{name}_point"), values.to_vec())
    };
    let first = Group::new("push_through")
        .with(series("entry", "predicted", &[1.0, -2.0, 0.0]))
        .with(series("entry", "measured", &[1.0, -2.0, 1e-16]))
        .with(series("second_entry", "predicted", &[0.5]))
        .with(series("second_entry", "measured", &[f64::NAN]));
    let second = Group::new("tikhonov")
        .with(series("error", "predicted", &[1e-6, 1.0]))
        .with(series("error", "measured", &[2e-6, 1.0]))
        .with(series("stable", "predicted", &[1.0, 0.0, 1.0]))
        .with(series("stable", "measured", &[1.0, 0.0, 0.0]));
    let dims = vec![Dimension::new("check", 2)];
    let verdicts = Variable::flags("verdict", dims, vec![0, 1], &["pass", "fail", "inconclusive"]);
    let theory = Group::new("theory")
        .with(Variable::texts("id", "check", ids))
        .with(verdicts)
        .with_group(first)
        .with_group(second);
    Folder::with_groups(&[theory])
}

#[test]
fn every_check_has_a_panel_with_its_verdict_and_measurements() {
    let folder = file();
    let texts = texts(&svg(&folder.file()));
    for expected in [
        "push-through: pass",
        "tikhonov: fail",
        "entry",
        "second entry",
        "error",
        "stable: 2 of 3 agree",
    ] {
        assert!(texts.iter().any(|t| t == expected), "{expected}: {texts:?}");
    }
    let (drawn, image) = draw_png(&folder.file());
    assert_eq!(drawn.pictures, ["theory"]);
    assert!(image.ink() > 0.01);
}
