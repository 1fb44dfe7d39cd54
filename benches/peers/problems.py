"""The measured problems: inversion loops with B = -W^T and leak 0.01, from rest.

    dr/dt = -r - W^T u
    du/dt = -leak u + W g(r) - delta          g = tanh (loop-*, batch-*) or the identity (linear-*)

    python problems.py FOLDER CASE

Every problem is written to an .npz file, so that all tools read the same bits.
"""

import sys
from pathlib import Path

import numpy as np
import scipy.linalg
from scipy.integrate import solve_ivp

#      name          n_l  n_{l-1}  t_end
LOOPS = {
    "loop-10x20": (10, 20, 100.0),
    "loop-100x200": (100, 200, 100.0),
    "loop-300x784": (300, 784, 50.0),
}
LINEAR = {"linear-10x20": (10, 20), "linear-100x200": (100, 200)}
LEAK = 0.01
SAVE_POINTS = 101
TARGETS = {"batch": 256, "linear": 1000}
BATCH_END = 20.0
LINEAR_END = 499.5  # 999 Euler steps of 0.5


def weights(rows, columns, seed=1):
    """W with entries of variance 1 / columns, and the generator after drawing it."""
    generator = np.random.default_rng(seed)
    return generator.normal(size=(rows, columns)) / np.sqrt(columns), generator


def loop(name):
    """W, delta and save times of one loop."""
    rows, columns, t_end = LOOPS[name]
    w, generator = weights(rows, columns)
    delta = 0.5 * generator.normal(size=rows)
    return w, delta, np.linspace(0.0, t_end, SAVE_POINTS)


def targets(rows, count):
    """Many targets, one per row."""
    return 0.5 * np.random.default_rng(2).normal(size=(count, rows))


def field(w, delta, leak=LEAK):
    """The right-hand side as plain NumPy."""
    rows, columns = w.shape
    wt = np.ascontiguousarray(w.T)

    def rhs(_t, y):
        r, u = y[:columns], y[columns:]
        return np.concatenate([-r - wt @ u, -leak * u + w @ np.tanh(r) - delta])

    return rhs


def reference(w, delta, times):
    """DOP853 of SciPy at rtol 1e-13, one row per time."""
    start = np.zeros(sum(w.shape))
    span = (times[0], times[-1])
    return solve_ivp(field(w, delta), span, start, method="DOP853", rtol=1e-13, atol=1e-15, t_eval=times).y.T


def batch_reference(w, deltas, t_end):
    """The same for all targets together: the states at the end, one row per target."""
    (rows, columns), count = w.shape, len(deltas)

    def rhs(_t, y):
        y = y.reshape(rows + columns, count)
        r, u = y[:columns], y[columns:]
        return np.concatenate([-r - w.T @ u, -LEAK * u + w @ np.tanh(r) - deltas.T]).ravel()

    start = np.zeros((rows + columns) * count)
    solution = solve_ivp(rhs, (0.0, t_end), start, method="DOP853", rtol=1e-13, atol=1e-15, t_eval=[t_end])
    return solution.y[:, -1].reshape(rows + columns, count).T


def arrays(name):
    if name in LOOPS:
        w, delta, times = loop(name)
        return {"w": w, "delta": delta, "times": times, "reference": reference(w, delta, times)}
    if name in LINEAR:
        w, _ = weights(*LINEAR[name])
        deltas = targets(w.shape[0], TARGETS["linear"])
        rows, columns = w.shape
        jacobian = np.block([[-np.eye(columns), -w.T], [w, -LEAK * np.eye(rows)]])
        drive = np.concatenate([np.zeros((columns, len(deltas))), -deltas.T])
        rest = -np.linalg.solve(jacobian, drive)
        ends = rest - scipy.linalg.expm(jacobian * LINEAR_END) @ rest
        return {"w": w, "deltas": deltas, "t_end": LINEAR_END, "reference": ends[:columns].T}
    if name == "batch-300x784":
        w, _, _ = loop("loop-300x784")
        deltas = targets(w.shape[0], TARGETS["batch"])
        return {"w": w, "deltas": deltas, "t_end": BATCH_END, "reference": batch_reference(w, deltas, BATCH_END)}
    return arrays("loop-100x200") if name == "stiff-100x200" else sys.exit(f"no problem is called {name}")


def write(folder, name):
    """Writes `folder/name.npz` unless it is there."""
    path = Path(folder) / f"{'loop-100x200' if name == 'stiff-100x200' else name}.npz"
    if not path.exists():
        np.savez(path, **arrays(name))
    return path


if __name__ == "__main__":
    write(*sys.argv[1:3])
