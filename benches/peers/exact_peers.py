"""999 Euler steps in Numba and 1000 rows of SciPy on the linear loops of problems.py, per target, one thread.

    python exact_peers.py FOLDER CASE

Prints JSON objects: seconds per target, and the deviation of the end from the exact one. Where plain Euler
is unstable (a singular value of W above 1.41) the time is the same, since nothing overflows in 999 steps.
"""

import json
import sys
import time

import numba
import numpy as np
from scipy.integrate import solve_ivp

from problems import LEAK, write

STEPS = 999


@numba.njit(fastmath=True)
def euler(w, b, delta, leak, h, steps):
    r, u = np.zeros(w.shape[1]), np.zeros(w.shape[0])
    for _ in range(steps):
        dr = b @ u - r
        du = w @ r - leak * u - delta
        r += h * dr
        u += h * du
    return r


@numba.njit(fastmath=True)
def semi_implicit(w, b, delta, leak, h, steps):
    r, u = np.zeros(w.shape[1]), np.zeros(w.shape[0])
    for _ in range(steps):
        u += h * (w @ r - leak * u - delta)
        r += h * (b @ u - r)
    return r


def integrate(w, b, delta, leak, t_end, rtol):
    """1000 rows of SciPy's DOP853, the last one returned."""
    rows, columns = w.shape

    def rhs(_t, y):
        r, u = y[:columns], y[columns:]
        return np.concatenate([b @ u - r, w @ r - leak * u - delta])

    times = np.linspace(0.0, t_end, 1000)
    start = np.zeros(rows + columns)
    solution = solve_ivp(rhs, (0.0, t_end), start, method="DOP853", rtol=rtol, atol=rtol * 1e-2, t_eval=times)
    return solution.y[:columns, -1]


def best(run, repeats):
    result, shortest = run(), np.inf
    for _ in range(repeats):
        began = time.perf_counter()
        result = run()
        shortest = min(shortest, time.perf_counter() - began)
    return result, shortest


def main():
    problem = np.load(write(*sys.argv[1:3]))
    w, delta = np.ascontiguousarray(problem["w"]), problem["deltas"][0].copy()
    b, h = np.ascontiguousarray(-w.T), float(problem["t_end"]) / STEPS
    t_end, reference = float(problem["t_end"]), problem["reference"][0]

    def report(tool, method, tolerance, end, seconds):
        row = {"tool": tool, "method": method, "tolerance": tolerance, "seconds": seconds}
        print(json.dumps(row | {"error": float(np.abs(end - reference).max())}), flush=True)

    for name, method in (("Euler", euler), ("semi-implicit Euler", semi_implicit)):
        end, seconds = best(lambda: method(w, b, delta, LEAK, h, STEPS), 50)
        report("numba", f"{STEPS} {name} steps", h, end, seconds)
    for rtol in (1e-6, 1e-12):
        end, seconds = best(lambda: integrate(w, b, delta, LEAK, t_end, rtol), 3)
        report("scipy", "DOP853 at 1000 times", rtol, end, seconds)


if __name__ == "__main__":
    main()
