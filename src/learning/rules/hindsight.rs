//! `hindsight`: credit in the stochastic network whose mean activities are the network's own.

use nalgebra::DMatrix;
use rand::RngExt;

use crate::learning::LearningError;
use crate::learning::rule::{Errors, Pass, Rule, limit};
use crate::linalg::elementary::scalar;
use crate::network::random::{derived_seed, generator, streams};
use crate::network::{Activation, Network};

/// Hindsight credit assignment: hidden units become discrete and random, with the mean they have in
/// the network, and every unit is credited by how much its choice explains what happened after it.
///
/// A `tanh` unit takes the values 1 and -1, a `sigmoid` unit 1 and 0, with `P(1) = p(a)`. One sample
/// runs the network from `a_1` upwards with drawn `h_l`. With the reward `R = -loss`:
///
/// ```text
/// last hidden layer:  delta_i = p'(a_i) (R with h_i high - R with h_i low)
/// layers below:       delta_i = p'(a_i) (R - R_0) (rho_high - rho_low)
///                     rho_x = P(layer above | h_i = x) / P(layer above)
/// ```
///
/// where all other units of the layer stay as drawn and `R_0`, the reward of the deterministic
/// network, lowers the variance. Given the layers below, each is an unbiased sample of the gradient
/// of the expected reward with respect to `a_i`. Several samples are averaged.
///
/// Draws are seeded by the seed and the example's `a_1`, so a run is reproducible, however it is
/// interrupted; the same example on the same network gives the same sample.
///
/// # Source
/// Harutyunyan et al. 2019 (arXiv:1912.02503); in networks of discrete units Young 2020
/// (arXiv:2011.12351). Deviations: the output stays deterministic, so that the last hidden layer is
/// credited exactly; weights learn from the mean activities `h_{l-1}` like those of every rule here.
#[derive(Debug, Clone, Copy)]
pub struct Hindsight {
    samples: usize,
    seed: u64,
}

impl Hindsight {
    /// The rule with a number of samples per example.
    ///
    /// # Errors
    /// [`LearningError::Incompatible`] when a hidden layer is neither `tanh` nor `sigmoid`.
    pub fn new(network: &Network, samples: usize, seed: u64) -> Result<Self, LearningError> {
        let hidden = &network.layers()[..network.layers().len() - 1];
        let discrete = |g: Activation| matches!(g, Activation::Tanh | Activation::Sigmoid);
        match hidden.iter().find(|l| !discrete(l.activation)) {
            None => Ok(Self { samples: samples.max(1), seed }),
            Some(layer) => Err(LearningError::Incompatible {
                what: "the rule hindsight".to_owned(),
                with: format!("{} units, which have no discrete values", layer.activation.name()),
                remedy: "use tanh or sigmoid in every hidden layer",
            }),
        }
    }
}

impl Rule for Hindsight {
    fn name(&self) -> &'static str {
        "hindsight"
    }

    fn carry(&mut self, pass: &Pass<'_>, errors: &mut Errors) -> Result<(), LearningError> {
        let top = errors.delta.len() - 1;
        let targets = pass.forward.output() + &errors.delta[top];
        for column in 0..targets.ncols() {
            let first = pass.forward.pre_activations[0].column(column).into_owned();
            let target = targets.column(column).into_owned();
            let mut walk = Walk::new(pass.network, target.as_slice());
            let baseline = walk.reward_of(&pass.forward.pre_activations[top], column);
            errors.delta.iter_mut().for_each(|d| d.column_mut(column).fill(0.0));
            let seed = self.seed ^ fingerprint(first.as_slice());
            for sample in 0..self.samples {
                let mut draw = generator(seed, streams::NOISE + sample as u64);
                walk.sample(first.as_slice(), || draw.random_range(0.0..1.0));
                let weight = 1.0 / self.samples as f64;
                walk.credit(baseline, |k, i, d| errors.delta[k][(i, column)] += weight * d);
            }
        }
        for (k, delta) in errors.delta[..top].iter_mut().enumerate() {
            limit(pass, k, delta);
        }
        Ok(())
    }

    fn redrawn(&self, seed: u64) -> Option<Box<dyn Rule>> {
        Some(Box::new(Self { seed: derived_seed(self.seed, seed), ..*self }))
    }
}

/// FNV-1a over the bits of `values`.
fn fingerprint(values: &[f64]) -> u64 {
    values.iter().fold(0xcbf2_9ce4_8422_2325, |hash, x| {
        (hash ^ x.to_bits()).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29)
    })
}

/// One sample of the stochastic network.
struct Walk<'a> {
    network: &'a Network,
    target: &'a [f64],
    /// Pre-activations, drawn activities and whether they are the high ones.
    a: Vec<Vec<f64>>,
    h: Vec<Vec<f64>>,
}

/// Values of a unit and the factor in `P(high) = sigmoid(factor a)`.
#[derive(Clone, Copy)]
struct Unit {
    high: f64,
    low: f64,
    factor: f64,
}

