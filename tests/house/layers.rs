//! Dependencies run one way: a file uses its own layer and the layers below it.

use std::collections::BTreeSet;

use super::{Source, expect_none, sources};

/// Layers from the lowest to the highest. `error` holds the seam through which any layer states
/// its exit code and names nothing itself.
const ORDER: &[&str] = &[
    "error",
    "linalg",
    "network",
    "dynamics",
    "integrate",
    "analysis",
    "feedback",
    "learning",
    "theory",
    "results",
    "model",
    "experiment",
    "plot",
    "cli",
];

/// Uses that the order would allow and the design does not: layer, forbidden layer, reason.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("results", "integrate", "a result file is a record, whatever produced it"),
    ("results", "analysis", "a result file is a record, whatever produced it"),
    ("results", "theory", "a result file is a record, whatever produced it"),
    ("model", "integrate", "a model file describes; experiments choose how to run it"),
    ("plot", "integrate", "pictures come from result files"),
    ("plot", "experiment", "pictures come from result files"),
];

/// Files of `dynamics` that hold its seams; every other file there is a variant.
const SEAMS: &[&str] = &["mod", "field", "layout", "noise", "structure"];

fn rank(layer: &str) -> Option<usize> {
    ORDER.iter().position(|l| *l == layer)
}

#[test]
fn every_folder_is_a_known_layer() {
    let known = |layer: &str| rank(layer).is_some() || ["lib", "main"].contains(&layer);
    let unknown: Vec<String> =
        sources().iter().filter(|s| !known(s.layer())).map(|s| s.path.clone()).collect();
    expect_none("files outside the layers", &unknown);
}

#[test]
fn layers_depend_one_way() {
    let mut offences = Vec::new();
    for source in sources() {
        let Some(own) = rank(source.layer()) else { continue };
        for used in uses(&source.code, "crate::") {
            let forbidden = FORBIDDEN.iter().find(|f| f.0 == source.layer() && f.1 == used);
            if rank(&used).is_some_and(|other| other > own) {
                offences.push(format!("{} uses the higher layer {used}", source.path));
            } else if let Some((_, _, reason)) = forbidden {
                offences.push(format!("{} uses {used}: {reason}", source.path));
            }
        }
    }
    expect_none("dependencies against the order of layers", &offences);
}

#[test]
fn no_path_climbs_to_the_crate_root_by_super() {
    let mut offences = Vec::new();
    for source in sources() {
        // `src/a/b/c.rs` is the module a::b::c: three steps up reach the root.
        let module = source.path.trim_end_matches("/mod.rs").trim_end_matches(".rs");
        let depth = module.matches('/').count();
        let climb = "super::".repeat(depth.max(1));
        offences.extend(
            source
                .lines()
                .filter(|(_, line)| line.replace(' ', "").contains(&climb))
                .map(|(number, _)| format!("{}:{number}", source.path)),
        );
    }
    expect_none("write `crate::` instead", &offences);
}

#[test]
fn integrate_knows_no_dynamics_variant() {
    let all = sources();
    let modules = variant_modules(&all);
    let types = variant_types(&all, &modules);
    let mut offences = Vec::new();
    for source in all.iter().filter(|s| s.layer() == "integrate") {
        let words: BTreeSet<&str> = words(&source.code).collect();
        let used = uses(&source.code, "dynamics::");
        let named = types.iter().filter(|t| words.contains(t.as_str()));
        let named = named.chain(modules.iter().filter(|m| used.contains(*m)));
        offences.extend(named.map(|name| format!("{} names {name}", source.path)));
    }
    expect_none("a solver sees a vector field, never a variant of dynamics", &offences);
}

#[test]
fn only_linalg_names_a_linear_algebra_library() {
    let patterns = [
        "faer::",
        "use faer",
        "nalgebra::linalg",
        ".complex_eigenvalues(",
        ".symmetric_eigen(",
        "Schur::",
        "SVD::",
        "nalgebra::LU",
        "nalgebra::QR",
        ".try_inverse(",
        ".pseudo_inverse(",
    ];
    let mut offences = Vec::new();
    for source in sources().iter().filter(|s| s.layer() != "linalg") {
        for (number, line) in source.lines() {
            offences.extend(
                patterns
                    .iter()
                    .filter(|pattern| line.contains(**pattern))
                    .map(|pattern| format!("{}:{number}: {pattern}", source.path)),
            );
        }
    }
    expect_none("decompositions outside src/linalg", &offences);
}

/// What a file names directly below `path`, also in braces.
fn uses(code: &str, path: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices(path) {
        let rest = &code[at + path.len()..];
        match rest.strip_prefix('{') {
            None => found.extend(words(rest).next().map(str::to_owned)),
            Some(group) => found.extend(heads(group)),
        }
    }
    found
}

/// The first word of every item of a use group, up to its closing brace.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut item, mut heads) = (0, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(std::mem::take(&mut item)),
            _ if depth == 0 => item.push(c),
            _ => {}
        }
    }
    heads.push(item);
    heads.iter().filter_map(|item| words(item).next()).map(str::to_owned).collect()
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Modules of `dynamics` that hold a variant.
fn variant_modules(all: &[Source]) -> BTreeSet<String> {
    all.iter()
        .filter_map(|s| s.path.strip_prefix("src/dynamics/"))
        .map(|inner| inner.split('/').next().unwrap_or(inner).trim_end_matches(".rs"))
        .filter(|module| !SEAMS.contains(module))
        .map(str::to_owned)
        .collect()
}

/// Types that `dynamics` re-exports from the modules of its variants.
fn variant_types(all: &[Source], modules: &BTreeSet<String>) -> Vec<String> {
    let root =
        all.iter().find(|s| s.path == "src/dynamics/mod.rs").expect("dynamics/mod.rs exists");
    let mut types = Vec::new();
    for (at, _) in root.code.match_indices("pub use ") {
        let statement = root.code[at..].split(';').next().unwrap_or_default();
        let mut parts = words(statement).skip(2);
        if parts.next().is_some_and(|module| modules.contains(module)) {
            types.extend(parts.filter(|p| p.starts_with(char::is_uppercase)).map(str::to_owned));
        }
    }
    types
}

#[test]
fn uses_are_found_in_paths_and_groups() {
    let code = "use crate::{a::{b, c}, d}; fn f() { crate::e::g() } pub(crate) use crate::h;";
    let expected = ["a", "d", "e", "h"].map(str::to_owned);
    assert_eq!(uses(code, "crate::"), BTreeSet::from(expected));
}
