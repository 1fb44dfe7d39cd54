"""256 targets at once on the 300 x 784 tanh loop: Diffrax under vmap, one thread.

    python batch_peers.py FOLDER

writes FOLDER/batch-300x784.npz (w, deltas, t_end, reference) once and prints one JSON object a line.
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

from problems import LEAK, loop

jax.config.update("jax_enable_x64", True)
TARGETS, T_END = 256, 20.0


def solver(method, w, tol):
    """A jitted solve of all targets: the state at the end, one row per target."""
    rows, columns = w.shape

    def solve_one(delta):
        def rhs(_t, y, _args):
            r, u = y
            return -r - w.T @ u, -LEAK * u + w @ jnp.tanh(r) - delta

        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(rhs), method, 0.0, T_END, None, (jnp.zeros(columns), jnp.zeros(rows)),
            saveat=diffrax.SaveAt(t1=True), max_steps=100_000,
            stepsize_controller=diffrax.PIDController(rtol=tol, atol=tol * 1e-2),
        )
        return jnp.concatenate(solution.ys, axis=1)[0]

    return jax.jit(jax.vmap(solve_one))


def main():
    path = Path(sys.argv[1]) / "batch-300x784.npz"
    w, _, _ = loop("loop-300x784")
    deltas = 0.5 * np.random.default_rng(2).normal(size=(TARGETS, w.shape[0]))
    w, deltas_jax = jnp.asarray(w), jnp.asarray(deltas)
    if not path.exists():
        reference = np.asarray(solver(diffrax.Dopri8(), w, 1e-12)(deltas_jax))
        np.savez(path, w=np.asarray(w), deltas=deltas, t_end=T_END, reference=reference)
    reference = np.load(path)["reference"]
    for method in (diffrax.Tsit5(), diffrax.Dopri8()):
        for tol in (1e-6, 1e-8):
            solve = solver(method, w, tol)
            solve(deltas_jax).block_until_ready()
            times = []
            for _ in range(3):
                began = time.perf_counter()
                result = np.asarray(solve(deltas_jax).block_until_ready())
                times.append(time.perf_counter() - began)
            row = {"tool": "diffrax vmap", "method": type(method).__name__, "tolerance": tol}
            print(json.dumps(row | {"seconds": min(times), "error": float(np.abs(result - reference).max())}), flush=True)


if __name__ == "__main__":
    main()
