//! Inline pictures of the readable report: measured against predicted, and the strain of every
//! instance. Colours come from the page, so that they follow its light and dark theme.

use std::fmt::Write;

use crate::theory::{Measurement, Relation, Series};

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 300.0;
/// Left, right, top and bottom of the plot of measured against predicted.
const PLOT: (f64, f64, f64, f64) = (58.0, 308.0, 22.0, 196.0);
/// Top and bottom of the strip of strains.
const STRIP: (f64, f64) = (240.0, 264.0);
/// Decades of the strip: smaller strains are drawn at its left end, larger ones at its right end.
const STRAINS: (f64, f64) = (-6.0, 2.0);

/// The picture of one measurement over its instances.
pub(super) fn panel(series: &Series) -> String {
    let points: Vec<&Measurement> = series.points.iter().map(|(_, m)| m).collect();
    let axes = Axes::of(series.relation, &points);
    let mut svg = format!(
        "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{0}: measured \
         against predicted\"><text class=\"name\" x=\"{1}\" y=\"12\">{0}</text>",
        series.name, PLOT.0,
    );
    axes.draw(series.relation, &mut svg);
    for (k, point) in points.iter().enumerate() {
        let class = if !point.holds() { "point bad" } else { "point" };
        let (x, y) = (axes.x.place(point.predicted), axes.y.place(point.measured));
        if k != series.worst {
            let _ =
                write!(svg, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.2\"/>");
        }
    }
    let worst = series.worst();
    let (x, y) = (axes.x.place(worst.predicted), axes.y.place(worst.measured));
    let class = if worst.holds() { "worst" } else { "worst bad" };
    let _ = write!(
        svg,
        "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"><title>instance {} under the \
         largest strain: predicted {:e}, measured {:e}</title></circle>",
        series.worst_instance(),
        worst.predicted,
        worst.measured,
    );
    strip(series, &mut svg);
    svg + "</svg>"
}

/// The strains of all instances on a logarithmic line, with the tolerance at 1.
fn strip(series: &Series, svg: &mut String) {
    let (top, bottom) = STRIP;
    let place = |strain: f64| {
        let decade = strain.max(f64::MIN_POSITIVE).log10().clamp(STRAINS.0, STRAINS.1);
        PLOT.0 + (decade - STRAINS.0) / (STRAINS.1 - STRAINS.0) * (PLOT.1 - PLOT.0)
    };
    let _ = write!(
        svg,
        "<rect class=\"allowed\" x=\"{0}\" y=\"{top}\" width=\"{1:.1}\" height=\"{2}\"/>\
         <line class=\"limit\" x1=\"{3:.1}\" x2=\"{3:.1}\" y1=\"{4}\" y2=\"{5}\"/>",
        PLOT.0,
        place(1.0) - PLOT.0,
        bottom - top,
        place(1.0),
        top - 3.0,
        bottom + 3.0,
    );
    for (k, (_, point)) in series.points.iter().enumerate() {
        // Spread over the height so that equal strains can be told apart: the golden ratio.
        let share = (k as f64 * 0.618_034).fract();
        let (x, y) = (place(point.strain()), top + 3.0 + share * (bottom - top - 6.0));
        let class = if point.holds() { "point" } else { "point bad" };
        let _ = write!(svg, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.8\"/>");
    }
    for (strain, label) in [(1e-6, "≤ 1e−6"), (1e-3, "1e−3"), (1.0, "1"), (1e2, "≥ 100")] {
        // The last label ends with the strip.
        let x = place(strain).min(PLOT.1 - 12.0);
        let _ =
            write!(svg, "<text class=\"tick\" x=\"{x:.1}\" y=\"{}\">{label}</text>", bottom + 15.0);
    }
    let middle = 0.5 * (PLOT.0 + PLOT.1);
    let _ = write!(
        svg,
        "<text class=\"axis\" x=\"{middle}\" y=\"{}\">deviation / tolerance</text>",
        bottom + 30.0
    );
}

/// Both axes of a plot.
struct Axes {
    x: Axis,
    y: Axis,
}

impl Axes {
    fn of(relation: Relation, points: &[&Measurement]) -> Self {
        let predicted = points.iter().map(|m| m.predicted);
        let measured = points.iter().map(|m| m.measured);
        let (x, y) = if relation == Relation::Equal {
            let all: Vec<f64> = predicted.chain(measured).collect();
            (all.clone(), all)
        } else {
            (predicted.collect(), measured.collect())
        };
        Self {
            x: Axis::new(&x, PLOT.0 + 6.0, PLOT.1 - 6.0),
            y: Axis::new(&y, PLOT.3 - 6.0, PLOT.2 + 6.0),
        }
    }

