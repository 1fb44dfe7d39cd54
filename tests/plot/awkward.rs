//! Data that break axes: constant, zero, missing, one row, none.

use dynamic_inversion::plot::PlotOptions;
use dynamic_inversion::results::{Group, Status, Variable};

use super::files::{Folder, Rows};
use super::{draw_png, svg, svg_of, texts};

fn drawn(rows: &Rows) -> Vec<String> {
    let folder = rows.file();
    let text = svg(&folder.file());
    let (_, image) = draw_png(&folder.file());
    assert!(image.ink() > 0.01);
    assert!(image.width > 1000 && image.height > 400);
    texts(&text)
}

#[test]
fn constant_trajectories() {
    for value in [|_: usize, _: f64| 0.0, |_, _| 3.0, |_, _| -1e-300, |_, _| 1e300, |_, _| f64::MIN]
    {
        drawn(&Rows { state: value, ..Rows::new(3, 100) });
        drawn(&Rows { state: value, ..Rows::new(40, 100) });
    }
}

#[test]
fn rounding_noise_about_a_constant_is_drawn_flat() {
    let noisy = |_: usize, t: f64| 0.3 + 1e-16 * (1e3 * t).sin();
    let texts = drawn(&Rows { state: noisy, ..Rows::new(3, 100) });
    assert!(texts.iter().all(|t| t.chars().count() < 60), "{texts:?}");
}

#[test]
fn an_error_of_exactly_zero_on_a_log_axis() {
    let texts_of = |residual| drawn(&Rows { residual, ..Rows::new(3, 100) });
    let some = texts_of(|t| if t > 200.0 { 0.0 } else { (-t).exp() });
    assert!(some.iter().any(|t| t.contains("exactly 0 lie below the axis")), "{some:?}");
    let all = texts_of(|_| 0.0);
    assert!(all.iter().any(|t| t.contains("exactly 0 throughout")), "{all:?}");
    texts_of(|t| 1e-310 * t);
    texts_of(|t| if t == 0.0 { 1e-320 } else { 1e300 });
    texts_of(|t| 1.0 + 1e-9 * t);
}

#[test]
fn gaps_and_infinities() {
    let gaps = drawn(&Rows {
        state: |k, t| if (100.0..200.0).contains(&t) { f64::NAN } else { k as f64 + t.sin() },
        residual: |t| if t > 300.0 { f64::INFINITY } else { (-t).exp() },
        ..Rows::new(3, 1000)
    });
    assert!(gaps.iter().any(|t| t.starts_with("gaps: 750 values")), "{gaps:?}");
    for state in [|_: usize, _: f64| f64::NAN, |_, _| f64::NEG_INFINITY] {
        let nothing = drawn(&Rows { state, residual: |_| f64::NAN, ..Rows::new(20, 100) });
        assert!(nothing.iter().any(|t| t == "no finite values"), "{nothing:?}");
    }
}

#[test]
fn one_row() {
    for units in [3, 1000] {
        let rows = Rows::new(units, 1);
        assert!(drawn(&rows).iter().all(|text| !text.contains("predicted")), "{units} units");
        // A point is a disc that can be seen, not a line of no length.
        let text = svg(&rows.file().file());
        assert!(text.contains("<circle "), "{units} units");
    }
}

#[test]
fn times_that_stand_still_or_jump_about() {
    let mut rows = Rows::new(3, 5000);
    rows.times.fill(7.0);
    drawn(&rows);
    rows.times = (0..5000).map(|k| f64::from((k * 7919) % 5000)).collect();
    drawn(&rows);
}

fn reason(folder: &Folder) -> String {
    let error = svg_of(&folder.file(), &PlotOptions::default()).unwrap_err();
    assert_eq!(error.exit_code() as u8, 4);
    let message = error.to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

#[test]
fn nothing_to_draw_is_said_in_one_line() {
    assert!(reason(&Rows::new(3, 0).file()).contains("no rows"));
    let other = Group::new("weights").with(Variable::scalar("gain", 1.0));
    assert!(reason(&Folder::with_groups(&[other])).contains("nothing to draw"));
    let folder = Folder::new();
    folder.writer().finish(Status::Complete).unwrap();
    assert!(reason(&folder).contains("nothing to draw"));
    std::fs::write(folder.file(), b"not a result").unwrap();
    assert!(reason(&folder).contains("not an HDF5 file"));
}
