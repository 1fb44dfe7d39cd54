//! Formulas: from the part of TeX that the checks use to MathML, which browsers typeset without
//! help from anywhere.
//!
//! Letters, digits, operators, groups, `^`, `_`, primes, `\frac`, `\mathrm`, Greek letters and the
//! named operators and symbols of the tables below. A command that is not listed is an error, which
//! a test would notice: the formulas are ours.

/// A command that this converter does not know, or a group that does not close.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MathError {
    /// Not in the tables.
    #[error("\\{command} is not known")]
    Unknown {
        /// The command without its backslash.
        command: String,
    },
    /// A brace without its partner, or an argument that is missing.
    #[error("a group does not close or an argument is missing in {formula}")]
    Group {
        /// The whole formula.
        formula: String,
    },
}

/// Single symbols: identifiers.
const LETTERS: &[(&str, &str)] = &[
    ("alpha", "α"),
    ("delta", "δ"),
    ("epsilon", "ε"),
    ("eta", "η"),
    ("lambda", "λ"),
    ("mu", "μ"),
    ("pi", "π"),
    ("sigma", "σ"),
    ("tau", "τ"),
    ("infty", "∞"),
    ("partial", "∂"),
    ("ldots", "…"),
    ("cdots", "⋯"),
];

/// Relations and arrows.
const OPERATORS: &[(&str, &str)] =
    &[("leq", "≤"), ("geq", "≥"), ("in", "∈"), ("to", "→"), ("Rightarrow", "⇒")];

/// Operators whose scripts go below and above.
const LARGE: &[(&str, &str)] =
    &[("sum", "∑"), ("bigcup", "⋃"), ("max", "max"), ("lim", "lim"), ("min", "min")];

/// Functions set upright.
const FUNCTIONS: &[&str] = &["tan", "cos", "ln"];

/// One typeset piece, and whether its scripts go below and above.
struct Atom {
    markup: String,
    is_large: bool,
}

struct Parser<'a> {
    formula: &'a str,
    rest: std::iter::Peekable<std::str::Chars<'a>>,
}

/// The formula as a `<math>` element on a line of its own.
///
/// # Errors
/// [`MathError`] for what is not in the tables.
pub(super) fn mathml(formula: &str) -> Result<String, MathError> {
    let mut parser = Parser { formula, rest: formula.chars().peekable() };
    let row = parser.row()?;
    if parser.rest.next().is_some() {
        return Err(parser.group());
    }
    Ok(format!("<math display=\"block\"><mrow>{row}</mrow></math>"))
}

