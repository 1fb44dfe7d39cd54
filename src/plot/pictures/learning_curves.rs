//! Training: learning curves, and what was measured of the loops, as the published figures show it.

use super::{Picture, shared_rows};
use crate::error::Error;
use crate::plot::chart::{Axis, Extent, Mark, Panel, Row, Sample, Scale};
use crate::plot::drawing::{CATEGORIES, GREY, INK, Stroke};
use crate::plot::{PlotError, PlotOptions};
use crate::results::{Data, ResultReader, VariableInfo};

pub(super) const LEARNING_CURVES: Picture = Picture {
    name: "learning-curves",
    summary: "errors of every rule while it learns, abscissa of its loops, angles of feedback and errors",
    needs: "step and curves in the group training",
    holds: |reader| reader.contains("training/step"),
    draw,
};

/// Errors over this ratio are drawn on a log axis.
const LOG_RATIO: f64 = 20.0;
/// Colours used: the palette's last is too pale for thin lines.
const COLORS: usize = 6;

fn draw(reader: &ResultReader, _: &PlotOptions) -> Result<Vec<Row>, Error> {
    let steps = reader.f64s("training/step")?;
    if steps.is_empty() {
        let reason = "`training` has no rows".to_owned();
        return Err(PlotError::Nothing { path: reader.path().to_owned(), reason }.into());
    }
    let mut variables = reader.variables("training")?;
    variables.retain(|v| {
        v.dims.len() >= 2 && v.dims[0].length == steps.len() && v.dims[1].name == "rule"
    });
    let sheet = Sheet { reader, names: names(reader, &variables)?, steps };
    let mut panels = Vec::new();
    for name in ["nse", "error", "loss"] {
        panels.extend(sheet.curves(&variables, name)?);
    }
    for variable in &variables {
        if let Some(panel) = sheet.single(variable)? {
            panels.push(panel);
        }
        if variable.dims.get(2).is_some_and(|d| d.name == "hidden_layer") {
            panels.extend(sheet.by_layer(variable)?);
        }
    }
    if let Some(first) = panels.first_mut() {
        first.legend.splice(0..0, sheet.legend());
    }
    Ok(shared_rows(panels))
}

/// Names of the rules; numbers when the file ends before they were written.
fn names(reader: &ResultReader, variables: &[VariableInfo]) -> Result<Vec<String>, Error> {
    let count = variables.first().map_or(0, |v| v.dims[1].length);
    let path = "training/rule_name";
    let given = if reader.contains(path) { Some(reader.variable(path)?.data) } else { None };
    Ok(match given {
        Some(Data::Text(names)) if names.len() == count => names,
        _ => (1..=count).map(|k| format!("rule {k}")).collect(),
    })
}

struct Sheet<'a> {
    reader: &'a ResultReader,
    names: Vec<String>,
    steps: Vec<f64>,
}

