//! Numbers: integers for floats, infinities, ragged rows.

use dynamic_inversion::model::Problem;
use dynamic_inversion::model::spec::{Atol, Dynamics, Solver};

use crate::support::{place, refused, valid};

const LINEAR: &str = "schema_version = 1\n[dynamics.linear]\na = [[-1, 0], [0, -1]]\n\
                      [initial]\nvalues = [1, 1]\n[run]\nt_span = [0, 1]\n";

#[test]
fn integers_are_floats_where_floats_are_meant() {
    let mixed = LINEAR.replace("[[-1, 0], [0, -1]]", "[[1, 0.5], [2, 3]]");
    let floats = LINEAR.replace("[[-1, 0], [0, -1]]", "[[1.0, 0.5], [2.0, 3.0]]");
    assert_eq!(valid(&mixed).specification(), valid(&floats).specification());
    let model = valid(&mixed);
    let Some(Dynamics::Linear(linear)) = &model.specification().dynamics else {
        panic!("not linear");
    };
    assert_eq!(linear.a, [[1.0, 0.5], [2.0, 3.0]]);
}

#[test]
fn floats_without_fraction_are_integers() {
    let text = format!("{LINEAR}[solver.dopri5]\nmax_steps = 1e6\nrtol = 1e-6\natol = 1\n");
    let model = valid(&text);
    let Some(Solver::Dopri5(options)) = &model.specification().solver else {
        panic!("not dopri5");
    };
    assert_eq!((options.max_steps, options.rtol), (1_000_000, 1e-6));
    assert_eq!(options.atol, Atol::One(1.0));
    let error = refused(&text.replace("1e6", "1.5"));
    assert_eq!(place(&error), (9, 13, "solver.dopri5.max_steps"));
    assert!(error.to_string().contains("expected an integer, found the number 1.5"), "{error}");
}

#[test]
fn infinities_and_nan_name_the_entry() {
    let cases = [
        ("values = [1, 1]", "values = [nan, 1]", (5, 11), "initial.values[0]: values[0] is NaN"),
        ("values = [1, 1]", "values = [1, -inf]", (5, 14), "values[1] is -inf"),
        (
            "[[-1, 0]",
            "[[-1, nan]",
            (3, 11),
            "dynamics.linear.a[0][1]: a[0][1] (row 0, column 1) is NaN",
        ),
        ("t_span = [0, 1]", "t_span = [0, nan]", (7, 14), "t_span[1] (t_end) is NaN"),
        ("t_span = [0, 1]", "t_span = [inf, 1]", (7, 11), "t_span[0] (t_start) is inf"),
    ];
    for (right, wrong, (line, column), message) in cases {
        let error = refused(&LINEAR.replace(right, wrong));
        assert_eq!((error.location().line, error.location().column), (line, column), "{error}");
        assert!(error.to_string().ends_with(message), "{error}");
        assert!(matches!(error.problem(), Problem::NotFinite { .. }));
    }
    let weights = "schema_version = 1\nnetwork.sizes = [2, 1, 2]\n\
                   network.weights.values = [[[1, 2]], [[3], [nan]]]\n";
    let error = refused(weights);
    assert_eq!(place(&error), (3, 44, "network.weights.values[1][1][0]"));
    assert!(error.to_string().contains("(layer 2, row 1, column 0) is NaN"), "{error}");
}

#[test]
fn scalars_that_are_not_finite_are_refused() {
    for (key, value) in
        [("rtol", "nan"), ("atol", "inf"), ("max_step", "inf"), ("atol", "{ state = nan }")]
    {
        let text = format!("{LINEAR}[solver.dopri5]\n{key} = {value}\n");
        let error = refused(&text);
        assert!(matches!(error.problem(), Problem::NotFinite { .. }), "{key}: {error}");
    }
    let error = refused(&format!("{LINEAR}[solver.dopri5]\nrtol = 1e999\n"));
    assert!(error.to_string().contains("out of range"), "{error}");
}

#[test]
fn ragged_rows_are_named() {
    let error = refused(&LINEAR.replace("[[-1, 0], [0, -1]]", "[[1.0, 2.0], [3.0]]"));
    assert_eq!(place(&error), (3, 18, "dynamics.linear.a[1]"));
    assert!(error.to_string().contains("(row 1) has 1 entries, row 0 has 2"), "{error}");
    let batch = "schema_version = 1\nnetwork = { sizes = [2, 2], weights = \"normal\" }\n\
                 target.delta = [[1, 2], [3, 4], [5]]\n";
    let error = refused(batch);
    assert!(error.to_string().contains("(target 2) has 1 entries, target 0 has 2"), "{error}");
}

#[test]
fn a_list_in_the_place_of_a_number_is_named() {
    let error = refused(&LINEAR.replace("[0, -1]]", "[0, [1]]]"));
    assert_eq!(place(&error), (3, 19, "dynamics.linear.a[1][1]"));
    assert!(error.to_string().contains("expected a number, found a list of 1 entry"), "{error}");
    let error = refused(&LINEAR.replace("[[-1, 0], [0, -1]]", "[-1, 0]"));
    assert!(
        error.to_string().contains("expected a list of numbers, found the integer -1"),
        "{error}"
    );
    let error = refused(&LINEAR.replace("values = [1, 1]", "values = [1, \"1\"]"));
    assert!(error.to_string().contains("expected a number, found the text \"1\""), "{error}");
}
