//! Every check passes on several seeds, and nothing depends on the number of threads.

use dynamic_inversion::theory::{CHECKS, Check, CheckReport, RunOptions, Verdict};

/// Verdicts and strains, for a failure that explains itself.
fn describe(report: &CheckReport) -> String {
    let mut text = format!("{} {}\n", report.check.id, report.verdict.name());
    for series in &report.series {
        let worst = series.worst();
        text += &format!(
            "    {:24} {:5} points, strain {:9.3e}: predicted {:.9e}, measured {:.9e}, tolerance {:.1e}, \
             instance {}\n",
            series.name,
            series.points.len(),
            worst.strain(),
            worst.predicted,
            worst.measured,
            worst.tolerance.value,
            series.worst_instance(),
        );
    }
    for (index, reason) in report.undecided.iter().take(3) {
        text += &format!("    instance {index} decides nothing: {reason}\n");
    }
    text
}

#[test]
fn every_check_passes_on_three_seeds() {
    for seed in 0..3 {
        let options = RunOptions { seed, thorough: false };
        let reports = dynamic_inversion::theory::run(CHECKS, &options, &|_| (), &|| false).unwrap();
        let missed: String =
            reports.iter().filter(|r| r.verdict != Verdict::Pass).map(describe).collect();
        assert!(missed.is_empty(), "seed {seed}:\n{missed}");
    }
}

/// Run by hand to look for seeds on which a tolerance is too narrow:
/// `DINV_SEEDS=100 cargo test --test theory -- --ignored --nocapture many_seeds`.
#[test]
#[ignore = "long: a survey of many seeds"]
fn many_seeds() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let thorough = std::env::var_os("DINV_THOROUGH").is_some();
    let seeds = number("DINV_SEEDS").unwrap_or(10);
    let mut failed = 0;
    for seed in 0..seeds {
        let options = RunOptions { seed: 1000 + seed, thorough };
        let reports = dynamic_inversion::theory::run(CHECKS, &options, &|_| (), &|| false).unwrap();
        for report in reports.iter().filter(|r| r.verdict != Verdict::Pass) {
            failed += 1;
            println!("seed {}: {}", options.seed, describe(report));
        }
        if seed == 0 {
            reports.iter().for_each(|report| println!("{}", describe(report)));
        }
    }
    assert_eq!(failed, 0);
}

#[test]
fn single_instances_do_not_depend_on_the_others() {
    let check: &Check = CHECKS.iter().find(|c| c.id == "theorem-1-spectrum").unwrap();
    let options = RunOptions { seed: 9, thorough: false };
    let report = check.run(&options);
    let (index, point) = report.series[0].points[17];
    let again = (check.measure)(&mut check.draw(&options, index)).unwrap();
    assert_eq!(again.measurements[0], point);
}

#[test]
fn a_stopped_run_concludes_nothing() {
    let options = RunOptions::default();
    let stopped = dynamic_inversion::theory::run(&CHECKS[..1], &options, &|_| (), &|| true);
    assert!(stopped.is_err_and(|s| s.done == 0 && s.total > 0));
}
