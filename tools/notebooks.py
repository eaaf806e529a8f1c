"""Executes notebooks from top to bottom without a browser, and fails on the first cell that does.

    notebooks.py --out DIR [--timeout SECONDS] NOTEBOOK...     writes executed copies into DIR
    notebooks.py --in-place [--timeout SECONDS] NOTEBOOK...    replaces each notebook, once all of its cells have passed

With --elsewhere each runs in an empty folder, like a notebook that somebody copied out of the checkout.

Like nbconvert --execute, whose engine is nbclient, with two differences: a notebook that fails is written up to its
failure (--out only), and a cell's prints are kept as one output, whatever pieces they arrived in.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

KERNEL = "gonb-ci"
LOGS = pathlib.Path(__file__).resolve().parent.parent / ".tools" / "jupyter"  # the kernel's own logs


def main():
    p = argparse.ArgumentParser()
    where = p.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=pathlib.Path)
    where.add_argument("--in-place", action="store_true")
    p.add_argument("--timeout", type=int, default=600, help="of one cell, in seconds")
    p.add_argument("--elsewhere", action="store_true", help="run in an empty folder, not in the notebook's own")
    p.add_argument("notebooks", nargs="*", type=pathlib.Path)
    a = p.parse_args()
    if not a.notebooks:
        print("no notebooks to execute", file=sys.stderr)
        return 1
    failed = 0
    for path in a.notebooks:
        start = time.monotonic()
        nb = nbformat.read(path, as_version=4)
        with tempfile.TemporaryDirectory() as empty:
            error = execute(nb, path, empty if a.elsewhere else path.resolve().parent, a.timeout)
        if a.out:
            write(nb, a.out / path.name)
        elif not error:
            write(nb, path)
        print(f"{'FAIL' if error else 'ok  '}  {path}  {sum(c.cell_type == 'code' for c in nb.cells)} cells  "
              f"{time.monotonic() - start:.1f}s", flush=True)
        if error:
            print(error, file=sys.stderr, flush=True)
            failed += 1
    print(f"notebooks: {len(a.notebooks) - failed} passed, {failed} failed")
    return 1 if failed else 0


def execute(nb, path, folder, timeout):
    """Runs a notebook's cells in a folder; returns what went wrong, "" where nothing did."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / (path.stem + ".log")
    metadata = dict(nb.metadata)
    client = NotebookClient(nb, kernel_name=KERNEL, timeout=timeout, coalesce_streams=True, record_timing=False,
                            resources={"metadata": {"path": str(folder)}})
    try:
        with log.open("wb") as stderr:
            client.execute(stderr=stderr)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as e:
        return f"{e}\n(the kernel's log: {log})"
    finally:  # the notebook must not name the headless kernel
        nb.metadata["kernelspec"] = metadata.get("kernelspec", {"display_name": "Go (gonb)", "language": "go", "name": "gonb"})
    return ""


def write(nb, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    nbformat.write(nb, new)
    os.replace(new, path)


sys.exit(main())
