//! `docs/models.md` against the lists of keys, both ways.
//!
//! `UPDATE_DOCS=1 cargo test --test model docs` rewrites the tables from the lists.

use std::fs;
use std::path::PathBuf;

use dynamic_inversion::model::{Key, Kind, spec::KEYS};

const HEAD: &str = "| key | meaning | value | unit | default |\n|---|---|---|---|---|\n";

fn document() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/models.md")
}

/// Paths of the tables in the document, in its order.
fn tables(text: &str) -> Vec<String> {
    let starts = text.lines().filter_map(|line| line.strip_prefix("<!-- keys of "));
    starts.filter_map(|rest| rest.strip_suffix(" -->")).map(str::to_owned).collect()
}

fn find(path: &str) -> Kind {
    let mut kind = Kind::Section(KEYS);
    for name in path.split('.').filter(|p| *p != "file") {
        let keys = kind.keys();
        let key = keys.iter().find(|k| k.name == name).unwrap_or_else(|| panic!("no key {path}"));
        kind = key.kind;
    }
    kind
}

/// Rows of the table of `path`, without what other tables hold.
fn rows(path: &str, all: &[String]) -> Vec<String> {
    let mut rows = Vec::new();
    collect(&find(path), path, "", all, &mut rows);
    rows
}

fn collect(kind: &Kind, path: &str, prefix: &str, all: &[String], rows: &mut Vec<String>) {
    for key in kind.keys() {
        let below =
            if path == "file" { key.name.to_owned() } else { format!("{path}.{}", key.name) };
        let many = matches!(key.kind, Kind::List(_)) && !key.kind.keys().is_empty();
        let name = format!("{prefix}{}{}", key.name, if many { "[]" } else { "" });
        rows.push(row(key, &name));
        if key.like.is_empty() && !all.contains(&below) {
            collect(&key.kind, &below, &format!("{name}."), all, rows);
        }
    }
    if let Kind::Map(_, item) = kind {
        collect(item, &format!("{path}.*"), &format!("{prefix}*."), all, rows);
    }
}

/// Number of keys that are described at their own place.
fn count(kind: &Kind) -> usize {
    let own = |k: &Key| 1 + if k.like.is_empty() { count(&k.kind) } else { 0 };
    let free = if let Kind::Map(_, item) = kind { count(item) } else { 0 };
    kind.keys().iter().map(own).sum::<usize>() + free
}

fn row(key: &Key, name: &str) -> String {
    let cell =
        |text: String| if text.is_empty() { "-".to_owned() } else { text.replace('|', "\\|") };
    let form = if key.like.is_empty() { key.kind.form() } else { format!("as `{}`", key.like) };
    format!(
        "| `{name}` | {} | {} | {} | {} |",
        cell(key.meaning.to_owned()),
        cell(form),
        cell(key.unit.to_owned()),
        cell(key.preset.to_string()),
    )
}

/// The document with its tables written anew.
fn rewritten(text: &str) -> String {
    let all = tables(text);
    let mut out = String::new();
    let mut inside = false;
    for line in text.lines() {
        if line == "<!-- end of keys -->" {
            inside = false;
        }
        if !inside {
            out.push_str(line);
            out.push('\n');
        }
        if let Some(path) = line.strip_prefix("<!-- keys of ").and_then(|l| l.strip_suffix(" -->"))
        {
            out.push_str(HEAD);
            for row in rows(path, &all) {
                out.push_str(&row);
                out.push('\n');
            }
            inside = true;
        }
    }
    out
}

#[test]
fn the_reference_describes_every_key_as_it_is() {
    let text = fs::read_to_string(document()).expect("docs/models.md");
    let expected = rewritten(&text);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return fs::write(document(), &expected).expect("docs/models.md");
    }
    for (is, should) in text.lines().zip(expected.lines()) {
        assert_eq!(is, should);
    }
    assert_eq!(text.lines().count(), expected.lines().count(), "rows are missing or too many");
}

#[test]
fn no_key_is_left_out_of_the_reference() {
    let text = fs::read_to_string(document()).expect("docs/models.md");
    let all = tables(&text);
    let described: usize = all.iter().map(|path| rows(path, &all).len()).sum();
    assert_eq!(described, count(&Kind::Section(KEYS)));
}

#[test]
fn examples_in_the_reference_are_valid() {
    let text = fs::read_to_string(document()).expect("docs/models.md");
    let mut examples = 0;
    for block in text.split("```toml\n").skip(1) {
        let example = block.split("```").next().expect("a block has an end");
        let whole = if example.contains("schema_version") {
            example.to_owned()
        } else {
            format!("schema_version = 1\n{example}")
        };
        crate::support::valid(&whole);
        examples += 1;
    }
    assert!(examples >= 3, "{examples} examples");
}

#[test]
fn like_points_at_a_key() {
    fn check(keys: &[Key]) {
        for key in keys {
            if !key.like.is_empty() {
                let mut kind = Kind::Section(KEYS);
                for name in key.like.split('.') {
                    if let ("*", Kind::Map(_, item)) = (name, kind) {
                        kind = *item;
                        continue;
                    }
                    let inner = kind.keys().iter().find(|k| k.name == name);
                    kind =
                        inner.unwrap_or_else(|| panic!("{} is like {}", key.name, key.like)).kind;
                }
                let names = |k: &Kind| k.keys().iter().map(|k| k.name).collect::<Vec<_>>();
                assert_eq!(names(&kind), names(&key.kind), "{} is like {}", key.name, key.like);
            }
            check(key.kind.keys());
        }
    }
    check(KEYS);
}
