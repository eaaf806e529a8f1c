"""Training and evaluation of VGG-16-BN, ResNet-20 and ResNet-20×4 at 32×32×3 in Layerwise, PyTorch and JAX: prints tables of images a second.

usage: python compare.py [--jax PYTHON] [--rounds 5] [--seconds 4] [--out results.md] [--json results.json]
       python compare.py --check [--jax PYTHON]

The Python that runs it needs torch 2.15.0; --jax names one with jax, --torch another one with torch. It builds the Go side itself.
For each network, every contestant has its own process. All of them stay alive and take turns, so that whatever slows the machine for a
while slows all of them alike. The machine must be idle: the tables say how much of it other programs took. --check times nothing: it
compares logits and one training step with those of PyTorch and JAX, on the same weights and batch, and fails where they differ.
"""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness

HERE = pathlib.Path(__file__).resolve().parent
SPEC = {"input": [32, 32, 3], "classes": 10, "init": "kaiming"}
NETWORKS = {  # name → the spec of Layerwise, the trainable numbers that every side must have
    "ResNet-20": ({"architecture": "resnet", "depth": 20, "width": 16, "norm": "batch", "shortcut": "pad"}, 269_722),
    "ResNet-20×4": ({"architecture": "resnet", "depth": 20, "width": 64, "norm": "batch", "shortcut": "pad"}, 4_286_026),
    "VGG-16-BN": ({"architecture": "vgg", "depth": 16, "width": 64, "norm": "batch"}, 14_728_266),
}
DEEP = {  # only Layerwise runs these, for the time that it takes to compile them; only when --networks names them
    "ResNet-110": ({"architecture": "resnet", "depth": 110, "width": 16, "norm": "batch", "shortcut": "pad"}, 1_727_962),
    "ResNet-50 at 64×64": ({"architecture": "bottleneck", "depth": 50, "width": 64, "norm": "batch", "stem": "small", "input": [64, 64, 3], "classes": 200}, 23_910_152),
}
# How far apart two sides may be: logits as a share of the largest logit, weights and buffers as a share of the largest change that the step
# made in a tensor of their kind. Gradients that come back through batch norms and ReLUs carry noise: PyTorch's float32 is 4e-3 from its own
# float64 in convolutions. The bound of buffers is tighter, so that a biased variance shows (1.2e-4 in ResNet-20's last stage). Decay is strong
# in that step, so that a mistake in it shows too.
TOLERANCE = {"logits": 1e-4, "convolution": 5e-2, "scale": 5e-2, "shift": 5e-2, "weight": 1e-3, "bias": 1e-3, "mean": 8e-5, "variance": 8e-5}


class Contestant:
    def __init__(self, name, command, rounds, kind, **env):
        self.name, self.command, self.rounds, self.kind, self.env = name, command, rounds, kind, env
        self.child, self.failure, self.about = None, None, {}
        self.first, self.rates, self.peak_mb, self.gflops = {}, {"train": [], "evaluate": []}, 0.0, 0.0

    def attempt(self, what):
        """Runs what(); where it fails, this contestant leaves the race and the table shows why."""
        if self.failure:
            return None
        try:
            return what()
        except harness.Failed as e:
            self.failure = str(e)
            return None

    def start(self, env, parameters):
        self.child = harness.Child(self.command, env | self.env)
        self.about = self.child.about
        if self.about["parameters"] != parameters:
            raise harness.Failed(f"{self.about['parameters']} parameters, expected {parameters}")
        for do in ("train", "evaluate"):
            self.first[do] = self.child.ask(do=do, seconds=0)["seconds"]

    def turn(self, seconds, others):
        for do in ("train", "evaluate"):
            r = self.child.ask(do=do, seconds=seconds if do == "train" else seconds / 2)
            others.append(r["others"])
            self.rates[do].append(r["images"] / r["seconds"])
            self.peak_mb = r["peak_mb"]


def spec(name):
    return json.dumps(SPEC | (NETWORKS | DEEP)[name][0])


def contestants(a, binary, name):
    cores, batch = harness.cores(), str(a.batch)
    torch = lambda way, threads: [a.torch, str(HERE / "torch_side.py"), name, way, str(threads), batch]
    layerwise = lambda backend: [binary, "-backend", backend, "-network", spec(name), "-batch", batch]
    out = []
    if a.device == "cuda":
        out += [Contestant("Layerwise, XLA", layerwise("xla:cuda"), a.rounds, "layerwise"),
                Contestant("PyTorch, eager", torch("eager", cores), a.rounds, "torch"),
                Contestant("PyTorch, compiled", torch("compile", cores), a.rounds, "torch"),
                Contestant("PyTorch, compiled, bf16 autocast", torch("bf16", cores), a.rounds, "torch")]
    else:
        out += [Contestant("Layerwise, XLA", layerwise("xla:cpu"), a.rounds, "layerwise"),
                Contestant("Layerwise, XLA, no native kernels", layerwise("xla:cpu"), a.rounds, "layerwise", LAYERWISE_NATIVE="0"),
                Contestant("Layerwise, pure Go", layerwise("go"), min(a.go_rounds, a.rounds), "layerwise")]
        out += [Contestant(f"PyTorch, {n} thread{'s' * (n > 1)}", torch("eager", n), a.rounds, "torch") for n in sorted({1, cores})]
        out += [Contestant(f"PyTorch, compiled, {cores} threads", torch("compile", cores), a.rounds, "torch")]
    if name in DEEP:
        return out[:1]
    if a.jax:
        out += [Contestant("JAX", [a.jax, str(HERE / "jax_side.py"), name, "f32", "0", batch], a.rounds, "jax")]
    return [c for c in out if not a.only or any(o in c.name for o in a.only.split(";"))]


