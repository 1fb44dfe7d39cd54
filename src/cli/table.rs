//! Aligned tables for results: numbers to the right, words to the left, headings with units.

use anstyle::{Effects, Style};
use unicode_width::UnicodeWidthStr;

use super::number;

/// Space between columns.
const GAP: &str = "  ";

/// A table whose columns are as wide as their widest cell.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// One column: heading and alignment.
#[derive(Debug, Clone)]
pub struct Column {
    heading: String,
    align: Align,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Align {
    Left,
    Right,
}

impl Column {
    /// A column of words, aligned to the left.
    pub fn text(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), align: Align::Left }
    }

    /// A column of numbers, aligned to the right.
    pub fn number(heading: impl Into<String>) -> Self {
        Self { heading: heading.into(), align: Align::Right }
    }

    /// Adds the unit to the heading: `time` becomes `time (s)`.
    #[must_use]
    pub fn unit(mut self, unit: &str) -> Self {
        self.heading = format!("{} ({unit})", self.heading);
        self
    }
}

/// The text of one cell and how it is painted.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// The same cell, painted; the style is dropped where output is not coloured.
    #[must_use]
    pub fn styled(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, style: Style::new() }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<f64> for Cell {
    /// [`number::DIGITS`] significant digits.
    fn from(value: f64) -> Self {
        number::significant(value, number::DIGITS).into()
    }
}

impl From<u64> for Cell {
    fn from(value: u64) -> Self {
        value.to_string().into()
    }
}

impl From<usize> for Cell {
    fn from(value: usize) -> Self {
        value.to_string().into()
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    /// `None` is a dash: there is no such value.
    fn from(value: Option<T>) -> Self {
        value.map_or_else(|| "-".into(), Into::into)
    }
}

impl Table {
    /// An empty table.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// A table of names and values without headings.
    #[must_use]
    pub fn facts() -> Self {
        Self::new([Column::text(""), Column::text("")])
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If the number of cells is not the number of columns.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells: Vec<Cell> = cells.into_iter().collect();
        assert_eq!(cells.len(), self.columns.len(), "a table row has one cell per column");
        self.rows.push(cells);
    }

    /// Adds a name and its value to a table of [`facts`](Self::facts).
    pub fn fact(&mut self, name: &str, value: impl Into<Cell>) {
        self.row([name.into(), value.into()]);
    }

    /// The table as lines of text with ANSI styles, each ended by a newline.
    #[must_use]
    pub fn render(&self) -> String {
        let widths: Vec<usize> = (0..self.columns.len()).map(|k| self.width(k)).collect();
        let mut out = String::new();
        if self.columns.iter().any(|c| !c.heading.is_empty()) {
            let style = Style::new().effects(Effects::BOLD);
            let headings: Vec<Cell> =
                self.columns.iter().map(|c| Cell::from(c.heading.as_str()).styled(style)).collect();
            self.line(&headings, &widths, &mut out);
        }
        for row in &self.rows {
            self.line(row, &widths, &mut out);
        }
        out
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[column].text.width());
        cells.chain([self.columns[column].heading.width()]).max().unwrap_or(0)
    }

    fn line(&self, cells: &[Cell], widths: &[usize], out: &mut String) {
        // Padding is held back until something follows it, so that no line ends in spaces.
        let mut pending = String::new();
        for (k, (cell, column)) in cells.iter().zip(&self.columns).enumerate() {
            let padding = " ".repeat(widths[k].saturating_sub(cell.text.width()));
            if column.align == Align::Right {
                pending.push_str(&padding);
            }
            if !cell.text.is_empty() {
                out.push_str(&pending);
                pending.clear();
                let style = cell.style;
                out.push_str(&format!("{style}{}{style:#}", cell.text));
            }
            if column.align == Align::Left {
                pending.push_str(&padding);
            }
            pending.push_str(GAP);
        }
        out.push('\n');
    }
}
