//! docs/results.md against written files.

use std::time::{Duration, UNIX_EPOCH};

use dynamic_inversion::network::{Activation, Layer, Network, Output};
use dynamic_inversion::results::{
    self, Header, Provenance, ResultReader, Status, feedback_variable, weights_group,
};
use nalgebra::{DMatrix, DVector};

use crate::support::repository;

/// The names in the first column of the table of a group; `w_1`, `w_2`.. count as `w_1`.
fn documented(group: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join("docs/results.md")).unwrap();
    let heading = format!("## Group `{group}`");
    let (_, section) = text.split_once(&heading).unwrap_or_else(|| panic!("no {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let name = |line: &str| line.strip_prefix("| `")?.split('`').next().map(str::to_owned);
    section.lines().filter_map(name).collect()
}

fn written(reader: &ResultReader, group: &str) -> Vec<String> {
    let mut names: Vec<String> =
        reader.variables(group).unwrap().iter().map(|v| v.name().to_owned()).collect();
    // Numbered variables are documented by the first.
    names.retain(|name| name.rsplit_once('_').is_none_or(|(_, n)| !matches!(n, "2" | "3")));
    names
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[test]
fn groups_hold_what_the_documentation_lists() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let _open = crate::open_files();
    let layer = |n: usize, m: usize| Layer {
        weights: DMatrix::from_fn(n, m, |i, j| (10 * i + j) as f64),
        biases: DVector::from_fn(n, |i, _| i as f64),
        activation: Activation::Tanh,
    };
    let network = Network::new(vec![layer(3, 4), layer(2, 3)], Output::Linear).unwrap();
    let provenance = Provenance {
        model: Some("a".to_owned()),
        resolved_model: Some("b".to_owned()),
        argv: vec!["dinv".to_owned()],
        seed: Some(7),
        threads: 2,
        start: UNIX_EPOCH,
    };
    let mut writer = results::create(&path, false, &Header::default()).unwrap();
    writer.write_group(&provenance.group()).unwrap();
    let feedback = feedback_variable(1, 1, 2, &DMatrix::zeros(3, 2));
    writer.write_group(&weights_group(&network).with(feedback)).unwrap();
    writer.write_group(&provenance.ending(Duration::from_secs(1))).unwrap();
    writer.finish(Status::Complete).unwrap();

    let reader = ResultReader::open(&path).unwrap();
    for group in ["provenance", "weights"] {
        assert_eq!(sorted(written(&reader, group)), sorted(documented(group)), "{group}");
        for variable in reader.variables(group).unwrap() {
            assert!(variable.attribute_text("long_name").is_some(), "{}", variable.path);
            let is_text = variable.type_name == "text";
            assert_eq!(variable.attribute_text("units").is_none(), is_text, "{}", variable.path);
        }
    }
    let w_2 = reader.variable("weights/w_2").unwrap();
    let names: Vec<&str> = w_2.dims.iter().map(|dim| dim.name.as_str()).collect();
    assert_eq!(names, ["layer_2_unit", "layer_1_unit"]);
    assert_eq!(reader.f64s("weights/w_2").unwrap(), [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]);
    let attributes = reader.attributes().unwrap();
    let text = std::fs::read_to_string(repository().join("docs/results.md")).unwrap();
    assert_eq!(attributes.len(), 6);
    for attribute in attributes {
        assert!(text.contains(&format!("| `{}` |", attribute.name)), "{}", attribute.name);
    }
}
