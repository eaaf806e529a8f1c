"""What every benchmark repeats: building the Go side, processes that take turns, medians and ratios, the machine in words, results as a page.

It needs nothing beyond Python's standard library. A compare.py puts this folder on its path and imports it:

    with harness.built("conv") as binary:
        ...
    harness.publish(a.out, title, text)
"""
import argparse
import contextlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent


class Failed(Exception):
    """A program of a benchmark failed; the text says which and how."""


# Settings


def parser(doc, rounds):
    """The arguments that every benchmark takes."""
    p = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=positive, default=rounds, help=f"how often each contestant is timed; {rounds} without this")
    p.add_argument("--out", help="write the results to this file too")
    return p


def positive(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def environment(**more):
    """For every process: huge pages, which Layerwise asks for itself and which help the others too; for the compiler, the Makefile's settings."""
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    for name, value in (("GOEXPERIMENT", "simd"), ("GOFLAGS", "-buildvcs=false"), ("GOWORK", "off")):
        env.setdefault(name, value)
    if "hugetlb" not in env.get("GLIBC_TUNABLES", ""):
        env["GLIBC_TUNABLES"] = ":".join(filter(None, [env.get("GLIBC_TUNABLES"), "glibc.malloc.hugetlb=1"]))
    return env | more


# Programs


@contextlib.contextmanager
def built(name, binary=None):
    """The Go side of a benchmark, for as long as the block lasts: that binary, or else one that is built for the block."""
    if binary:
        yield binary
        return
    with tempfile.TemporaryDirectory() as folder:
        binary = os.path.join(folder, name)
        subprocess.run(["go", "build", "-o", binary, f"./{name}"], cwd=HERE, env=environment(), check=True)
        yield binary


def reports(*command, env=None):
    """Runs a program to its end and returns what it printed, one line of JSON for each report."""
    done = subprocess.run(command, env=env or environment(), capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{os.path.basename(command[0])}: exit {done.returncode}: {last_line(done.stderr)}")
    return [json.loads(line) for line in done.stdout.splitlines()]


class Child:
    """A process that takes orders and answers each, one line of JSON; what it says of itself comes first and is in about."""

    def __init__(self, command, env=None):
        self.name, self.errors = os.path.basename(command[0]), tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, env=env or environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.about = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        code = self.process.wait()
        self.errors.seek(0)
        raise Failed(f"{self.name}: exit {code}: {last_line(self.errors.read())}")

    def ask(self, **order):
        """The answer to an order. Where that tells time, "others" is the share of the processors that other programs took meanwhile."""
        before = busy()
        try:
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # read says why
        answer = self.read()
        if "seconds" in answer and "cpu" in answer:
            answer["others"] = max(0.0, (busy() - before - answer["cpu"]) / (answer["seconds"] * os.cpu_count()))
        return answer

    def close(self):
        """No more orders: the program ends by itself."""
        try:
            self.process.stdin.close()
            self.process.wait(10)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no message"


def turns(rounds, field):
    """Yields (round, contestant). Each round begins with another one, so that whatever slows the machine for a while slows all of them alike."""
    field = list(field)
    for r in range(rounds):
        at = r % len(field)
        for contestant in field[at:] + field[:at]:
            yield r, contestant


def timed(call):
    """Seconds that a call took, and its result."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def ratio(a, b):
    """The median over rounds of a over b, which were timed in the same round."""
    if len(a) != len(b):
        raise ValueError(f"{len(a)} rounds over {len(b)}")
    return statistics.median(x / y for x, y in zip(a, b))


# The machine


def cpu():
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def cores():
    return len(os.sched_getaffinity(0))


def load():
    return os.getloadavg()[0]


LOAD_AT_START = load()


def machine():
    return f"{cpu()}, {cores()} cores, {platform.system()}, load average {LOAD_AT_START:.1f} at the start and {load():.1f} at the end"


def busy():
    """Seconds that all processors together have worked since the machine started, for this system or stolen by another."""
    with open("/proc/stat") as f:
        user, nice, system, _, _, irq, soft, steal = map(int, f.readline().split()[1:9])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def peak_mb():
    """The largest resident memory of this process so far, in MB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1.024 / 1000


# Results


def say(**report):
    """A report for the driver, from a Python side."""
    print(json.dumps(report), flush=True)


def note(text):
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def number(v):
    return f"{v:,.0f}" if v >= 100 else f"{v:.1f}"


def table(head, rows, words=(0,)):
    """A table in markdown. The columns words are aligned to the left, the others, which hold numbers, to the right."""
    lines = ["| " + " | ".join(head) + " |", "|" + "".join(" --- |" if i in words else " ---: |" for i in range(len(head)))]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows]) + "\n"


def publish(out, title, *parts):
    """Prints the page, and writes it to the file out where that is named."""
    script = pathlib.Path(sys.argv[0]).resolve()
    page = "\n".join([f"# {title}\n", f"Made by `{script.relative_to(HERE.parent) if HERE in script.parents else script.name}`.\n", *parts])
    print(page, end="" if page.endswith("\n") else "\n")
    if out:
        pathlib.Path(out).write_text(page)