    /// Frame, ticks, and the line on which the two agree.
    fn draw(&self, relation: Relation, svg: &mut String) {
        let (left, right, top, bottom) = PLOT;
        let _ = write!(
            svg,
            "<rect class=\"frame\" x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\"/>",
            right - left,
            bottom - top,
        );
        for tick in self.x.ticks() {
            let x = self.x.place(tick);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\"/>\
                 <text class=\"tick\" x=\"{x:.1}\" y=\"{}\">{}</text>",
                bottom + 13.0,
                short(tick),
            );
        }
        for tick in self.y.ticks() {
            let y = self.y.place(tick);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"tick left\" x=\"{}\" y=\"{:.1}\">{}</text>",
                left - 5.0,
                y + 3.5,
                short(tick),
            );
        }
        if relation == Relation::Equal {
            let (low, high) = (self.x.low, self.x.high);
            let _ = write!(
                svg,
                "<line class=\"agree\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
                self.x.place(low),
                self.y.place(low),
                self.x.place(high),
                self.y.place(high),
            );
        }
        let middle = 0.5 * (left + right);
        let word = match relation {
            Relation::Equal => "predicted",
            Relation::AtMost => "predicted upper bound",
            Relation::AtLeast => "predicted lower bound",
        };
        let _ = write!(
            svg,
            "<text class=\"axis\" x=\"{middle}\" y=\"{}\">{word}</text>\
             <text class=\"axis\" transform=\"rotate(-90)\" x=\"{}\" y=\"11\">measured</text>",
            bottom + 28.0,
            -0.5 * (top + bottom),
        );
    }
}

/// One axis, linear or logarithmic.
struct Axis {
    low: f64,
    high: f64,
    is_log: bool,
    from: f64,
    to: f64,
}

impl Axis {
    fn new(values: &[f64], from: f64, to: f64) -> Self {
        let finite = || values.iter().copied().filter(|x| x.is_finite());
        let (low, high) =
            finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
        if low > high {
            return Self { low: 0.0, high: 1.0, is_log: false, from, to };
        }
        // Values over more than two decades of one sign are seen only on a logarithmic axis.
        let is_log = low > 0.0 && high / low > 100.0;
        let pad = if high > low { 0.0 } else { (0.1 * high.abs()).max(1e-12) };
        Self { low: low - pad, high: high + pad, is_log, from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let inside = if value.is_nan() { self.high } else { value.clamp(self.low, self.high) };
        let share = match self.is_log {
            true => (inside / self.low).ln() / (self.high / self.low).ln(),
            false => (inside - self.low) / (self.high - self.low),
        };
        self.from + share * (self.to - self.from)
    }

    fn ticks(&self) -> Vec<f64> {
        if self.is_log {
            let (first, last) = (self.low.log10().ceil() as i32, self.high.log10().floor() as i32);
            let every = ((last - first) / 4 + 1).max(1) as usize;
            return (first..=last).step_by(every).map(|k| 10f64.powi(k)).collect();
        }
        let span = self.high - self.low;
        let rough = span / 4.0;
        let decade = 10f64.powf(rough.log10().floor());
        let nice = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * decade);
        let step = nice.into_iter().find(|step| *step >= rough).unwrap_or(rough);
        let first = (self.low / step).ceil();
        let ticks = (0..8).map(|k| (first + f64::from(k)) * step);
        // Avoids -0 and 0.30000000000000004.
        let clean = |x: f64| if x.abs() < 1e-9 * step { 0.0 } else { x };
        ticks.filter(|t| *t <= self.high).map(clean).collect()
    }
}

/// A tick in few letters.
fn short(value: f64) -> String {
    let size = value.abs();
    let text = if value == 0.0 {
        "0".to_owned()
    } else if (1e-3..1e4).contains(&size) {
        let digits = (2.0 - size.log10().floor()).clamp(0.0, 5.0) as usize;
        let fixed = format!("{value:.digits$}");
        match fixed.contains('.') {
            true => fixed.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => fixed,
        }
    } else {
        format!("{value:.1e}").replace(".0e", "e")
    };
    text.replace('-', "−")
}
