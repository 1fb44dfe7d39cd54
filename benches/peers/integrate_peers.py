"""Work-precision of SciPy, Diffrax and SUNDIALS CVODE on one problem; one thread each.

    python integrate_peers.py FOLDER CASE [scipy diffrax sundials]

Prints one JSON object a line: tool, method, tolerance, seconds (best of several runs) and the
largest deviation from the reference over all save times.
"""

import json
import os
import sys
import time

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp
from sksundae.cvode import CVODE

from problems import LEAK, field, write

jax.config.update("jax_enable_x64", True)
TOLERANCES = [1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10]
BUDGET = 1.5  # seconds spent on each row


def best_time(run):
    """The result and the shortest wall time of `run` within the budget (at least 3 runs)."""
    result, best, start, runs = run(), np.inf, time.perf_counter(), 0
    while runs < 3 or (time.perf_counter() - start < BUDGET and runs < 200):
        began = time.perf_counter()
        result = run()
        best = min(best, time.perf_counter() - began)
        runs += 1
    return result, best


def scipy_rows(problem):
    rhs = field(problem["w"], problem["delta"])
    y0 = np.zeros(problem["reference"].shape[1])
    times = problem["times"]
    for method in ("RK45", "DOP853", "LSODA"):
        for tol in TOLERANCES:
            run = lambda: solve_ivp(rhs, (times[0], times[-1]), y0, method=method, rtol=tol, atol=tol * 1e-2, t_eval=times).y.T
            yield "scipy", method, tol, *best_time(run)


def diffrax_solve(solver, problem, tol):
    w, delta, times = (jnp.asarray(problem[k]) for k in ("w", "delta", "times"))
    columns = w.shape[1]

    def rhs(_t, y, _args):
        r, u = y
        return -r - w.T @ u, -LEAK * u + w @ jnp.tanh(r) - delta

    @jax.jit
    def solve(y0):
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(rhs), solver, times[0], times[-1], None, y0,
            saveat=diffrax.SaveAt(ts=times), max_steps=100_000,
            stepsize_controller=diffrax.PIDController(rtol=tol, atol=tol * 1e-2),
        )
        return jnp.concatenate(solution.ys, axis=1)

    y0 = (jnp.zeros(columns), jnp.zeros(w.shape[0]))
    return lambda: np.asarray(solve(y0).block_until_ready())


def diffrax_rows(problem):
    for solver in (diffrax.Tsit5(), diffrax.Dopri5(), diffrax.Dopri8()):
        for tol in TOLERANCES:
            run = diffrax_solve(solver, problem, tol)
            yield "diffrax", type(solver).__name__, tol, *best_time(run)


def cvode_rows(problem):
    rhs = field(problem["w"], problem["delta"])
    y0 = np.zeros(problem["reference"].shape[1])

    def fill(t, y, dy):
        dy[:] = rhs(t, y)

    for method in ("Adams", "BDF"):
        for tol in TOLERANCES:
            solver = CVODE(fill, method=method, rtol=tol, atol=tol * 1e-2, max_num_steps=100_000)
            yield "sundials", f"CVODE {method}", tol, *best_time(lambda: solver.solve(problem["times"], y0).y)


def main():
    problem = dict(np.load(write(*sys.argv[1:3])))
    wanted = sys.argv[3:] or ["scipy", "diffrax", "sundials"]
    sources = {"scipy": scipy_rows, "diffrax": diffrax_rows, "sundials": cvode_rows}
    for tool in wanted:
        for name, method, tol, result, seconds in sources[tool](problem):
            error = float(np.abs(result - problem["reference"]).max())
            print(json.dumps({"tool": name, "method": method, "tolerance": tol, "seconds": seconds, "error": error}), flush=True)


if __name__ == "__main__":
    main()
