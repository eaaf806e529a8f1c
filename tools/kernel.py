"""Writes GoNB's two kernel specifications into a checkout's .tools/venv: gonb for people, gonb-ci for headless runs.

The environment in them is complete: a notebook runs the same from JupyterLab, nbclient or an editor. Variables named
LAYERWISE_* reach the cells as they are, since a kernel inherits the environment of what starts it.
"""

import json
import os
import pathlib
import subprocess
import sys


def main(checkout):
    tools = pathlib.Path(checkout) / ".tools"
    share = tools / "venv" / "share" / "jupyter"
    kernels = share / "kernels"
    gonb = tools / "bin" / "gonb"
    spec = {
        "argv": [str(gonb), "--kernel", "{connection_file}", "--logtostderr"],
        "display_name": "Go (gonb)",
        "language": "go",
        "interrupt_mode": "message",
        "env": {
            "PATH": f"{tools / 'bin'}:${{PATH}}",  # goimports, without which no cell compiles
            "GOTOOLCHAIN": os.environ["GOTOOLCHAIN"],
            "GOEXPERIMENT": os.environ["GOEXPERIMENT"],
            "GOFLAGS": os.environ["GOFLAGS"],
            "GOWORK": "",  # each notebook makes its own
            "LAYERWISE_CHECKOUT": str(checkout),  # for a notebook that was copied to another folder
            "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # else every cell would start itself twice to set it
        },
    }
    if not (kernels / "gonb" / "logo-svg.svg").exists():  # GoNB's own installer brings its logo
        env = dict(os.environ, JUPYTER_DATA_DIR=str(share))
        subprocess.run([gonb, "--install", "--force_deps"], env=env, check=True, capture_output=True)
        (kernels / "gonb" / "gonb").unlink(missing_ok=True)  # a copy it makes of itself under /tmp
    # Headless, a compile error must be text (raw_error): the log shows cell, line and message.
    ci = dict(spec, display_name="Go (gonb, headless)", argv=spec["argv"] + ["--raw_error=true"])
    for name, content in {"gonb": spec, "gonb-ci": ci}.items():
        write(kernels / name / "kernel.json", json.dumps(content, indent=1) + "\n")


def write(path, text):
    """Replaces a file in one step, only where its text differs."""
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)
    print(f"== kernel: {path}")


main(sys.argv[1])
