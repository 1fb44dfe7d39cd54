//! The pictures: one file each, one line each in [`PICTURES`].

mod checkpoints;
mod continuation;
mod decay;
mod frozen_time;
mod inversion;
mod learning_curves;
mod lyapunov;
mod parabola;
mod places;
mod pseudospectrum;
mod reconstructions;
mod spectrum;
mod stability_map;
mod sweep;
mod theory;
mod trajectory;
mod transient_growth;

use super::chart::{Panel, Row};
use super::{PlotError, PlotOptions};
use crate::error::Error;
use crate::results::ResultReader;

/// A kind of picture.
pub struct Picture {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it shows, in one line.
    pub summary: &'static str,
    /// What a file must hold.
    pub needs: &'static str,
    holds: fn(&ResultReader) -> bool,
    draw: fn(&ResultReader, &PlotOptions) -> Result<Vec<Row>, Error>,
}

/// Every picture, in the order they appear on a page.
pub const PICTURES: &[Picture] = &[
    trajectory::TRAJECTORY,
    spectrum::SPECTRUM,
    parabola::PARABOLA,
    pseudospectrum::PSEUDOSPECTRUM,
    transient_growth::TRANSIENT_GROWTH,
    frozen_time::FROZEN_TIME,
    lyapunov::LYAPUNOV,
    checkpoints::CHECKPOINTS,
    continuation::CONTINUATION,
    stability_map::STABILITY_MAP,
    sweep::SWEEP,
    learning_curves::LEARNING_CURVES,
    reconstructions::RECONSTRUCTIONS,
    inversion::INVERSION,
    theory::THEORY,
];

/// The pictures asked for, or all the file has data for.
pub(super) fn wanted(
    reader: &ResultReader,
    names: &[String],
) -> Result<Vec<&'static Picture>, PlotError> {
    if names.is_empty() {
        let found: Vec<_> = PICTURES.iter().filter(|p| (p.holds)(reader)).collect();
        if found.is_empty() {
            let names: Vec<_> = PICTURES.iter().map(|p| p.name).collect();
            let reason = format!("it holds nothing for any of {}", names.join(", "));
            return Err(PlotError::Nothing { path: reader.path().to_owned(), reason });
        }
        return Ok(found);
    }
    names.iter().map(|name| one(reader, name)).collect()
}

fn one(reader: &ResultReader, name: &str) -> Result<&'static Picture, PlotError> {
    let Some(picture) = PICTURES.iter().find(|p| p.name == name) else {
        let known = PICTURES.iter().map(|p| p.name).collect();
        return Err(PlotError::UnknownPicture { name: name.to_owned(), known });
    };
    if (picture.holds)(reader) {
        return Ok(picture);
    }
    let path = reader.path().to_owned();
    Err(PlotError::NotInFile { path, name: name.to_owned(), needs: picture.needs })
}

/// Panels of the pictures by rows: a picture of several panels keeps its rows, pictures of one
/// panel share rows.
pub(super) fn rows(
    reader: &ResultReader,
    wanted: &[&'static Picture],
    options: &PlotOptions,
) -> Result<(Vec<Row>, Vec<&'static str>), Error> {
    let (mut rows, mut loose): (Vec<Row>, Vec<Panel>) = (Vec::new(), Vec::new());
    let mut drawn = Vec::new();
    for picture in wanted {
        let mut panels = (picture.draw)(reader, options)?;
        if panels.iter().all(Vec::is_empty) {
            continue;
        }
        drawn.push(picture.name);
        let alone = |panel: &Panel| panel.aspect.is_some();
        if panels.len() == 1 && panels[0].len() == 1 && !alone(&panels[0][0]) {
            loose.append(&mut panels[0]);
        } else {
            rows.append(&mut panels);
        }
    }
    rows.extend(shared_rows(loose));
    if rows.is_empty() {
        let reason = "the variables for it are empty".to_owned();
        return Err(PlotError::Nothing { path: reader.path().to_owned(), reason }.into());
    }
    Ok((rows, drawn))
}

/// Rows of panels, at most three wide.
pub(super) fn shared_rows(panels: Vec<Panel>) -> Vec<Row> {
    let columns = match panels.len() {
        0..=3 => panels.len().max(1),
        4 => 2,
        _ => 3,
    };
    let mut panels = panels.into_iter().peekable();
    let mut rows = Vec::new();
    while panels.peek().is_some() {
        rows.push(panels.by_ref().take(columns).collect());
    }
    rows
}
