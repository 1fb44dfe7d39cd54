//! `check`: every model of the repository is sound, and faults are found.

use dynamic_inversion::experiment::check::check;
use dynamic_inversion::model::Model;

use super::model;
use super::support::repository;

#[test]
fn every_model_is_sound() {
    let mut checked = 0;
    for entry in std::fs::read_dir(repository().join("models")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let model = Model::load(&path, &[]).unwrap_or_else(|error| panic!("{error}"));
        let report = check(&model).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for equation in &report.equations {
            assert!(equation.jacobian_agrees, "{}: {equation:?}", path.display());
        }
        // What is printed is a model again, and the same one.
        let again = Model::parse("resolved", &report.resolved_model, model.folder(), &[]).unwrap();
        assert_eq!(again.specification(), model.specification());
        checked += 1;
    }
    assert!(checked >= 8, "{checked} models");
}

#[test]
fn rows_and_sizes_are_foreseen() {
    let report = check(&model(
        r#"
        schema_version = 1
        [dynamics.linear]
        a = [[-1, 0], [0, -2]]
        [run]
        t_span = [0, 10]
        save_at = { every = 3 }
        "#,
    ))
    .unwrap();
    assert_eq!(report.rows, Some(5), "0, 3, 6, 9 and the end");
    assert_eq!(report.result_bytes, Some(5 * 8 * 4), "two states, the time and one residual");
    let equation = &report.equations[0];
    assert!((equation.fastest_rate - 2.0).abs() < 0.1, "{}", equation.fastest_rate);
    assert!(equation.closed_form_equilibrium);
}
