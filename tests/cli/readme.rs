//! Every `dinv` command in a code block of the README runs.

use std::fs;
use std::path::PathBuf;

use super::dinv;

/// Commands that take longer than a test should, or need files from the network: the first words of
/// the command, and why.
const SKIPPED: &[(&str, &str)] = &[
    ("dinv train", "trains for minutes"),
    ("dinv sweep", "hundreds of points"),
    ("dinv validate", "every claim, some for minutes; has tests of its own"),
];

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Lines of code blocks, indented or fenced, of one language (empty: no language).
fn code(text: &str, language: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), fence) {
            (Some(name), None) => fence = Some(name),
            (Some(_), Some(_)) => fence = None,
            (None, Some(name)) if name == language => lines.push(line.to_owned()),
            (None, None) if language.is_empty() => {
                lines.extend(line.strip_prefix("    ").map(str::to_owned));
            }
            _ => {}
        }
    }
    lines
}

#[test]
fn commands_of_the_readme_run() {
    let text = fs::read_to_string(repository().join("README.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("model.toml"), code(&text, "toml").join("\n")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(repository().join("models"), folder.path().join("models")).unwrap();
    let mut lines = code(&text, "");
    lines.extend(["sh", "bash", "console"].iter().flat_map(|shell| code(&text, shell)));
    let mut run = 0;
    for line in &lines {
        let command = line.trim_start_matches("$ ").split(" #").next().unwrap().trim();
        let is_skipped = SKIPPED.iter().any(|(start, _)| command.starts_with(start));
        let Some(arguments) = command.strip_prefix("dinv ").filter(|_| !is_skipped) else {
            continue;
        };
        let output =
            dinv().current_dir(folder.path()).args(arguments.split_whitespace()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}: {said}");
        run += 1;
    }
    assert!(run >= 3, "{lines:?}");
}
