//! The picture of `dinv invert`.

use dynamic_inversion::results::{Data, Dimension, Group, Variable};

use super::files::Folder;
use super::{draw_png, svg, texts};

/// Two rules on two layers, with a missing angle.
pub(crate) fn file() -> Folder {
    let names = |name: &str, dim: &str, values: &[&str]| {
        Variable::texts(name, dim, values.iter().map(|v| (*v).to_owned()).collect())
    };
    let array = |name: &str, dims: &[(&str, usize)], values: Vec<f64>| {
        let dims = dims.iter().map(|(name, length)| Dimension::new(*name, *length)).collect();
        Variable::new(name, dims, Data::F64(values))
    };
    let references = [
        "gradient",
        "gauss-newton",
        "gauss-newton-block",
        "levenberg-marquardt 0.01",
        "levenberg-marquardt-block 0.01",
        "levenberg-marquardt 1",
    ];
    let (rule, reference, layer) = (("rule", 2), ("reference", 6), ("layer", 2));
    let mut angles: Vec<f64> = (0..24).map(|k| 3.0 * f64::from(k)).collect();
    angles[5] = f64::NAN;
    let invert = Group::new("invert")
        .with(names("rule_name", "rule", &["first rule", "second rule"]))
        .with(names("reference_name", "reference", &references))
        .with(array("angle", &[rule, reference, layer], angles))
        .with(array("total_angle", &[rule, reference], (0..12).map(f64::from).collect()))
        .with(Variable::vector("step", "step", vec![0.25, 0.5, 1.0]))
        .with(array("relative_loss", &[rule, ("step", 3)], vec![0.9, 0.8, 2.0, 0.7, 0.5, 0.6]))
        .with(Variable::vector("damping", "damping", vec![1.0, 0.01]))
        .with(array("leak_angle", &[("damping", 2), ("hidden_layer", 1)], vec![0.0, 1e-9]));
    Folder::with_groups(&[invert])
}

#[test]
fn rules_are_named_in_every_panel() {
    let folder = file();
    let texts = texts(&svg(&folder.file()));
    for expected in [
        "errors: angle to the gradient",
        "errors: angle to full Gauss-Newton",
        "errors: angle to block Gauss-Newton",
        "updates: angle to Levenberg-Marquardt",
        "loss along the update",
        "dynamic inversion against damped steps",
        "layer 1",
    ] {
        assert!(texts.iter().any(|t| t == expected), "{expected}: {texts:?}");
    }
    assert_eq!(texts.iter().filter(|t| *t == "second rule").count(), 1);
    let (drawn, image) = draw_png(&folder.file());
    assert_eq!(drawn.pictures, ["inversion"]);
    assert!(image.ink() > 0.01);
}
