//! Orders of methods and of their dense output.

use dynamic_inversion::dynamics::VectorField;
use dynamic_inversion::integrate::{
    Integrator, Kind, METHODS, Method, Options, Tableau, Tolerances,
};
use nalgebra::DMatrix;

use crate::fields::{Custom, Linear};

/// `x' = x log z, z' = -z log x` with a time-dependent speed; the second component comes first in
/// the semi-implicit order.
struct Problem(Custom);

fn exact(t: f64) -> [f64; 2] {
    let angle = t + 0.25 * t * t;
    [(0.5 * angle.sin()).exp(), (0.5 * angle.cos()).exp()]
}

impl Problem {
    fn new() -> Self {
        let f = |t: f64, y: &[f64], dy: &mut [f64]| {
            let speed = 1.0 + 0.5 * t;
            dy[0] = speed * y[0] * y[1].ln();
            dy[1] = -speed * y[1] * y[0].ln();
        };
        let jacobian = |t: f64, y: &[f64], j: &mut DMatrix<f64>| {
            let (x, z) = (y[0], y[1]);
            j.copy_from_slice(&[z.ln(), -z / x, x / z, -x.ln()]);
            *j *= 1.0 + 0.5 * t;
        };
        Self(Custom::new(2, f, jacobian))
    }
}

impl VectorField for Problem {
    fn dim(&self) -> usize {
        2
    }
    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64]) {
        self.0.eval(t, y, dy);
    }
    fn jacobian(&self, t: f64, y: &[f64], jac: &mut DMatrix<f64>) {
        self.0.jacobian(t, y, jac);
    }
    fn update_order(&self) -> Vec<std::ops::Range<usize>> {
        vec![1..2, 0..1]
    }
}

/// A spiral, for the implicit method: Newton's iteration is exact on linear equations, whatever
/// the tolerance at which it stops. (Its order conditions cover nonlinear ones.)
fn spiral() -> Linear {
    Linear::rows(&[&[-0.2, 2.0], &[-2.0, -0.2]])
}

fn exact_spiral(t: f64) -> [f64; 2] {
    let radius = (-0.2 * t).exp();
    [radius * (2.0 * t).cos(), -radius * (2.0 * t).sin()]
}

type Solution = fn(f64) -> [f64; 2];

fn problem(method: &Method) -> (Box<dyn VectorField>, Solution) {
    match method.kind {
        Kind::Implicit => (Box::new(spiral()), exact_spiral),
        _ => (Box::new(Problem::new()), exact),
    }
}

/// Steps of exactly `h`: error control is switched off by loose tolerances.
fn fixed(h: f64) -> Options {
    Options {
        tolerances: Tolerances::new(1e6, 1e6),
        step: Some(h),
        initial_step: Some(h),
        max_step: Some(h),
        ..Options::default()
    }
}

fn distance(x: [f64; 2], y: &[f64]) -> f64 {
    x.iter().zip(y).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()))
}

/// Largest error at the ends of this many equal steps.
fn error_of_steps(method: &'static Method, steps: u32) -> f64 {
    let (problem, exact) = problem(method);
    // Errors of the eighth-order method reach rounding before their order settles on a short span.
    let t_end = if method.order > 5 { 5.0 } else { 2.0 };
    let options = fixed(t_end / f64::from(steps));
    let mut integrator =
        Integrator::new(&*problem, method, &options, (0.0, t_end), &exact(0.0)).unwrap();
    let mut largest = 0.0_f64;
    while let Some(step) = integrator.step().unwrap() {
        largest = largest.max(distance(exact(step.t1()), step.y1()));
    }
    assert_eq!(integrator.statistics().n_steps, u64::from(steps), "{}", method.name);
    largest
}

/// Largest error inside one step of size `h` from the exact state.
fn error_inside(method: &'static Method, h: f64) -> f64 {
    let (problem, exact) = problem(method);
    let t0 = 0.7;
    let mut integrator =
        Integrator::new(&*problem, method, &fixed(h), (t0, t0 + 2.0 * h), &exact(t0)).unwrap();
    let mut step = integrator.step().unwrap().unwrap();
    let mut y = [0.0; 2];
    let inside = (1..10).map(|k| {
        let t = t0 + h * f64::from(k) / 10.0;
        step.interpolate(t, &mut y);
        distance(exact(t), &y)
    });
    inside.fold(0.0, f64::max)
}

/// Slope of `log error` over `log h` by least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = points.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let covariance: f64 = points.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    covariance / points.iter().map(|(x, _)| (x - mx).powi(2)).sum::<f64>()
}

/// Step counts in the asymptotic range and above rounding.
fn step_counts(order: u32) -> &'static [u32] {
    match order {
        1 => &[2000, 4000, 8000, 16000],
        4 => &[80, 160, 320, 640],
        5 => &[40, 56, 80, 112, 160],
        _ => &[40, 48, 56, 64, 80],
    }
}

#[test]
fn every_method_converges_with_its_order() {
    for method in METHODS.iter().filter(|m| m.kind != Kind::Switching) {
        let counts = step_counts(method.order);
        let errors =
            counts.iter().map(|&n| ((1.0 / f64::from(n)).ln(), error_of_steps(method, n).ln()));
        let order = slope(&errors.collect::<Vec<_>>());
        println!("{}: order {order:.3}", method.name);
        let nominal = f64::from(method.order);
        assert!((order - nominal).abs() <= 0.15, "{}: measured order {order}", method.name);
    }
}

