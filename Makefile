# fleetrun: `make` lists the targets. GNU make 3.81 or newer, any Python from 3.10 on; everything else is set up here.
#
#   make run PORT=7200                     another port
#   make run EVENT=events/mine.json        another request
#   make setup VENV=.venv-3.12 PYTHON=python3.12

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV ?= .venv
PORT ?= 7150
INSTANCES ?= 120
EVENT ?= events/demo.json
JOBS ?= auto
# One more than cores: many tests wait for processes.
TEST_JOBS = $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1) + 1)

ROOT := $(CURDIR)
PY := $(VENV)/bin/python
FLEETRUN := $(VENV)/bin/fleetrun
STAMP := $(VENV)/.fleetrun-is-set-up
BENCH_STAMP := .venv-bench/.fleetrun-is-set-up
FUZZ_VENV := .venv-fuzz
FUZZ_STAMP := $(FUZZ_VENV)/.fleetrun-is-set-up
CHECKED := shared functions localcloud cli tests

.PHONY: help setup run local invoke test test-node check format schemas docs package bench bench-local bench-backlog fuzz sim sim-replay ci clean

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "; print "Usage: make TARGET\n"} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## Make the virtual environment with the pinned packages (the other targets do it by themselves)

run: $(STAMP) ## The whole way on this machine: local cloud, one request, 120 instances, summary (PORT= INSTANCES= EVENT=)
	@$(FLEETRUN) demo --port $(PORT) --instances $(INSTANCES) --event $(EVENT)

local: $(STAMP) ## The local cloud in the foreground, until Ctrl-C (PORT= INSTANCES= DATA=folder that keeps its state)
	@$(FLEETRUN) local --port $(PORT) --instances $(INSTANCES) $(if $(DATA),--data $(DATA))

invoke: $(STAMP) ## Call one function with a file: make invoke FUNCTION=accept_requests EVENT=events/…
	@test -n "$(FUNCTION)" || { echo "FUNCTION= is missing, e.g. FUNCTION=sweep_runs"; exit 2; }
	@test -n "$$ALIBABA_CLOUD_ACCESS_KEY_ID" || eval "$$($(FLEETRUN) local --port $(PORT) --print-env)"; \
	$(FLEETRUN) call $(FUNCTION) $(EVENT)

test: $(STAMP) ## All tests (JOBS= processes)
	@$(PY) -m pytest -n $(if $(filter auto,$(JOBS)),$(TEST_JOBS),$(JOBS)) --dist loadfile $(TESTS)

test-node: $(STAMP) ## The official SDKs for Node.js against a local cloud (skipped where node is missing)
	@$(PY) -m tests.node

check: $(STAMP) ## ruff and mypy, strict
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

format: $(STAMP) ## Put the code into the one form that check accepts
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

schemas: $(STAMP) ## Make events/schema/ anew from the types
	@$(PY) -m cli.schemas

docs: $(STAMP) ## Make the reference pages of docs/ anew from the code
	@$(PY) -m cli.reference

package: $(STAMP) ## Build what is deployed: dist/fleetrun/<version>/*.zip
	@$(FLEETRUN) package

bench: $(STAMP) ## Measure: wall time, memory, calls per run, import times
	@$(PY) -m tests.bench.measure

bench-local: $(STAMP) $(BENCH_STAMP) ## Measure the local cloud beside moto_server (fetched into .venv-bench, once)
	@$(PY) -m tests.bench.local_cloud

bench-backlog: $(STAMP) ## Measure how 10,000 queued requests drain (COUNT=): pace and memory; takes six minutes or more
	@$(PY) -m tests.bench.backlog $(or $(COUNT),10000)

fuzz: $(FUZZ_STAMP) ## Fuzz every decoder with atheris, FUZZ_SECONDS=120 each; what it finds stays in build/fuzz
	@set -e; for target in payloads messages rows display hooks http; do \
		mkdir -p build/fuzz/$$target; echo "$$target, $(or $(FUZZ_SECONDS),120) s"; \
		$(FUZZ_VENV)/bin/python -m tests.fuzz.atheris_$$target -max_total_time=$(or $(FUZZ_SECONDS),120) -timeout=20 \
			-rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 -verbosity=0 -artifact_prefix=build/fuzz/$$target- \
			build/fuzz/$$target events/accept_requests events/advance_runs events/stop_runs events/serve_http; \
	done

sim: $(STAMP) ## Simulate many seeds (SEEDS= FIRST= JOBS= WORLD= MINUTES=), or with BUGS=1 find our planted bugs
	@$(PY) -m tests.sim $(if $(BUGS),--bugs,--seeds $(or $(SEEDS),2000) --first $(or $(FIRST),1) \
		$(if $(WORLD),--world $(WORLD)) $(if $(MINUTES),--minutes $(MINUTES)) --jobs $(if $(filter auto,$(JOBS)),1,$(JOBS)))

sim-replay: $(STAMP) ## Repeat one seed exactly, with its story: make sim-replay SEED=41
	@test -n "$(SEED)" || { echo "SEED= is missing, e.g. SEED=41"; exit 2; }
	@$(PY) -m tests.sim --replay $(SEED) $(if $(WORLD),--world $(WORLD))

ci: ## What the build server runs
	@.ci/run

clean: ## Remove what was made (not the virtual environment)
	@rm -rf build dist tests/node/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .localcloud
	@find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +

# Made anew when a list of packages changes. The command is a small script, so that nothing has to be built or fetched
# to install ourselves, and the functions of the local cloud still import `shared` from their layer only.
$(STAMP): requirements.txt requirements-dev.txt .ci/find-python .ci/fleetrun.in
	@if test ! -x $(PY); then \
		python=$$(.ci/find-python $(PYTHON)) || exit 1; \
		echo "Setting up $(VENV) with $$($$python --version), once; this takes about a minute."; \
		$$python -m venv $(VENV) || { echo "No $(VENV): Python's venv module is needed (Debian: python3-venv)."; exit 1; }; \
	fi
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps -r requirements-dev.txt
	@sed -e 's|@PYTHON@|$(abspath $(PY))|' -e 's|@ROOT@|$(ROOT)|' .ci/fleetrun.in > $(FLEETRUN)
	@chmod +x $(FLEETRUN)
	@touch $@

# atheris has wheels for 3.11 to 3.13.
$(FUZZ_STAMP): requirements.txt requirements-dev.txt requirements-fuzz.txt
	@test -x $(FUZZ_VENV)/bin/python || $$(.ci/find-python $(PYTHON) python3.12 python3.11) -m venv $(FUZZ_VENV)
	@$(FUZZ_VENV)/bin/python -m pip install -q --disable-pip-version-check --no-deps -r requirements-fuzz.txt
	@touch $@

$(BENCH_STAMP): requirements-bench.txt
	@$(PY) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install -q --disable-pip-version-check --no-deps -r requirements-bench.txt
	@touch $@
