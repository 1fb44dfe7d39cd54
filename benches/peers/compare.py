"""One run of this project and its peers on the same problems: time at equal error, and ratios.

    python benches/peers/compare.py [--folder FOLDER] [--command COMMAND] [CASE ...]

Cases (all of them without): loop-10x20 loop-100x200 loop-300x784 batch-300x784 linear-10x20 linear-100x200
stiff-100x200. Problems and references are written to FOLDER once. Everything runs on one thread, one process
after the other; both sides take the shortest of several runs. Every tool is measured at several tolerances, and
the time it needs for a given error is interpolated between them on log scales.
"""

import argparse
import json
import math
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LOOPS = ["loop-10x20", "loop-100x200", "loop-300x784"]
CASES = [*LOOPS, "batch-300x784", "linear-10x20", "linear-100x200", "stiff-100x200"]
ERRORS = [1e-4, 1e-6, 1e-8]  # largest deviation over all rows and components
THREADS = ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS"]
COMMAND = "cargo bench --features diffsol --bench peers --"


def run(command):
    """The JSON objects that a command prints."""
    environment = os.environ | {name: "1" for name in THREADS}
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    rows = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    for row in rows:
        print(f"  {row['tool']:>12}  {row['method']:<48} tol {row['tolerance']:7.0e}"
              f"  {row['seconds'] * 1e3:12.4f} ms  error {row['error']:8.1e}", flush=True)
    return rows


def time_at(rows, error):
    """Seconds for `error`, interpolated between neighbouring tolerances; None out of range."""
    points = sorted((math.log(r["error"]), math.log(r["seconds"])) for r in rows if r["error"] > 0)
    wanted = math.log(error)
    for (e0, s0), (e1, s1) in zip(points, points[1:]):
        if e0 <= wanted <= e1:
            share = (wanted - e0) / (e1 - e0) if e1 > e0 else 0.0
            return math.exp(s0 + share * (s1 - s0))
    if points and wanted > points[-1][0]:
        return math.exp(points[-1][1])  # its loosest run is better than asked for
    return None


def fastest(rows, error):
    """(seconds, method) of the fastest method at `error`."""
    methods = {(r["tool"], r["method"]) for r in rows}
    times = []
    for tool, method in sorted(methods):
        seconds = time_at([r for r in rows if (r["tool"], r["method"]) == (tool, method)], error)
        if seconds is not None:
            times.append((seconds, f"{tool} {method}"))
    return min(times, default=None)


def at_equal_error(case, own, peers):
    for error in ERRORS:
        best, peer = fastest(own, error), fastest(peers, error)
        if best and peer:
            print(f"{case} error {error:.0e}: {best[1]} {best[0] * 1e3:.3f} ms, "
                  f"{peer[1]} {peer[0] * 1e3:.3f} ms, ratio {peer[0] / best[0]:.2f}")


def exact_ratios(case, own, peers):
    seconds = {row["method"]: row["seconds"] for row in own}
    exact = seconds["exact: 1000 targets at 1000 times"]
    for method, other in seconds.items():
        if "one by one" in method:
            print(f"{case}: exact {exact * 1e3:.1f} ms, {method} {other * 1e3:.0f} ms, ratio {other / exact:.0f}")
    ends = seconds["exact: ends of 1000 targets"] / 1000
    for row in peers:
        if row["tool"] == "scipy":
            print(f"{case}: exact {exact * 1e3:.1f} ms, scipy {row['method']} at {row['tolerance']:.0e}, 1000 targets "
                  f"{row['seconds'] * 1e6:.0f} ms, ratio {row['seconds'] * 1e3 / exact:.0f}")
            continue
        print(f"{case}: exact end {ends * 1e6:.2f} us per target, {row['method']} {row['seconds'] * 1e6:.1f} us, "
              f"ratio {row['seconds'] / ends:.0f}")


def stiff_ratios(case, own):
    def rows(*methods):
        return [row for row in own if row["method"] in methods]

    for error in (1e-6, 1e-8):
        auto = time_at(rows("auto"), error)
        bdf, best = time_at(rows("diffsol-bdf"), error), fastest(rows("dopri5", "implicit"), error)
        if auto and bdf and best:
            print(f"{case} error {error:.0e}: auto {auto * 1e3:.2f} ms, diffsol-bdf {bdf * 1e3:.1f} ms, "
                  f"ratio {bdf / auto:.1f}; {best[1]} {best[0] * 1e3:.2f} ms, auto takes {auto / best[0]:.2f} of it")
    for tolerance in sorted({row["tolerance"] for row in own}):
        seconds = {row["method"]: row["seconds"] for row in own if row["tolerance"] == tolerance}
        best = min(seconds["dopri5"], seconds["implicit"])
        print(f"{case} tolerance {tolerance:.0e}: auto takes {seconds['auto'] / best:.2f} of the better of dopri5 "
              f"and implicit, diffsol-bdf {seconds['diffsol-bdf'] / seconds['auto']:.1f} times as long as auto")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--folder", type=Path, default=Path("target/peers"))
    arguments.add_argument("--command", default=COMMAND, help="runs this project's half")
    arguments.add_argument("cases", nargs="*", default=CASES)
    arguments = arguments.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    scripts = {case: "integrate_peers.py" for case in LOOPS}
    scripts |= {"batch-300x784": "batch_peers.py", "linear-10x20": "exact_peers.py", "linear-100x200": "exact_peers.py"}
    ratios = []
    for case in arguments.cases:
        print(case, flush=True)
        run([sys.executable, str(HERE / "problems.py"), str(folder), case])
        peers = run([sys.executable, str(HERE / scripts[case]), str(folder), case]) if case in scripts else []
        own = run([*arguments.command.split(), str(folder), case])
        ratios.append((case, own, peers))
    print()
    for case, own, peers in ratios:
        if case.startswith("linear"):
            exact_ratios(case, own, peers)
        elif case.startswith("stiff"):
            stiff_ratios(case, own)
        else:
            at_equal_error(case, own, peers)


if __name__ == "__main__":
    main()
