//! Whatever is in the file, an error comes back.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use dynamic_inversion::error::{ExitCode, Failure};
use dynamic_inversion::model::spec::{Network, Weights};
use dynamic_inversion::model::{Model, Problem};
use proptest::prelude::*;

use crate::full::FULL;
use crate::support::{parse, place, refused, valid};

/// The usual slips in the notation of neighbouring tools, translated.
#[test]
fn slips_of_neighbouring_tools() {
    let base = "schema_version = 1\n[network]\nsizes = [2, 2]\nweights = \"normal\"\n\
                [dynamics.layerwise-inversion]\nlayer = 1\nleak = 0.1\n[run]\nt_span = [0, 1]\n";
    valid(base);
    let cases = [
        ("leak = 0.1", "laek = 0.1", (7, 1, "dynamics.layerwise-inversion.laek"), "leak"),
        ("leak = 0.1", "alpha = 0.1", (7, 1, "dynamics.layerwise-inversion.alpha"), "leak"),
        ("[run]", "[solver_options]\nrtol = 1e-3\n[run]", (8, 2, "solver_options"), "solver"),
        ("t_span", "t-span", (9, 1, "run.t-span"), "t_span"),
        ("t_span", "T_Span", (9, 1, "run.T_Span"), "t_span"),
        ("t_span = [0, 1]", "t-end = 5.0", (9, 1, "run.t-end"), "t_span"),
    ];
    for (right, wrong, expected, suggested) in cases {
        let error = refused(&base.replace(right, wrong));
        assert_eq!(place(&error), expected, "{error}");
        let Problem::UnknownKey { suggestion, .. } = error.problem() else { panic!("{error}") };
        assert_eq!(suggestion.as_deref(), Some(suggested), "{error}");
    }
}

#[test]
fn a_key_in_the_wrong_section_is_sent_home() {
    let error = refused("schema_version = 1\nt_span = [0, 1]\n");
    assert!(
        error.problem().remedy().contains("it belongs to [run]"),
        "{}",
        error.problem().remedy()
    );
}

#[test]
fn long_models_are_read() {
    let n = 60;
    let mut text = format!(
        "schema_version = 1\n[network]\nsizes = [{n}, {n}]\n[network.weights]\nvalues = [[\n"
    );
    for i in 0..n {
        let row: Vec<_> =
            (0..n).map(|j| format!("{:?}", f64::from(1 + 60 * i + j).sin() * 0.1)).collect();
        writeln!(text, "  [{}],", row.join(", ")).expect("writing to a string");
    }
    text.push_str("]]\n");
    assert!(text.len() > 65_536, "{} bytes", text.len());
    let model = valid(&text);
    assert_eq!(model.text(), text);
    let Some(Network { weights: Weights::Values(w), .. }) = &model.specification().network else {
        panic!("no values");
    };
    assert_eq!(w[0][59][59], f64::from(3600).sin() * 0.1);
    assert_eq!(valid(&model.resolved_text()).specification(), model.specification());
    // An error at the far end of a long line.
    let at = text.rfind(", ").expect("a separator");
    let error = refused(&format!("{}, nan]]]", &text[..at]));
    assert_eq!(error.location().line, 65);
    assert!(error.to_string().contains("(layer 1, row 59, column 59) is NaN"), "{error}");
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = Model::load(&folder.path().join("no.toml"), &[]).expect_err("missing");
    assert!(matches!(missing.problem(), Problem::Unreadable { .. }), "{missing}");
    assert_eq!(missing.exit_code(), ExitCode::InputOutput);
    let binary = folder.path().join("binary.toml");
    fs::write(&binary, b"title = \"caf\xe9\"").expect("a file");
    let error = Model::load(&binary, &[]).expect_err("not UTF-8");
    assert_eq!(error.problem(), &Problem::NotUtf8 { offset: 12 });
    assert_eq!(error.exit_code(), ExitCode::Usage);
    let folder_error = Model::load(folder.path(), &[]).expect_err("a folder");
    assert!(folder_error.is_input_output(), "{folder_error}");
}

#[test]
fn paths_are_relative_to_the_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.toml");
    fs::write(&path, "schema_version = 1\n").expect("a file");
    let model = Model::load(&path, &[]).expect("a valid model");
    assert_eq!(model.path("w.npz"), folder.path().join("w.npz"));
    assert_eq!(model.path("/data/w.npz"), Path::new("/data/w.npz"));
    assert_eq!(valid("schema_version = 1\n").path("w.npz"), Path::new("w.npz"));
}

#[cfg(unix)]
#[test]
fn odd_file_names_are_no_obstacle() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9.toml"));
    fs::write(&path, "schema_version = 2\n").expect("a file");
    let error = Model::load(&path, &[]).expect_err("another version");
    assert_eq!((error.location().line, error.location().column), (1, 18));
}

#[test]
fn toml_errors_keep_their_place() {
    let cases = [
        ("schema_version = \n", 1),
        ("schema_version = 1\nseed = 1\nseed = 2\n", 3),
        ("schema_version = 1\n[run\n", 2),
        ("schema_version = 1\nseed = 99999999999999999999\n", 2),
        ("schema_version = 1\n[run]\n[run]\n", 3),
    ];
    for (text, line) in cases {
        let error = refused(text);
        assert!(matches!(error.problem(), Problem::Syntax { .. }), "{error}");
        assert_eq!(error.location().line, line, "{error}");
    }
}

#[test]
fn a_byte_order_mark_and_carriage_returns_are_no_obstacle() {
    valid("\u{feff}schema_version = 1\r\nseed = 1\r\n");
    let error = refused("schema_version = 1\r\nsede = 1\r\n");
    assert_eq!(place(&error), (2, 1, "sede"));
    let error = refused("schema_version = 1\ntitle = \"β\"  \nreferences = [\"ä\", 1]\n");
    assert_eq!(place(&error), (3, 20, "references[1]"));
}

#[test]
fn a_text_that_no_file_can_hold_is_refused() {
    let error = refused("schema_version = 1\ntitle = \"a\\u0000b\"\n");
    assert_eq!(place(&error), (2, 9, "title"), "{error}");
    assert!(error.to_string().contains("NUL"), "{error}");
    let error = refused("schema_version = 1\nreferences = [\"a\", \"\\u0000\"]\n");
    assert_eq!(place(&error), (2, 20, "references[1]"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any damage to a valid model gives a model or an error, and every error can be shown.
    #[test]
    fn damage_never_panics(
        which in 0..FULL.len(),
        at in any::<prop::sample::Index>(),
        length in 0usize..12,
        put in "[\\[\\]{}=\",.a-z0-9\n#-]{0,6}",
    ) {
        let text = FULL[which].1;
        let boundary = |i: usize| (0..=i).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        let start = boundary(at.index(text.len()));
        let end = boundary((start + length).min(text.len())).max(start);
        let damaged = format!("{}{put}{}", &text[..start], &text[end..]);
        match parse(&damaged) {
            Ok(model) => {
                let resolved = model.resolved_text();
                prop_assert_eq!(parse(&resolved).map(|m| m.resolved_text()), Ok(resolved));
            }
            Err(error) => {
                prop_assert!(!matches!(error.problem(), Problem::Inconsistent { .. }), "{}", error);
                prop_assert!(!error.to_string().is_empty() && !error.problem().remedy().is_empty());
                prop_assert!(error.location().line <= damaged.lines().count().max(1) + 1);
            }
        }
    }
}
