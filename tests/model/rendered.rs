//! How typical mistakes are shown: source line, underline, remedy.

use dynamic_inversion::error::Failure;
use dynamic_inversion::model::ModelError;
use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::support::{refused, with};

const MODEL: &str = r#"schema_version = 1
title = "a layer of ten units"

[network]
sizes = [20, 10]
activation = "tanh"
weights = { normal = { scale = 1.0 } }

[feedback.negative-transpose]
scale = 1.0

[dynamics.layerwise-inversion]
layer = 1
leak = 0.01
transfer = "linear"

[target]
normal = { scale = 0.1, count = 256 }

[solver.dopri5]
rtol = 1e-8
atol = 1e-10

[run]
t_span = [0.0, 200.0]
save_at = { every = 0.5 }
"#;

fn shown(error: &ModelError) -> String {
    let handler =
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(90);
    let mut text = String::new();
    let diagnostic = error.diagnostic().expect("every model error is a diagnostic");
    handler.render_report(&mut text, diagnostic.as_ref()).expect("writing to a string");
    text
}

fn mistake(right: &str, wrong: &str) -> String {
    assert!(MODEL.contains(right), "{right}");
    shown(&refused(&MODEL.replace(right, wrong)))
}

#[test]
fn ten_typical_mistakes() {
    let all = [
        mistake("leak = 0.01", "laek = 0.01"),
        mistake("[solver.dopri5]", "[solver.rk45]"),
        mistake("leak = 0.01\n", ""),
        mistake("layer = 1", "layer = 2"),
        mistake("rtol = 1e-8", "rtol = 1e-20"),
        mistake("t_span = [0.0, 200.0]", "t_span = [0.0, nan]"),
        mistake("normal = { scale = 0.1, count = 256 }", "delta = [0.1, 0.2]"),
        mistake("[feedback.negative-transpose]\nscale = 1.0", "[feedback.jacobian-transpose]"),
        mistake("transfer = \"linear\"", "transfer = \"tangent\""),
        mistake("save_at = { every = 0.5 }", "save_at = { every = 0.5, count = 3 }"),
        mistake("activation = \"tanh\"", "activation = \"softmax\""),
        mistake("sizes = [20, 10]", "sizes = 20"),
        shown(&with(MODEL, &["solver.dopri5.rtol=tight"]).expect_err("not a number")),
    ];
    insta::assert_snapshot!(all.join("\n"));
}
