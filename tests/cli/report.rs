//! Failures as text.

use dynamic_inversion::cli::report::render;
use dynamic_inversion::error::{Error, ExitCode, Failure};

#[derive(Debug, thiserror::Error)]
#[error("loop.toml:3:1: unknown key \"alhpa\" in [dynamics.linear]")]
struct Misspelt {
    text: miette::NamedSource<String>,
    at: miette::SourceSpan,
}

/// The failure with its place in the source.
#[derive(Debug, thiserror::Error)]
#[error("unknown key \"alhpa\" in [dynamics.linear]")]
struct Located<'a>(&'a Misspelt);

impl miette::Diagnostic for Located<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        Some(Box::new("the nearest valid key is \"leak\""))
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.0.text)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(miette::LabeledSpan::at(self.0.at, "here"))))
    }
}

impl Failure for Misspelt {
    fn exit_code(&self) -> ExitCode {
        ExitCode::Usage
    }

    fn diagnostic(&self) -> Option<Box<dyn miette::Diagnostic + '_>> {
        Some(Box::new(Located(self)))
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

#[derive(Debug, thiserror::Error)]
#[error("out.h5: cannot open the file: {source}")]
struct Unreadable {
    source: std::io::Error,
}

impl Failure for Unreadable {
    fn exit_code(&self) -> ExitCode {
        ExitCode::InputOutput
    }
}

#[test]
fn a_cause_the_message_already_gives_is_not_repeated() {
    let source = std::io::Error::other("Permission denied");
    let expected = "error: out.h5: cannot open the file: Permission denied\n";
    assert_eq!(plain(&Unreadable { source }.into()), expected);
}
