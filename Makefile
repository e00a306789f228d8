# The whole house by one word each; `make help` lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test check soak clean

help:   ## list what can be made
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/' | expand -t 16

setup: $(STAMP) ## create the virtual environment and install

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "samehour needs Python 3.11 or newer; this is %s. Name another one: make PYTHON=python3.12" % sys.version.split()[0])'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python cannot make virtual environments here; on Debian: apt install python3-venv"; exit 1; }
	@echo "Installing into $(VENV) (once, about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[city,load,dev]'
	@touch $@

demo: $(STAMP) ## start the service and a simulated Helsinki beside it
	@exec $(BIN)/samehour demo

# On a new machine the kernels are compiled first, or every worker would compile them for itself.
test: $(STAMP) ## run the tests
	@($(BIN)/python -c 'from geo.warming import warm_up; warm_up()'; \
	  $(BIN)/python -c 'from dispatch.tours.warming import warm_up; warm_up()') & \
	  $(BIN)/python -c 'from dispatch.planning.warming import warm_up; warm_up()' && wait
	@$(BIN)/python -m pytest -n 4 --dist worksteal

soak: $(STAMP) ## run the long tests as well
	@$(BIN)/python -m pytest -m 'soak or not soak'

check: $(STAMP) ## format, lint, types, import contracts, tests
	@PATH="$(abspath $(BIN)):$$PATH" scripts/check

clean: ## remove the environment and the demo's ledger
	rm -rf $(VENV) .samehour
