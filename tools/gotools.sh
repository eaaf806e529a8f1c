#!/usr/bin/env bash
# gotools.sh NAME...: Go programs of tools/go.mod, built into .tools/bin: gonb, goimports, staticcheck, goxla; and gopls.
# Quick where they stand already.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOWORK=off # whatever go.work lies in a folder above
declare -A package=(
    [gonb]=github.com/janpfeifer/gonb
    [goimports]=golang.org/x/tools/cmd/goimports
    [staticcheck]=honnef.co/go/tools/cmd/staticcheck
    [goxla]=./goxla
)
gopls=golang.org/x/tools/gopls@v0.24.0 # its own module: it does not compile beside the x/tools of the others
export GOBIN="$PWD/.tools/bin"
mkdir -p "$GOBIN"
for name in "$@"; do
    want=$(cat tools/go.mod tools/go.sum tools/goxla/*.go tools/gotools.sh | cksum)" ${GOTOOLCHAIN:-}"
    if [ -x "$GOBIN/$name" ] && [ "$(cat "$GOBIN/.$name" 2>/dev/null)" = "$want" ]; then continue; fi
    echo "== Go tools: building $name into .tools/bin"
    if [ "$name" = gopls ]; then
        GOEXPERIMENT='' go install "$gopls"
    else
        (cd tools && go install "${package[$name]}")
    fi
    printf '%s\n' "$want" >"$GOBIN/.$name"
done