impl Parser<'_> {
    fn group(&self) -> MathError {
        MathError::Group { formula: self.formula.to_owned() }
    }

    /// Everything up to the end or the closing brace.
    fn row(&mut self) -> Result<String, MathError> {
        let mut row = String::new();
        loop {
            self.skip_spaces();
            match self.rest.peek() {
                None | Some('}') => return Ok(row),
                Some(_) => row.push_str(&self.scripted()?),
            }
        }
    }

    fn skip_spaces(&mut self) {
        while self.rest.next_if(|c| c.is_whitespace()).is_some() {}
    }

    /// An atom with its scripts and primes.
    fn scripted(&mut self) -> Result<String, MathError> {
        let base = self.atom()?;
        let (mut below, mut above) = (None, None);
        loop {
            self.skip_spaces();
            if self.rest.next_if_eq(&'_').is_some() {
                below = Some(self.atom()?.markup);
            } else if self.rest.next_if_eq(&'^').is_some() {
                above = Some(self.atom()?.markup);
            } else if self.rest.next_if_eq(&'\'').is_some() {
                above = Some("<mo>′</mo>".to_owned());
            } else {
                break;
            }
        }
        let (sub, sup, both) = match base.is_large {
            true => ("munder", "mover", "munderover"),
            false => ("msub", "msup", "msubsup"),
        };
        let markup = base.markup;
        Ok(match (below, above) {
            (None, None) => markup,
            (Some(below), None) => format!("<{sub}>{markup}{below}</{sub}>"),
            (None, Some(above)) => format!("<{sup}>{markup}{above}</{sup}>"),
            (Some(below), Some(above)) => format!("<{both}>{markup}{below}{above}</{both}>"),
        })
    }

    fn atom(&mut self) -> Result<Atom, MathError> {
        self.skip_spaces();
        let plain = |markup: String| Atom { markup, is_large: false };
        let Some(first) = self.rest.next() else { return Err(self.group()) };
        Ok(match first {
            '{' => {
                let row = self.row()?;
                if self.rest.next() != Some('}') {
                    return Err(self.group());
                }
                plain(format!("<mrow>{row}</mrow>"))
            }
            '\\' => return self.command(),
            c if c.is_ascii_digit() => plain(self.number(c)),
            c if c.is_alphabetic() => plain(format!("<mi>{c}</mi>")),
            '-' => plain("<mo>−</mo>".to_owned()),
            '<' => plain("<mo>&lt;</mo>".to_owned()),
            '>' => plain("<mo>&gt;</mo>".to_owned()),
            '&' => plain("<mo>&amp;</mo>".to_owned()),
            // Bars of norms and brackets keep the size of the text.
            '|' | '(' | ')' | '[' | ']' => plain(format!("<mo stretchy=\"false\">{first}</mo>")),
            '*' => plain("<mo>∗</mo>".to_owned()),
            other => plain(format!("<mo>{other}</mo>")),
        })
    }

    fn number(&mut self, first: char) -> String {
        let mut digits = String::from(first);
        while let Some(c) = self.rest.next_if(|c| c.is_ascii_digit() || *c == '.') {
            digits.push(c);
        }
        format!("<mn>{digits}</mn>")
    }

    fn command(&mut self) -> Result<Atom, MathError> {
        let mut name = String::new();
        while let Some(c) = self.rest.next_if(char::is_ascii_alphabetic) {
            name.push(c);
        }
        if name.is_empty() {
            name.extend(self.rest.next());
        }
        let plain = |markup: String| Ok(Atom { markup, is_large: false });
        let find = |table: &[(&str, &'static str)]| {
            table.iter().find(|(known, _)| *known == name).map(|(_, symbol)| *symbol)
        };
        if let Some(symbol) = find(LETTERS) {
            return plain(format!("<mi>{symbol}</mi>"));
        }
        if let Some(symbol) = find(OPERATORS) {
            return plain(format!("<mo>{symbol}</mo>"));
        }
        if let Some(symbol) = find(LARGE) {
            return Ok(Atom { markup: format!("<mo>{symbol}</mo>"), is_large: true });
        }
        if FUNCTIONS.contains(&name.as_str()) {
            return plain(format!("<mi>{name}</mi><mo>&#x2061;</mo>"));
        }
        match name.as_str() {
            "frac" => {
                let (above, below) = (self.atom()?.markup, self.atom()?.markup);
                plain(format!("<mfrac>{above}{below}</mfrac>"))
            }
            "mathrm" => plain(format!("<mi mathvariant=\"normal\">{}</mi>", self.word()?)),
            "quad" => plain("<mspace width=\"1em\"></mspace>".to_owned()),
            ";" => plain("<mspace width=\"0.28em\"></mspace>".to_owned()),
            _ => Err(MathError::Unknown { command: name }),
        }
    }

    /// The letters of a group.
    fn word(&mut self) -> Result<String, MathError> {
        if self.rest.next() != Some('{') {
            return Err(self.group());
        }
        let mut word = String::new();
        for c in self.rest.by_ref() {
            match c {
                '}' => return Ok(word),
                c if c.is_alphanumeric() => word.push(c),
                _ => break,
            }
        }
        Err(self.group())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::CHECKS;

    #[test]
    fn scripts_fractions_and_words_are_typeset() {
        let math = mathml(r"r^*_1 = \frac{a}{2} \; \max_k x < 1").unwrap();
        for part in [
            "<msubsup><mi>r</mi><mn>1</mn><mo>∗</mo></msubsup>",
            "<mfrac><mrow><mi>a</mi></mrow><mrow><mn>2</mn></mrow></mfrac>",
            "<munder><mo>max</mo><mi>k</mi></munder>",
            "<mo>&lt;</mo>",
        ] {
            assert!(math.contains(part), "{part} in {math}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert_eq!(mathml(r"\foo"), Err(MathError::Unknown { command: "foo".into() }));
        for formula in ["{a", "a}", r"\frac{a}", "a^"] {
            assert!(matches!(mathml(formula), Err(MathError::Group { .. })), "{formula}");
        }
    }

    #[test]
    fn every_formula_can_be_typeset() {
        for check in CHECKS {
            let math = mathml(check.equation);
            assert!(math.is_ok(), "{}: {math:?}", check.id);
        }
    }
}
