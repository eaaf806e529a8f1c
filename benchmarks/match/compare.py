"""Our weight matching beside numpy + SciPy, on the same 784-512-512-512-10 networks: python compare.py > results.md  (from this folder)

Needs numpy, scipy and safetensors, and MNIST's IDX files in $LAYERWISE_DATA/mnist: two networks are trained here, in numpy, from two seeds.
The reference is what the literature's code does (coordinate ascent in random order, matmul and linear_sum_assignment until a sweep gains
nothing), in float32 with numpy's BLAS. Best of REPEATS each, the two taking turns.
"""
import gzip, json, os, platform, subprocess, tempfile, time
import numpy as np, scipy
from safetensors.numpy import save_file
from scipy.optimize import linear_sum_assignment

REPEATS, STEPS, WIDTHS = 7, 600, (784, 512, 512, 512, 10)
NAMES = ("fc1", "fc2", "fc3", "logits")


def idx(name, offset):
    path = os.path.join(os.environ["LAYERWISE_DATA"], "mnist", name)
    raw = open(path, "rb").read() if os.path.exists(path) else gzip.open(path + ".gz").read()
    return np.frombuffer(raw, np.uint8, offset=offset)


def train(seed, x, y):  # Adam 1e-3, batch 128, cross-entropy, ReLU
    r = np.random.default_rng(seed)
    theta = [p for i, o in zip(WIDTHS, WIDTHS[1:]) for p in (r.uniform(-1, 1, (i, o)).astype("f4") / np.sqrt(i).astype("f4"), np.zeros(o, "f4"))]
    m, v = [np.zeros_like(p) for p in theta], [np.zeros_like(p) for p in theta]
    for t in range(1, STEPS + 1):
        k = r.integers(0, len(x), 128)
        h = [x[k]]
        for l in range(4):
            z = h[-1] @ theta[2 * l] + theta[2 * l + 1]
            h.append(np.maximum(z, 0) if l < 3 else z)
        e = np.exp(h[4] - h[4].max(1, keepdims=True))
        d = e / e.sum(1, keepdims=True)
        accuracy = (d.argmax(1) == y[k]).mean()
        d[np.arange(128), y[k]] -= 1
        d /= 128
        for l in reversed(range(4)):
            grads = h[l].T @ d, d.sum(0)
            d = (d @ theta[2 * l].T) * (h[l] > 0)
            for j, g in zip((2 * l, 2 * l + 1), grads):
                m[j] += 0.1 * (g - m[j])
                v[j] += 0.001 * (g * g - v[j])
                theta[j] -= (1e-3 * (m[j] / (1 - 0.9**t)) / (np.sqrt(v[j] / (1 - 0.999**t)) + 1e-8)).astype("f4")
    return theta, accuracy


def reference(a, b, seed):
    r = np.random.default_rng(seed)
    p = [np.arange(512) for _ in range(3)]
    for sweep in range(1, 101):
        progress = False
        for l in r.permutation(3):
            win = b[2 * l] if l == 0 else np.take(b[2 * l], p[l - 1], 0)
            wout = b[2 * l + 2] if l == 2 else np.take(b[2 * l + 2], p[l + 1], 1)
            gain = a[2 * l].T @ win + np.outer(a[2 * l + 1], b[2 * l + 1]) + a[2 * l + 2] @ wout.T
            new = linear_sum_assignment(gain, maximize=True)[1]
            u = np.arange(512)
            progress |= bool(gain[u, new].sum() > gain[u, p[l]].sum() + 1e-12)
            p[l] = new
        if not progress:
            break
    return p, sweep


def objective(a, b, p):
    total, before = 0.0, np.arange(784)
    for l in range(4):
        after = p[l] if l < 3 else np.arange(10)
        total += (a[2 * l].astype("f8") * b[2 * l][before][:, after]).sum()
        if l < 3:
            total += (a[2 * l + 1].astype("f8") * b[2 * l + 1][after]).sum()
        before = after
    return total


def processor():
    try:
        return next(l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def main():
    x, y = idx("train-images-idx3-ubyte", 16).reshape(-1, 784).astype("f4") / 255, idx("train-labels-idx1-ubyte", 8)
    (a, accA), (b, accB) = train(1, x, y), train(2, x, y)
    r = np.random.default_rng(3)
    q = [np.arange(784)] + [r.permutation(512) for _ in range(3)] + [np.arange(10)]
    noise = lambda t: t + 0.5 * t.std() * r.standard_normal(t.shape).astype("f4")
    planted = [noise(a[j][q[j // 2]][:, q[j // 2 + 1]] if j % 2 == 0 else a[j][q[j // 2 + 1]]).astype("f4") for j in range(8)]
    with tempfile.TemporaryDirectory() as d:
        exe = os.path.join(d, "match")
        subprocess.run(["go", "build", "-o", exe, "."], check=True)
        print("# Weight matching: Layerwise beside numpy + SciPy\n")
        print(f"MLP 784-512-512-512-10 trained on MNIST ({STEPS} steps of Adam, last-batch accuracy {accA:.2f} and {accB:.2f}). One run each, best of {REPEATS}")
        print(f"taking turns; numpy {np.__version__} with its BLAS on all cores, SciPy {scipy.__version__}; {processor()}, {os.cpu_count()} cores,")
        print(f"load average {os.getloadavg()[0]:.1f} at the start. Objective: Σ ⟨A, π(B)⟩, larger is better. Made by `compare.py`.\n")
        print("| B | numpy s | sweeps | objective | ours s | sweeps | objective | numpy / ours |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
        for name, other in (("another seed", b), ("A permuted, with noise of 0.5 σ", planted)):
            for path, theta in (("a", a), ("b", other)):
                save_file({f"{NAMES[j // 2]}/{'wb'[j % 2]}": np.ascontiguousarray(t) for j, t in enumerate(theta)}, os.path.join(d, path))
            theirs, ours = [], []
            for k in range(REPEATS):
                start = time.perf_counter()
                p, sweeps = reference(a, other, k)
                theirs.append((time.perf_counter() - start, sweeps, objective(a, other, p)))
                out = json.loads(subprocess.run([exe, os.path.join(d, "a"), os.path.join(d, "b"), "3"], check=True, capture_output=True).stdout)
                ours += out["Seconds"]
            best, res = min(theirs), out["Result"]
            print(f"| {name} | {best[0]:.3f} | {min(t[1] for t in theirs)}–{max(t[1] for t in theirs)} | {min(t[2] for t in theirs):.2f}–{max(t[2] for t in theirs):.2f} "
                  f"| {min(ours):.3f} | {res['Sweeps'][0]} | {res['Objective']:.2f} | {best[0] / min(ours):.1f} |", flush=True)


main()
