//! The trajectory: a panel per block of the state, and one for the observables on a log axis with
//! the decay rate the spectrum predicts.

use super::{Picture, decay, shared_rows};
use crate::error::Error;
use crate::plot::chart::{Axis, Extent, Mark, Panel, Row, Sample};
use crate::plot::drawing::{CATEGORIES, GREY, Stroke};
use crate::plot::series::{Bands, Timeline, Tracer};
use crate::plot::{PlotError, PlotOptions};
use crate::results::{ResultError, ResultReader, VariableInfo};

pub(super) const TRAJECTORY: Picture = Picture {
    name: "trajectory",
    summary: "blocks of the state against time, residual on a log axis with its predicted decay",
    needs: "group trajectory",
    holds: |reader| reader.contains("trajectory"),
    draw,
};

/// Curves that get a colour and a label each.
const LABELLED: usize = 7;
/// Curves drawn one by one; more are shown by their quantiles.
const SINGLE: usize = 12;
/// The kind of curves of several targets with several units each.
const PAIR: &str = "target, unit";
/// Curves drawn over the quantiles.
const SAMPLES: usize = 5;

fn draw(reader: &ResultReader, options: &PlotOptions) -> Result<Vec<Row>, Error> {
    let loops: Vec<String> = reader.groups("trajectory")?;
    if loops.is_empty() {
        let panels = of_group(reader, "trajectory", "", options)?;
        return Ok(shared_rows(panels));
    }
    let mut rows = Vec::new();
    for name in loops {
        let title = format!("{}: ", name.replace('_', " "));
        rows.push(of_group(reader, &format!("trajectory/{name}"), &title, options)?);
    }
    rows.retain(|row| !row.is_empty());
    Ok(rows)
}

/// The panels of one loop.
fn of_group(
    reader: &ResultReader,
    group: &str,
    prefix: &str,
    options: &PlotOptions,
) -> Result<Vec<Panel>, Error> {
    let mut variables = reader.variables(group)?;
    variables.retain(|v| v.type_name == "f64");
    let Some(at) = variables.iter().position(|v| v.name() == "time") else { return Ok(Vec::new()) };
    let time = variables.remove(at);
    let timeline = Timeline::new(reader.f64s(&time.path)?);
    if timeline.times.is_empty() {
        let reason = format!("`{group}` has no rows");
        return Err(PlotError::Nothing { path: reader.path().to_owned(), reason }.into());
    }
    variables.retain(|v| v.dims.first().is_some_and(|d| d.length == timeline.times.len()));
    let sheet = Sheet { reader, timeline, unit: unit_of(&time), target: options.target };
    let (blocks, observables): (Vec<_>, Vec<_>) =
        variables.into_iter().partition(|v| v.dims.iter().skip(1).any(|d| d.name != "target"));
    let mut panels = Vec::new();
    for block in &blocks {
        let title = format!("{prefix}{}", name_of(block));
        panels.push(sheet.block(block, &title)?);
    }
    panels.extend(sheet.observables(&observables, group, prefix)?);
    Ok(panels)
}

fn unit_of(variable: &VariableInfo) -> &str {
    variable.attribute_text("units").unwrap_or("1")
}

/// `controller` from `controller`, `stage 1` from `stage_1`.
fn name_of(variable: &VariableInfo) -> String {
    variable.name().replace('_', " ")
}

/// `label (units)`, without the units if there are none.
fn with_units(label: &str, units: &str) -> String {
    if units == "1" { label.to_owned() } else { format!("{label} ({units})") }
}

/// What the panels of one loop share.
struct Sheet<'a> {
    reader: &'a ResultReader,
    timeline: Timeline,
    unit: &'a str,
    target: Option<usize>,
}

/// The curves of one variable.
struct Curves {
    width: usize,
    /// Which of the values of a row are curves.
    chosen: Vec<usize>,
    /// What a curve is called, e.g. `unit`.
    kind: &'static str,
    labels: Vec<String>,
    lines: Vec<Vec<Vec<(f64, f64)>>>,
    bands: Option<Bands>,
    extent: Extent,
    gaps: usize,
}

