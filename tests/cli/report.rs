//! Failures as text.

use dynamic_inversion::cli::report::render;
use dynamic_inversion::error::{Error, ExitCode, Failure};

#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("unknown key \"alhpa\" in [dynamics.linear]")]
#[diagnostic(help("the nearest valid key is \"leak\""))]
struct Misspelt {
    #[source_code]
    text: miette::NamedSource<String>,
    #[label("here")]
    at: miette::SourceSpan,
}

impl Failure for Misspelt {
    fn exit_code(&self) -> ExitCode {
        ExitCode::Usage
    }

    fn diagnostic(&self) -> Option<&dyn miette::Diagnostic> {
        Some(self)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("cannot write out.h5")]
struct Unwritable {
    source: std::io::Error,
}

impl Failure for Unwritable {
    fn exit_code(&self) -> ExitCode {
        ExitCode::InputOutput
    }

    fn remedy(&self) -> Option<String> {
        Some("free some space,\nor choose another folder with -o".into())
    }
}

fn plain(error: &Error) -> String {
    anstream::adapter::strip_str(&render(error)).to_string()
}

#[test]
fn a_model_error_shows_place_source_and_nearest_key() {
    let text = "schema_version = 1\n[dynamics.linear]\nalhpa = 0.1\n";
    let at = text.find("alhpa").unwrap();
    let failure = Misspelt {
        text: miette::NamedSource::new("loop.toml", text.to_owned()),
        at: (at, "alhpa".len()).into(),
    };
    let error = Error::from(failure);
    assert_eq!(error.exit_code(), ExitCode::Usage);
    let shown = plain(&error);
    assert!(shown.starts_with("error: unknown key \"alhpa\" in [dynamics.linear]\n"), "{shown}");
    assert!(shown.contains("[loop.toml:3:1]"), "{shown}");
    assert!(shown.contains("alhpa = 0.1"), "{shown}");
    assert!(shown.ends_with("  help: the nearest valid key is \"leak\"\n"), "{shown}");
    assert_eq!(shown.matches("unknown key").count(), 1, "{shown}");
}

#[test]
fn causes_and_remedy_follow_the_message() {
    let source = std::io::Error::other("No space left on device");
    let expected = "\
error: cannot write out.h5
  because: No space left on device
  help: free some space,
        or choose another folder with -o
";
    assert_eq!(plain(&Unwritable { source }.into()), expected);
}
