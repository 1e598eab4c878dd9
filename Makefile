# The table of contents. Builds and downloads live in the cache, outside the checkout, and are shared by every clone.

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/customimage-operator
export CARGO_TARGET_DIR ?= $(CACHE)/target
BIN := $(CARGO_TARGET_DIR)/$(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')/debug

.PHONY: help demo test fuzz simulate e2e gitops extra bench image release generate picture build

help:            ## this list
	@grep -E '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):.*## /make \1\t/'

demo: build      ## see it work: control plane, pretended AWS, operator, and a tour (KEEP=1 leaves it up)
	@BIN=$(BIN) tests/demo/demo

test:            ## everything that must hold
	@CACHE=$(CACHE) BIN=$(BIN) tests/all

fuzz:            ## any stored objects, AWS replies, configurations and command lines, optimized (INPUTS=10000000, SEED=1)
	@OPTIMIZED=1 FUZZ_INPUTS=$(or $(INPUTS),10000000) FUZZ_SEED=$(or $(SEED),1) tests/fuzz

simulate:        ## years of operation in virtual time, with faults by seed (SEEDS=100 HOURS=1, SEED=n for one story, CRASHES=1)
	@tests/simulation/run

e2e:             ## a real node, helm install, and what is proved of it (root on Linux)
	@CACHE=$(CACHE) BIN=$(BIN) tests/e2e/run

gitops:          ## Flux, kstatus, Argo CD's health check, Helm 4 and kubectl, each by its own code
	@CACHE=$(CACHE) BIN=$(BIN) tests/gitops/run

extra:           ## longer proofs: fairness, memory, kube-state-metrics, notifications, generated clients, the book, a release twice
	@CACHE=$(CACHE) BIN=$(BIN) tests/extra

bench:           ## the operator beside its peers, measured, into docs/performance (QUICK=1: a short form)
	@CACHE=$(CACHE) BIN=$(BIN) tests/bench/run

image:           ## the container image as an OCI archive, without a container engine (IMAGE=NAME:TAG)
	@tests/image/build

release:         ## the files of a release, for this machine's architecture (VERSION=…); publishes nothing
	@VERSION=$(VERSION) tests/release/make

generate: build  ## write what is generated anew: the CRD, install/install.yaml, the chart's table of values, and pages of docs/
	@mkdir -p crds
	$(BIN)/customimage-operator crd > crds/customimages.parallelcluster.dev.yaml
	cp crds/customimages.parallelcluster.dev.yaml charts/customimage-operator/files/crd.yaml
	"$$(tests/oracle/install)/bin/python" tests/chart/values_table.py
	"$$(tests/oracle/install)/bin/python" tests/chart/install_yaml.py
	BIN=$(BIN) "$$(tests/oracle/install)/bin/python" tests/docs/generate.py

picture: build   ## draw the README's picture anew, from what kubectl shows
	@BIN=$(BIN) tests/docs/picture

build:           ## the operator and its tools, unoptimized, and the control plane that runs them
	@tests/build
