# `make train` and `make test` need nothing but make and Python >= 3.11: they build .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup train test compiled check bench docs clean

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: NEOX needs Python 3.11 or newer; try 'make PYTHON=python3.12'" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV): about a minute"
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

train: setup
	$(BIN)/neox train $(ARGS)

test: setup
	$(BIN)/pytest -q -n 2 $(ARGS)

# The wheel's compiled frontend, unpacked below build/compiled, under the frontend's tests.
compiled: setup
	rm -rf build/compiled build/wheel
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir build/wheel .
	$(BIN)/python -m zipfile -e build/wheel/neox-*.whl build/compiled
	NEOX_COMPILED=1 PYTHONPATH=build/compiled $(BIN)/pytest -q -n 2 tests/compiler/test_*.py $(ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	for script in benchmarks/bench_*.py; do $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) build dist *.egg-info
