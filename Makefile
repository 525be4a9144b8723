# make demo    four shops and the board, on this machine alone (no root)
# make test    everything, on real Mosquitto, InfluxDB and Chromium (as root it installs them)
# make check   format, lint, types, imports
# make bench   budgets as ratios, measured here and now
# make chaos   every fault we promise to survive, on real processes (SEED= FAULT="F3 F8" LEDGER=postgresql SOAK=minutes)
# make model   the promise as a state machine, for longer: MODEL_EXAMPLES=5000 MODEL_SEED=7
# make fuzz    every driver's parser under atheris, a minute each (SECONDS= DRIVER="shdr haas")
# make loss-table   lost and doubled: Mawashi beside paho, aiomqtt, Node-RED and ThingsBoard gateway
# make setup   the commands mawashi and mawashi-edge in .venv/bin

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
TESTS ?= tests

SEED ?= 1

.PHONY: demo test fast check format bench chaos setup setup-dev debian clean model loss-table fuzz
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | sed '/^$$/q'

demo: setup
	@$(BIN)/mawashi demo

test: setup-dev debian
	$(BIN)/python -m pytest -n 2 --dist loadfile $(TESTS)

fast: setup-dev
	$(BIN)/python -m pytest -m "not slow" $(TESTS)

check: setup-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-dev debian
	$(BIN)/python -m tests.bench

chaos: setup-dev debian
	$(BIN)/python -m tests.chaos --seed $(SEED) $(if $(FAULT),--fault $(FAULT)) \
		$(if $(LEDGER),--ledger $(LEDGER)) $(if $(SOAK),--soak $(SOAK))

MODEL_EXAMPLES ?= 1000
MODEL_SEED ?= 5
model: setup-dev
	MODEL_EXAMPLES=$(MODEL_EXAMPLES) MODEL_SEED=$(MODEL_SEED) $(BIN)/python -m pytest -s tests/model

loss-table: setup-dev debian
	$(BIN)/python -m tests.losses $(LOSSES)

SECONDS ?= 60
fuzz: setup-dev
	$(PIP) install -e ".[fuzz]"
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(if $(DRIVER),--driver $(DRIVER))

setup: .venv/with-commands
setup-dev: .venv/with-dev
debian:
	@sh tests/debian.sh

.venv/bin/python:
	@sh tests/venv.sh "$(PYTHON)"

.venv/with-commands: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing Mawashi into .venv (once, about half a minute) ..."
	@$(PIP) install -c constraints.txt -e ".[edge,gateway]"
	@touch $@

.venv/with-dev: .venv/with-commands
	@echo "Installing the tools for tests and checks (once) ..."
	@$(PIP) install -c constraints.txt -e ".[dev]"
	@touch $@

clean:
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
