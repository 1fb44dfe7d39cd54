//! Evaluations are pure, complete and free of allocation; layouts tile the state.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use dynamic_inversion::dynamics::{DYNAMICS, Structure};

use crate::catalogue::{self, Instance};

/// The system allocator, counting this thread's requests.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise about `layout` is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc` above, hence from the system allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

fn bits(y: &[f64]) -> Vec<u64> {
    y.iter().map(|y| y.to_bits()).collect()
}

#[test]
fn the_same_arguments_give_the_same_bits_and_every_entry_is_written() {
    for Instance { name, dynamics } in &catalogue::all() {
        let n = dynamics.dim();
        let y = catalogue::vector(&mut catalogue::generator(9), n, 1.0);
        let other = vec![3.0; n];
        let (mut first, mut second) = (vec![f64::NAN; n], vec![f64::NAN; n]);
        dynamics.eval(0.0, &y, &mut first);
        dynamics.eval(0.0, &other, &mut second);
        second.fill(7.0);
        dynamics.eval(0.0, &y, &mut second);
        assert!(first.iter().all(|f| f.is_finite()), "{name}");
        assert_eq!(bits(&first), bits(&second), "{name}");
    }
}

#[test]
fn evaluations_do_not_allocate() {
    // An equation that is solved within every evaluation is documented to allocate.
    let allocates = |i: &Instance| i.name.contains(crate::controlled::ALGEBRAIC);
    for instance in catalogue::all().iter().filter(|i| !allocates(i)) {
        let dynamics = instance.dynamics.as_ref();
        let y = catalogue::state(instance, 0);
        let mut out = vec![0.0; y.len()];
        // Once before counting, so that the thread's scratch has its size.
        dynamics.eval(0.0, &y, &mut out);
        dynamics.jvp(0.0, &y, &y, &mut out);
        let order = dynamics.update_order();
        let count = allocations(|| {
            dynamics.eval(0.0, &y, &mut out);
            dynamics.jvp(0.0, &y, &y, &mut out);
            for range in &order {
                dynamics.eval_range(0.0, &y, range.clone(), &mut out);
            }
        });
        assert_eq!(count, 0, "{}", instance.name);
        let mut solver = dynamics.shifted_solver();
        if dynamics.structure(0.0, &y, 0) != Structure::Dense {
            solver.factor(0.0, &y, 0.1).unwrap();
            assert_eq!(allocations(|| solver.solve(&mut out)), 0, "{} solve", instance.name);
        }
    }
}

#[test]
fn parts_of_the_right_hand_side_equal_the_whole() {
    for instance in catalogue::all() {
        let dynamics = instance.dynamics.as_ref();
        let y = catalogue::state(&instance, 0);
        let mut whole = vec![0.0; y.len()];
        dynamics.eval(0.0, &y, &mut whole);
        let mut covered = vec![0; y.len()];
        for range in dynamics.update_order() {
            let mut part = vec![f64::NAN; y.len()];
            dynamics.eval_range(0.0, &y, range.clone(), &mut part);
            let error = catalogue::max_difference(&part[range.clone()], &whole[range.clone()]);
            assert!(error < 1e-14, "{}: {error:e}", instance.name);
            range.for_each(|i| covered[i] += 1);
        }
        assert!(covered.iter().all(|count| *count == 1), "{}: {covered:?}", instance.name);
        let mut middle = vec![f64::NAN; y.len()];
        dynamics.eval_range(0.0, &y, 0..y.len(), &mut middle);
        assert!(catalogue::max_difference(&middle, &whole) < 1e-14, "{}", instance.name);
    }
}

#[test]
fn blocks_tile_the_state_and_names_are_unique() {
    for Instance { name, dynamics } in &catalogue::all() {
        let layout = dynamics.layout();
        let mut end = 0;
        for (k, block) in layout.blocks().iter().enumerate() {
            assert_eq!(block.range.start, end, "{name}");
            assert_eq!(block.range.len(), block.rows * layout.columns(), "{name}");
            assert!(
                layout.blocks()[..k].iter().all(|b| b.name != block.name),
                "{name}: {}",
                block.name
            );
            end = block.range.end;
        }
        assert_eq!(end, dynamics.dim(), "{name}");
        assert_eq!(layout.dim(), dynamics.dim(), "{name}");
        assert_eq!(dynamics.columns(), layout.columns(), "{name}");
        if !name.starts_with("deep-feedback-control") {
            assert_eq!(dynamics.initial_state(), vec![0.0; end], "{name}");
        }
    }
}

#[test]
fn the_residual_is_the_norm_of_the_right_hand_side() {
    for Instance { name, dynamics } in &catalogue::all() {
        let y = catalogue::vector(&mut catalogue::generator(10), dynamics.dim(), 1.0);
        let columns = dynamics.columns();
        let observables = dynamics.observables();
        assert_eq!(observables[0].name, "residual", "{name}");
        let mut observed = vec![f64::NAN; observables.len() * columns];
        dynamics.observe(0.0, &y, &mut observed);
        assert!(observed.iter().all(|x| x.is_finite()), "{name}");
        let mut f = vec![0.0; y.len()];
        dynamics.eval(0.0, &y, &mut f);
        for (column, found) in observed[..columns].iter().enumerate() {
            let squares =
                (0..y.len()).filter(|i| dynamics.column_of(*i) == column).map(|i| f[i] * f[i]);
            let norm = squares.sum::<f64>().sqrt();
            assert!((found - norm).abs() < 1e-13 * norm, "{name}");
        }
    }
}

#[test]
fn the_registry_is_well_formed() {
    for (k, entry) in DYNAMICS.iter().enumerate() {
        assert!(entry.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", entry.name);
        assert!(!entry.summary.is_empty() && !entry.reference.is_empty(), "{}", entry.name);
        assert!(DYNAMICS[..k].iter().all(|e| e.name != entry.name), "{}", entry.name);
        let prefix = format!("{} ", entry.name);
        assert!(
            catalogue::all().iter().any(|instance| instance.name.starts_with(&prefix)),
            "{} has no instance among the tests",
            entry.name
        );
    }
}