#[test]
fn dense_output_has_its_order_inside_a_step() {
    for method in METHODS.iter().filter(|m| m.kind != Kind::Switching) {
        let largest = if method.order > 5 { 0.18 } else { 0.05 };
        let sizes = (0..5).map(|k| largest * 0.8f64.powi(k));
        let errors = sizes.map(|h| (h.ln(), error_inside(method, h).ln()));
        let order = slope(&errors.collect::<Vec<_>>()) - 1.0;
        println!("{}: dense output of order {order:.3}", method.name);
        let nominal = f64::from(method.dense_order());
        assert!((order - nominal).abs() <= 0.15, "{}: measured order {order}", method.name);
    }
}

/// A rooted tree: the multiset of its branches.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Tree(Vec<Tree>);

impl Tree {
    fn size(&self) -> u32 {
        1 + self.0.iter().map(Tree::size).sum::<u32>()
    }

    /// Its density: the order condition reads `sum_i b_i phi_i = 1 / density`.
    fn density(&self) -> f64 {
        f64::from(self.size()) * self.0.iter().map(Tree::density).product::<f64>()
    }

    /// Elementary weights of all rows.
    fn weights(&self, a: &DMatrix<f64>) -> Vec<f64> {
        let mut phi = vec![1.0; a.nrows()];
        for branch in &self.0 {
            let inner = branch.weights(a);
            for (i, phi) in phi.iter_mut().enumerate() {
                *phi *= (0..a.ncols()).map(|j| a[(i, j)] * inner[j]).sum::<f64>();
            }
        }
        phi
    }
}

/// All rooted trees with `size` vertices.
fn trees(size: u32) -> Vec<Tree> {
    fn forests(size: u32, largest: Option<&Tree>, pool: &[Tree]) -> Vec<Vec<Tree>> {
        if size == 0 {
            return vec![Vec::new()];
        }
        let mut all = Vec::new();
        for tree in pool {
            if tree.size() <= size && largest.is_none_or(|largest| tree <= largest) {
                for mut rest in forests(size - tree.size(), Some(tree), pool) {
                    rest.insert(0, tree.clone());
                    all.push(rest);
                }
            }
        }
        all
    }
    let mut pool = Vec::new();
    let mut found = vec![Tree(Vec::new())];
    for n in 2..=size {
        pool.append(&mut found);
        found = forests(n - 1, None, &pool).into_iter().map(Tree).collect();
    }
    found
}

fn matrix(tableau: &Tableau) -> DMatrix<f64> {
    let rows = tableau.rows();
    DMatrix::from_fn(rows, rows, |i, j| tableau.a[i].get(j).copied().unwrap_or(0.0))
}

/// Largest violation of the conditions up to `order` by `weight(theta)`.
fn violation(a: &DMatrix<f64>, weights: &[f64], theta: f64, order: u32) -> f64 {
    let mut worst = 0.0_f64;
    for size in 1..=order {
        for tree in trees(size) {
            let phi = tree.weights(a);
            let sum: f64 = weights.iter().zip(&phi).map(|(b, phi)| b * phi).sum();
            let exponent = i32::try_from(size).unwrap();
            worst = worst.max((sum - theta.powi(exponent) / tree.density()).abs());
        }
    }
    worst
}

#[test]
fn there_are_as_many_trees_as_there_should_be() {
    let counts: Vec<usize> = (1..=8).map(|n| trees(n).len()).collect();
    assert_eq!(counts, [1, 1, 2, 4, 9, 20, 48, 115]);
}

#[test]
fn coefficients_satisfy_the_order_conditions_and_no_more() {
    for method in METHODS {
        let Some(tableau) = method.tableau() else { continue };
        let a = matrix(tableau);
        for (i, row) in a.row_iter().enumerate() {
            assert!((row.sum() - tableau.c[i]).abs() < 1e-14, "{} row {i}", method.name);
        }
        let reached = violation(&a, tableau.b, 1.0, method.order);
        let beyond = violation(&a, tableau.b, 1.0, method.order + 1);
        assert!(reached < 2e-14, "{}: {reached:e}", method.name);
        assert!(beyond > 1e-7, "{}: order is higher than {}", method.name, method.order);
    }
}

#[test]
fn continuous_extensions_satisfy_the_order_conditions_inside_the_step() {
    for method in METHODS {
        let Some(tableau) = method.tableau() else { continue };
        let a = matrix(tableau);
        let mut weights = vec![0.0; tableau.rows()];
        for theta in [0.0, 0.13, 0.5, 0.77, 1.0] {
            (tableau.weights)(theta, &mut weights);
            let reached = violation(&a, &weights, theta, tableau.dense_order);
            assert!(reached < 1e-12, "{} at {theta}: {reached:e}", method.name);
        }
        (tableau.weights)(1.0, &mut weights);
        for (w, b) in weights.iter().zip(tableau.b) {
            assert!((w - b).abs() < 1e-14, "{}: not continuous at the end", method.name);
        }
        (tableau.weights)(0.6, &mut weights);
        let beyond = violation(&a, &weights, 0.6, tableau.dense_order + 1);
        assert!(beyond > 1e-9, "{}: dense output is better than stated", method.name);
    }
}
