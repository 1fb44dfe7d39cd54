"""999 Euler steps in Numba on the linear loops of problems.py, per target, one thread.

    python exact_peers.py FOLDER CASE

Prints JSON objects: seconds per target, and the deviation of the end from the exact one. Where plain Euler
is unstable (a singular value of W above 1.41) the time is the same, since nothing overflows in 999 steps.
"""

import json
import sys
import time

import numba
import numpy as np

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


def main():
    problem = np.load(write(*sys.argv[1:3]))
    w, delta = np.ascontiguousarray(problem["w"]), problem["deltas"][0].copy()
    b, h = np.ascontiguousarray(-w.T), float(problem["t_end"]) / STEPS
    for name, method in (("Euler", euler), ("semi-implicit Euler", semi_implicit)):
        method(w, b, delta, LEAK, h, STEPS)
        best = np.inf
        for _ in range(50):
            began = time.perf_counter()
            end = method(w, b, delta, LEAK, h, STEPS)
            best = min(best, time.perf_counter() - began)
        error = float(np.abs(end - problem["reference"][0]).max())
        row = {"tool": "numba", "method": f"{STEPS} {name} steps", "tolerance": h}
        print(json.dumps(row | {"seconds": best, "error": error}), flush=True)


if __name__ == "__main__":
    main()
