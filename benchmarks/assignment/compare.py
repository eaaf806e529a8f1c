"""Our assignment solver beside SciPy's, on the same gains in one run: prints a table of seconds.

usage: python compare.py [--rounds 7] [--sizes 512,1024,2048] [--large 4096,8192] [--out results.md]

The Python that runs it needs numpy and SciPy. Each figure is the best of all rounds, since on a shared machine the best
round is the least disturbed. Large problems are solved once, and of those of low rank, which take SciPy minutes, ours only.
"""
import pathlib
import sys
import tempfile
import time

import numpy as np
import scipy
from scipy.optimize import linear_sum_assignment

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness


def gains(kind, n, r):
    g = r.standard_normal((n, n))
    if kind == "aligned":  # a planted permutation stands out
        g[np.arange(n), r.permutation(n)] += np.sqrt(n)
    if kind == "integers to 1000":
        g = r.integers(0, 1000, (n, n)).astype(float)
    if kind == "integers to 3":
        g = r.integers(0, 3, (n, n)).astype(float)
    if kind == "low-rank positive":  # products of ReLU features
        g = np.abs(r.standard_normal((n, 64))) @ np.abs(r.standard_normal((n, 64))).T
    return np.ascontiguousarray(g)


def race(binary, path, n, kind, rounds, field=("SciPy", "ours")):
    """Best seconds of SciPy, of ours, and of ours from the prices of its last answer: wall, and processor time."""
    g = gains(kind, n, np.random.default_rng(n))
    g.tofile(path)
    times = {"SciPy": [], "cold": [], "warm": []}
    for _, who in harness.turns(rounds, field):
        if who == "SciPy":
            cpu = time.process_time()
            seconds, (rows, cols) = harness.timed(lambda: linear_sum_assignment(g, maximize=True))
            times["SciPy"].append((seconds, time.process_time() - cpu))
            continue
        ours, = harness.reports(binary, path, str(n), "1")
        times["cold"] += ours["Cold"]
        times["warm"] += ours["Warm"]
    if times["SciPy"]:
        a, b = g[rows, cols].sum(), g[rows, ours["Answer"]].sum()
        if abs(a - b) > 1e-10 * abs(a):
            sys.exit(f"{kind}, n = {n}: SciPy reaches {a}, ours {b}")
    return {who: [min(column) for column in zip(*t)] for who, t in times.items()}


def main():
    p = harness.parser(__doc__, rounds=7)
    p.add_argument("--sizes", default="512,1024,2048")
    p.add_argument("--large", default="4096,8192", help="sizes that are solved once")
    a = p.parse_args()
    rows = []
    with harness.built("assignment") as binary, tempfile.NamedTemporaryFile() as f:
        for n, large in [(n, False) for n in sizes(a.sizes)] + [(n, True) for n in sizes(a.large)]:
            for kind in ("Gaussian", "aligned", "low-rank positive", "integers to 1000", "integers to 3"):
                harness.note(f"n = {n}, {kind}")
                alone = large and kind == "low-rank positive"
                t = race(binary, f.name, n, kind, 1 if large else a.rounds, ("ours",) if alone else ("SciPy", "ours"))
                theirs, cold, warm = t["SciPy"], t["cold"], t["warm"]
                both = lambda x: [f"{v:.4f}" for v in x] or ["–", "–"]
                rows.append([n, kind] + both(theirs) + both(cold) + [f"{theirs[1] / cold[1]:.1f}" if theirs else "–"] + both(warm))
    harness.publish(
        a.out, "Assignment: Layerwise beside SciPy",
        f"Seconds, best of {a.rounds} taking turns (from n = {a.large.split(',')[0]} on, of one), float64, maximising. SciPy {scipy.__version__} `linear_sum_assignment`,\n"
        f"numpy {np.__version__}; {harness.machine()}.\n"
        "CPU: seconds of all threads, which other programs on the machine disturb less. SciPy uses one core; ours reads the gains on all and searches on one.\n"
        "Warm: the same gains once more, from the prices of the last answer.\n",
        harness.table(["n", "gains", "SciPy", "CPU", "ours", "CPU", "SciPy / ours, CPU", "ours, warm", "CPU"], rows, words=(1,)))


def sizes(text):
    return [int(n) for n in text.split(",") if n]


if __name__ == "__main__":
    main()
