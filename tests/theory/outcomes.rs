//! Every check passes on several seeds.

use dynamic_inversion::theory::{CHECKS, RunOptions, Verdict};

#[test]
fn every_check_passes() {
    let seed: u64 = std::env::var("DINV_SEED").map_or(0, |s| s.parse().unwrap());
    let only = std::env::var("DINV_ONLY").unwrap_or_default();
    let thorough = std::env::var("DINV_THOROUGH").is_ok();
    let mut failed = Vec::new();
    for check in CHECKS.iter().filter(|c| c.id.contains(&only)) {
        let start = std::time::Instant::now();
        let report = check.run(&RunOptions { seed, thorough });
        println!("{:26} {:12} {:6.2} s {} undecided of {}", check.id, report.verdict.name(), start.elapsed().as_secs_f64(), report.undecided.len(), report.instances);
        for s in &report.series {
            let w = s.worst();
            let mut strains: Vec<f64> = s.points.iter().map(|p| p.1.strain()).collect();
            strains.sort_by(f64::total_cmp);
            println!("    {:22} n {:4} worst {:9.3e} (med {:8.2e}) predicted {:12.5e} measured {:12.5e} tol {:8.1e} {}", s.name, s.points.len(), w.strain(), strains[strains.len()/2], w.predicted, w.measured, w.tolerance.value, s.worst_instance());
        }
        if let Some((k, r)) = report.undecided.first() { println!("    undecided {k}: {r}"); }
        if let Some(r) = &report.reason { println!("    {r}"); }
        if report.verdict != Verdict::Pass { failed.push(check.id); }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
