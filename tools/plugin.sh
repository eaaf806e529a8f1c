#!/usr/bin/env bash
# plugin.sh cpu|cuda: sees to it that XLA's plugin for that device is in the user's cache, and prints where it is.
# For the CPU: the pinned wheel, by whatever index pip is set up for; else go-xla's own installer. For CUDA: go-xla's
# installer. Where neither can be had it exits with 1, after one line that says what serves instead and what it costs.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off # whatever go.work lies in a folder above
device=${1:-cpu}
say() { printf '== %s\n' "$*"; }

mkdir -p .tools/bin .tools/wheels
go build -o .tools/bin/unpack ./llfc/backend/plugin/unpack
found() { .tools/bin/unpack -find "$device" 2>/dev/null; }

from_wheel() {
    [ "$device" = cpu ] && [ "$(uname -sm)" = "Linux x86_64" ] || return 1
    say "XLA plugin: fetching the wheel $(sed -n 's/ --hash.*//p' tools/plugin.txt) (259 MB unpacked)"
    tools/venv.sh || return 1
    local dir
    dir=$(mktemp -d .tools/wheels/XXXXXX)
    if .tools/venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --require-hashes -r tools/plugin.txt -d "$dir" && .tools/bin/unpack "$dir"/*.whl >/dev/null; then
        rm -rf "$dir"
        return 0
    fi
    rm -rf "$dir"
    return 1
}

from_goxla() {
    say "XLA plugin: asking go-xla's own installer"
    tools/gotools.sh goxla && .tools/bin/goxla "$device" "$(.tools/bin/unpack -dir)"
}

if ! found >/dev/null; then
    if [ -n "${PJRT_PLUGIN_LIBRARY_PATH+set}" ]; then
        say "XLA plugin: none for $device in PJRT_PLUGIN_LIBRARY_PATH=$PJRT_PLUGIN_LIBRARY_PATH: unset it to have one installed"
    elif [ "${LAYERWISE_OFFLINE:-0}" = 1 ]; then
        say "XLA plugin: none for $device, and LAYERWISE_OFFLINE=1 forbids fetching one"
    else
        from_wheel || from_goxla || true
    fi
fi
if path=$(found); then
    say "XLA plugin: $path"
elif [ "$device" = cuda ]; then
    say "XLA plugin: none for cuda: XLA on the CPU serves instead, many times slower than a GPU"
    exit 1
else
    say "XLA plugin: none: the pure-Go backend serves instead, about as fast on an MLP, 2 to 4 times slower on convolutions"
    exit 1
fi