impl Sheet<'_> {
    fn time_axis(&self) -> Axis {
        Axis::tight(&format!("time ({})", self.unit), self.timeline.extent, 6)
    }

    fn block(&self, variable: &VariableInfo, title: &str) -> Result<Panel, Error> {
        let curves = self.read(variable)?;
        let label = with_units(&name_of(variable), unit_of(variable));
        let y = Axis::loose(&label, curves.extent, 6);
        let mut panel = Panel::new(title, self.time_axis(), y);
        self.show(&curves, &mut panel);
        Ok(panel)
    }

    /// Observables that are norms share a panel on a log axis; others have one each.
    fn observables(
        &self,
        variables: &[VariableInfo],
        group: &str,
        prefix: &str,
    ) -> Result<Vec<Panel>, Error> {
        let mut norms = Vec::new();
        let mut panels = Vec::new();
        for variable in variables {
            let curves = self.read(variable)?;
            let is_norm = curves.extent.is_empty() || curves.extent.low >= 0.0;
            if is_norm {
                norms.push((variable, curves));
                continue;
            }
            let label = with_units(&name_of(variable), unit_of(variable));
            let y = Axis::loose(&label, curves.extent, 6);
            let mut panel =
                Panel::new(&format!("{prefix}{}", name_of(variable)), self.time_axis(), y);
            self.show(&curves, &mut panel);
            panels.push(panel);
        }
        let several_curves = norms.iter().any(|(_, curves)| curves.chosen.len() > 1);
        if norms.len() > 1 && !several_curves && norms.len() <= LABELLED {
            let names: Vec<String> = norms.iter().map(|(v, _)| name_of(v)).collect();
            panels.insert(0, self.together(norms, &names, prefix, group)?);
            return Ok(panels);
        }
        for (variable, curves) in norms.into_iter().rev() {
            let name = name_of(variable);
            let mut panel = self.norm_panel(&curves, &format!("{prefix}{name}"), &name);
            self.show(&curves, &mut panel);
            if variable.name() == "residual" {
                self.predict(&curves, group, &mut panel)?;
            }
            panels.insert(0, panel);
        }
        Ok(panels)
    }

    /// One curve for each of several norms.
    fn together(
        &self,
        norms: Vec<(&VariableInfo, Curves)>,
        names: &[String],
        prefix: &str,
        group: &str,
    ) -> Result<Panel, ResultError> {
        let extent = norms.iter().fold(Extent::EMPTY, |e, (_, curves)| e.union(curves.extent));
        let mut all = Curves { extent, labels: names.to_vec(), ..norms[0].1.empty() };
        let mut residual = None;
        for (variable, curves) in norms {
            all.gaps += curves.gaps;
            all.lines.extend(curves.lines.iter().cloned());
            if variable.name() == "residual" {
                residual = Some(curves);
            }
        }
        let title = format!("{prefix}{}", names.join(", "));
        let mut panel = self.norm_panel(&all, &title, "norm");
        self.show(&all, &mut panel);
        if let Some(curves) = residual {
            self.predict(&curves, group, &mut panel)?;
        }
        Ok(panel)
    }

    /// A log axis, unless there is nothing above zero.
    fn norm_panel(&self, curves: &Curves, title: &str, label: &str) -> Panel {
        let has_positive = curves.extent.positive <= curves.extent.high;
        if !has_positive {
            let mut panel =
                Panel::new(title, self.time_axis(), Axis::loose(label, curves.extent, 6));
            if curves.extent.zero {
                panel.remark("exactly 0 throughout: linear axis");
            }
            return panel;
        }
        let mut panel = Panel::new(title, self.time_axis(), Axis::log(label, curves.extent, 6));
        if curves.extent.zero {
            panel.remark("values of exactly 0 lie below the axis");
        }
        panel
    }

    fn read(&self, variable: &VariableInfo) -> Result<Curves, Error> {
        let mut curves = self.choose(variable)?;
        let count = curves.chosen.len();
        let drawn: Vec<usize> = if count <= SINGLE {
            curves.chosen.clone()
        } else {
            // Spread over the units, the ends left out.
            (0..SAMPLES).map(|k| curves.chosen[(2 * k + 1) * count / (2 * SAMPLES)]).collect()
        };
        let mut tracers = vec![Tracer::default(); drawn.len()];
        let mut bands = (count > SINGLE).then(Bands::default);
        let (mut extent, mut gaps) = (Extent::EMPTY, 0);
        self.timeline.visit(self.reader, &variable.path, curves.width, |column, t, row| {
            for (tracer, &k) in tracers.iter_mut().zip(&drawn) {
                tracer.push(column, t, row[k]);
            }
            for &k in &curves.chosen {
                gaps += usize::from(!row[k].is_finite());
                extent.add(row[k]);
            }
            if let Some(bands) = &mut bands {
                bands.push(column, t, curves.chosen.iter().map(|&k| row[k]));
            }
        })?;
        curves.lines = tracers.into_iter().map(Tracer::finish).collect();
        Ok(Curves { bands, extent, gaps, ..curves })
    }

    /// Which values of a row become curves, and what they are called.
    fn choose(&self, variable: &VariableInfo) -> Result<Curves, PlotError> {
        let dims = &variable.dims[1..];
        let width: usize = dims.iter().map(|d| d.length).product();
        let targets = dims.iter().find(|d| d.name == "target").map(|d| d.length);
        let units = width / targets.unwrap_or(1).max(1);
        let count = targets.unwrap_or(1);
        if let Some(target) = self.target.filter(|target| *target >= count) {
            let path = self.reader.path().to_owned();
            return Err(PlotError::NoSuchTarget { path, target, count });
        }
        let chosen: Vec<usize> = match self.target {
            Some(target) => (target * units..(target + 1) * units).collect(),
            None => (0..width).collect(),
        };
        let one_target = self.target.is_some() || count == 1;
        let kind = match (one_target, units) {
            (true, _) => "unit",
            (false, 1) => "target",
            (false, _) => PAIR,
        };
        let label = |k: &usize| match (one_target, units) {
            (true, _) => format!("{}", k % units),
            (false, 1) => format!("{k}"),
            (false, _) => format!("{},{}", k / units, k % units),
        };
        let labels = chosen.iter().map(label).collect();
        Ok(Curves { width, chosen, kind, labels, ..Curves::EMPTY })
    }

    fn show(&self, curves: &Curves, panel: &mut Panel) {
        if let Some(bands) = &curves.bands {
            show_bands(curves, bands, panel);
        } else {
            show_lines(curves, panel);
        }
        if curves.extent.is_empty() {
            panel.remark("no finite values");
        } else if curves.gaps > 0 {
            panel.remark(format!("gaps: {} values are missing or not finite", curves.gaps));
        }
        let (read, rows) = (self.timeline.rows_read(curves.width), self.timeline.times.len());
        if read < rows {
            panel.remark(format!("long run: {read} of {rows} rows read, evenly spread"));
        }
    }

    fn predict(&self, curves: &Curves, group: &str, panel: &mut Panel) -> Result<(), ResultError> {
        let suffix = group.strip_prefix("trajectory").unwrap_or_default();
        decay::predict(self.reader, suffix, (self.timeline.extent, anchor(curves)), panel)
    }
}

