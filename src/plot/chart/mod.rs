//! Charts: axes with ticks, marks in the coordinates of the data, panels and pages of panels.

mod axis;
mod contour;
mod extent;
mod number;
mod page;
mod panel;

pub(crate) use axis::{Axis, Scale};
pub(crate) use contour::Grid;
pub(crate) use extent::Extent;
pub(crate) use number::plain;
pub(crate) use page::{Page, Row};
pub(crate) use panel::{ColorBar, Mark, Panel, Sample};
