"""The measured problems: tanh inversion loops with B = -W^T and leak 0.01.

    dr/dt = -r - W^T u
    du/dt = -leak u + W tanh(r) - delta

Every problem is written to an .npz file, so that all tools read the same bits.
"""

from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

#      name          n_l  n_{l-1}  t_end
LOOPS = {
    "loop-10x20": (10, 20, 100.0),
    "loop-100x200": (100, 200, 100.0),
    "loop-300x784": (300, 784, 50.0),
}
LEAK = 0.01
SAVE_POINTS = 101


def loop(name, seed=1):
    """W, delta and save times of one loop."""
    rows, columns, t_end = LOOPS[name]
    generator = np.random.default_rng(seed)
    w = generator.normal(size=(rows, columns)) / np.sqrt(columns)
    delta = 0.5 * generator.normal(size=rows)
    return w, delta, np.linspace(0.0, t_end, SAVE_POINTS)


def field(w, delta, leak=LEAK):
    """The right-hand side as plain NumPy."""
    rows, columns = w.shape
    wt = np.ascontiguousarray(w.T)

    def rhs(_t, y):
        r, u = y[:columns], y[columns:]
        return np.concatenate([-r - wt @ u, -leak * u + w @ np.tanh(r) - delta])

    return rhs


def write(name, folder):
    """Writes W, delta, save times and a reference solution to `folder/name.npz`."""
    w, delta, times = loop(name)
    path = Path(folder) / f"{name}.npz"
    if not path.exists():
        solution = solve_ivp(
            field(w, delta), (0.0, times[-1]), np.zeros(sum(w.shape)),
            method="DOP853", rtol=1e-13, atol=1e-15, t_eval=times,
        )
        np.savez(path, w=w, delta=delta, times=times, reference=solution.y.T)
    return path
