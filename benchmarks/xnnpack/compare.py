"""What it costs to switch XNNPACK off in XLA on the CPU: evaluation, and measuring a pair at 11 α, with it and without; prints a table.

usage: python compare.py [--rounds 7] [--seconds 2] [--networks MLP,ResNet-20,VGG-16-BN] [--work evaluate,measure] [--out results.md]

Needs XLA's plugin for the CPU and no Python package. For each network both sides are processes that stay alive and take turns. Layerwise switches
XNNPACK off by itself; LAYERWISE_TEST_XNNPACK=unchecked, which is for tests and this program only, makes it leave the flag as it is.
"""
import json
import os
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness

FLAG = "--xla_cpu_use_xnnpack="
SIDES = {"on": "true", "off": "false"}
CONV = {"input": [32, 32, 3], "classes": 10, "init": "kaiming", "norm": "batch"}
NETWORKS = {  # name → spec, images a batch, images that a pair is measured on
    "MLP": ({"architecture": "mlp", "input": [28, 28, 1], "classes": 10, "widths": [512, 512, 512], "init": "kaiming"}, 1000, 10_000),
    "ResNet-20": (CONV | {"architecture": "resnet", "depth": 20, "width": 16, "shortcut": "pad"}, 128, 128),
    "VGG-16-BN": (CONV | {"architecture": "vgg", "depth": 16, "width": 64}, 128, 128),
}
WORK = {"evaluate": "evaluation", "measure": "a pair, 11 α"}


def environment(side):
    others = [f for f in os.environ.get("XLA_FLAGS", "").split() if not f.startswith(FLAG)]
    env = harness.environment(XLA_FLAGS=" ".join(others + [FLAG + SIDES[side]]))
    env.pop("LAYERWISE_TEST_XNNPACK", None)
    return env | {"LAYERWISE_TEST_XNNPACK": "unchecked"} if side == "on" else env


def start(binary, name, side, work):
    spec, batch, images = NETWORKS[name]
    child = harness.Child([binary, "-network", json.dumps(spec), "-batch", str(batch), "-images", str(images)], environment(side))
    settings = [f for f in child.about["xla_flags"].split() if f.startswith(FLAG)]
    if not settings or settings[-1] != FLAG + SIDES[side]:
        child.close()
        raise harness.Failed(f"XNNPACK {side}: the plugin was loaded with XLA_FLAGS={child.about['xla_flags']!r}, expected {FLAG + SIDES[side]}")
    for do in work:
        child.ask(do=do, seconds=0)  # compiles
    return child


def race(binary, name, a):
    """The rows of one network, the versions, and what share of the processors other programs took."""
    children, others = {}, []
    answers = {do: {side: [] for side in SIDES} for do in a.work}
    try:
        for side in SIDES:
            harness.note(f"{name}: XNNPACK {side} compiles")
            children[side] = start(binary, name, side, a.work)
        for do in a.work:
            for r, side in harness.turns(a.rounds, SIDES):
                harness.note(f"{name}: {do}, round {r + 1} of {a.rounds}, XNNPACK {side}")
                answers[do][side].append(children[side].ask(do=do, seconds=a.seconds))
                others.append(answers[do][side][-1]["others"])
    finally:
        for c in children.values():
            c.close()
    rows = []
    for do, what in ((do, WORK[do]) for do in a.work):
        rate = {side: [x["images"] / x["seconds"] for x in answers[do][side]] for side in SIDES}
        spent = {side: [x["images"] / x["cpu"] for x in answers[do][side]] for side in SIDES}
        rows.append([
            name, what, *(harness.number(statistics.median(rate[side])) for side in SIDES),
            f"{harness.ratio(rate['off'], rate['on']):.2f}", f"{max(rate['off']) / max(rate['on']):.2f}", f"{harness.ratio(spent['off'], spent['on']):.2f}"])
    return rows, children["on"].about["versions"], others


def main():
    p = harness.parser(__doc__, rounds=7)
    p.add_argument("--seconds", type=float, default=2, help="time of each side in a round; a pair is measured to its end")
    p.add_argument("--networks", default=",".join(NETWORKS), help="comma-separated")
    p.add_argument("--work", default=",".join(WORK), type=lambda text: text.split(","),
                   help="comma-separated; where XNNPACK strikes, measuring a pair with it on ends in an error that says so: leave it out")
    a = p.parse_args()
    if any(w not in WORK for w in a.work):
        p.error(f"unknown work {a.work}; known: {', '.join(WORK)}")
    names = a.networks.split(",")
    unknown = [n for n in names if n not in NETWORKS]
    if unknown:
        p.error(f"unknown networks {unknown}; known: {', '.join(NETWORKS)}")
    rows, others = [], []
    with harness.built("xnnpack") as binary:
        for name in names:
            more, versions, share = race(binary, name, a)
            rows += more
            others += share
    sizes = "; ".join(f"{n}: batches of {NETWORKS[n][1]}, a pair on {NETWORKS[n][2]:,} images" for n in names)
    harness.publish(
        a.out, "XNNPACK on and off: XLA on the CPU",
        f"{harness.machine()}; {versions}.\n"
        f"Other programs took {statistics.median(others):.0%} of the processors (median of all timings; at most {max(others):.0%}).\n",
        f"Images a second, median of {a.rounds} rounds of at least {a.seconds:g} s, the two sides in turn; float32, noise. {sizes}.\n"
        "Ratios are speeds of off over on, so above 1 it is faster without XNNPACK: the median over rounds, the best round of each side (the least\n"
        "time an image), and the median for processor time.\n",
        harness.table(["network", "what", "on", "off", "off / on", "best rounds", "processor time"], rows, words=(0, 1)))


if __name__ == "__main__":
    main()
