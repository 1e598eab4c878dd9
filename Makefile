# The table of contents. Builds and downloads live in the cache, outside the checkout, and are shared by every clone.

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/customimage-operator
export CARGO_TARGET_DIR ?= $(CACHE)/target
BIN := $(CARGO_TARGET_DIR)/$(shell rustc -vV | sed -n 's/^host: //p')/debug

.PHONY: help demo test generate build

help:            ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/'

demo: build      ## see it work: control plane, pretended AWS, operator, and a tour (KEEP=1 leaves it up)
	@BIN=$(BIN) tests/demo/demo

test:            ## everything that must hold; about 4 minutes once built
	@CACHE=$(CACHE) BIN=$(BIN) tests/all

generate: build  ## write crds/ anew from the Rust types
	@mkdir -p crds
	$(BIN)/customimage-operator crd > crds/customimages.parallelcluster.dev.yaml

build:           ## the operator and its tools, unoptimized
	@echo "building the operator (the first time: about 8 minutes on 2 cores, most of it the AWS SDK) …" >&2
	@cargo build --workspace --bins
