//! `--set key.path=value`.

use dynamic_inversion::model::spec::{Dynamics, SaveAt, Solver};
use dynamic_inversion::model::{Override, Problem};

use crate::support::{place, valid, with};

const MODEL: &str = "schema_version = 1\ntitle = \"decay\"\n[dynamics.linear]\na = [[-1]]\n\
                     [solver.rk4]\nstep = 0.1\n[run]\nt_span = [0, 1]\nsave_at = { every = 0.5 }\n";

#[test]
fn values_are_replaced_and_added() {
    let model = with(
        MODEL,
        &[
            "run.t_span=[0, 20]",
            "solver.rk4.step = 1e-2",
            "dynamics.linear.b=[2]",
            "seed=7",
            "run.t_span[1]=5",
        ],
    )
    .expect("valid overrides");
    let spec = model.specification();
    assert_eq!(spec.seed, 7);
    assert_eq!(spec.run.as_ref().map(|r| r.t_span), Some([0.0, 5.0]));
    let Some(Dynamics::Linear(linear)) = &spec.dynamics else { panic!("not linear") };
    assert_eq!(linear.b, Some(vec![2.0]));
    let Some(Solver::Rk4(options)) = &spec.solver else { panic!("not rk4") };
    assert_eq!(options.step, 0.01);
    let recorded: Vec<_> =
        model.overrides().iter().map(|o| (o.key.to_string(), &*o.value)).collect();
    assert_eq!(recorded[0], ("run.t_span".to_owned(), "[0, 20]"));
    assert_eq!(recorded.len(), 5);
    // What is written to provenance already holds them.
    assert_eq!(valid(&model.resolved_text()).specification(), spec);
}

#[test]
fn bare_texts_need_no_quotes() {
    let model = with(MODEL, &["title=a better title", "run.save_at=end"]).expect("valid overrides");
    assert_eq!(model.specification().title.as_deref(), Some("a better title"));
    assert_eq!(
        model.specification().run.as_ref().and_then(|r| r.save_at.clone()),
        Some(SaveAt::End)
    );
}

#[test]
fn whole_variants_are_replaced_by_name() {
    let model = with(MODEL, &["solver=exact"]).expect("a bare variant");
    assert_eq!(model.specification().solver, Some(Solver::Exact {}));
    let model = with(MODEL, &["solver={ euler = { step = 0.5 } }"]).expect("an inline variant");
    assert!(matches!(model.specification().solver, Some(Solver::Euler(_))));
    // Setting a key inside another variant would leave two of them.
    let error = with(MODEL, &["solver.euler.step=0.5"]).expect_err("two variants");
    assert!(matches!(error.problem(), Problem::SeveralVariants { .. }), "{error}");
}

#[test]
fn a_variant_given_by_name_takes_keys() {
    let text = MODEL.replace("[solver.rk4]\nstep = 0.1\n", "[solver]\n").replace("[solver]\n", "");
    let text = text.replace("title", "solver = \"dopri5\"\ntitle");
    let model = with(&text, &["solver.dopri5.rtol=1e-3"]).expect("a key of a bare variant");
    let Some(Solver::Dopri5(options)) = &model.specification().solver else { panic!("not dopri5") };
    assert_eq!(options.rtol, 1e-3);
}

#[test]
fn errors_point_into_the_override() {
    let cases = [
        ("solver.rk4.stp=0.1", (1, 1, "solver.rk4.stp")),
        ("solver.rk4.step=-1", (1, 19, "solver.rk4.step")),
        ("solver.rk4.step=fast", (1, 19, "solver.rk4.step")),
        ("run.t_span=[0, nan]", (1, 18, "run.t_span[1]")),
        ("run.t_span.end=3", (1, 1, "run.t_span.end")),
        ("dynamics.linear.a[3]=[1]", (1, 1, "dynamics.linear.a[3]")),
    ];
    for (text, expected) in cases {
        let error = with(MODEL, &[text]).expect_err(text);
        assert_eq!(&*error.location().source, "--set", "{error}");
        assert_eq!(place(&error), expected, "{error}");
    }
}

#[test]
fn malformed_overrides_are_refused() {
    for text in ["seed", "=3", "a..b=1", "a[x]=1", "a b=1", "", "\"a=1"] {
        let error = Override::parse(text).expect_err(text);
        assert!(matches!(error.problem(), Problem::Override { .. }), "{error}");
    }
    let quoted = Override::parse("sweep.grid.\"a.b\"=[1]").expect("a quoted key");
    assert_eq!(quoted.key.to_string(), "sweep.grid.\"a.b\"");
    let negative = Override::parse("dynamics.linear.a=[[-0.5]]").expect("a negative number");
    assert_eq!(negative.value, "[[-0.5]]");
}
