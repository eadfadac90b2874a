# The common jobs. `make help` lists them; each line after ## is what it prints.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

PORT ?= 9092
DATA ?= ./data
PRESET ?= release
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 300
TAG ?= dev
BUILD := build/$(PRESET)

.PHONY: help run test deps release images e2e bench fuzz compat format format-check lint layers clean

help: ## What can be made
	@echo "Millrace: make TARGET [VARIABLE=value]"
	@sed -nE 's/^([a-z][a-z0-9-]*):.*## (.*)/  \1\t\2/p' Makefile | expand -t 18
	@echo "Variables: PORT=$(PORT) DATA=$(DATA) LOG_LEVEL=warning (run); PRESET=$(PRESET) (build, test: release, debug, asan, tsan);"
	@echo "  FUZZ_SECONDS=$(FUZZ_SECONDS) a fuzz target; TAG=$(TAG) of the images; LAB=DIR (e2e: brings that Kubernetes lab up first)"

run: deps ## A broker on localhost:PORT that keeps its data in DATA; Ctrl-C stops it
	@deploy/local/build $(PRESET) $(JOBS) broker/millrace-broker
	@deploy/local/run $(BUILD)/broker/millrace-broker "$(PORT)" "$(DATA)"

test: deps ## Unit and integration tests
	@deploy/local/build $(PRESET) $(JOBS) all
	@ctest --test-dir $(BUILD) -L '^(unit|integration)$$' --no-tests=error --output-on-failure -j$(JOBS)

deps: ## The Debian packages that building and testing need (packages.txt)
	@deploy/local/install_packages

release: deps ## The binaries millrace-broker and millrace-operator, optimised
	@deploy/local/build release $(JOBS) broker/millrace-broker operator/millrace-operator
	@ls -l build/release/broker/millrace-broker build/release/operator/millrace-operator

images: release ## Container images as OCI archives: build/images/broker.tar and operator.tar
	@deploy/local/install_packages images
	@deploy/images/build $(TAG)

e2e: images ## End-to-end tests on the cluster of $KUBECONFIG
	@deploy/local/build release $(JOBS) millrace_operator_kubernetes_cluster_test
	@test/e2e/run

compat: deps ## Kafka's own tools and librdkafka's suite against the broker
	@deploy/local/install_packages compat
	@deploy/local/build release $(JOBS) broker/millrace-broker
	@test/compat/run

bench: release ## Codec, start-up time, idle memory, time to Ready
	@deploy/local/install_packages bench
	@deploy/local/build release $(JOBS) millrace_codec_bench
	@test/bench/run

fuzz: deps ## Each fuzz target for FUZZ_SECONDS
	@deploy/local/build fuzz $(JOBS) test/fuzz/all
	@test/fuzz/run build/fuzz $(FUZZ_SECONDS)

format: ## clang-format over all sources
	@deploy/local/install_packages format
	@git ls-files -z --cached --others --exclude-standard '*.cpp' '*.h' | xargs -0 -r -P$(JOBS) -n20 clang-format-19 -i

format-check: ## Fails where clang-format would change something
	@deploy/local/install_packages format
	@git ls-files -z --cached --others --exclude-standard '*.cpp' '*.h' | xargs -0 -r -P$(JOBS) -n20 clang-format-19 --dry-run -Werror

lint: deps ## clang-tidy over all sources
	@deploy/local/install_packages lint
	@deploy/local/build $(PRESET) $(JOBS) all
	@git ls-files -z 'broker/*.cpp' 'operator/*.cpp' | xargs -0 -r -P$(JOBS) -n1 clang-tidy-19 --quiet -p $(BUILD)

layers: ## Every include against layers.txt
	@test/layers/check_layers.py .

clean: ## Removes build/; data stays
	@rm -rf build
