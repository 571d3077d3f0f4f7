# Convenor. `make help` lists what there is.
SHELL := /bin/bash
VENV := .venv
PY := $(VENV)/bin/python
PORT ?= 8000

.DEFAULT_GOAL := help
.PHONY: help setup run test lint soak bench clean

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.ready app/web/static/.ready ## install everything that is needed

$(VENV)/.ready: requirements-dev.lock pyproject.toml scripts/setup.sh
	bash scripts/setup.sh python
	@touch $@

app/web/static/.ready: $(shell find frontend -name node_modules -prune -o -type f -print)
	bash scripts/setup.sh frontend
	@touch $@

$(VENV)/.compiled: $(VENV)/.ready $(shell find app migrations -name '*.py')
	@$(PY) -m compileall -q app migrations  # whatever PYTHONDONTWRITEBYTECODE says: compiling at each start takes seconds
	@touch $@

run: setup $(VENV)/.compiled ## serve the demo on http://127.0.0.1:8000 (PORT=…)
	CONVENOR_ENV=demo CONVENOR_PORT=$(PORT) $(VENV)/bin/convenor serve

lint: setup ## ruff, mypy, import-linter
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# In the order of the folders: the long journeys begin first, so that both processes end together.
test: setup lint ## every test, the browser's and PostgreSQL's included
	bash scripts/setup.sh browser
	$(PY) -m pytest tests -n 2 --dist loadscope --no-loadscope-reorder

soak: setup ## the long ones
	$(PY) -m pytest tests/soak -m soak -s

bench: setup $(VENV)/.compiled ## speed, printed as tables
	$(PY) -m bench

clean: ## remove what was built
	rm -rf $(VENV) frontend/node_modules app/web/static
