# `make run` opens the dashboard with a search under way; `make test` passes the tests. Both set up what they need.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8501
DATA ?=
HOME_DIR ?= $(if $(CELLASCENT_HOME),$(CELLASCENT_HOME),var)
BIN := $(VENV)/bin

.PHONY: run test lint bench soak clean
.DEFAULT_GOAL := test

run: $(VENV)/.run
	$(BIN)/python -m core app --home "$(HOME_DIR)" --port $(PORT) --data "$(DATA)"

test: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 CELLASCENT_NICENESS=0 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/mypy

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

soak: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m long tests/browser
	$(BIN)/python -m benchmarks.soak

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is renewed when its list of packages changes.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "CellAscent needs Python 3.11 or newer; give one with: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements.txt
	touch $@

$(VENV)/.dev: requirements-dev.txt requirements-onnx.txt $(VENV)/.run
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements-dev.txt
	touch $@

$(VENV)/.bench: requirements-bench.txt $(VENV)/.run
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements-bench.txt
	touch $@
