//! The one typeface of all pictures, shipped with the program: no fonts need to be installed.

use std::sync::OnceLock;

use ab_glyph::{Font, FontRef};
use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

/// Liberation Sans has the metrics of Arial and Helvetica, so an SVG file keeps its layout where
/// only those are installed. The licence lies beside the font.
const FONT: &[u8] = include_bytes!("../fonts/LiberationSans-Regular.ttf");

/// What SVG files ask for, and the name under which the font is registered.
pub(crate) const FAMILY: &str = "Liberation Sans, Arial, Helvetica, sans-serif";

/// Ascent plus descent over the em of the font: the library sizes fonts by the former.
const HEIGHT: f64 = (1854.0 + 434.0) / 2048.0;

/// Size of raised and lowered text, relative.
const SCRIPT_SIZE: f64 = 0.72;

/// A stretch of text at one height.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) text: String,
    /// Relative to the size of the text.
    pub(crate) scale: f64,
    /// How far up, relative to the size of the text.
    pub(crate) rise: f64,
}

fn sized(em: f64) -> FontDesc<'static> {
    static REGISTERED: OnceLock<()> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        let registered = register_font(FAMILY, FontStyle::Normal, FONT);
        assert!(registered.is_ok(), "the embedded font is a TrueType font");
    });
    FontDesc::new(FontFamily::Name(FAMILY), em * HEIGHT, FontStyle::Normal)
}

/// Splits `10^{-3}` into its runs.
pub(crate) fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut rest = text;
    let mut push = |text: &str, scale: f64, rise: f64| {
        if !text.is_empty() {
            runs.push(Run { text: text.to_owned(), scale, rise });
        }
    };
    while let Some(at) = rest.find("^{").into_iter().chain(rest.find("_{")).min() {
        push(&rest[..at], 1.0, 0.0);
        let inner = &rest[at + 2..];
        let end = inner.find('}').unwrap_or(inner.len());
        let rise = if rest[at..].starts_with('^') { 0.38 } else { -0.2 };
        push(&inner[..end], SCRIPT_SIZE, rise);
        rest = inner.get(end + 1..).unwrap_or_default();
    }
    push(rest, 1.0, 0.0);
    runs
}

/// Width of `text` in pixels at `size` pixels per em.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    runs(text).iter().map(|run| run_width(run, size)).sum()
}

/// Width of one run.
pub(crate) fn run_width(run: &Run, size: f64) -> f64 {
    measured(&run.text) * size * run.scale
}

/// Width of a text, relative to the em.
fn measured(text: &str) -> f64 {
    // The library rounds down to whole pixels: measured large, the error is below 1/1000 em.
    const MEASURE: f64 = 1000.0;
    let ((left, _), (right, _)) = sized(MEASURE).layout_box(text).expect("the font is registered");
    f64::from(right - left) / MEASURE
}

/// Calls `put(x, y, coverage)` for the pixels of `text` at `em` pixels per em, relative to the
/// start of the base line.
pub(crate) fn draw(text: &str, em: f64, mut put: impl FnMut(i32, i32, f32)) {
    let font = sized(em);
    // The library puts the base line half the font's height below the given place.
    let base = (font.get_size() as f32 / 2.0) as i32;
    let glyphs = glyphs();
    let units = f64::from(glyphs.units_per_em().expect("the embedded font says so"));
    let (mut pen, mut before): (f64, Option<char>) = (0.0, None);
    for c in text.chars() {
        let glyph = c.to_string();
        let advance = measured(&glyph);
        if let Some(before) = before {
            let kerning = measured(&format!("{before}{c}")) - measured(&before.to_string());
            pen += (kerning - advance) * em;
        }
        // The drawing library leaves out the side bearing; it rounds down to a pixel, with the rest
        // inside the glyph.
        let bearing = f64::from(glyphs.h_side_bearing_unscaled(glyphs.glyph_id(c))) / units;
        let start = pen.round() as i32 + (bearing * em).floor() as i32;
        let drawn = font.draw(&glyph, (start, 0), |x, y, coverage| {
            put(x, y - base, coverage);
            Ok::<(), std::convert::Infallible>(())
        });
        drawn.expect("the font is registered").expect("drawing into memory succeeds");
        pen += advance * em;
        before = Some(c);
    }
}

fn glyphs() -> &'static FontRef<'static> {
    static GLYPHS: OnceLock<FontRef<'static>> = OnceLock::new();
    GLYPHS.get_or_init(|| FontRef::try_from_slice(FONT).expect("the embedded font is sound"))
}
