//! Trajectories: few units and many, targets, cascades, long runs.

use dynamic_inversion::plot::PlotOptions;
use dynamic_inversion::results::Status;

use super::files::{Folder, Rows};
use super::{draw_png, only, strokes, svg, svg_of, texts};

#[test]
fn three_units_are_labelled_lines() {
    let folder = Rows::new(3, 400).file();
    let text = svg(&folder.file());
    let texts = texts(&text);
    for expected in [
        "Inversion &lt;of&gt; a &amp; layer",
        "out.h5 \u{b7} complete",
        "state",
        "controller",
        "residual",
        "time (s)",
        "unit 0",
        "1",
        "2",
        "predicted decay exp(\u{2212}0.05 t)",
    ] {
        assert!(texts.iter().any(|t| t == expected), "{expected}: {texts:?}");
    }
    // One line in each colour per block, with its sample in the legend; the first colour also
    // draws the residual.
    for (color, lines) in [("#0072b2", 5), ("#d55e00", 4), ("#009e73", 2)] {
        assert_eq!(strokes(&text, color, "1.6").0, lines, "{color}");
    }
}

/// The dashed line of the predicted decay, in pixels.
fn slope(text: &str) -> f64 {
    let line = text.lines().rfind(|line| line.contains("stroke-dasharray")).unwrap();
    let path = line.split('"').nth(1).unwrap();
    let places: Vec<(f64, f64)> = path
        .split(['M', 'L'])
        .filter_map(|place| place.split_once(','))
        .map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap()))
        .collect();
    let (first, last) = (places[0], places[places.len() - 1]);
    (last.1 - first.1) / (last.0 - first.0)
}

#[test]
fn the_predicted_decay_runs_along_the_residual() {
    let folder = Rows::new(3, 400).file();
    let text = svg(&folder.file());
    let residual = text.lines().rfind(|l| l.contains("stroke=\"#0072b2\" stroke-width=\"1.6\""));
    let path = residual.unwrap().split('"').nth(1).unwrap();
    let ends: Vec<Vec<f64>> = [path.split(['M', 'L']).nth(1), path.split(['M', 'L']).next_back()]
        .iter()
        .map(|place| place.unwrap().split(',').map(|x| x.parse().unwrap()).collect())
        .collect();
    let drawn = (ends[1][1] - ends[0][1]) / (ends[1][0] - ends[0][0]);
    assert!(drawn > 0.0);
    assert!((slope(&text) / drawn - 1.0).abs() < 0.01, "{} {drawn}", slope(&text));
}

#[test]
fn a_thousand_units_are_quantiles_and_the_picture_stays_small() {
    let folder = Rows::new(1000, 2000).file();
    let text = svg(&folder.file());
    let texts = texts(&text);
    for expected in ["median", "25\u{2013}75 %", "5\u{2013}95 %", "range", "5 of 1000 units"] {
        assert!(texts.iter().any(|t| t == expected), "{expected}: {texts:?}");
    }
    assert!(text.len() < 600_000, "{}", text.len());
    let (drawn, image) = draw_png(&folder.file());
    assert_eq!(drawn.pictures, ["trajectory"]);
    assert!(image.ink() > 0.05, "{}", image.ink());
}

#[test]
fn long_runs_are_thinned_out_without_losing_spikes() {
    fn spiky(k: usize, t: f64) -> f64 {
        if (t - 200.0).abs() < 1e-3 { 50.0 } else { (k as f64 + t).sin() }
    }
    let rows = Rows { state: spiky, ..Rows::new(3, 100_000) };
    let text = svg(&rows.file().file());
    assert!(text.len() < 400_000, "{}", text.len());
    // At most four points per column; those on the same tenth of a pixel are one.
    let (lines, points) = strokes(&text, "#009e73", "1.6");
    assert_eq!(lines, 2);
    assert!((600..=2500).contains(&points), "{points}");
    // The axis and the line reach the spike.
    assert!(texts(&text).iter().any(|t| t == "50"));
}

#[test]
fn targets_together_and_one_by_one() {
    let rows = Rows { targets: 4, ..Rows::new(3, 100) };
    let folder = rows.file();
    let together = texts(&svg(&folder.file()));
    for expected in ["12 pairs of target and unit", "8 pairs of target and unit", "target 0", "3"] {
        assert!(together.iter().any(|t| t == expected), "{expected}: {together:?}");
    }
    let one = PlotOptions { target: Some(2), ..PlotOptions::default() };
    let alone = texts(&svg_of(&folder.file(), &one).unwrap());
    assert!(alone.iter().any(|t| t == "unit 0"), "{alone:?}");
    let none = PlotOptions { target: Some(4), ..PlotOptions::default() };
    let error = svg_of(&folder.file(), &none).unwrap_err();
    assert!(error.to_string().contains("no target 4"), "{error}");
    assert_eq!(error.exit_code() as u8, 2);
}

#[test]
fn a_cascade_has_a_row_of_panels_per_loop() {
    let folder = Folder::new();
    let mut writer = folder.writer();
    Rows::new(3, 50).write(writer.as_mut(), "trajectory/layer_3");
    Rows::new(5, 50).write(writer.as_mut(), "trajectory/layer_2");
    writer.finish(Status::Complete).unwrap();
    let texts = texts(&only(&folder.file(), "trajectory"));
    for expected in ["layer 3: state", "layer 3: residual", "layer 2: controller"] {
        assert!(texts.iter().any(|t| t == expected), "{expected}: {texts:?}");
    }
}

#[test]
fn backward_runs_and_killed_runs_are_drawn() {
    let mut rows = Rows::new(3, 5000);
    rows.times.iter_mut().for_each(|t| *t = -*t);
    svg(&rows.file().file());

    let folder = Folder::new();
    let mut writer = folder.writer();
    Rows::new(3, 5000).write(writer.as_mut(), "trajectory");
    drop(writer);
    let partial = folder.path().join("out.h5.partial");
    let found = if partial.exists() { partial } else { folder.file() };
    assert!(texts(&svg(&found)).iter().any(|t| t.ends_with("running")));
}

#[test]
fn the_same_file_gives_the_same_bytes() {
    let folder = Rows::new(20, 3000).file();
    assert_eq!(svg(&folder.file()), svg(&folder.file()));
    assert_eq!(draw_png(&folder.file()).1.rgb, draw_png(&folder.file()).1.rgb);
}
