//! Claim 5: predictive coding on a linear network.

use std::sync::Arc;

use nalgebra::{DMatrix, DVector};

use crate::dynamics::PredictiveCoding;
use crate::integrate::{DOP853, SaveAt, Solver};
use crate::linalg::eigen::eigenvalues;
use crate::linalg::expm::expm;
use crate::linalg::lu::Lu;
use crate::network::{Activation, Forward, Layer, Network, Output};
use crate::theory::check::{Check, Instances, Measurement, Obstacle, Sample, Tolerance};
use crate::theory::draw::Draw;
use crate::theory::measure::{simulate, solve_error};
use crate::theory::model_text::ModelText;

/// The claim.
pub const CHECK: Check = Check {
    id: "predictive-coding",
    claim: "linear predictive coding with a clamped output settles at the minimum-norm errors",
    equation: r"\epsilon = J^T (J J^T)^{-1} d, \quad z_l' = - \epsilon_l + W_{l+1}^T \epsilon_{l+1}, \quad \epsilon_l = z_l - W_l z_{l-1}",
    source: "docs/theory.md, claim 5; Whittington & Bogacz 2017, Neural Computation 29",
    method: "random linear networks of two to four layers, integrated to rest with the output held \
             at a target: prediction errors of all layers",
    instances: Instances { usual: 200, thorough: 4000 },
    measure: |draw| measure(draw, minimum_norm),
    model: |draw| {
        let case = Case::draw(draw);
        let model = ModelText::new(CHECK.id)
            .linear_network(&case.weights.iter().collect::<Vec<_>>())
            .section("dynamics.predictive-coding", &["tau_state = 1.0".to_owned()])
            .output(case.target.as_slice(), case.input.as_slice());
        Ok(model.run("dop853", "rtol = 1e-9\natol = 1e-11", 100.0, 101))
    },
};

/// The errors of all layers from `J = [J_1 .. J_L]` and `d`, with the reciprocal condition number.
pub type Formula = fn(&DMatrix<f64>, &DVector<f64>) -> Result<(DVector<f64>, f64), Obstacle>;

/// The formula under test.
///
/// # Errors
/// When `J J^T` is singular.
pub fn minimum_norm(j: &DMatrix<f64>, d: &DVector<f64>) -> Result<(DVector<f64>, f64), Obstacle> {
    let lu = Lu::new(&(j * j.transpose()))?;
    Ok((j.transpose() * lu.solve(d), lu.rcond()))
}

struct Case {
    weights: Vec<DMatrix<f64>>,
    input: DVector<f64>,
    target: DVector<f64>,
}

impl Case {
    fn draw(draw: &mut Draw) -> Self {
        let depth = draw.integer(2, 4);
        let sizes: Vec<usize> = (0..=depth).map(|_| draw.units(6, 14)).collect();
        let weights = (0..depth).map(|l| draw.weights(sizes[l + 1], sizes[l])).collect();
        Self { weights, input: draw.vector(sizes[0], 1.0), target: draw.vector(sizes[depth], 1.0) }
    }

    /// Prediction errors as an affine function `E z + c` of the hidden activities, all layers.
    fn errors(&self) -> (DMatrix<f64>, DVector<f64>) {
        let units: usize = self.weights.iter().map(DMatrix::nrows).sum();
        let hidden = units - self.target.len();
        let (mut e, mut c) = (DMatrix::zeros(units, hidden), DVector::zeros(units));
        let (mut row, mut below) = (0, 0);
        for (l, w) in self.weights.iter().enumerate() {
            let n = w.nrows();
            if row < hidden {
                e.view_mut((row, row), (n, n)).fill_with_identity();
            } else {
                c.rows_mut(row, n).copy_from(&self.target);
            }
            if l == 0 {
                let mut part = c.rows_mut(row, n);
                part -= w * &self.input;
            } else {
                e.view_mut((row, below), w.shape()).copy_from(&-w);
                below += w.ncols();
            }
            row += n;
        }
        (e, c)
    }

    /// `z' = A z + b`: the negative gradient of half the sum of squared errors.
    fn equation(&self) -> (DMatrix<f64>, DVector<f64>) {
        let (e, c) = self.errors();
        (-(e.transpose() * &e), -(e.transpose() * c))
    }

    /// The network itself, relaxing towards the target.
    fn dynamics(&self) -> Result<PredictiveCoding, Obstacle> {
        let layer = |w: &DMatrix<f64>| Layer {
            weights: w.clone(),
            biases: DVector::zeros(w.nrows()),
            activation: Activation::Linear,
        };
        let network = Network::new(self.weights.iter().map(layer).collect(), Output::Linear)?;
        let mut pass = Forward::new(&network, 1);
        network.forward(self.input.as_slice(), &mut pass)?;
        let target = DMatrix::from_column_slice(self.target.len(), 1, self.target.as_slice());
        Ok(PredictiveCoding::new(Arc::new(network), &pass, target, 1.0)?)
    }

    /// `[J_1 .. J_L]`, slopes of the output on the layers' activities.
    fn jacobian(&self) -> DMatrix<f64> {
        let outputs = self.target.len();
        let mut blocks = vec![DMatrix::identity(outputs, outputs)];
        for w in self.weights.iter().skip(1).rev() {
            let next = &blocks[blocks.len() - 1] * w;
            blocks.push(next);
        }
        let units: usize = blocks.iter().map(DMatrix::ncols).sum();
        let mut j = DMatrix::zeros(outputs, units);
        let mut at = 0;
        for block in blocks.iter().rev() {
            j.view_mut((0, at), block.shape()).copy_from(block);
            at += block.ncols();
        }
        j
    }
}

/// Draws an instance and measures it.
///
/// # Errors
/// When the integration fails.
pub fn measure(draw: &mut Draw, formula: Formula) -> Result<Sample, Obstacle> {
    let case = Case::draw(draw);
    let output = case.weights.iter().fold(case.input.clone(), |h, w| w * h);
    let d = &case.target - output;
    let (predicted, rcond) = formula(&case.jacobian(), &d)?;
    let (a, b) = case.equation();
    let (e, c) = case.errors();
    let lu = Lu::new(&a)?;
    let rest = lu.solve(&-&b);
    let size = e.norm() * rest.norm() + c.norm();
    let rounding = solve_error(e.nrows(), lu.rcond().min(rcond), size);

    let t_end = 30.0 / -eigenvalues(&a)?.abscissa();
    let dynamics = case.dynamics()?;
    let zero = vec![0.0; a.nrows()];
    let run = simulate(&dynamics, Solver::Stepping(&DOP853), &zero, t_end, SaveAt::End)?;
    let end = DVector::from_column_slice(&run.outcome.y);
    let left = expm(&(&a * t_end))?.norm() * rest.norm();
    let why = "2 x (difference to tolerances 100 times tighter + one local tolerance) and what has not decayed, through E";
    let tolerance = e.norm() * (2.0 * run.error + left) + rounding;
    Ok(vec![
        Measurement::vectors(
            "rest",
            predicted.as_slice(),
            (&e * rest + &c).as_slice(),
            Tolerance::rounding(rounding, "8 n eps cond (|E| |z| + |c|)"),
        ),
        Measurement::vectors(
            "integrated",
            predicted.as_slice(),
            (&e * end + &c).as_slice(),
            Tolerance::solver(tolerance, why),
        ),
    ]
    .into())
}
