"""Our assignment solver beside SciPy's, on the same gains in one run: prints a table of seconds.

usage: python compare.py [--rounds 7] [--sizes 512,1024,2048] [--out results.md]

The Python that runs it needs numpy and SciPy. Each figure is the best of all rounds, since on a shared machine the best
round is the least disturbed.
"""
import pathlib
import sys
import tempfile

import numpy as np
import scipy
from scipy.optimize import linear_sum_assignment

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness


def gains(kind, n, r):
    g = r.standard_normal((n, n))
    if kind == "aligned":  # a planted permutation stands out
        g[np.arange(n), r.permutation(n)] += np.sqrt(n)
    if kind == "low-rank positive":  # products of ReLU features
        g = np.abs(r.standard_normal((n, 64))) @ np.abs(r.standard_normal((n, 64))).T
    return np.ascontiguousarray(g)


def race(binary, path, n, kind, rounds):
    """Best seconds of SciPy, of ours, and of ours from the prices of its last answer."""
    g = gains(kind, n, np.random.default_rng(n))
    g.tofile(path)
    theirs, cold, warm = [], [], []
    for _, who in harness.turns(rounds, ("SciPy", "ours")):
        if who == "SciPy":
            seconds, (rows, cols) = harness.timed(lambda: linear_sum_assignment(g, maximize=True))
            theirs.append(seconds)
            continue
        ours, = harness.reports(binary, path, str(n), "1")
        cold += ours["Cold"]
        warm += ours["Warm"]
    a, b = g[rows, cols].sum(), g[rows, ours["Answer"]].sum()
    if abs(a - b) > 1e-10 * abs(a):
        sys.exit(f"{kind}, n = {n}: SciPy reaches {a}, ours {b}")
    return min(theirs), min(cold), min(warm)


def main():
    p = harness.parser(__doc__, rounds=7)
    p.add_argument("--sizes", default="512,1024,2048")
    a = p.parse_args()
    rows = []
    with harness.built("assignment") as binary, tempfile.NamedTemporaryFile() as f:
        for n in map(int, a.sizes.split(",")):
            for kind in ("Gaussian", "aligned", "low-rank positive"):
                harness.note(f"n = {n}, {kind}")
                theirs, cold, warm = race(binary, f.name, n, kind, a.rounds)
                rows.append([n, kind, f"{theirs:.4f}", f"{cold:.4f}", f"{theirs / cold:.1f}", f"{warm:.4f}"])
    harness.publish(
        a.out, "Assignment: Layerwise beside SciPy",
        f"Seconds, best of {a.rounds} taking turns, float64, maximising. SciPy {scipy.__version__} `linear_sum_assignment`, numpy {np.__version__};\n"
        f"{harness.machine()}. Both use one core.\n"
        "Warm: the same gains once more, from the prices of the last answer.\n",
        harness.table(["n", "gains", "SciPy", "ours", "SciPy / ours", "ours, warm"], rows, words=(1,)))


if __name__ == "__main__":
    main()
