//! Pictures from result files: what they show, awkward data, sizes, determinism.

mod awkward;
mod files;
mod inversion;
mod png;
mod program;
mod stability;
mod sweep;
mod theory;
mod training;
mod trajectory;

use std::path::Path;

use dynamic_inversion::error::Error;
use dynamic_inversion::plot::{self, Drawn, PlotOptions};

/// Draws `file` as SVG and returns the document.
fn svg_of(file: &Path, options: &PlotOptions) -> Result<String, Error> {
    let picture = file.with_extension("svg");
    plot::draw(file, &picture, true, options)?;
    let text = std::fs::read_to_string(picture).unwrap();
    well_formed(&text);
    Ok(text)
}

fn svg(file: &Path) -> String {
    svg_of(file, &PlotOptions::default()).unwrap()
}

fn only(file: &Path, picture: &str) -> String {
    let options = PlotOptions { pictures: vec![picture.to_owned()], target: None };
    svg_of(file, &options).unwrap()
}

fn draw_png(file: &Path) -> (Drawn, png::Image) {
    let picture = file.with_extension("png");
    let drawn = plot::draw(file, &picture, true, &PlotOptions::default()).unwrap();
    (drawn, png::decode(&std::fs::read(picture).unwrap()))
}

/// What holds for every picture: balanced tags, numbers everywhere, all of it on the page.
fn well_formed(text: &str) {
    assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
    for bad in ["NaN", "inf", "null"] {
        let outside_images = text.lines().filter(|line| !line.starts_with("<image"));
        for line in
            outside_images.filter(|line| line.starts_with('<') && !line.starts_with("<text"))
        {
            assert!(!line.contains(bad), "{line}");
        }
    }
    for tag in ["svg", "g", "text", "tspan"] {
        let opened = text.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, text.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    let page = page_size(text);
    for line in text.lines().filter(|line| line.starts_with("<path d=\"")) {
        let path = line.split('"').nth(1).unwrap();
        for place in path.split(['M', 'L', 'Z']).filter(|place| !place.is_empty()) {
            let (x, y) = place.split_once(',').unwrap();
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            assert!(
                (0.0..=page.0).contains(&x) && (0.0..=page.1).contains(&y),
                "{place} of {page:?}"
            );
        }
    }
}

fn page_size(text: &str) -> (f64, f64) {
    let number = |name: &str| {
        let rest = text.split(&format!("{name}=\"")).nth(1).unwrap();
        rest.split('"').next().unwrap().parse().unwrap()
    };
    (number(" width"), number(" height"))
}

/// Lines drawn in `color` with this width, and how many points they have together.
fn strokes(text: &str, color: &str, width: &str) -> (usize, usize) {
    let stroke = format!("stroke=\"{color}\" stroke-width=\"{width}\"");
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(&stroke)).collect();
    let points = lines.iter().map(|line| line.matches(['M', 'L']).count()).sum();
    (lines.len(), points)
}

#[test]
fn every_picture_has_a_name_of_its_own_and_is_drawn_by_a_test_file() {
    let names: Vec<&str> = plot::PICTURES.iter().map(|picture| picture.name).collect();
    for (k, picture) in plot::PICTURES.iter().enumerate() {
        let kebab = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(picture.name.chars().all(kebab), "{}", picture.name);
        assert!(!names[..k].contains(&picture.name), "{}", picture.name);
        assert!(!picture.summary.is_empty() && !picture.needs.is_empty());
    }
    let (run, stability) = (files::Rows::new(3, 20).file(), stability::everything());
    let (map, [curves, images]) = (sweep::map(), training::everything());
    let drawn: Vec<&str> = [run, stability, map, curves, images, inversion::file(), theory::file()]
        .iter()
        .flat_map(|folder| draw_png(&folder.file()).0.pictures)
        .collect();
    assert_eq!(drawn, names);
}

/// All texts of the page, marks of raised letters removed.
fn texts(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with("<text"));
    let bare = |line: &str| {
        let mut out = String::new();
        let mut inside = false;
        for c in line.chars() {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                c if !inside => out.push(c),
                _ => {}
            }
        }
        out
    };
    lines.map(bare).collect()
}
