"""999 Euler steps in Numba and SciPy's expm on the loops of benches/exact.rs, per target, one thread.

Usage: exact_peers.py (needs numpy, scipy, numba; see requirements.txt)
"""

import time

import numba
import numpy as np
import scipy.linalg


def matrix(rows, columns, seed):
    i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    k = seed * 7919 + i * 104729 + j * 1299709 + i * j * 31 + 1.0
    return (k * 0.6180339887498949 % 1.0 - 0.5) * 3.4 / np.sqrt(columns)


@numba.njit(fastmath=True)
def euler(w, b, delta, leak, h, steps):
    r, u = np.zeros(w.shape[1]), np.zeros(w.shape[0])
    for _ in range(steps):
        dr = b @ u - r
        du = w @ r - leak * u - delta
        r += h * dr
        u += h * du
    return r, u


def best(f, repeats=20):
    f()
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        f()
        times.append(time.thread_time() - start)
    return min(times)


def main():
    leak = 0.01
    for m, n in [(10, 20), (100, 200)]:
        w = matrix(m, n, 1)
        b = np.ascontiguousarray(-w.T)
        delta = matrix(m, 1000, 2)[:, 0].copy()
        t = best(lambda: euler(w, b, delta, leak, 0.5, 999))
        print(f"{m}x{n} numba 999 Euler steps, one target: {t * 1e6:.1f} us")
        jacobian = np.block([[-np.eye(n), b], [w, -leak * np.eye(m)]])
        t = best(lambda: scipy.linalg.expm(jacobian * 499.5), 5)
        print(f"{m}x{n} scipy expm of the whole Jacobian, all targets: {t * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
