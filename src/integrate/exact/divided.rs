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

/// The divided differences of `e^(x t)` at the first two, the first three and all four nodes.
pub(super) fn chain(nodes: [C; 4], t: f64) -> [C; 3] {
    let [a, b, c, d] = nodes;
    let pair_value = pair(a, b, t);
    match (triple([a, b, c], t), quadruple(nodes, t)) {
        (Some(three), Some(four)) => [pair_value, three, four],
        (three, _) => {
            let table = table([a, b, c, d], t);
            [pair_value, three.unwrap_or(table[1]), table[2]]
        }
    }
}

/// `f[a, b] = (e^(a t) - e^(b t)) / (a - b)`, its limit where `a = b`.
pub(super) fn pair(a: C, b: C, t: f64) -> C {
    // The larger exponential stands outside, so nothing overflows that need not.
    let (large, small) = if (a.re - b.re) * t >= 0.0 { (a, b) } else { (b, a) };
    let z = (small - large) * t;
    let slope = if z == C::new(0.0, 0.0) { C::new(1.0, 0.0) } else { expm1(z) / z };
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

/// Order of three nodes with the two farthest apart at the ends, and their distance.
fn spread(x: [C; 3]) -> ([C; 3], f64) {
    let [a, b, c] = x;
    let (ab, ac, bc) = (size(a - b), size(a - c), size(b - c));
    if ac >= ab && ac >= bc {
        ([a, b, c], ac)
    } else if ab >= bc {
        ([a, c, b], ab)
    } else {
        ([b, a, c], bc)
    }
}

/// Absolute value up to a factor of at most the square root of two.
fn size(z: C) -> f64 {
    z.re.abs().max(z.im.abs())
}

fn triple(x: [C; 3], t: f64) -> Option<C> {
    let ([a, b, c], distance) = spread(x);
    (distance * t.abs() >= SPREAD).then(|| (pair(b, c, t) - pair(a, b, t)) / (c - a))
}

fn quadruple(x: [C; 4], t: f64) -> Option<C> {
    let mut ends = (0, 1);
    for i in 0..4 {
        for j in i + 1..4 {
            if size(x[i] - x[j]) > size(x[ends.0] - x[ends.1]) {
                ends = (i, j);
            }
        }
    }
    let mut middle = (0..4).filter(|i| *i != ends.0 && *i != ends.1).map(|i| x[i]);
    let (b, c) = (middle.next()?, middle.next()?);
    let (a, d) = (x[ends.0], x[ends.1]);
    Some((triple([b, c, d], t)? - triple([a, b, c], t)?) / (d - a))
}

/// Taylor terms for arguments up to [`LARGEST`]: the first term left out is 0.25^15 / 15! < 1e-21.
const TERMS: u32 = 14;
const LARGEST: f64 = 0.25;

/// All leading divided differences from the exponential of the bidiagonal matrix of the nodes, whose
/// upper triangle they are (Opitz 1964; McCurdy, Ng & Parlett, Math. Comp. 43, 1984), by scaling and
/// squaring of `e^A - I`, which keeps small rates exact beside large ones.
#[allow(clippy::needless_range_loop)] // the indices are those of the matrix entries
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
        // f[x, .., x] = t^k e^(x t) / k!
        for (x, t) in [(0.0, 3.0), (-0.5, 2.0), (-40.0, 1.5), (0.3, -4.0)] {
            let e = f64::exp(x * t);
            let expected = [t * e, t * t / 2.0 * e, t * t * t / 6.0 * e];
            for (found, expected) in chain(real([x; 4]), t).iter().zip(expected) {
                assert!((found.re - expected).abs() <= 1e-13 * expected.abs(), "{x} {t}");
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
