//! The nearest valid name for a misspelt one.

/// Names from neighbouring tools and papers, and what they are called here.
const SYNONYMS: &[(&str, &str)] = &[
    ("alpha", "leak"),
    ("abstol", "atol"),
    ("reltol", "rtol"),
    ("dt", "step"),
    ("dt0", "first_step"),
    ("h", "step"),
    ("eta", "rate"),
    ("lr", "rate"),
    ("learning_rate", "rate"),
    ("weight_decay", "decay"),
    ("gain", "scale"),
    ("t", "t_span"),
    ("t_end", "t_span"),
    ("t_max", "t_span"),
    ("tspan", "t_span"),
    ("saveat", "save_at"),
    ("dims", "sizes"),
    ("layers", "sizes"),
    ("x0", "initial"),
    ("tau_r", "tau_state"),
    ("tau_x", "tau_state"),
    ("tau_c", "tau_controller"),
    ("random_seed", "seed"),
    ("ki", "k_i"),
    ("kp", "k_p"),
    ("kd", "k_d"),
];

/// The candidate that `word` most likely stands for, if any is near.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let written = plain(word);
    let meant = SYNONYMS.iter().find(|(from, _)| *from == written).map(|(_, to)| *to);
    let same = |name: &&&str| plain(name) == written;
    let synonym = |name: &&&str| meant == Some(**name);
    candidates
        .iter()
        .find(same)
        .or_else(|| candidates.iter().find(synonym))
        .or_else(|| by_distance(&written, candidates))
        .or_else(|| by_similarity(&written, candidates))
        .copied()
}

/// Case and the choice between `-` and `_` are not what tells names apart.
fn plain(word: &str) -> String {
    word.trim().to_lowercase().replace(['-', ' '], "_")
}

/// The candidate with the fewest edits, when they are few for its length; of several, the one that
/// looks most alike.
fn by_distance<'a, 'b>(written: &str, candidates: &'b [&'a str]) -> Option<&'b &'a str> {
    let distance = |name: &str| strsim::damerau_levenshtein(written, &plain(name));
    let order = |a: &str, b: &str| {
        distance(a)
            .cmp(&distance(b))
            .then(similarity(written, b).total_cmp(&similarity(written, a)))
    };
    let best = candidates.iter().min_by(|a, b| order(a, b))?;
    let allowed = (best.len().min(written.len()) / 3).max(1);
    (distance(best) <= allowed && !written.is_empty()).then_some(best)
}

/// The candidate that looks most alike by its beginning, e.g. `solver` for `solver_options`.
fn by_similarity<'a, 'b>(written: &str, candidates: &'b [&'a str]) -> Option<&'b &'a str> {
    const ALIKE: f64 = 0.85;
    let order = |a: &str, b: &str| similarity(written, a).total_cmp(&similarity(written, b));
    let best = candidates.iter().max_by(|a, b| order(a, b))?;
    (similarity(written, best) >= ALIKE).then_some(best)
}

fn similarity(written: &str, name: &str) -> f64 {
    strsim::jaro_winkler(written, &plain(name))
}