impl Unit {
    fn of(g: Activation) -> Self {
        match g {
            // (1 + tanh a) / 2 = sigmoid(2 a)
            Activation::Tanh => Self { high: 1.0, low: -1.0, factor: 2.0 },
            _ => Self { high: 1.0, low: 0.0, factor: 1.0 },
        }
    }

    fn p(self, a: f64) -> f64 {
        scalar::sigmoid(self.factor * a)
    }

    fn slope(self, a: f64) -> f64 {
        self.factor * scalar::sigmoid_slope(self.factor * a)
    }

    /// `log P(h | a)`.
    fn log_probability(self, h: f64, a: f64) -> f64 {
        let x = self.factor * a;
        -scalar::softplus(if h == self.high { -x } else { x })
    }
}

impl<'a> Walk<'a> {
    fn new(network: &'a Network, target: &'a [f64]) -> Self {
        let zeros = || network.layers().iter().map(|l| vec![0.0; l.units()]).collect();
        Self { network, target, a: zeros(), h: zeros() }
    }

    fn top(&self) -> usize {
        self.a.len() - 1
    }

    /// `R` at output pre-activations `a`; `y` is room for the output.
    fn reward(&self, a: &[f64], y: &mut [f64]) -> f64 {
        self.network.layers()[self.top()].activation.apply(a, y);
        -self.network.output().loss(a, y, self.target)
    }

    fn reward_of(&self, a: &DMatrix<f64>, column: usize) -> f64 {
        let a = a.column(column).into_owned();
        self.reward(a.as_slice(), &mut vec![0.0; a.len()])
    }

    /// Runs the network with drawn hidden activities.
    fn sample(&mut self, first: &[f64], mut uniform: impl FnMut() -> f64) {
        for (k, layer) in self.network.layers().iter().enumerate() {
            if k == 0 {
                self.a[0].copy_from_slice(first);
            } else {
                layer.pre_activation(&self.h[k - 1], &mut self.a[k]);
            }
            if k < self.top() {
                let unit = Unit::of(layer.activation);
                for (h, a) in self.h[k].iter_mut().zip(&self.a[k]) {
                    *h = if uniform() < unit.p(*a) { unit.high } else { unit.low };
                }
            }
        }
    }

    /// Tells `put` the credit of every unit of the sample: layer, unit, `delta`.
    fn credit(&self, baseline: f64, mut put: impl FnMut(usize, usize, f64)) {
        let top = self.top();
        let mut y = vec![0.0; self.target.len()];
        let reward = self.reward(&self.a[top], &mut y);
        self.output_credit(|i, d| put(top, i, d));
        let mut flipped =
            vec![0.0; self.network.layers().iter().map(|l| l.units()).max().unwrap_or(0)];
        for k in 0..top {
            let unit = Unit::of(self.network.layers()[k].activation);
            let above = &self.network.layers()[k + 1].weights;
            let flipped = &mut flipped[..above.nrows()];
            for (i, (&a, &h)) in self.a[k].iter().zip(&self.h[k]).enumerate() {
                let slope = unit.slope(a);
                if slope == 0.0 {
                    continue;
                }
                let is_high = h == unit.high;
                let jump = if is_high { unit.low - h } else { unit.high - h };
                for ((f, a), w) in
                    flipped.iter_mut().zip(&self.a[k + 1]).zip(above.column(i).iter())
                {
                    *f = a + w * jump;
                }
                let change = if k + 1 == top {
                    reward - self.reward(flipped, &mut y)
                } else {
                    let odds = self.log_odds(k + 1, flipped);
                    (reward - baseline)
                        * explained(odds, if is_high { unit.p(a) } else { unit.p(-a) })
                };
                put(k, i, slope * if is_high { change } else { -change });
            }
        }
    }

    /// The gradient of the reward in `a_L`.
    fn output_credit(&self, mut put: impl FnMut(usize, f64)) {
        let (top, mut y) = (self.top(), vec![0.0; self.target.len()]);
        let g = self.network.layers()[top].activation;
        g.apply(&self.a[top], &mut y);
        if self.network.output() == crate::network::Output::Softmax {
            crate::network::softmax(&mut y);
        }
        for (i, ((t, y), a)) in self.target.iter().zip(&y).zip(&self.a[top]).enumerate() {
            put(i, g.slope_at(*a) * (t - y));
        }
    }

    /// Log of `P(layer k as drawn | other pre-activations) / P(layer k as drawn | its own)`.
    fn log_odds(&self, k: usize, other: &[f64]) -> f64 {
        let unit = Unit::of(self.network.layers()[k].activation);
        let terms = self.h[k].iter().zip(&self.a[k]).zip(other);
        terms.map(|((h, a), b)| unit.log_probability(*h, *b) - unit.log_probability(*h, *a)).sum()
    }
}

/// `rho_drawn - rho_other` when the other value makes what followed `e^odds` times as likely and the
/// drawn one had probability `p`.
fn explained(odds: f64, p: f64) -> f64 {
    if odds <= 0.0 {
        let ratio = odds.exp();
        (1.0 - ratio) / (p + (1.0 - p) * ratio)
    } else {
        let ratio = (-odds).exp();
        (ratio - 1.0) / (p * ratio + (1.0 - p))
    }
}
