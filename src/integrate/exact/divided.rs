//! Divided differences of `x -> e^(x t)`, accurate for nodes at any distance.
//!
//! The response of a chain of first-order lags to a constant is a divided difference of the
//! exponential at the rates of the lags. The usual closed forms divide by differences of rates and
//! lose every digit where rates coincide; divided differences have no such singularity.

use nalgebra::Complex;

type C = Complex<f64>;

/// `|a - c| |t|` from which the recurrence over the two ends `a` and `c` is used: a subtraction then
/// loses less than two bits. Below, the table comes from a matrix exponential.
const SPREAD: f64 = 1.0;
/// `|a - b| |t|` from which two exponentials are subtracted.
const APART: f64 = 0.5;

/// The divided differences of `e^(x t)` at the first two, the first three and all four nodes.
pub(super) fn chain(nodes: [C; 4], t: f64) -> [C; 3] {
    let exponentials = Exponentials::new(nodes, t);
    let pair_value = exponentials.pair(0, 1);
    match (exponentials.triple([0, 1, 2]), exponentials.quadruple()) {
        (Some(three), Some(four)) => [pair_value, three, four],
        (three, _) => {
            let table = table(nodes, t);
            [pair_value, three.unwrap_or(table[1]), table[2]]
        }
    }
}

/// `f[a, b] = (e^(a t) - e^(b t)) / (a - b)`, its limit where `a = b`.
pub(super) fn pair(a: C, b: C, t: f64) -> C {
    // The larger exponential stands outside, so nothing overflows that need not.
    let (large, small) = if (a.re - b.re) * t >= 0.0 { (a, b) } else { (b, a) };
    let z = (small - large) * t;
    let slope = if z == C::new(0.0, 0.0) { C::new(1.0, 0.0) } else { quotient(expm1(z), z) };
    exp(large * t) * slope * t
}

fn exp(z: C) -> C {
    // A real argument must stay real: inf * sin(0) would be NaN.
    if z.im == 0.0 { C::new(z.re.exp(), 0.0) } else { z.exp() }
}

/// `e^z - 1` without cancellation.
fn expm1(z: C) -> C {
    if z.im == 0.0 {
        return C::new(z.re.exp_m1(), 0.0);
    }
    let (sin, cos) = z.im.sin_cos();
    let half = (0.5 * z.im).sin();
    C::new(z.re.exp_m1() * cos - 2.0 * half * half, z.re.exp() * sin)
}

/// `a / b`, cheap where both are real.
fn quotient(a: C, b: C) -> C {
    if a.im == 0.0 && b.im == 0.0 { C::new(a.re / b.re, 0.0) } else { a / b }
}

/// Absolute value up to a factor of at most the square root of two.
fn size(z: C) -> f64 {
    z.re.abs().max(z.im.abs())
}

/// Four nodes with their exponentials, each computed once.
struct Exponentials {
    nodes: [C; 4],
    values: [C; 4],
    t: f64,
}

impl Exponentials {
    fn new(nodes: [C; 4], t: f64) -> Self {
        let mut values = [C::new(1.0, 0.0); 4];
        for (i, node) in nodes.iter().enumerate() {
            values[i] = if i == 1 && *node == nodes[0].conj() {
                values[0].conj()
            } else if *node == C::new(0.0, 0.0) {
                C::new(1.0, 0.0)
            } else {
                exp(node * t)
            };
        }
        Self { nodes, values, t }
    }

    fn distance(&self, i: usize, j: usize) -> f64 {
        size(self.nodes[i] - self.nodes[j])
    }

    fn pair(&self, i: usize, j: usize) -> C {
        if self.distance(i, j) * self.t.abs() >= APART {
            quotient(self.values[i] - self.values[j], self.nodes[i] - self.nodes[j])
        } else {
            pair(self.nodes[i], self.nodes[j], self.t)
        }
    }

    /// By recurrence over the two nodes that are farthest apart, if they are far enough.
    fn triple(&self, [i, j, k]: [usize; 3]) -> Option<C> {
        let (ij, ik, jk) = (self.distance(i, j), self.distance(i, k), self.distance(j, k));
        let (a, b, c, distance) = if ik >= ij && ik >= jk {
            (i, j, k, ik)
        } else if ij >= jk {
            (i, k, j, ij)
        } else {
            (j, i, k, jk)
        };
        (distance * self.t.abs() >= SPREAD)
            .then(|| quotient(self.pair(b, c) - self.pair(a, b), self.nodes[c] - self.nodes[a]))
    }