def environment(a, cache):
    """Of every contestant: an empty cache of compiled code, and the device."""
    env = harness.environment(TORCHINDUCTOR_CACHE_DIR=cache)
    return env | {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"} if a.device == "cpu" else env


def race(a, binary, name):
    """All contestants on one network, in turn."""
    with tempfile.TemporaryDirectory() as cache:
        env, field, others = environment(a, cache), contestants(a, binary, name), []
        try:
            for c in field:
                harness.note(f"{name}: {c.name} compiles")
                c.attempt(lambda: c.start(env, (NETWORKS | DEEP)[name][1]))
                if not c.failure and c.about.get("device", a.device) != a.device:
                    c.failure = f"runs on {c.about['device']}, not on {a.device}"
            for c in field:  # a round that does not count: groups of steps grow to their size, threads and caches settle
                c.attempt(lambda: c.child.ask(do="train", seconds=a.seconds / 2) and c.child.ask(do="evaluate", seconds=a.seconds / 4))
            for r, c in harness.turns(a.rounds, field):
                harness.note(f"{name}: round {r + 1} of {a.rounds}: {c.name}")
                if r < c.rounds:
                    c.attempt(lambda: c.turn(a.seconds, others))
                if c.kind == "torch" and "1 thread" not in c.name:
                    c.gflops = max(c.gflops, (c.attempt(lambda: c.child.ask(do="peak")) or {}).get("gflops", 0.0))
        finally:
            for c in field:
                if c.child:
                    c.child.close()
    about = next((c.about for c in field if "multiply_adds" in c.about), {})
    work = {"evaluate": 2 * about["multiply_adds"], "train": 2 * (3 * about["multiply_adds"] - about["first_layer"])} if about else {}
    rows = [dict(name=c.name, kind=c.kind, failure=c.failure, versions=c.about.get("versions"), first=c.first, rates=c.rates,
                 peak_mb=c.peak_mb, gflops=c.gflops) for c in field]
    return dict(network=name, parameters=(NETWORKS | DEEP)[name][1], flops=work, rows=rows, others=others, load=harness.load())


def middle(row, do):
    return statistics.median(row["rates"][do]) if row["rates"][do] else 0.0


def table(result, device):
    """The markdown of one network."""
    rows, flops = result["rows"], result["flops"]
    torch = [r for r in rows if r["kind"] == "torch"]
    best = {do: max((middle(r, do) for r in torch), default=0.0) for do in ("train", "evaluate")}
    # The limit of float32 is what PyTorch's float32 products reach; bf16 has its own.
    single = max((r["gflops"] for r in torch if "bf16" not in r["name"]), default=0.0)
    lines = [f"### {result['network']}, {result['parameters']:,} parameters", ""]
    if flops and single:
        lines += [
            f"{flops['evaluate'] / 2e6:.1f} million multiply-adds an image forward, {flops['train'] / 2e6:.1f} million in training (three times, less "
            f"the input gradient of the first layer). A large float32 matrix product reaches {single:,.0f} GFLOP/s here: the limit of direct "
            f"convolution is {1e9 * single / flops['train']:,.0f} images/s in training and {1e9 * single / flops['evaluate']:,.0f} in evaluation. "
            "Winograd's needs fewer products, so it may pass that.", ""]
    columns = ["program"]
    for what in ("training", "evaluation"):
        columns += [f"{what} images/s", "least–most", "over best PyTorch", "of limit"]
    columns += ["compile + first step s", "+ first evaluation s", "peak memory MB"]
    body = []
    for r in rows:
        if r["failure"]:
            body.append([r["name"], "failed: " + r["failure"].replace("|", "/")] + [""] * 10)
            continue
        limit = r["gflops"] if "bf16" in r["name"] else single
        cells = [r["name"]]
        for do in ("train", "evaluate"):
            v, m = r["rates"][do], middle(r, do)
            ratio = f"{m / best[do]:.2f}" if best[do] else ""
            share = f"{m * flops[do] / limit / 1e9:.0%}" if flops and limit else ""
            cells += [harness.number(m), f"{harness.number(min(v))}–{harness.number(max(v))}", ratio, share]
        cells += [f"{r['first']['train']:.1f}", f"{r['first']['evaluate']:.1f}", f"{r['peak_mb']:,.0f}"]
        body.append(cells)
    lines.append(harness.table(columns, body).rstrip("\n"))
    eager = [r for r in torch if "compiled" not in r["name"] and not r["failure"]]
    ours = next((r for r in rows if r["name"] == "Layerwise, XLA" and not r["failure"]), None)
    if eager and ours:
        over = {do: middle(ours, do) / max(middle(r, do) for r in eager) for do in best}
        aim = "1.0" if device == "cpu" else "0.9"
        lines += ["", f"Layerwise on XLA over eager PyTorch: training {over['train']:.2f}, evaluation {over['evaluate']:.2f} (aim {aim} over the best PyTorch)."]
    if result["others"]:
        lines += ["", f"Share of the processors that others took while a contestant was timed: median {statistics.median(result['others']):.0%}, "
                  f"at most {max(result['others']):.0%}; load average {result['load']:.2f} at the end."]
    return "\n".join(lines) + "\n"


def head(a, results):
    versions = dict.fromkeys(r["versions"] for x in results for r in x["rows"] if r["versions"])
    return (f"{harness.machine()}; {'; '.join(versions)}. Batch {a.batch}, float32 unless a row says "
            f"otherwise; SGD with momentum and weight decay, batch norms in training mode; noise on the device. Median of {a.rounds} rounds of "
            f"{a.seconds:g} s of training and {a.seconds / 2:g} s of evaluation (pure Go: {min(a.go_rounds, a.rounds)}), contestants in turn. In training "
            "Layerwise also gathers a shuffled batch from bytes and normalises it; the others are given batches. In evaluation the logits of "
            "each batch come to the host. Every program runs with huge pages (`glibc.malloc.hugetlb=1`).\n")


def check(a, binary):
    """The same weights, batch and step everywhere. Returns whether all agree."""
    fine = True
    for name in a.networks:
        for backend in a.backends.split(","):
            kinds = {}  # kind → pair of sides → difference and size
            with tempfile.TemporaryDirectory() as folder:
                harness.reports(binary, "-backend", backend, "-network", spec(name), "-batch", str(a.batch), "-dump", folder)
                for python, script in [(a.torch, "torch_side.py")] + ([(a.jax, "jax_side.py")] if a.jax else []):
                    for r in harness.reports(python, str(HERE / script), name, "check", folder, env=environment(a, folder)):
                        for kind, k in r["kinds"].items():
                            kinds.setdefault(kind, {})[f"{r['a']} – {r['b']}"] = k
            pairs = list(kinds["logits"])
            rows = []
            for kind, row in kinds.items():
                size = max(k["size"] for k in row.values())
                bound = TOLERANCE[kind] * size
                agrees = all(k["difference"] <= bound for pair, k in row.items() if pair.startswith("Layerwise"))
                fine &= agrees
                rows.append([kind, f"{size:.1e}"] + [f"{k['difference']:.1e}" for k in row.values()] + [f"{bound:.1e}", "agrees" if agrees else "DIFFERS"])
            print(f"\n### {name}, {backend}\n")
            print(harness.table(["kind", "largest", *pairs, "bound", ""], rows, words=(0, len(pairs) + 3)), flush=True)
    print("\nLargest differences: of logits in evaluation; of weights and buffers after one step of SGD at rate 0.1 with decay 0.1. largest: the "
          "largest logit, or the largest change that the step made in a tensor of the kind.")
    return fine


def main():
    p = harness.parser(__doc__, rounds=5)
    p.add_argument("--torch", default=sys.executable, help="a Python with torch 2.15.0")
    p.add_argument("--jax", help="a Python with jax; JAX is left out without it")
    p.add_argument("--binary", help="the Go side, if it is built already")
    p.add_argument("--networks", default=",".join(NETWORKS), help="comma-separated")
    p.add_argument("--only", help="only contestants whose name contains one of these, separated by semicolons")
    p.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    p.add_argument("--go-rounds", type=int, default=2, help="rounds of the pure-Go backend, which is slow")
    p.add_argument("--seconds", type=float, default=4, help="training time of a round; evaluation takes half of it")
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--json", help="write all numbers to this file")
    p.add_argument("--check", action="store_true", help="compare results with those of PyTorch and JAX instead of timing")
    p.add_argument("--backends", default="xla:cpu,go", help="Layerwise backends to check")
    a = p.parse_args()
    a.networks = a.networks.split(",")
    unknown = [n for n in a.networks if n not in NETWORKS | DEEP]
    if unknown:
        p.error(f"unknown networks {unknown}; known: {', '.join(NETWORKS | DEEP)}")
    if a.device == "auto":
        probe = "import torch; print('cuda' if torch.cuda.is_available() else 'cpu')"
        a.device = subprocess.run([a.torch, "-c", probe], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    with harness.built("convnets", a.binary) as binary:
        if a.check:
            sys.exit(0 if check(a, binary) else 1)
        results, began = [], time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        for name in a.networks:
            results.append(race(a, binary, name))
            harness.note(table(results[-1], a.device))
    harness.publish(a.out, "Convolutional networks: Layerwise beside PyTorch and JAX", head(a, results), *(table(r, a.device) for r in results))
    if a.json:
        pathlib.Path(a.json).write_text(json.dumps(dict(device=a.device, began=began, batch=a.batch, seconds=a.seconds, cpu=harness.cpu(), results=results), indent=1))


if __name__ == "__main__":
    main()
