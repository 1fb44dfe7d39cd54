//! The rules of the house, read from the source: order of layers, size of files, forbidden calls.

mod layers;
mod lexer;
mod style;

use std::fs;
use std::path::{Path, PathBuf};

/// A source file, with its path relative to the repository.
pub(crate) struct Source {
    pub(crate) path: String,
    /// The text as it is.
    pub(crate) text: String,
    /// The text with comments and literals blanked and test modules removed; lines keep their
    /// numbers.
    pub(crate) code: String,
}

impl Source {
    /// Lines of [`code`](Self::code) with their numbers.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(k, line)| (k + 1, line))
    }

    /// The layer the file belongs to: its folder below `src`, or its name if it lies there itself.
    pub(crate) fn layer(&self) -> &str {
        let inner = self.path.strip_prefix("src/").expect("sources lie in src");
        inner.split('/').next().expect("a path is not empty").trim_end_matches(".rs")
    }
}

/// Every Rust file below `src`, sorted by path.
pub(crate) fn sources() -> Vec<Source> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(&root.join("src"), &mut paths);
    paths.sort();
    assert!(paths.len() > 10, "the source tree was not found");
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("source files are UTF-8");
        let relative = path.strip_prefix(&root).expect("paths start at the root");
        let path = relative.to_str().expect("source paths are UTF-8").replace('\\', "/");
        Source { path, code: lexer::code(&text), text }
    };
    paths.iter().map(read).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|e| e == "rs") {
            paths.push(path);
        }
    }
}

/// Fails with one line per offence.
pub(crate) fn expect_none(rule: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{rule}:\n  {}", offences.join("\n  "));
}