    fn quadruple(&self) -> Option<C> {
        /// The six pairs of ends, each with the nodes between.
        const SPLITS: [[usize; 4]; 6] =
            [[0, 1, 2, 3], [0, 2, 1, 3], [0, 3, 1, 2], [1, 2, 0, 3], [1, 3, 0, 2], [2, 3, 0, 1]];
        let mut best = SPLITS[0];
        for split in SPLITS {
            if self.distance(split[0], split[1]) > self.distance(best[0], best[1]) {
                best = split;
            }
        }
        let [a, d, b, c] = best;
        let (low, high) = (self.triple([a, b, c])?, self.triple([b, c, d])?);
        Some(quotient(high - low, self.nodes[d] - self.nodes[a]))
    }
}

/// Taylor terms for arguments up to [`LARGEST`]: the first term left out is 0.25^15 / 15! < 1e-21.
const TERMS: u32 = 14;
const LARGEST: f64 = 0.25;

/// All leading divided differences from the exponential of the bidiagonal matrix of the nodes, whose
/// upper triangle they are (Opitz 1964; McCurdy, Ng & Parlett, Math. Comp. 43, 1984), by scaling and
/// squaring of `e^A - I`, which keeps small rates exact beside large ones.
#[expect(clippy::needless_range_loop, reason = "indices of a triangle of entries")]
fn table(nodes: [C; 4], t: f64) -> [C; 3] {
    let z = nodes.map(|x| x * t);
    let largest = z.iter().fold(0.0_f64, |m, z| m.max(size(*z)));
    let squarings = (largest / LARGEST).log2().ceil().clamp(0.0, 1100.0) as i32;
    let scale = (-f64::from(squarings)).exp2();
    let z = z.map(|z| z * scale);
    let zero = C::new(0.0, 0.0);
    let one = C::new(1.0, 0.0);
    let mut x = [[zero; 4]; 4];
    for (i, row) in x.iter_mut().enumerate() {
        row[i] = one;
    }
    for k in (1..=TERMS).rev() {
        // X <- I + A X / k, and A X in the last round; A has ones above the diagonal.
        for i in 0..4 {
            for j in i..4 {
                let below = if i < j { x[i + 1][j] } else { zero };
                x[i][j] = (z[i] * x[i][j] + below) / f64::from(k);
            }
            if k > 1 {
                x[i][i] += one;
            }
        }
    }
    // The entries above are for the scaled nodes with unit superdiagonal: each step to the right
    // brings a factor `scale`, which the squarings take back.
    for i in 0..4 {
        for j in i + 1..4 {
            x[i][j] *= scale.powi((j - i) as i32);
        }
    }
    for _ in 0..squarings {
        let e = x;
        for i in 0..4 {
            for j in i..4 {
                let product = (i..=j).map(|k| e[i][k] * e[k][j]).sum::<C>();
                x[i][j] = e[i][j] * 2.0 + product;
            }
        }
    }
    [x[0][1] * t, x[0][2] * (t * t), x[0][3] * (t * t * t)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn real(nodes: [f64; 4]) -> [C; 4] {
        nodes.map(|x| C::new(x, 0.0))
    }

    #[test]
    fn coinciding_nodes_give_derivatives() {
        // f[x, .., x] = t^k e^(x t) / k!; beside its largest value in time what has decayed is absolute.
        for (x, t) in [(0.0, 3.0), (-0.5, 2.0), (-40.0, 1.5), (0.3, -4.0)] {
            let e = f64::exp(x * t);
            let expected = [t * e, t * t / 2.0 * e, t * t * t / 6.0 * e];
            for (found, expected) in chain(real([x; 4]), t).iter().zip(expected) {
                assert!((found.re - expected).abs() <= 1e-13 * expected.abs() + 1e-17, "{x} {t}");
            }
        }
    }

    #[test]
    fn both_ways_agree_where_one_takes_over_from_the_other() {
        let nodes = [C::new(-0.3, 0.8), C::new(-0.3, -0.8), C::new(0.0, 0.0), C::new(-1.0, 0.0)];
        for t in [0.7, 1.25, 2.0, 10.0, -3.0] {
            let (direct, series) = (chain(nodes, t), table(nodes, t));
            for (a, b) in direct.iter().zip(series) {
                assert!((a - b).norm() <= 2e-14 * (b.norm() + 1.0), "{t}: {a} {b}");
            }
        }
    }

    #[test]
    fn real_nodes_keep_relative_accuracy_at_every_distance() {
        // f[-g, -g - d, 0] against its series in d, from distances of rounding size up.
        for exponent in -16..=-3 {
            let d = 10f64.powi(exponent);
            let (g, t) = (0.7_f64, 2.0_f64);
            let three = chain(real([-g, -g - d, 0.0, -5.0]), t)[1].re;
            let e = (-g * t).exp();
            let at = (1.0 - e) / g;
            let first = (at - t * e) / g;
            // d/dx of f[x, x, 0] at coinciding nodes is 2 f[x, x, x, 0]; half of it belongs to d.
            let second = (first - t * t / 2.0 * e) / g;
            assert!((three - (first - d * second)).abs() <= 1e-15 + 2.0 * d * d, "{d}");
        }
    }
}
