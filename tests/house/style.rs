//! Size of files and calls that have no place in the library.

use super::{Source, expect_none, sources};

/// Longest source file, in lines.
const LONGEST: usize = 400;

/// Files allowed to be longer, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// The entry point stays thin.
const LONGEST_MAIN: usize = 40;

/// Calls that panic on bad input, stop the program or write to a stream behind the back of
/// `cli/output.rs` (the print macros panic when the reader has gone away).
const BANNED: &[&str] = &[
    ".unwrap()",
    "todo!(",
    "unimplemented!(",
    "dbg!(",
    "println!(",
    "eprintln!(",
    "print!(",
    "eprint!(",
    "process::exit(",
];

#[test]
fn files_stay_short() {
    let limit = |path: &str| match path {
        "src/main.rs" => LONGEST_MAIN,
        _ if LONG_FILES.iter().any(|(allowed, _)| *allowed == path) => usize::MAX,
        _ => LONGEST,
    };
    let long: Vec<String> = sources()
        .iter()
        .map(|s| (s, s.text.lines().count()))
        .filter(|(s, lines)| *lines > limit(&s.path))
        .map(|(s, lines)| format!("{}: {lines} lines", s.path))
        .collect();
    expect_none("split these files", &long);
}

#[test]
fn allowed_long_files_are_long() {
    let all = sources();
    let length = |path: &str| all.iter().find(|s| s.path == path).map(|s| s.text.lines().count());
    let stale: Vec<String> = LONG_FILES
        .iter()
        .filter(|(path, _)| length(path).is_none_or(|lines| lines <= LONGEST))
        .map(|(path, _)| (*path).to_owned())
        .collect();
    expect_none("these need no exception any more", &stale);
}

#[test]
fn no_banned_calls() {
    let mut offences = Vec::new();
    for source in sources() {
        for (number, line) in source.lines() {
            let found = BANNED.iter().filter(|call| contains_call(line, call));
            offences.extend(found.map(|call| format!("{}:{number}: {call}", source.path)));
        }
    }
    expect_none("banned in the library", &offences);
}

#[test]
fn unsafe_code_is_confined_and_justified() {
    let is_unsafe = |s: &Source| s.lines().any(|(_, line)| contains_call(line, "unsafe "));
    let all = sources();
    let files: Vec<&Source> = all.iter().filter(|s| is_unsafe(s)).collect();
    let misplaced: Vec<String> =
        files.iter().filter(|s| s.layer() != "results").map(|s| s.path.clone()).collect();
    expect_none("only the dimension-scale calls of src/results may be unsafe", &misplaced);
    assert!(files.len() <= 1, "unsafe code belongs in one file, found in {}", files.len());
    for source in files {
        let blocks = source.lines().filter(|(_, line)| contains_call(line, "unsafe {")).count();
        let reasons = source.text.matches("SAFETY:").count();
        assert!(reasons >= blocks, "{}: {blocks} unsafe blocks, {reasons} reasons", source.path);
    }
}

/// Whether `line` contains `call` where no longer identifier swallows its beginning.
fn contains_call(line: &str, call: &str) -> bool {
    line.match_indices(call).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        call.starts_with('.') || !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[test]
fn calls_are_matched_whole() {
    assert!(contains_call("a.unwrap();", ".unwrap()"));
    assert!(contains_call("    print!(\"x\")", "print!("));
    assert!(!contains_call("eprint!(\"x\")", "print!("));
}
