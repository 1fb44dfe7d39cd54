//! Instances as model files.

use std::fmt::Write;

use nalgebra::DMatrix;

use crate::dynamics::LoopParameters;
use crate::network::Network;

/// The text of a model file, section by section. Numbers are written so that reading them back gives
/// the same bits.
#[derive(Debug, Clone)]
pub(crate) struct ModelText(String);

impl ModelText {
    /// A file called `title`.
    pub(crate) fn new(title: &str) -> Self {
        Self(format!("schema_version = 1\ntitle = \"{title}\"\n"))
    }

    fn add(mut self, text: &str) -> Self {
        self.0.push_str(text);
        self
    }

    /// A network of linear layers without biases.
    pub(crate) fn linear_network(self, weights: &[&DMatrix<f64>]) -> Self {
        let sizes = weights.first().map(|w| w.ncols()).into_iter();
        let sizes: Vec<usize> = sizes.chain(weights.iter().map(|w| w.nrows())).collect();
        self.add(&format!(
            "\n[network]\nsizes = {sizes:?}\nactivation = \"linear\"\nweights = {{ values = {} }}\n",
            matrices(weights)
        ))
    }

    /// Any network without softmax.
    pub(crate) fn network(self, network: &Network) -> Self {
        let layers = network.layers();
        let weights: Vec<&DMatrix<f64>> = layers.iter().map(|l| &l.weights).collect();
        let names: Vec<&str> = layers.iter().map(|l| l.activation.name()).collect();
        let biases: Vec<String> = layers.iter().map(|l| numbers(l.biases.iter())).collect();
        self.add(&format!(
            "\n[network]\nsizes = {:?}\nactivation = {names:?}\nweights = {{ values = {} }}\n\
             biases = {{ values = [{}] }}\n",
            network.sizes(),
            matrices(&weights),
            biases.join(", "),
        ))
    }

    /// Feedback matrices written out.
    pub(crate) fn feedback(self, feedback: &[&DMatrix<f64>]) -> Self {
        self.add(&format!("\n[feedback.values]\nmatrices = {}\n", matrices(feedback)))
    }

    /// A table `[section]` with these lines.
    pub(crate) fn section(self, section: &str, lines: &[String]) -> Self {
        let text = lines.iter().fold(format!("\n[{section}]\n"), |text, line| text + line + "\n");
        self.add(&text)
    }

    /// One layer loop, or all of them with `layer = None`.
    pub(crate) fn layerwise(
        self,
        layer: Option<usize>,
        parameters: LoopParameters,
        transfer: &str,
        activation: Option<&str>,
    ) -> Self {
        let layer = layer.map_or_else(|| "\"all\"".to_owned(), |l| l.to_string());
        let mut lines = vec![format!("layer = {layer}")];
        lines.extend(loop_lines(parameters, transfer, activation));
        self.section("dynamics.layerwise-inversion", &lines)
    }

    /// A variant with leak, time constants and transfer.
    pub(crate) fn loops(self, variant: &str, parameters: LoopParameters) -> Self {
        self.section(&format!("dynamics.{variant}"), &loop_lines(parameters, "linear", None))
    }

    /// `x' = a x + b`.
    pub(crate) fn linear(self, a: &DMatrix<f64>, b: &[f64]) -> Self {
        let lines = [format!("a = {}", rows(a)), format!("b = {}", numbers(b))];
        self.section("dynamics.linear", &lines)
    }

    /// The error to invert, and the input of the network where one is needed.
    pub(crate) fn delta(self, delta: &[f64], input: Option<&[f64]>) -> Self {
        let mut lines = vec![format!("delta = {}", numbers(delta))];
        lines.extend(input.map(|x| format!("input = {}", numbers(x))));
        self.section("target", &lines)
    }

    /// The output that the network is steered to, and its input.
    pub(crate) fn output(self, output: &[f64], input: &[f64]) -> Self {
        let lines =
            [format!("output = {}", numbers(output)), format!("input = {}", numbers(input))];
        self.section("target", &lines)
    }

    /// The state at the start.
    pub(crate) fn initial(self, state: &[f64]) -> Self {
        self.section("initial", &[format!("values = {}", numbers(state))])
    }

    /// Solver, span and rows; the finished text.
    pub(crate) fn run(self, solver: &str, options: &str, t_end: f64, rows: usize) -> String {
        self.section(&format!("solver.{solver}"), &[options.to_owned()])
            .section(
                "run",
                &[format!("t_span = [0.0, {t_end:?}]"), format!("save_at = {{ count = {rows} }}")],
            )
            .0
    }
}

fn loop_lines(p: LoopParameters, transfer: &str, activation: Option<&str>) -> Vec<String> {
    let mut lines = vec![
        format!("leak = {:?}", p.leak),
        format!("tau_state = {:?}", p.tau_state),
        format!("tau_controller = {:?}", p.tau_controller),
        format!("transfer = \"{transfer}\""),
    ];
    lines.extend(activation.map(|name| format!("activation = \"{name}\"")));
    lines
}

fn matrices(all: &[&DMatrix<f64>]) -> String {
    let texts: Vec<String> = all.iter().map(|m| rows(m)).collect();
    format!("[{}]", texts.join(", "))
}

fn rows(matrix: &DMatrix<f64>) -> String {
    let texts: Vec<String> = matrix.row_iter().map(|row| numbers(row.iter())).collect();
    format!("[{}]", texts.join(", "))
}

fn numbers<'a>(values: impl IntoIterator<Item = &'a f64>) -> String {
    let mut text = "[".to_owned();
    for (k, value) in values.into_iter().enumerate() {
        let separator = if k == 0 { "" } else { ", " };
        let _ = write!(text, "{separator}{value:?}");
    }
    text + "]"
}
