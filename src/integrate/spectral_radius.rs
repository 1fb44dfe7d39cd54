//! The spectral radius of the Jacobian, for steps bounded by stability.

use super::scheme::Env;

/// Power iteration that starts each estimate where the last one ended.
pub(crate) struct SpectralRadius {
    direction: Vec<f64>,
    image: Vec<f64>,
}

/// Products per estimate.
const ITERATIONS: u32 = 6;

impl SpectralRadius {
    pub(crate) fn new(n: usize) -> Self {
        let mut direction = vec![0.0; n];
        spread(&mut direction);
        Self { direction, image: vec![0.0; n] }
    }

    /// Estimates the spectral radius at `(t, y)`. The geometric mean over the iterations smooths
    /// the ups and downs of complex pairs; every product counts as an evaluation.
    pub(crate) fn estimate(&mut self, env: &mut Env<'_>, t: f64, y: &[f64]) -> f64 {
        let mut log_growth = 0.0;
        for _ in 0..ITERATIONS {
            env.field.jvp(t, y, &self.direction, &mut self.image);
            env.statistics.n_rhs += 1;
            let growth = norm(&self.image) / norm(&self.direction);
            if !(growth > 0.0 && growth.is_finite()) {
                spread(&mut self.direction);
                return 0.0;
            }
            log_growth += growth.ln();
            let scale = norm(&self.image).recip();
            for (direction, image) in self.direction.iter_mut().zip(&self.image) {
                *direction = scale * image;
            }
        }
        (log_growth / f64::from(ITERATIONS)).exp()
    }
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// A fixed vector that is not orthogonal to anything in particular.
fn spread(v: &mut [f64]) {
    for (i, v) in v.iter_mut().enumerate() {
        *v = ((i + 1) as f64 * 0.618_033_988_749_895).fract() - 0.499;
    }
}
