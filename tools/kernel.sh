#!/usr/bin/env bash
# kernel.sh [lab]: GoNB and its kernel specifications in .tools/venv, where Jupyter of that environment finds them.
# With "lab" also JupyterLab, and gopls for completion. Nothing goes into the user's own Jupyter folders.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/venv.sh "${1:-notebooks}"
tools/gotools.sh gonb goimports
if [ "${1:-}" = lab ]; then
    tools/gotools.sh gopls || echo "== gopls could not be built: notebooks run, without completion"
fi
.tools/venv/bin/python tools/kernel.py "$PWD"