impl Curves {
    const EMPTY: Self = Self {
        width: 1,
        chosen: Vec::new(),
        kind: "",
        labels: Vec::new(),
        lines: Vec::new(),
        bands: None,
        extent: Extent::EMPTY,
        gaps: 0,
    };

    /// How many there are, in words.
    fn count(&self) -> String {
        let what = if self.kind == PAIR { "pairs of target and unit" } else { self.kind };
        let plural = if self.kind == PAIR { "" } else { "s" };
        format!("{} {what}{plural}", self.chosen.len())
    }

    fn empty(&self) -> Self {
        Self { width: self.width, ..Self::EMPTY }
    }
}

fn show_lines(curves: &Curves, panel: &mut Panel) {
    let labelled = curves.lines.len() <= LABELLED;
    for (k, pieces) in curves.lines.iter().enumerate() {
        // The last colour is too pale for a thin line.
        let colors = if labelled { CATEGORIES.len() } else { CATEGORIES.len() - 1 };
        let color = CATEGORIES[k % colors];
        let stroke = Stroke::new(color, if labelled { 1.6 } else { 1.1 });
        panel.marks.push(Mark::Lines { pieces: pieces.clone(), stroke });
        if labelled && curves.lines.len() > 1 {
            let first = k == 0 && !curves.kind.is_empty();
            let kind = if first { format!("{} ", curves.kind) } else { String::new() };
            panel.legend.push((Sample::Line(stroke), format!("{kind}{}", curves.labels[k])));
        }
    }
    if !labelled {
        panel.remark(curves.count());
    }
}

fn show_bands(curves: &Curves, bands: &Bands, panel: &mut Panel) {
    let color = CATEGORIES[0];
    for (level, opacity) in [(0, 0.10), (1, 0.16), (2, 0.26)] {
        panel.marks.push(Mark::Band { points: bands.band(level), color: color.fade(opacity) });
    }
    let sample = Stroke::new(GREY.fade(0.9), 0.7);
    for pieces in &curves.lines {
        panel.marks.push(Mark::Lines { pieces: pieces.clone(), stroke: sample });
    }
    let median = Stroke::new(color, 1.8);
    let pieces = bands.median.clone().finish();
    panel.marks.push(Mark::Lines { pieces, stroke: median });
    panel.legend.push((Sample::Line(median), "median".to_owned()));
    for (label, opacity) in [("25\u{2013}75 %", 0.45), ("5\u{2013}95 %", 0.26), ("range", 0.12)] {
        panel.legend.push((Sample::Patch(color.fade(opacity)), label.to_owned()));
    }
    let label = format!("{SAMPLES} of {}", curves.count());
    panel.legend.push((Sample::Line(sample), label));
}

/// Where the predicted slope is laid on: late in the decay, before the values reach the floor of
/// rounding or stop.
fn anchor(curves: &Curves) -> Option<(f64, f64)> {
    let median = curves.bands.as_ref().map(|bands| bands.median.clone().finish());
    let pieces = median.as_ref().or(curves.lines.first())?;
    let points: Vec<(f64, f64)> =
        pieces.iter().flatten().copied().filter(|(_, value)| *value > 0.0).collect();
    let extent = Extent::of(points.iter().map(|p| p.1));
    if extent.is_empty() {
        return None;
    }
    let level = (0.35 * extent.high.ln() + 0.65 * extent.low.ln()).exp();
    points.iter().rev().find(|(_, value)| *value >= level).copied()
}
