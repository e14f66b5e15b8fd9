# Needs Python 3.11+, git and make; fetches everything else. `make` lists what there is.
# Works with the make of macOS (3.81).

UV_VERSION := 0.13.9
TOOLS := var/tools
UV := $(or $(shell command -v uv 2>/dev/null),$(TOOLS)/bin/uv)
PY := .venv/bin/python
# Both cores of the smallest machine that the tests are meant to run on.
JOBS ?= 2
TESTS ?= tests
RUNS ?= 50
INPUTS ?= 1000000
EXAMPLES ?= 100
SEED ?= 1
BENCHMARKS ?= $(filter-out %/bench_vision.py,$(sort $(wildcard tests/benchmarks/bench_*.py)))
# Bash counts SECONDS by itself: ours is a variable of make and goes no further.
unexport SECONDS
export UV_PROJECT_ENVIRONMENT := .venv
# Compiled once, when installed: a process starts in 1 s instead of 5 s where Python itself may
# not write what it compiles (containers often say so), and a test run starts many.
export UV_COMPILE_BYTECODE := 1
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test lint check package format bench bench-vision chaos fuzz docs migration clean

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/ready-demo ## a small shop at work; prints its address; ends with Ctrl-C or SECONDS=60
	@$(PY) -m firmware_sim demo $(if $(SECONDS),--seconds $(SECONDS))

test: lint ## everything: lint, then all tests, on both databases; TESTS=tests/cart for a part
	@.ci/system_packages
	@.venv/bin/pytest --numprocesses $(JOBS) --dist worksteal $(TESTS)

lint: .venv/ready ## style, types, direction of imports, spelling
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/lint-imports --no-logo
	@.venv/bin/codespell
	@.venv/bin/mypy .

check: lint ## lint, and ask osv.dev whether anything we build on has a known hole (network)
	@$(UV) audit --locked --preview-features audit-command

package: .venv/ready ## wheel and source in dist/, with what is in them (CycloneDX)
	@$(UV) build --quiet
	@$(UV) export --quiet --locked --all-extras --no-dev --no-emit-project \
	    --format cyclonedx1.5 --preview-features sbom-export --output-file dist/carryover.cdx.json
	@ls dist

format: .venv/ready ## write the code the way lint wants it
	@.venv/bin/ruff check --fix --quiet .
	@.venv/bin/ruff format .

bench: .venv/ready ## figures: events per second, scan to phone, memory, import
	@.ci/system_packages
	@$(PY) tests/benchmarks/run.py $(BENCHMARKS)

bench-vision: .venv/ready ## what the readers of codes and the mirror's eyes see; DATA=FOLDER TURNS=2
	@$(PY) tests/benchmarks/bench_vision.py $(if $(DATA),--data "$(DATA)") \
	    $(if $(TURNS),--turns $(TURNS))

chaos: .venv/ready ## kill everything at random, count what is left; RUNS=50 SEED=1; AWAY=3: minutes
	@.ci/system_packages
	@$(PY) -m tests.chaos --runs $(RUNS) --seed $(SEED) $(if $(AWAY),--away-minutes $(AWAY))

fuzz: .venv/ready ## feed everything that reads strangers' bytes; INPUTS=1000000 SEED=1
	@$(PY) -m tests.fuzz --inputs $(INPUTS) --seed $(SEED)
	@FUZZ_EXAMPLES=$(EXAMPLES) .venv/bin/pytest --numprocesses $(JOBS) -q \
	    tests/mobile_api/test_document_fuzzed.py

docs: .venv/ready ## write the documents that are made from the code: AsyncAPI, OpenAPI, settings
	@$(PY) -m tests.contracts.documents

migration: .venv/ready ## write the revision that brings the database up to the tables; m="what changes"
	@$(PY) -m migrations "$(m)"

clean: ## remove everything that make has made, the demo's data too
	rm -rf .venv var build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: exactly what uv.lock says. A stamp makes the second run instant.

.venv/ready: pyproject.toml uv.lock | $(UV)
	@$(UV) sync --quiet --all-extras --locked
	@touch $@ .venv/ready-demo

.venv/ready-demo: pyproject.toml uv.lock | $(UV)
	@$(UV) sync --quiet --all-extras --no-extra notebook --locked --no-dev --inexact
	@touch $@

$(TOOLS)/bin/uv:
	@echo "fetching uv $(UV_VERSION)" >&2
	@mkdir -p $(TOOLS)
	@python3 -m pip install --quiet --no-deps --disable-pip-version-check \
	    --target $(TOOLS) uv==$(UV_VERSION) 2>/dev/null \
	    || python3 .ci/get_uv.py $(UV_VERSION) $(TOOLS)
