//! Pictures of sweeps.

use std::path::Path;

use dynamic_inversion::results::{ArrayFile, Data, Dimension, Header, Status, Variable};

use super::files::Folder;
use super::{svg, svg_of, texts};
use dynamic_inversion::plot::PlotOptions;

/// The value of a field from the positions along the axes.
type Values<'a> = &'a dyn Fn(&[usize]) -> f64;

/// A sweep of `axes` (name, values; none for chance) with the fields `f` of the indices.
fn file(axes: &[(&str, &[f64])], fields: &[(&str, Values<'_>)]) -> Folder {
    let folder = Folder::new();
    let mut file = ArrayFile::create(&folder.file(), true, &Header::default()).unwrap();
    file.attribute("command", "stability").unwrap();
    let dims: Vec<Dimension> =
        axes.iter().map(|(name, values)| Dimension::new(*name, values.len())).collect();
    let coordinates = axes.iter().map(|(n, v)| Variable::vector(*n, n, v.to_vec())).collect();
    file.write_coordinates(&dims, coordinates).unwrap();
    let total: usize = dims.iter().map(|d| d.length).product();
    let whole: Vec<std::ops::Range<usize>> = dims.iter().map(|d| 0..d.length).collect();
    let indices = |mut k: usize| {
        let mut at = vec![0; dims.len()];
        for (place, dim) in at.iter_mut().zip(&dims).rev() {
            *place = k % dim.length;
            k /= dim.length;
        }
        at
    };
    let flags =
        Variable::flags("status", dims.clone(), Vec::new(), &["complete", "failed", "missing"]);
    let array = file.array(&flags).unwrap();
    let values: Vec<Vec<f64>> =
        fields.iter().map(|(_, f)| (0..total).map(|k| f(&indices(k))).collect()).collect();
    let failed = (0..total).map(|k| u8::from(values[0][k].is_nan())).collect();
    file.write_block(&array, &whole, &Data::U8(failed)).unwrap();
    drop(array);
    for ((name, _), values) in fields.iter().zip(values) {
        let array = file.array(&Variable::new(*name, dims.clone(), Data::F64(Vec::new()))).unwrap();
        file.write_block(&array, &whole, &Data::F64(values)).unwrap();
    }
    file.finish(Status::Complete, total).unwrap();
    folder
}

const LEAKS: [f64; 7] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0];
const GAINS: [f64; 8] = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0];

/// A map that is unstable below the diagonal.
pub(crate) fn map() -> Folder {
    let abscissa = |k: &[usize]| k[1] as f64 - k[0] as f64 + 0.25;
    file(&[("leak", &LEAKS), ("scale", &GAINS)], &[("spectral_abscissa", &abscissa)])
}

#[test]
fn two_axes_give_a_map_with_the_boundary_of_stability() {
    let folder = map();
    let text = svg(&folder.file());
    for label in ["boundary of stability", "leak", "scale", "spectral abscissa", "1/s"] {
        assert!(texts(&text).iter().any(|t| t == label), "{label}: {:?}", texts(&text));
    }
    assert_eq!(text.matches("<image").count(), 2, "cells and their scale");
}

#[test]
fn a_map_of_stable_points_says_so_and_gaps_are_counted() {
    let abscissa = |k: &[usize]| if k == [2, 3] { f64::NAN } else { -1.0 - k[0] as f64 };
    let folder = file(&[("leak", &LEAKS), ("scale", &GAINS)], &[("spectral_abscissa", &abscissa)]);
    let text = svg(&folder.file());
    for label in ["stable everywhere", "1 points failed or are missing"] {
        assert!(texts(&text).iter().any(|t| t == label), "{label}: {:?}", texts(&text));
    }
}

#[test]
fn one_axis_with_seeds_gives_a_line_with_quantiles() {
    let seeds: Vec<f64> = (0..20).map(f64::from).collect();
    let loss = |k: &[usize]| k[0] as f64 + 0.1 * k[1] as f64;
    let folder = file(&[("leak", &LEAKS), ("repeat", &seeds)], &[("loss", &loss)]);
    let text = svg(&folder.file());
    let label = "median, 25\u{2013}75 % and 5\u{2013}95 % of 20";
    assert!(texts(&text).iter().any(|t| t == label), "{:?}", texts(&text));
    assert_eq!(text.matches("fill-opacity").count(), 2, "two bands");
}

#[test]
fn short_axes_become_lines_with_a_legend() {
    let loss = |k: &[usize]| (k[0] * k[1]) as f64;
    let folder = file(&[("depth", &[2.0, 3.0]), ("leak", &LEAKS)], &[("loss", &loss)]);
    let text = svg(&folder.file());
    for label in ["depth 2", "depth 3"] {
        assert!(texts(&text).iter().any(|t| t == label), "{label}: {:?}", texts(&text));
    }
    assert!(!text.contains("<image"));
}

#[test]
fn sweeps_without_numbers_or_axes_say_so_in_a_line() {
    let reason = |path: &Path| svg_of(path, &PlotOptions::default()).unwrap_err().to_string();
    let nothing = |_: &[usize]| f64::NAN;
    let folder = file(&[("leak", &LEAKS)], &[("loss", &nothing)]);
    assert!(reason(&folder.file()).contains("no collected field has a number"));
    let one = |_: &[usize]| 1.0;
    let folder = file(&[("repeat", &LEAKS)], &[("loss", &one)]);
    assert!(reason(&folder.file()).contains("no axis has more than one value"));
    // All equal, over one axis: a flat line.
    let folder = file(&[("leak", &LEAKS)], &[("loss", &one)]);
    assert!(texts(&svg(&folder.file())).iter().any(|t| t == "loss"));
}
