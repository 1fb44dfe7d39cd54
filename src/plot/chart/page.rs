//! Panels in rows under a heading.

use super::Panel;
use crate::plot::drawing::{Anchor, GREY, INK, Scene};

/// Panels side by side.
pub(crate) type Row = Vec<Panel>;

/// A page.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) subtitle: String,
    pub(crate) rows: Vec<Row>,
}

const MARGIN: f64 = 20.0;
const GAP: f64 = 12.0;
const HEADING: f64 = 52.0;
/// Width of a page with one, two and more panels in its widest row.
const WIDTHS: [f64; 3] = [640.0, 920.0, 1200.0];
/// Height of a frame with its lower axis.
const FRAME: f64 = 240.0;
const FRAME_ALONE: f64 = 340.0;

impl Page {
    /// Lays the page out.
    pub(crate) fn scene(&self) -> Scene {
        let widest = self.rows.iter().map(Vec::len).max().unwrap_or(1).max(1);
        let page_width = WIDTHS[widest.min(WIDTHS.len()) - 1];
        let frame = if widest == 1 { FRAME_ALONE } else { FRAME };
        let mut scene = Scene { width: page_width, height: 0.0, shapes: Vec::new() };
        scene.text(
            (MARGIN, MARGIN + 14.0),
            &fitted(&self.title, 16.0, page_width),
            16.0,
            Anchor::Start,
            INK,
        );
        let subtitle = fitted(&self.subtitle, 11.0, page_width);
        scene.text((MARGIN, MARGIN + 31.0), &subtitle, 11.0, Anchor::Start, GREY);
        let mut y = MARGIN + HEADING;
        let cell = (page_width - 2.0 * MARGIN - GAP * (widest - 1) as f64) / widest as f64;
        let (usual_cell, usual_frame) = (cell, frame);
        for row in &self.rows {
            let (mut cell, mut frame) = (usual_cell, usual_frame);
            if let [alone] = &row[..]
                && let Some(height) = alone.frame(page_width - 2.0 * MARGIN)
            {
                (cell, frame) = (page_width - 2.0 * MARGIN, height);
            }
            let head = row.iter().map(|panel| panel.head(cell)).fold(0.0, f64::max);
            for (k, panel) in row.iter().enumerate() {
                let x = MARGIN + (cell + GAP) * k as f64;
                panel.draw(&mut scene, (x, y), (cell, head + frame), head);
            }
            y += head + frame + GAP;
        }
        scene.height = (y + MARGIN - GAP).round();
        scene
    }
}

/// `text`, shortened to fit the page.
fn fitted(text: &str, size: f64, page_width: f64) -> String {
    let room = page_width - 2.0 * MARGIN;
    let mut text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if crate::plot::drawing::width(&text, size) <= room {
        return text;
    }
    while !text.is_empty() && crate::plot::drawing::width(&text, size) > room - size {
        text.pop();
    }
    text.push('\u{2026}');
    text
}
