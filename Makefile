# Everything here needs only Python 3.11 to 3.13, git and make. `make` alone lists the targets.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
UV     := $(VENV)/bin/uv
READY  := $(VENV)/.ready
STACK  := env=$$($(PY) -m devstack env) && eval "$$env"
# The environment is made from uv.lock alone, by the uv that it pins, with the Python that is here.
UV_VERSION := $(shell sed -n '/^name = "uv"$$/{n;s/version = "\(.*\)"/\1/p;}' uv.lock)
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(VENV)
# Compiled code is kept, whatever the shell says: three test processes would each compile every test again, in each run.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help venv up down status demo shell import sql migrate env test test-unit test-model test-faults test-mutants test-image test-browser lint types format bench lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(READY) ## make the Python environment .venv, exactly as locked
$(READY): pyproject.toml uv.lock requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "Python 3.11, 3.12 or 3.13 is needed, and $(PYTHON) is another: make PYTHON=python3.12 …"; exit 1; }
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@# An index that serves pip but not the addresses in uv.lock is common in companies: pip gives the same versions, with the same hashes.
	{ $(PY) -m pip install --quiet uv==$(UV_VERSION) && $(UV) sync --quiet --frozen --compile-bytecode; } || { \
	  echo "uv could not make the environment; trying pip, which takes longer"; \
	  $(PY) -m pip install --quiet --require-hashes -r requirements/dev.txt && $(PY) -m pip install --quiet --no-deps -e .; }
	@touch $@

up: $(READY) ## start real local servers: MongoDB, S3, ClickHouse, Airflow
	$(PY) -m devstack up

down: $(READY) ## end the local servers and remove their data
	$(PY) -m devstack down

status: $(READY) ## show which local servers run, and where
	$(PY) -m devstack status

demo: $(READY) ## see documents and tickets arrive through Airflow, some change, and only those move
	$(PY) -m devstack.demo $(if $(WAREHOUSE),--warehouse $(WAREHOUSE))

shell: up ## start what does not run, and open a shell in which sluice and airflow talk to the local servers
	@$(STACK) && unset MAKEFLAGS MAKELEVEL && PATH="$(CURDIR)/$(VENV)/bin:$$PATH" exec "$${SHELL:-sh}"

import: up ## fill a collection of MongoDB, named as the file: FILE=~/students.json, a document of Extended JSON a line
	@$(PY) -m devstack import $(or $(DATABASE),mine) "$(or $(FILE),$(error which file? make import FILE=~/students.json))"

sql: $(READY) ## ask the warehouse: SQL='SELECT …', WAREHOUSE=redshift
	@$(PY) -m devstack sql $(if $(WAREHOUSE),--warehouse $(WAREHOUSE)) "$${SQL:?what? make sql SQL='SELECT 1'}"

migrate: $(READY) ## apply missing migrations to the local warehouse
	$(STACK) && $(VENV)/bin/sluice migrate up

env: ## complete .env for docker-compose.yml: a secret for each name
	@$(PYTHON) deploy/env.py $(PROFILES)

# Three processes on two cores: a third of the time a test waits for a server.
test: lint types ## check everything: style, types, and all tests but the faults
	$(PY) -m pytest --numprocesses 3 --dist worksteal \
	  tests/unit tests/contract tests/integration tests/acceptance tests/model/test_model.py tests/model/test_money.py \
	  tests/model/test_shrink.py tests/project

test-unit: $(READY) ## test the pure core; seconds
	$(PY) -m pytest tests/unit

test-model: $(READY) ## play SEQUENCES=100 random operations, batches and deaths against what is promised; SEED=… one again
	SEQUENCES=$${SEQUENCES:-100} $(PY) -m pytest -s tests/model

test-faults: $(READY) ## kill processes and servers on purpose; the end state must not differ
	FAULTS=every $(PY) -m pytest tests/faults

test-mutants: $(READY) ## make known mistakes in copies of the code; the tests must catch each
	$(PY) -m pytest tests/mutants

test-image: $(READY) ## run what the images run, in a clean environment of requirements/prod.txt; minutes
	$(PY) -m pytest tests/image

test-browser: $(READY) ## look at the page inside Airflow with a headless Chromium; SCREENSHOTS=docs/images keeps what it sees
	$(PY) -m pytest tests/browser

lint: $(READY) ## check style, formatting and the lock file
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(UV) lock --check --offline --quiet

types: $(READY) ## check types
	$(VENV)/bin/mypy

format: $(READY) ## repair style and formatting where a tool can
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .

bench: $(READY) ## measure; figures go to benchmarks/latest.json
	$(PY) -m benchmarks

lock: $(READY) ## resolve the dependencies anew, and export them for pip
	$(UV) lock
	$(UV) export --quiet --frozen --no-emit-project --no-header --no-dev --group deploy -o requirements/prod.txt
	$(UV) export --quiet --frozen --no-emit-project --no-header --only-group stand-in -o requirements/stand-in.txt
	$(UV) export --quiet --frozen --no-emit-project --no-header -o requirements/dev.txt

clean: ## remove caches; .venv stays
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* htmlcov dist build
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +
