"""256 targets at once on the 300 x 784 tanh loop: Diffrax under vmap, one thread.

    python batch_peers.py FOLDER CASE

Prints one JSON object a line.
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

from problems import LEAK, write

jax.config.update("jax_enable_x64", True)


def solver(method, w, t_end, tol):
    """A jitted solve of all targets: the state at the end, one row per target."""
    rows, columns = w.shape

    def solve_one(delta):
        def rhs(_t, y, _args):
            r, u = y
            return -r - w.T @ u, -LEAK * u + w @ jnp.tanh(r) - delta

        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(rhs), method, 0.0, t_end, None, (jnp.zeros(columns), jnp.zeros(rows)),
            saveat=diffrax.SaveAt(t1=True), max_steps=100_000,
            stepsize_controller=diffrax.PIDController(rtol=tol, atol=tol * 1e-2),
        )
        return jnp.concatenate(solution.ys, axis=1)[0]

    return jax.jit(jax.vmap(solve_one))


def main():
    problem = np.load(write(*sys.argv[1:3]))
    w, deltas, reference = jnp.asarray(problem["w"]), jnp.asarray(problem["deltas"]), problem["reference"]
    for method in (diffrax.Tsit5(), diffrax.Dopri8()):
        for tol in (1e-5, 1e-6, 1e-7, 1e-8):
            solve = solver(method, w, float(problem["t_end"]), tol)
            solve(deltas).block_until_ready()
            times = []
            for _ in range(3):
                began = time.perf_counter()
                result = np.asarray(solve(deltas).block_until_ready())
                times.append(time.perf_counter() - began)
            row = {"tool": "diffrax vmap", "method": type(method).__name__, "tolerance": tol}
            print(json.dumps(row | {"seconds": min(times), "error": float(np.abs(result - reference).max())}), flush=True)


if __name__ == "__main__":
    main()
