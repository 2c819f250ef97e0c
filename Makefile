# Everything the project promises, one command each. Needs nothing but Python >= 3.11 (another one: make PYTHON=...).
.PHONY: demo test faults lint bench clean
.DEFAULT_GOAL := test

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq install --constraint constraints.txt
PYTHONS := $(if $(PYTHON),$(PYTHON),python3.14 python3.13 python3.12 python3.11 python3)
# As pip does with all else that it installs: where PYTHONDONTWRITEBYTECODE is set, every start would compile it anew.
BYTECODE := $(BIN)/python -m compileall -q importer
USABLE := import sys, ensurepip, venv; raise SystemExit(sys.version_info < (3, 11))

demo: $(VENV)/.installed
	@rm -rf demo && mkdir demo
	@$(BIN)/importer run sample_data/erp_customers.csv \
		--schemas schemas --database sqlite:///demo/importer.db --output demo/list || [ $$? -eq 3 ]
	@$(BIN)/importer run sample_data/treasury_update.xlsx \
		--schemas schemas --database sqlite:///demo/importer.db --output demo/update || [ $$? -eq 3 ]

test: lint
	@$(BIN)/python -m pytest -n 2

# As often as the project promises: about forty minutes. `make test` has a short version.
faults: $(VENV)/.test
	@IMPORTER_TEST_FAULTS=long $(BIN)/python -m pytest tests/faults

lint: $(VENV)/.test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.bench
	@$(BYTECODE)
	@$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) demo build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# A command that exists need not run (version managers leave such ones), so each is tried.
$(VENV)/.installed: pyproject.toml constraints.txt
	@rm -rf $(VENV); \
	for python in $(PYTHONS); do \
		if "$$python" -c '$(USABLE)' >/dev/null 2>&1; then exec "$$python" -m venv $(VENV); fi; \
	done; \
	echo "Found no Python >= 3.11 with venv among: $(PYTHONS). Name one: make PYTHON=/path/to/python" >&2; exit 1
	@$(PIP) --editable .
	@$(BYTECODE)
	@touch $@

$(VENV)/.test $(VENV)/.bench: $(VENV)/.%: $(VENV)/.installed
	@$(PIP) --editable '.[$*]'
	@touch $@
