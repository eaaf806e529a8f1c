#!/usr/bin/env bash
# venv.sh [notebooks|lab]: a Python environment in .tools/venv, with the packages of tools/NAME.txt where one is named.
# Quick where it stands already; made anew where the checkout was moved, since such an environment holds its own path.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.tools/venv
say() { printf '== %s\n' "$*"; }

if [ "$(cat "$venv/.made-in" 2>/dev/null)" != "$PWD" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
    say "Python environment: making $venv"
    rm -rf "$venv"
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' || ! python3 -m venv "$venv"; then
        echo "Python 3.9 or later with venv is needed: apt-get install python3 python3-venv" >&2
        exit 1
    fi
    printf '%s\n' "$PWD" >"$venv/.made-in"
fi
[ $# -gt 0 ] || exit 0

want=$(cat tools/notebooks.txt "tools/$1.txt" tools/constraints.txt | cksum)
if [ "$(cat "$venv/.has-$1" 2>/dev/null)" != "$want" ]; then
    say "Jupyter: installing tools/$1.txt into $venv"
    pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "tools/$1.txt")
    if ! "${pip[@]}" -c tools/constraints.txt; then
        say "Jupyter: once more, with whatever versions of its dependencies suit this Python and index"
        "${pip[@]}"
    fi
    printf '%s\n' "$want" >"$venv/.has-$1"
fi
