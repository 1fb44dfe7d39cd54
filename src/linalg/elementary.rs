//! Elementary functions over slices.

/// `y_i = tanh(x_i)`.
pub fn tanh(x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = x.tanh();
    }
}

/// `y_i = 1 / (1 + exp(-x_i))`, without overflow at either end.
pub fn sigmoid(x: &[f64], y: &mut [f64]) {
    for (y, &x) in y.iter_mut().zip(x) {
        let e = (-x.abs()).exp();
        *y = if x >= 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
    }
}

/// `y_i = log(1 + exp(x_i))`, without overflow at either end.
pub fn softplus(x: &[f64], y: &mut [f64]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = x.max(0.0) + (-x.abs()).exp().ln_1p();
    }
}
