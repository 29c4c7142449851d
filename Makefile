# `make` without a target lists the targets.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PORT ?= 5000
# More workers than cores, because many tests wait. Each worker has a database; tests/conftest.py groups the tests.
SIDES = $(if $(HBNB_TEST_MYSQL_DB),,--numprocesses=5 --dist=loadscope --no-loadscope-reorder)
PIP = $(BIN)/python -m pip --disable-pip-version-check
# The requirement lists to lock; each lock file has the versions of `dev`.
LISTS = deploy monitoring mysql production redis
LOCK = $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-strip-extras --no-emit-index-url --no-annotate --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help run test functional lint coverage bench plain screenshots lock clean

help:  ## list the targets and options
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'
	@echo 'Options:'
	@echo '  PORT=8000         the port of `make run`; the default is 5000'
	@echo '  PYTHON=python3.12 the Python (3.11 or later) of a new $(VENV); the default is python3'

run: $(VENV)/run  ## serve API and pages on http://127.0.0.1:5000, with sample data if the store is empty
	@case "$(PORT)" in ''|*[!0-9]*) echo "PORT is '$(PORT)': set it to a number"; exit 1;; esac
	@! $(BIN)/python -c 'import socket; socket.create_connection(("127.0.0.1", $(PORT)), 2)' 2>/dev/null || { \
		echo "Port $(PORT) is in use: stop the other program, or choose another port: make run PORT=$$(($(PORT) + 1))"; exit 1; }
	@$(BIN)/python -m sample
	@$(BIN)/python wsgi.py --port $(PORT)

test: $(VENV)/dev  ## run every test on both engines
	$(BIN)/python -m pytest $(SIDES)

functional: $(VENV)/dev  ## run read-only acceptance tests on the site STAGING_SERVER=http://…
	$(BIN)/python -m pytest tests/functional

lint: $(VENV)/dev  ## check style and types of Python, and style of JavaScript
	$(BIN)/pycodestyle --exclude=$(VENV),.git,tests/node_modules .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/node tests/node_modules/eslint/bin/eslint.js --config tests/eslint.config.mjs --max-warnings 0 web_dynamic tests/eslint.config.mjs

coverage: $(VENV)/dev  ## run every test, and list the lines and branches that no test reaches
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

bench: $(VENV)/dev  ## run the benchmarks, each beside its reference and target
	$(BIN)/python -m bench

plain: $(VENV)/run  ## render the pages of web_static/ from the templates
	@$(BIN)/python -m web_flask.static_export

screenshots: $(VENV)/dev  ## save screenshots of every page in screenshots/
	$(BIN)/python -m tests.screenshots

lock: $(VENV)/dev  ## pin requirements/*.in and their dependencies, with hashes, in requirements.txt and requirements/*.txt
	$(LOCK) --output-file requirements/dev.txt requirements/dev.in $(UPGRADE)
	$(LOCK) --constraints requirements/dev.txt --output-file requirements.txt requirements/base.in
	for list in $(LISTS); do $(LOCK) --constraints requirements/dev.txt \
		--output-file requirements/$$list.txt requirements/$$list.in || exit; done

clean:  ## remove the files that make created, but no data
	rm -rf $(VENV) tests/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

RECENT = import sys; sys.exit(sys.version_info < (3, 11))
TYPED = make $(or $(MAKECMDGOALS),run)
# These files in the virtual environment mark that a list was installed; make reruns a rule when its list changes.
# An environment without pip, or of an older Python, is left over from a failed attempt: it is created again.
$(VENV)/run: requirements.txt
	@$(BIN)/python -c 'import pip; $(RECENT)' 2>/dev/null || { \
		$(PYTHON) -c '$(RECENT)' || { \
			echo "HBNB needs Python 3.11 or later, but $(PYTHON) is missing or older. Name another one: $(TYPED) PYTHON=python3.11"; exit 1; }; \
		$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
			echo "$(PYTHON) cannot create virtual environments: install its venv module (on Debian and Ubuntu:" \
				"sudo apt-get install python3-venv), and run again: $(TYPED)"; exit 1; }; \
		$(PYTHON) -m venv $(if $(wildcard $(VENV)/pyvenv.cfg),--clear) $(VENV); }
	@echo "Installing into $(VENV) …"
	@$(PIP) install --quiet --requirement requirements.txt
	@touch $@

$(VENV)/dev: $(VENV)/run requirements/dev.txt tests/package-lock.json
	@sh tests/install
	@$(PIP) install --quiet --requirement requirements/dev.txt
	@PATH="$(abspath $(BIN)):$$PATH" npm ci --prefix tests --silent --no-audit --no-fund
	@touch $@
