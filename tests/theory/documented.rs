//! `docs/theory.md` states every claim that is checked, with its formula, and no other.

use dynamic_inversion::theory::CHECKS;

const PAGE: &str = include_str!("../../docs/theory.md");

/// The names after `Check:`, in order.
fn linked() -> Vec<&'static str> {
    let parts = PAGE.split("Check:").skip(1);
    parts.map(|part| part.split('`').nth(1).expect("a name follows")).collect()
}

#[test]
fn the_page_and_the_list_of_checks_agree() {
    let listed: Vec<&str> = CHECKS.iter().map(|c| c.id).collect();
    assert_eq!(linked(), listed, "docs/theory.md (left) and CHECKS (right), in order");
}

#[test]
fn every_formula_stands_on_the_page() {
    for check in CHECKS {
        assert!(PAGE.contains(&format!("$${}$$", check.equation)), "{}", check.id);
    }
}

#[test]
fn names_are_unique_kebab_case_and_everything_is_said() {
    for (k, check) in CHECKS.iter().enumerate() {
        let is_kebab =
            check.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        assert!(is_kebab, "{}", check.id);
        assert!(CHECKS[..k].iter().all(|other| other.id != check.id), "{} twice", check.id);
        for text in [check.claim, check.source, check.method] {
            assert!(text.len() > 20 && !text.ends_with('.'), "{}: {text}", check.id);
        }
        assert!(check.claim.len() < 120, "{}: the claim is too long for a table", check.id);
        assert!(check.instances.thorough > check.instances.usual, "{}", check.id);
    }
}
