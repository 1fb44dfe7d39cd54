"""Stability map, full spectrum and Lyapunov equation: this project against NumPy, SciPy and python-control.

Runs both sides in turn on the same matrices with the same number of threads and prints one JSON object
a line: case, seconds on either side, ratio (above 1: this project is faster). The full spectra of a map
are timed on a few of its 4096 points and multiplied. Arguments name the cases; all of them without.

    python benches/peers/stability_peers.py [--threads N] [map-10x1000 spectrum-1300 lyapunov-300]
"""

import argparse
import json
import os
import subprocess
import time

CASES = ["map-10x1000", "spectrum-1300", "lyapunov-300"]
arguments = argparse.ArgumentParser()
arguments.add_argument("--threads", default="1")
arguments.add_argument("--command", default="cargo bench --features diffsol --bench stability --")
arguments.add_argument("cases", nargs="*", default=CASES)
arguments = arguments.parse_args()
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[name] = arguments.threads

import numpy as np
from scipy.linalg import solve_continuous_lyapunov

try:
    import control
except ImportError:
    control = None


def matrix(rows, columns, seed):
    """The matrix that benches/stability.rs works on."""
    z = (np.uint64(seed) << np.uint64(32)) + np.arange(rows * columns, dtype=np.uint64)
    z = z * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(11)) / 2.0**52 - 1.0).reshape(rows, columns)


def best(run, runs):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def map_seconds():
    w, b = matrix(10, 1000, 1) / 1000**0.5, matrix(1000, 10, 2) / 1000**0.5
    points = [(leak, gain) for leak in (0.0, 1.0) for gain in (1.0,)]

    def sample():
        for leak, gain in points:
            jacobian = np.block([[-np.eye(1000), gain * b], [w, -leak * np.eye(10)]])
            np.linalg.eigvals(jacobian).real.max()

    yield "numpy.linalg.eigvals", best(sample, 1) / len(points) * 64 * 64


def spectrum_seconds():
    a = matrix(1300, 1300, 3) / 1300**0.5
    yield "numpy.linalg.eigvals", best(lambda: np.linalg.eigvals(a), 2)


def lyapunov_seconds():
    a, q = matrix(300, 300, 4) / 300**0.5 - np.eye(300), np.eye(300)
    yield "scipy.linalg.solve_continuous_lyapunov", best(lambda: solve_continuous_lyapunov(a, -q), 5)
    if control is not None:
        yield "control.lyap", best(lambda: control.lyap(a, q), 3)


PEERS = dict(zip(CASES, (map_seconds, spectrum_seconds, lyapunov_seconds)))

for case in arguments.cases:
    own = subprocess.run([*arguments.command.split(), case], check=True, capture_output=True, text=True)
    seconds = json.loads(own.stdout.strip().splitlines()[-1])["seconds"]
    for peer, peer_seconds in PEERS[case]():
        row = {"case": case, "threads": arguments.threads, "seconds": seconds, "peer": peer}
        print(json.dumps(row | {"peer_seconds": peer_seconds, "ratio": peer_seconds / seconds}), flush=True)