impl Sheet<'_> {
    fn legend(&self) -> Vec<(Sample, String)> {
        let entry = |(k, name): (usize, &String)| (Sample::Line(stroke(k)), name.clone());
        self.names.iter().enumerate().map(entry).collect()
    }

    fn x(&self) -> Axis {
        Axis::tight("updates", Extent::of(self.steps.iter().copied()), 5)
    }

    /// The curve of every rule: place `offset` of `width` values per row and rule.
    fn lines(&self, values: &[f64], (offset, width): (usize, usize)) -> Vec<Vec<(f64, f64)>> {
        let rules = self.names.len();
        let line = |rule: usize| {
            let at = |row: usize| values[(row * rules + rule) * width + offset];
            let points = self.steps.iter().enumerate().map(|(row, x)| (*x, at(row)));
            // Rows in which another metric was due are no gaps.
            points.filter(|p| p.1.is_finite()).collect()
        };
        (0..rules).map(line).collect()
    }

    /// One panel for an error over the training and test sets.
    fn curves(&self, variables: &[VariableInfo], name: &str) -> Result<Option<Panel>, Error> {
        let (factor, label) = match name {
            "nse" => (1.0, "normalised squared error"),
            "error" => (100.0, "classified wrongly (%)"),
            _ => (1.0, "mean loss"),
        };
        let (mut sets, mut extent) = (Vec::new(), Extent::EMPTY);
        for set in ["test", "train"] {
            let variable = format!("{name}_{set}");
            let Some(variable) = variables.iter().find(|v| v.name() == variable) else { continue };
            let mut values = self.reader.f64s(&variable.path)?;
            values.iter_mut().for_each(|x| *x *= factor);
            values.iter().for_each(|x| extent.add(*x));
            sets.push((set, self.lines(&values, (0, 1))));
        }
        if sets.is_empty() {
            return Ok(None);
        }
        let log = extent.high > LOG_RATIO * extent.positive;
        let y = if log { Axis::log(label, extent, 6) } else { Axis::loose(label, extent, 6) };
        let sizes: Vec<&str> = sets.iter().map(|s| s.0).collect();
        let title = match sizes[..] {
            [one] => format!("{label}, {one} set"),
            _ => format!("{label}, test and train set"),
        };
        let mut panel = Panel::new(&title, self.x(), y);
        let both = sets.len() > 1;
        for (set, lines) in sets {
            let pale = both && set == "train";
            show(&mut panel, lines, |k| {
                let s = stroke(k);
                if pale { Stroke { color: s.color.fade(0.45), width: 0.9, ..s } } else { s }
            });
        }
        if both {
            panel.remark("pale: train set");
        }
        if panel.y.scale == Scale::Log && extent.zero {
            panel.remark("values of exactly 0 lie below the axis");
        }
        Ok(Some(panel))
    }

    /// Title and label of what was measured of rules, or of each of their hidden layers.
    fn titles(&self, name: &str) -> (String, String) {
        let (title, label) = match name {
            "abscissa" => ("spectral abscissa", "abscissa (1/s)"),
            "feedback_angle" => ("angle of B to \u{2212}W^{T}", "degrees"),
            "row_space" => ("share of Q in the row space of J", "share"),
            "condition1" => ("variation of squared input norms", "variation"),
            other => {
                let whole = other.starts_with("update_angle");
                let of = if whole { "updates" } else { "errors" };
                let title = format!("angle of {of} to {}", self.target(other));
                return (title, "degrees".to_owned());
            }
        };
        (title.to_owned(), label.to_owned())
    }

    /// What the angle in the variable `name` is measured to. Variables are called after rules, with
    /// underscores for what names may not hold.
    fn target(&self, name: &str) -> String {
        let target = name.split_once("_to_").map_or(name, |(_, to)| to);
        let plain = |name: &str| name.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "_");
        if let Some(rule) = self.names.iter().find(|name| plain(name) == target) {
            return rule.clone();
        }
        match target {
            "bp" => "the gradient".to_owned(),
            "gauss_newton" => "Gauss-Newton".to_owned(),
            "minimum_norm" => "minimum norm".to_owned(),
            "dfc_ssa" => "DFC-SSA".to_owned(),
            other => other.replace('_', " ").to_uppercase(),
        }
    }

    /// The panel of what is measured once per rule.
    fn single(&self, variable: &VariableInfo) -> Result<Option<Panel>, Error> {
        let name = variable.name();
        let known = ["row_space", "condition1"].contains(&name) || name.starts_with("update_angle");
        if !known || variable.dims.len() != 2 {
            return Ok(None);
        }
        let lines = self.lines(&self.reader.f64s(&variable.path)?, (0, 1));
        let (title, label) = self.titles(name);
        Ok(self.panel(variable, &title, &label, lines))
    }

    /// One panel per hidden layer.
    fn by_layer(&self, variable: &VariableInfo) -> Result<Vec<Panel>, Error> {
        let values = self.reader.f64s(&variable.path)?;
        let layers = variable.dims[2].length;
        let (title, label) = self.titles(variable.name());
        let panel = |layer: usize| {
            let title = match layers {
                1 => title.clone(),
                _ => format!("{title}, hidden layer {}", layer + 1),
            };
            self.panel(variable, &title, &label, self.lines(&values, (layer, layers)))
        };
        Ok((0..layers).filter_map(panel).collect())
    }

    /// A panel of lines, if there are any; angles start at zero, and zero is marked in between.
    fn panel(
        &self,
        variable: &VariableInfo,
        title: &str,
        label: &str,
        lines: Vec<Vec<(f64, f64)>>,
    ) -> Option<Panel> {
        let extent = Extent::of(lines.iter().flatten().map(|p| p.1));
        if extent.is_empty() {
            return None;
        }
        let angle = variable.attribute_text("units") == Some("degree");
        let shown = if angle { extent.union(Extent::of([0.0])) } else { extent };
        let mut panel = Panel::new(title, self.x(), Axis::loose(label, shown, 5));
        if extent.low < 0.0 && extent.high > 0.0 {
            let ends = vec![(panel.x.low, 0.0), (panel.x.high, 0.0)];
            let stroke = Stroke::new(GREY, 0.8).dashed(4.0, 3.0);
            panel.marks.push(Mark::Lines { pieces: vec![ends], stroke });
        }
        show(&mut panel, lines, stroke);
        Some(panel)
    }
}

/// Draws from the last rule to the first, which so lies on top.
fn show(panel: &mut Panel, lines: Vec<Vec<(f64, f64)>>, stroke: impl Fn(usize) -> Stroke) {
    for (k, line) in lines.into_iter().enumerate().rev() {
        if !line.is_empty() {
            panel.marks.push(Mark::Lines { pieces: vec![line], stroke: stroke(k) });
        }
    }
}

/// The first rule in ink, the others in colours, dashed when those are used up.
fn stroke(rule: usize) -> Stroke {
    let Some(rule) = rule.checked_sub(1) else { return Stroke::new(INK, 1.6) };
    let stroke = Stroke::new(CATEGORIES[rule % COLORS], 1.5);
    match rule / COLORS {
        0 => stroke,
        1 => stroke.dashed(6.0, 3.0),
        _ => stroke.dashed(2.0, 2.5),
    }
}
