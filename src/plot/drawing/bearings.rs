//! Where glyphs begin: the left side bearings of the embedded font, which the library that draws
//! glyphs leaves out.

/// The tables of a TrueType font that say where glyphs begin.
pub(super) struct Bearings<'f> {
    /// `cmap`, subtable of format 4: characters to glyphs.
    characters: &'f [u8],
    /// `hmtx`: advance and bearing per glyph, then bearings alone.
    metrics: &'f [u8],
    /// Glyphs with an advance of their own.
    long: usize,
    units_per_em: f64,
}

/// Format of the character table that every font with plain Unicode characters has.
const SEGMENTS: usize = 4;

impl<'f> Bearings<'f> {
    /// Finds the tables; `None` if one is missing.
    pub(super) fn of(font: &'f [u8]) -> Option<Self> {
        let cmap = table(font, b"cmap")?;
        let subtables = (0..word(cmap, 2)?).map(|k| long(cmap, 4 + 8 * k + 4));
        let characters = subtables
            .filter_map(|offset| cmap.get(offset?..))
            .find(|subtable| word(subtable, 0) == Some(SEGMENTS))?;
        Some(Self {
            characters,
            metrics: table(font, b"hmtx")?,
            long: word(table(font, b"hhea")?, 34)?,
            units_per_em: word(table(font, b"head")?, 18)? as f64,
        })
    }

    /// From the place of the pen to the leftmost point of the glyph, relative to the em; 0 for
    /// characters the font does not have.
    pub(super) fn left(&self, c: char) -> f64 {
        let glyph = self.glyph(c).unwrap_or(0);
        let place =
            if glyph < self.long { 4 * glyph + 2 } else { 4 * self.long + 2 * (glyph - self.long) };
        let bearing = word(self.metrics, place).unwrap_or(0) as u16 as i16;
        f64::from(bearing) / self.units_per_em
    }

    /// Segments of characters, each with an end, a start, a shift and a place in a list of glyphs.
    fn glyph(&self, c: char) -> Option<usize> {
        let (table, code) = (self.characters, u32::from(c) as usize);
        let bytes = word(table, 6)?;
        let segment =
            (0..bytes / 2).find(|k| word(table, 14 + 2 * k).is_some_and(|e| e >= code))?;
        let (starts, at) = (16 + bytes, 2 * segment);
        let start = word(table, starts + at)?;
        if code < start {
            return None;
        }
        let shift = word(table, starts + bytes + at)?;
        let place = starts + 2 * bytes + at;
        let glyph = match word(table, place)? {
            0 => code,
            offset => {
                word(table, place + offset + 2 * (code - start)).filter(|glyph| *glyph > 0)?
            }
        };
        Some((glyph + shift) % 0x1_0000)
    }
}

fn table<'f>(font: &'f [u8], tag: &[u8; 4]) -> Option<&'f [u8]> {
    let mut records = (0..word(font, 4)?).map(|k| 12 + 16 * k);
    let record = records.find(|at| font.get(*at..at + 4) == Some(&tag[..]))?;
    font.get(long(font, record + 8)?..)
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let pair = bytes.get(at..at + 2)?;
    Some(usize::from(u16::from_be_bytes([pair[0], pair[1]])))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    Some((word(bytes, at)? << 16) | word(bytes, at + 2)?)
}
