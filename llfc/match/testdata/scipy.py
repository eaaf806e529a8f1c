"""Writes scipy.f64: what SciPy's linear_sum_assignment reaches on 10,000 gain matrices, against which assignment_test.go holds ours.

usage: python scipy.py OUT

A line of text says which SciPy and numpy made the file; 10,000 little-endian float64 follow, the largest Σ gain of each matrix. The
matrices are not stored: assignment_test.go makes them again, from the same integers. Every gain is exact in float64 in both.
"""
import math
import sys

import numpy as np
import scipy
from scipy.optimize import linear_sum_assignment

COUNT = 10_000
KINDS = ["uniform", "integer", "ties", "sparse", "constant", "low rank", "rank one", "aligned", "dead units", "nearly equal", "huge", "tiny"]


def integers(case, start, count):
    """count integers below 2²⁴: splitmix64 of (case, start), (case, start + 1) …"""
    z = (np.uint64(case) << np.uint64(32)) + np.arange(start, start + count, dtype=np.uint64)
    z = (z + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(40)).astype(np.int64)


def gains(case):
    kind = KINDS[case % len(KINDS)]
    a, b = integers(case, 0, 2)
    rows = 1 + int(a) % 40
    columns = 1 + int(b) % 40 if case // len(KINDS) % 4 == 3 else rows  # a quarter is rectangular
    x = integers(case, 2, rows * columns).reshape(rows, columns).astype(float)
    u, v = np.arange(rows)[:, None], np.arange(columns)[None, :]
    if kind == "integer":
        return x % 2000 - 1000
    if kind == "ties":
        return x % 3
    if kind == "sparse":
        return (x % 8 == 0).astype(float)
    if kind == "constant":
        return np.full((rows, columns), -4.0)
    if kind == "low rank":  # positive, as products of ReLU features are
        f = integers(case, 2, 3 * (rows + columns)).astype(float).reshape(-1, 3)
        return sum(np.outer(f[:rows, i], f[rows:, i]) for i in range(3)) * 2.0**-48
    if kind == "rank one":  # the classic worst case of shortest paths
        return (u + 1.0) * (v + 1.0)
    if kind == "aligned":
        return x * 2.0**-24 + (v == (7 * u + 3) % columns)
    if kind == "dead units":
        return np.where((u % 3 == 1) | (v % 3 == 2), 0.0, x * 2.0**-24 - 0.5)
    if kind == "nearly equal":
        return 1e6 + (x % 5) * 2.0**-30
    return (x * 2.0**-24 - 0.5) * {"uniform": 1.0, "huge": 2.0**900, "tiny": 2.0**-900}[kind]


def main():
    best = np.empty(COUNT)
    for case in range(COUNT):
        g = gains(case)
        best[case] = math.fsum(g[linear_sum_assignment(g, maximize=True)])
    with open(sys.argv[1], "wb") as f:
        f.write(f"scipy {scipy.__version__}, numpy {np.__version__}\n".encode())
        f.write(best.astype("<f8").tobytes())


if __name__ == "__main__":
    main()
