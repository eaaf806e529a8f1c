# What a person types. Each step says what it does, and is quick where its work is done already.
# Everything lands in this checkout (bin/, out/, runs/, .tools/), in Go's caches and in the user's cache (layerwise/).

SCALE ?= quick

# One toolchain for all: Go fetches it by itself. simd makes the pure-Go backend 20 to 40 times faster. A go.work in a folder above is of
# no concern here, and Go would look for one if GOWORK were empty.
export GOTOOLCHAIN := go1.27.4
export GOEXPERIMENT := simd
export GOFLAGS := -buildvcs=false
export GOWORK := off
# Command line and notebooks share their runs.
export LAYERWISE_RUNS ?= $(CURDIR)/runs

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.NOTPARALLEL:
.DEFAULT_GOAL := help

NOTEBOOKS := $(sort $(wildcard notebooks/*.ipynb))
# Headless Jupyter sees neither the user's settings nor leaves files in the user's folders.
HEADLESS := JUPYTER_CONFIG_DIR="$$PWD/.tools/jupyter" JUPYTER_RUNTIME_DIR="$$PWD/.tools/jupyter/run" \
	IPYTHONDIR="$$PWD/.tools/jupyter/ipython"

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

.PHONY: reproduce
reproduce: build ## the paper's figures and verdicts on real data: out/reproduce/index.html (SCALE=smoke, quick, paper)
	@tools/plugin.sh cpu || true
	@echo "== reproduce at scale $(SCALE): out/reproduce"
	@bin/layerwise reproduce --scale "$(SCALE)" --out out/reproduce

.PHONY: build
build: need-go ## bin/layerwise
	@echo "== build: bin/layerwise (the first time Go fetches its toolchain and compiles for a minute or two)"
	@go build -o bin/layerwise ./cmd/layerwise

.PHONY: plugin
plugin: need-go ## XLA's plugin for the CPU into the user's cache
	@tools/plugin.sh cpu

.PHONY: plugin-cuda
plugin-cuda: need-go ## XLA's plugin for an NVIDIA GPU into the user's cache (several GB)
	@tools/plugin.sh cuda

.PHONY: gallery
gallery: need-go ## every figure with the lines of Go that make it: out/gallery.html
	@mkdir -p out
	@go test -count=1 -run '^TestGallery$$' ./llfc/figures -args -gallery "$$PWD/out/gallery.html"
	@echo "== out/gallery.html"

.PHONY: doctor
doctor: build ## what is found on this machine, and what mends the rest
	@bin/layerwise doctor

.PHONY: lab
lab: need-go ## JupyterLab on the notebooks
	@tools/plugin.sh cpu || true
	@tools/kernel.sh lab
	@echo "== compiling the packages, so that the first cell need not"
	@go build ./...
	@.tools/venv/bin/jupyter-lab $(LAB_ARGS) notebooks

.PHONY: kernel
kernel: need-go ## GoNB and its kernel into .tools/venv
	@tools/kernel.sh

.PHONY: notebooks
notebooks: notebook-tools ## every notebook executed at scale smoke, copies in out/notebooks
	@echo "== notebooks at scale smoke: out/notebooks"
	@LAYERWISE_SCALE=smoke LAYERWISE_RUNS="$$PWD/out/notebooks/runs" $(HEADLESS) \
		.tools/venv/bin/python tools/notebooks.py --timeout 600 --out out/notebooks $(NOTEBOOKS)
	@echo "== the first of them once more, from a folder outside of the checkout"
	@LAYERWISE_SCALE=smoke LAYERWISE_RUNS="$$PWD/out/notebooks/runs" $(HEADLESS) \
		.tools/venv/bin/python tools/notebooks.py --elsewhere --timeout 600 --out out/notebooks/elsewhere $(firstword $(NOTEBOOKS))

.PHONY: notebooks-commit
notebooks-commit: notebook-tools ## every notebook executed in place as it stands, to be committed
	@echo "== notebooks in place"
	@LAYERWISE_SCALE= $(HEADLESS) .tools/venv/bin/python tools/notebooks.py --timeout 3600 --in-place $(NOTEBOOKS)

.PHONY: notebook-tools
notebook-tools: need-go
	@tools/plugin.sh cpu || true
	@tools/kernel.sh
	@go build ./...

.PHONY: test
test: test-style test-go test-reproduce test-readme ## everything: style, packages, command line, README, notebooks
	@if [ -n "$(NOTEBOOKS)" ]; then $(MAKE) --no-print-directory notebooks; fi
	@echo "== all tests passed"

.PHONY: test-style
test-style: need-go ## gofmt, go vet, staticcheck
	@echo "== gofmt, go vet"
	@unformatted=$$("$$(go env GOROOT)/bin/gofmt" -l .); \
		if [ -n "$$unformatted" ]; then echo "gofmt -w would change:"; echo "$$unformatted"; exit 1; fi
	@go vet ./...
	@cd tools && go vet ./goxla
	@tools/gotools.sh staticcheck
	@echo "== staticcheck"
	@.tools/bin/staticcheck ./...

.PHONY: test-go
test-go: need-go ## go test ./...
	@tools/plugin.sh cpu || true
	@echo "== go test ./..."
	@go test ./...

.PHONY: test-reproduce
test-reproduce: build ## the main job at scale smoke
	@tools/plugin.sh cpu || true
	@echo "== reproduce at scale smoke: out/smoke"
	@rm -rf out/smoke
	@LAYERWISE_RUNS="$$PWD/out/smoke-runs" bin/layerwise reproduce --scale smoke --out out/smoke
	@echo "== the same trained networks, measured anew in another process: every number and picture must be the same"
	@rm -rf out/smoke-again out/smoke-runs/measured out/smoke-runs/matched
	@LAYERWISE_RUNS="$$PWD/out/smoke-runs" bin/layerwise reproduce --scale smoke --out out/smoke-again >out/smoke-again.log
	@# (the PDFs of feature maps hold many images of one width, which the PDF library writes in any order)
	@diff -r -x index.html -x README.md -x study.json -x layerwise.sha256 -x 'maps-*.pdf' out/smoke out/smoke-again

.PHONY: test-readme
test-readme: build ## the commands and programs that the README shows
	@echo "== the README's commands"
	@LAYERWISE_README=1 LAYERWISE_BIN="$$PWD/bin/layerwise" go test -count=1 -run README ./cmd/layerwise

.PHONY: clean
clean: ## takes bin/, out/ and .tools/ away; runs/ and the user's cache stay
	rm -rf bin out .tools

.PHONY: need-go
need-go:
	@command -v go >/dev/null || { echo "Go 1.21 or later is needed on the PATH: https://go.dev/dl" >&2; exit 1; }
	@command -v gcc >/dev/null || echo "== no gcc: building without XLA, on the pure-Go backend only (apt-get install gcc libc6-dev mends it)"
