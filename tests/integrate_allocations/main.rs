//! The stepping loop does not allocate. A binary of its own, because it replaces the allocator of
//! its process by one that counts per thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use dynamic_inversion::dynamics::VectorField;
use dynamic_inversion::integrate::{Integrator, METHODS, Options};
use nalgebra::DMatrix;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
}

// SAFETY: every call is passed on to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A ring of saturating units, `y_i' = -rate_i y_i + tanh(2 y_{i-1}) + sin t`.
struct Ring(Vec<f64>);

impl VectorField for Ring {
    fn dim(&self) -> usize {
        self.0.len()
    }

    fn eval(&self, t: f64, y: &[f64], dy: &mut [f64]) {
        let n = y.len();
        for i in 0..n {
            dy[i] = -self.0[i] * y[i] + (2.0 * y[(i + n - 1) % n]).tanh() + t.sin();
        }
    }

    fn jacobian(&self, _t: f64, y: &[f64], jac: &mut DMatrix<f64>) {
        let n = y.len();
        jac.fill(0.0);
        for i in 0..n {
            jac[(i, i)] = -self.0[i];
            let slope = 1.0 - (2.0 * y[(i + n - 1) % n]).tanh().powi(2);
            jac[(i, (i + n - 1) % n)] += 2.0 * slope;
        }
    }

    fn jvp(&self, _t: f64, y: &[f64], v: &[f64], out: &mut [f64]) {
        let n = y.len();
        for i in 0..n {
            let before = (i + n - 1) % n;
            let slope = 1.0 - (2.0 * y[before]).tanh().powi(2);
            out[i] = -self.0[i] * v[i] + 2.0 * slope * v[before];
        }
    }
}

#[test]
fn stepping_and_interpolating_allocate_nothing() {
    let field = Ring((0..20).map(|i| 1.0 + 5.0 * f64::from(i)).collect());
    let y0 = vec![0.1; 20];
    for method in METHODS {
        let options = Options { step: Some(0.01), ..Options::default() };
        let mut integrator = Integrator::new(&field, method, &options, (0.0, 100.0), &y0).unwrap();
        let mut row = y0.clone();
        let mut steps = 0;
        let mut start = 0;
        while let Some(mut step) = integrator.step().unwrap() {
            let middle = step.t0() + 0.5 * step.h();
            step.interpolate(middle, &mut row);
            steps += 1;
            // The first factorisation of an implicit method makes room for its matrices.
            if step.t1() < 10.0 {
                start = ALLOCATIONS.get();
            }
        }
        let made = ALLOCATIONS.get() - start;
        assert!(steps > 100, "{}: {steps} steps", method.name);
        assert_eq!(made, 0, "{}: {made} allocations in {steps} steps", method.name);
    }
}
