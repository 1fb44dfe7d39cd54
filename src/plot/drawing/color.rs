//! Colours that stay apart for every kind of colour vision.

/// A colour with opacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Color {
    /// Red, green and blue in sRGB.
    pub(crate) rgb: [u8; 3],
    /// From 0 (invisible) to 1.
    pub(crate) opacity: f64,
}

impl Color {
    pub(crate) const fn new(r: u8, g: u8, b: u8) -> Self {
        Self { rgb: [r, g, b], opacity: 1.0 }
    }

    pub(crate) const fn fade(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }
}

/// Text and curves that matter.
pub(crate) const INK: Color = Color::new(0x22, 0x22, 0x22);
/// Axes and tick labels.
pub(crate) const AXIS: Color = Color::new(0x4d, 0x4d, 0x4d);
/// Remarks and references.
pub(crate) const GREY: Color = Color::new(0x80, 0x80, 0x80);
/// Grid lines.
pub(crate) const LIGHT: Color = Color::new(0xe6, 0xe6, 0xe6);

/// The palette of Okabe & Ito (Color Universal Design, 2008) without black, and with the yellow,
/// too pale for thin lines, last.
pub(crate) const CATEGORIES: [Color; 7] = [
    Color::new(0x00, 0x72, 0xb2),
    Color::new(0xd5, 0x5e, 0x00),
    Color::new(0x00, 0x9e, 0x73),
    Color::new(0xcc, 0x79, 0xa7),
    Color::new(0x56, 0xb4, 0xe9),
    Color::new(0xe6, 0x9f, 0x00),
    Color::new(0xf0, 0xe4, 0x42),
];

/// Ten points of the perceptually uniform map viridis (van der Walt & Smith 2015).
const VIRIDIS: [[u8; 3]; 10] = [
    [0x44, 0x01, 0x54],
    [0x48, 0x28, 0x78],
    [0x3e, 0x4a, 0x89],
    [0x31, 0x68, 0x8e],
    [0x26, 0x82, 0x8e],
    [0x1f, 0x9e, 0x89],
    [0x35, 0xb7, 0x79],
    [0x6d, 0xcd, 0x59],
    [0xb4, 0xde, 0x2c],
    [0xfd, 0xe7, 0x25],
];

/// From vermilion over white to blue, the ends of the categorical palette.
const DIVERGING: [[u8; 3]; 5] = [
    [0x00, 0x72, 0xb2],
    [0x8f, 0xbd, 0xdb],
    [0xfa, 0xfa, 0xfa],
    [0xee, 0xb0, 0x85],
    [0xd5, 0x5e, 0x00],
];

/// Dark violet at 0, yellow at 1.
pub(crate) fn viridis(fraction: f64) -> Color {
    interpolate(&VIRIDIS, fraction)
}

/// Blue at 0, near white at 1/2, vermilion at 1.
pub(crate) fn diverging(fraction: f64) -> Color {
    interpolate(&DIVERGING, fraction)
}

fn interpolate(points: &[[u8; 3]], fraction: f64) -> Color {
    let last = points.len() - 1;
    let at = fraction.clamp(0.0, 1.0) * last as f64;
    let k = (at as usize).min(last - 1);
    let part = at - k as f64;
    let mix = |c: usize| {
        let (a, b) = (f64::from(points[k][c]), f64::from(points[k + 1][c]));
        (a + part * (b - a)).round() as u8
    };
    Color::new(mix(0), mix(1), mix(2))
}
