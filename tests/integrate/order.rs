//! Orders of methods and of their dense output.

use dynamic_inversion::dynamics::VectorField;
use dynamic_inversion::integrate::{
    Integrator, Kind, METHODS, Method, Options, Tableau, Tolerances,
};
use nalgebra::DMatrix;

use crate::fields::Custom;

/// Non-autonomous and nonlinear, with solution `x = (1 + t) cos t, z = sin(t) / (1 + t)`; the
/// controller-like second component comes first in the semi-implicit order.
struct Problem(Custom);

fn exact(t: f64) -> [f64; 2] {
    [(1.0 + t) * t.cos(), t.sin() / (1.0 + t)]
}

impl Problem {
    fn new() -> Self {
        let f = |t: f64, y: &[f64], dy: &mut [f64]| {
            let [x, z] = exact(t);
            let (s, c) = t.sin_cos();
            dy[0] = c - (1.0 + t) * s + (y[1] - z) + (y[0] * y[1] - x * z);
            dy[1] = c / (1.0 + t) - s / (1.0 + t).powi(2) - (y[0] - x) - (y[1] * y[1] - z * z);
        };
        let jacobian = |_: f64, y: &[f64], j: &mut DMatrix<f64>| {
            j.copy_from_slice(&[y[1], -1.0, 1.0 + y[0], -2.0 * y[1]]);
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

/// Errors at the end and, inside steps, the largest at five points per step.
fn errors(method: &'static Method, steps: u32) -> (f64, f64) {
    let problem = Problem::new();
    let t_end = 2.0;
    let options = fixed(t_end / f64::from(steps));
    let mut integrator =
        Integrator::new(&problem, method, &options, (0.0, t_end), &exact(0.0)).unwrap();
    let mut inside = 0.0_f64;
    let mut y = [0.0; 2];
    let distance =
        |t: f64, y: &[f64]| exact(t).iter().zip(y).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
    while let Some(mut step) = integrator.step().unwrap() {
        for k in 1..=5 {
            let t = step.t0() + step.h() * f64::from(k) / 6.0;
            step.interpolate(t, &mut y);
            inside = inside.max(distance(t, &y));
        }
    }
    assert_eq!(integrator.statistics().n_steps, u64::from(steps), "{}", method.name);
    (distance(t_end, integrator.state()), inside)
}

/// Slope of `log error` over `log h` by least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = points.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let covariance: f64 = points.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    covariance / points.iter().map(|(x, _)| (x - mx).powi(2)).sum::<f64>()
}

fn measured_orders(method: &'static Method, steps: &[u32]) -> (f64, f64) {
    let mut end = Vec::new();
    let mut inside = Vec::new();
    for &n in steps {
        let (e, i) = errors(method, n);
        let x = (1.0 / f64::from(n)).ln();
        end.push((x, e.ln()));
        inside.push((x, i.ln()));
    }
    (slope(&end), slope(&inside))
}

/// Step counts in the asymptotic range and above rounding.
fn step_counts(order: u32) -> &'static [u32] {
    match order {
        1 => &[2000, 4000, 8000, 16000],
        4 => &[80, 160, 320, 640],
        5 => &[40, 80, 160, 320],
        _ => &[8, 12, 16, 24, 32],
    }
}

#[test]
fn every_method_converges_with_its_order() {
    for method in METHODS.iter().filter(|m| m.kind != Kind::Switching) {
        let (end, inside) = measured_orders(method, step_counts(method.order));
        let dense = method.dense_order();
        println!("{}: order {end:.3}, dense output {inside:.3} (nominal {dense})", method.name);
        let nominal = f64::from(method.order);
        assert!((end - nominal).abs() <= 0.15, "{}: measured order {end}", method.name);
        // Errors inside steps are the larger of the method's and the extension's, locally one
        // order higher: the measured order is at least the smaller one.
        let least = nominal.min(f64::from(dense) + 1.0);
        assert!((inside - least).abs() <= 0.3, "{}: dense output {inside}", method.name);
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
