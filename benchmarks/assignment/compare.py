"""Our assignment solver beside SciPy's, the same gains in one run: python compare.py > results.md  (from this folder)

Needs numpy and scipy. Best of REPEATS each, the two taking turns; the machine may be shared, the best is the least disturbed.
"""
import json, os, platform, subprocess, sys, tempfile, time
import numpy as np, scipy
from scipy.optimize import linear_sum_assignment

REPEATS = 7


def gains(kind, n, r):
    g = r.standard_normal((n, n))
    if kind == "aligned":  # a planted permutation stands out
        g[np.arange(n), r.permutation(n)] += np.sqrt(n)
    if kind == "low-rank positive":  # products of ReLU features
        g = np.abs(r.standard_normal((n, 64))) @ np.abs(r.standard_normal((n, 64))).T
    return np.ascontiguousarray(g)


def processor():
    try:
        return next(l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def main():
    with tempfile.TemporaryDirectory() as d:
        exe, path = os.path.join(d, "assignment"), os.path.join(d, "gains")
        subprocess.run(["go", "build", "-o", exe, "."], check=True)
        print("# Assignment: Layerwise beside SciPy\n")
        print(f"Seconds, best of {REPEATS} taking turns, float64, maximising. SciPy {scipy.__version__} `linear_sum_assignment`, numpy {np.__version__};")
        print(f"{processor()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} at the start. Both use one core.")
        print("Warm: the same gains once more, from the prices of the last answer. Made by `compare.py`.\n")
        print("| n | gains | SciPy | ours | SciPy / ours | ours, warm |\n| ---: | --- | ---: | ---: | ---: | ---: |")
        for n in (512, 1024, 2048):
            for kind in ("Gaussian", "aligned", "low-rank positive"):
                g = gains(kind, n, np.random.default_rng(n))
                g.tofile(path)
                theirs, cold, warm = [], [], []
                for _ in range(REPEATS):
                    start = time.perf_counter()
                    rows, cols = linear_sum_assignment(g, maximize=True)
                    theirs.append(time.perf_counter() - start)
                    ours = json.loads(subprocess.run([exe, path, str(n), "1"], check=True, capture_output=True).stdout)
                    cold += ours["Cold"]
                    warm += ours["Warm"]
                a, b = g[rows, cols].sum(), g[rows, ours["Answer"]].sum()
                if abs(a - b) > 1e-10 * abs(a):
                    sys.exit(f"{kind}, n = {n}: SciPy reaches {a}, ours {b}")
                print(f"| {n} | {kind} | {min(theirs):.4f} | {min(cold):.4f} | {min(theirs) / min(cold):.1f} | {min(warm):.4f} |", flush=True)


main()
