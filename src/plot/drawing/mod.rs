//! What pictures are made of: shapes on a page, and their two renderings.
//!
//! Lengths are in pixels of a page at its nominal size; PNG files have twice the resolution.
//! Coordinates are real numbers, so curves stay smooth at any magnification.

mod clip;
mod color;
mod font;
mod png;
mod raster;
mod scene;
mod svg;

pub(crate) use clip::clip_line;
pub(crate) use color::{AXIS, CATEGORIES, Color, GREY, INK, LIGHT, diverging, viridis};
pub(crate) use font::width;
pub(crate) use scene::{Anchor, Point, Scene, Shape, Stroke};
pub(crate) use svg::write;

/// A page as a PNG file.
pub(crate) fn encode_page(scene: &Scene) -> Vec<u8> {
    let (width, rgb) = raster::render(scene);
    png::encode(&png::Pixels { width, rgb: &rgb })
}
