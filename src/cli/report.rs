//! Failures for people: what happened, where, the lines of the model file, what to do.

use std::error::Error as StdError;
use std::fmt;

use anstyle::{AnsiColor, Effects, Style};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use crate::error::{Error, ExitCode};

const ERROR: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const HELP: Style = AnsiColor::Cyan.on_default();

/// Width at which annotated source lines give way, in columns.
const WIDTH: usize = 100;

/// The text shown for `error` on standard error, with ANSI styles:
///
/// ```text
/// error: unknown key "alhpa"
///    ╭─[loop.toml:12:1]
///    ...
///   help: the nearest valid key is "leak"
/// ```
#[must_use]
pub fn render(error: &Error) -> String {
    let failure = error.failure();
    let diagnostic = failure.diagnostic();
    let message = diagnostic.as_ref().map_or_else(|| failure.to_string(), ToString::to_string);
    let mut out = format!("{ERROR}error:{ERROR:#} {message}\n");
    let mut last = message;
    let mut cause = failure.source();
    while let Some(inner) = cause {
        // Many messages already end in their cause.
        let text = inner.to_string();
        if !last.contains(&text) {
            out.push_str(&format!("  because: {text}\n"));
        }
        last = text;
        cause = inner.source();
    }
    if let Some(diagnostic) = &diagnostic {
        out.push_str(&snippet(diagnostic.as_ref()));
    }
    let help = diagnostic.as_ref().and_then(|d| d.help().map(|h| h.to_string()));
    if let Some(help) = help.or_else(|| failure.remedy()) {
        out.push_str(&format!("  {HELP}help:{HELP:#} {}\n", help.replace('\n', "\n        ")));
    }
    out
}

/// The source lines a diagnostic points at; empty when it points nowhere.
fn snippet(diagnostic: &dyn Diagnostic) -> String {
    let theme = if locale_is_utf8() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme { styles: GraphicalTheme::unicode().styles, ..GraphicalTheme::none() }
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false);
    let mut out = String::new();
    if handler.render_report(&mut out, &Pointer(diagnostic)).is_err() {
        return String::new();
    }
    // The first line would carry the message, which the caller has already written.
    out.split_once('\n').map_or_else(String::new, |(_, rest)| rest.to_owned())
}

/// Whether box-drawing characters can be shown, by the usual order of the locale variables.
fn locale_is_utf8() -> bool {
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            value.ends_with("utf-8") || value.ends_with("utf8")
        })
}

/// A diagnostic reduced to its source text and labels.
#[derive(Debug)]
struct Pointer<'a>(&'a dyn Diagnostic);

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl StdError for Pointer<'_> {}

impl Diagnostic for Pointer<'_> {
    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.0.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        self.0.labels()
    }
}

/// Turns a panic into one line that asks for a report. A panic is a broken invariant of this
/// program, never a consequence of wrong input.
pub(crate) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let reason = text.unwrap_or("no message").replace('\n', " ");
        super::output::note(&format!(
            "{ERROR}internal error:{ERROR:#} {reason}{place} (dinv {}): this is a fault of the \
             program, please report it with the command and the model file\n",
            env!("CARGO_PKG_VERSION"),
        ));
    }));
}

/// The exit code after a panic: no result can be trusted.
pub(crate) const PANIC: ExitCode = ExitCode::Numerical;
