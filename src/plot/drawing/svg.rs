//! A page as SVG.

use std::fmt::Write;

use super::font::{FAMILY, runs};
use super::png::{Pixels, encode};
use super::{Anchor, Color, Point, Scene, Shape, Stroke};

/// The SVG document. The same page gives the same bytes.
pub(crate) fn write(scene: &Scene) -> String {
    let (w, h) = (scene.width, scene.height);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
         width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" font-family=\"{FAMILY}\">\n\
         <rect width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/>\n"
    );
    for shape in &scene.shapes {
        push(&mut out, shape);
    }
    out.push_str("</svg>\n");
    out
}

fn push(out: &mut String, shape: &Shape) {
    match shape {
        Shape::Lines { pieces, stroke } => {
            out.push_str("<path d=\"");
            pieces.iter().for_each(|piece| path(out, piece));
            let _ = writeln!(out, "\" fill=\"none\"{}/>", stroke_attributes(stroke));
        }
        Shape::Area { outline, color } => {
            out.push_str("<path d=\"");
            path(out, outline);
            let _ = writeln!(out, "Z\"{}/>", paint("fill", *color));
        }
        Shape::Discs { centres, radius, color } => {
            let _ = writeln!(out, "<g{}>", paint("fill", *color));
            for (x, y) in centres {
                let _ = writeln!(out, "<circle cx=\"{}\" cy=\"{}\" r=\"{radius}\"/>", n(*x), n(*y));
            }
            out.push_str("</g>\n");
        }
        Shape::Cells { corner, size, columns, cells } => {
            let pixels = Pixels { width: *columns, rgb: cells.as_flattened() };
            let _ = writeln!(
                out,
                "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
                 style=\"image-rendering:pixelated\" xlink:href=\"data:image/png;base64,{}\"/>",
                n(corner.0),
                n(corner.1),
                n(size.0),
                n(size.1),
                base64(&encode(&pixels))
            );
        }
        Shape::Text { at, text, size, anchor, color, upwards } => {
            push_text(out, *at, text, (*size, *anchor, *color, *upwards));
        }
    }
}

fn push_text(
    out: &mut String,
    (x, y): Point,
    text: &str,
    (size, anchor, color, upwards): (f64, Anchor, Color, bool),
) {
    let anchor = match anchor {
        Anchor::Start => "",
        Anchor::Middle => " text-anchor=\"middle\"",
        Anchor::End => " text-anchor=\"end\"",
    };
    let (x, y) = (n(x), n(y));
    let turn = if upwards { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
    let fill = paint("fill", color);
    let _ = write!(out, "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor}{fill}{turn}>");
    let mut height = 0.0;
    for run in runs(text) {
        let text = escape(&run.text);
        if run.rise == height && run.scale == 1.0 {
            out.push_str(&text);
            continue;
        }
        let (shift, size) = ((height - run.rise) * size, run.scale * size);
        let _ = write!(out, "<tspan dy=\"{}\" font-size=\"{}\">{text}</tspan>", n(shift), n(size));
        height = run.rise;
    }
    out.push_str("</text>\n");
}

fn path(out: &mut String, points: &[Point]) {
    let mut last = String::new();
    for (k, (x, y)) in points.iter().enumerate() {
        let place = format!("{},{}", n(*x), n(*y));
        // A dot needs a line of no length; otherwise repeated places only cost space.
        if k == 0 || place != last || (k == 1 && points.len() == 2) {
            out.push(if k == 0 { 'M' } else { 'L' });
            out.push_str(&place);
        }
        last = place;
    }
    if points.len() == 1 {
        out.push('L');
        out.push_str(&last);
    }
}

fn stroke_attributes(stroke: &Stroke) -> String {
    let color = paint("stroke", stroke.color);
    let mut text = format!(
        "{color} stroke-width=\"{}\" stroke-linejoin=\"round\" stroke-linecap=\"round\"",
        stroke.width
    );
    if let Some((dash, gap)) = stroke.dash {
        let _ = write!(text, " stroke-dasharray=\"{dash} {gap}\"");
    }
    text
}

fn paint(what: &str, color: Color) -> String {
    let [r, g, b] = color.rgb;
    let mut text = format!(" {what}=\"#{r:02x}{g:02x}{b:02x}\"");
    if color.opacity < 1.0 {
        let _ = write!(text, " {what}-opacity=\"{}\"", color.opacity);
    }
    text
}

/// A coordinate with a tenth of a pixel, as short as can be.
fn n(x: f64) -> String {
    let text = format!("{x:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // XML has no way to write these.
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
        out
    })
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |k: usize| u32::from(chunk.get(k).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for k in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * k)) as usize & 63];
            out.push(if k <= chunk.len() { digit as char } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_as_in_rfc_4648() {
        let coded: Vec<_> = ["", "f", "fo", "foo", "foob", "fooba", "foobar"]
            .iter()
            .map(|text| base64(text.as_bytes()))
            .collect();
        assert_eq!(coded, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }
}
