# `make` alone prints what there is.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PORT ?= 5000
# Tests run side by side, each with a database of its own; but for those that measure what is lost under load.
SIDES = $(if $(HBNB_TEST_MYSQL_DB),,--numprocesses=auto --maxprocesses=4 --dist=loadscope)

.DEFAULT_GOAL := help
.PHONY: help run test functional lint coverage bench plain screenshots clean

help:  ## print this
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

run: $(VENV)/run  ## serve API and pages on http://127.0.0.1:5000, with sample data if the store is empty
	@case "$(PORT)" in ''|*[!0-9]*) echo "PORT is '$(PORT)': make it a number"; exit 1;; esac
	@$(BIN)/python -m sample
	@$(BIN)/python wsgi.py --port $(PORT)

test: $(VENV)/dev  ## run every test on both engines
	$(BIN)/python -m pytest --ignore=tests/deploy $(SIDES)
	$(BIN)/python -m pytest tests/deploy

functional: $(VENV)/dev  ## ask the site at STAGING_SERVER=http://… what it must be able to do; changes nothing there
	$(BIN)/python -m pytest tests/functional

lint: $(VENV)/dev  ## check style and types, of Python and of scripts
	$(BIN)/pycodestyle --exclude=$(VENV),.git,node_modules .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/node node_modules/eslint/bin/eslint.js --max-warnings 0 web_dynamic eslint.config.mjs

coverage: $(VENV)/dev  ## run every test, and list the lines and branches that none reaches
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

bench: $(VENV)/dev  ## measure, side by side with the limits
	$(BIN)/python -m bench

plain: $(VENV)/run  ## draw the pages of web_static/, from the templates
	@$(BIN)/python -m web_flask.plain

screenshots: $(VENV)/dev  ## take pictures of every page, into screenshots/
	$(BIN)/python -m tests.screenshots

clean:  ## remove what make made, but no data
	rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

# A virtual environment remembers what was installed by these files; they are made anew when the lists change.
$(VENV)/run: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("HBNB needs Python 3.11 or later; say which: make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "Installing into $(VENV) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

$(VENV)/dev: $(VENV)/run requirements-monitoring.txt requirements-mysql.txt requirements-redis.txt requirements-dev.txt package-lock.json
	@sh tests/install
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@PATH="$(abspath $(BIN)):$$PATH" npm ci --silent --no-audit --no-fund
	@touch $@
