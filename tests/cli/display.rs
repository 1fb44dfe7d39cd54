//! Numbers, tables and progress lines.

use std::sync::Mutex;
use std::time::Duration;

use anstyle::AnsiColor;
use dynamic_inversion::cli::number::{bytes, duration, significant};
use dynamic_inversion::cli::progress::{Lines, Schedule};
use dynamic_inversion::cli::table::{Cell, Column, Table};
use dynamic_inversion::experiment::{Context, Interrupt, Progress};

#[test]
fn numbers_keep_their_significant_digits() {
    for (x, digits, expected) in [
        (0.0, 5, "0"),
        (-0.0, 5, "0"),
        (1.0, 5, "1"),
        (-0.5, 5, "-0.5"),
        (std::f64::consts::PI, 5, "3.1416"),
        (9.999_96, 5, "10"),
        (0.000_123_456, 4, "0.0001235"),
        (0.000_099_999_9, 4, "0.0001"),
        (0.000_012_345_6, 4, "1.235e-5"),
        (123_456.7, 4, "123457"),
        (999_999.9, 4, "1e6"),
        (6.022e23, 4, "6.022e23"),
        (-1.5e-300, 5, "-1.5e-300"),
        (f64::MIN_POSITIVE / 4.0, 3, "5.56e-309"),
        (f64::NAN, 5, "nan"),
        (f64::NEG_INFINITY, 5, "-inf"),
    ] {
        assert_eq!(significant(x, digits), expected, "{x} with {digits} digits");
    }
}

#[test]
fn durations_and_sizes_choose_their_unit() {
    for (seconds, expected) in [
        (0.0, "0 s"),
        (8.3e-4, "830 us"),
        (0.0123, "12.3 ms"),
        (4.561, "4.56 s"),
        (59.96, "1 min 0 s"),
        (125.2, "2 min 5 s"),
        (3599.6, "1 h 0 min"),
        (11_530.0, "3 h 12 min"),
    ] {
        assert_eq!(duration(seconds), expected, "{seconds} s");
    }
    for (count, expected) in
        [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (999_600, "1 MB"), (22_352_000_000, "22.4 GB")]
    {
        assert_eq!(bytes(count), expected, "{count} bytes");
    }
}

#[test]
fn tables_align_numbers_right_and_end_no_line_in_spaces() {
    let mut table = Table::new([
        Column::text("layer"),
        Column::number("residual"),
        Column::number("time").unit("s"),
        Column::text("note"),
    ]);
    table.row(["hidden β".into(), 1.23e-7.into(), 12.5.into(), "".into()]);
    table.row(["top".into(), 0.5.into(), None::<f64>.into(), "slow".into()]);
    let plain = anstream::adapter::strip_str(&table.render()).to_string();
    let expected = "\
layer     residual  time (s)  note
hidden β   1.23e-7      12.5
top            0.5         -  slow
";
    assert_eq!(plain, expected);
}

#[test]
fn styles_do_not_disturb_alignment() {
    let mut table = Table::facts();
    table.fact("verdict", Cell::from("stable").styled(AnsiColor::Green.on_default()));
    table.fact("n", 3_usize);
    let text = table.render();
    assert!(text.contains('\u{1b}'));
    assert_eq!(anstream::adapter::strip_str(&text).to_string(), "verdict  stable\nn        3\n");
}

/// What `report` writes through progress lines.
fn written(schedule: Schedule, report: impl Fn(&dyn Progress)) -> String {
    let log = Mutex::new(String::new());
    report(&Lines::new(true, schedule, |text: &str| log.lock().unwrap().push_str(text)));
    log.into_inner().unwrap()
}

const AT_ONCE: Schedule = Schedule { first: Duration::ZERO, longest: Duration::ZERO };

#[test]
fn lines_are_plain_and_carry_rate_time_left_and_fields() {
    let log = written(AT_ONCE, |progress| {
        progress.begin("integrate", Some(1000));
        std::thread::sleep(Duration::from_millis(5));
        progress.update(350, &[("h", 0.0123), ("residual", 1.2e-5)]);
        progress.finish();
    });
    let lines: Vec<&str> = log.lines().collect();
    assert!(lines[0].starts_with("integrate: 350/1000 (35 %), "), "{log}");
    assert!(lines[0].contains("/s, ETA "), "{log}");
    assert!(lines[0].ends_with("h 0.0123, residual 1.2e-5"), "{log}");
    assert!(lines[1].starts_with("integrate: 350/1000 in "), "{log}");
    assert_eq!(lines.len(), 2);
    assert!(!log.contains(['\r', '\u{1b}']));
}

#[test]
fn lines_are_occasional_but_every_stage_leaves_one() {
    let never = Schedule { first: Duration::from_secs(3600), longest: Duration::from_secs(3600) };
    let log = written(never, |progress| {
        progress.begin("load", None);
        progress.begin("train", Some(0));
        (0..10_000).for_each(|done| progress.update(done, &[("loss", 1.0)]));
        progress.finish();
        progress.finish();
    });
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(
        lines[0].starts_with("load: done in ") && lines[1].starts_with("train: done in "),
        "{log}"
    );
}

#[test]
fn a_stage_that_comes_again_and_again_leaves_no_line_each() {
    let never = Schedule { first: Duration::from_secs(3600), longest: Duration::from_secs(3600) };
    let log = written(never, |progress| {
        for target in 0..100 {
            progress.begin("equilibria", Some(100));
            progress.update(target + 1, &[]);
            progress.begin("margins", None);
            progress.finish();
        }
    });
    let names: Vec<&str> = log.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(names, ["equilibria", "margins"], "{log}");
}

#[test]
fn nothing_is_divided_by_zero_in_a_line() {
    let log = written(AT_ONCE, |progress| {
        progress.begin("sweep", Some(0));
        progress.update(0, &[]);
        progress.begin("sweep", Some(5));
        progress.update(0, &[("residual", f64::NAN)]);
    });
    assert!(log.starts_with("sweep: 0\n"), "{log}");
    assert!(log.ends_with("sweep: 0/5 (0 %), residual nan\n"), "{log}");
}

#[test]
fn a_warning_is_shown_once_and_kept() {
    let log = written(AT_ONCE, |progress| {
        let one = std::num::NonZeroUsize::MIN;
        let context = Context::new(progress, Interrupt::default(), one);
        context.warn("rtol raised to 2.2e-14");
        context.warn("rtol raised to 2.2e-14");
        context.warn("leak 0 at a singular loop");
        assert_eq!(context.warnings(), ["rtol raised to 2.2e-14", "leak 0 at a singular loop"]);
    });
    let plain = anstream::adapter::strip_str(&log).to_string();
    assert_eq!(plain, "warning: rtol raised to 2.2e-14\nwarning: leak 0 at a singular loop\n");
}
