# `make` alone lists the commands.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PORT ?= 5000
# More workers than cores, because many tests wait. Each worker has its own database; tests/conftest.py says which tests
# stay together.
SIDES = $(if $(HBNB_TEST_MYSQL_DB),,--numprocesses=5 --dist=loadscope --no-loadscope-reorder)
PIP = $(BIN)/python -m pip --disable-pip-version-check
# The lists for which requirements are pinned; each pins what `dev` pins.
LISTS = deploy monitoring mysql production redis
LOCK = $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-strip-extras --no-emit-index-url --no-annotate --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help run test functional lint coverage bench bench-scale plain screenshots lock clean

help:  ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'
	@echo 'Options:'
	@echo '  PORT=8000         the port of `make run`; default: 5000'
	@echo '  PYTHON=python3.12 the Python that creates $(VENV), 3.11 or later; default: python3'

run: $(VENV)/run  ## install, fill an empty store with sample data, and serve http://127.0.0.1:5000
	@case "$(PORT)" in ''|*[!0-9]*) echo "PORT is '$(PORT)': set it to a number, such as PORT=8000"; exit 1;; esac
	@! $(BIN)/python -c 'import socket; socket.create_connection(("127.0.0.1", $(PORT)), 2)' 2>/dev/null || { \
		echo "Port $(PORT) is in use: stop the other program, or choose another port: make run PORT=$$(($(PORT) + 1))"; exit 1; }
	@$(BIN)/python -m sample
	@HBNB_ADDRESS=$${HBNB_ADDRESS:-http://127.0.0.1:$(PORT)} $(BIN)/python wsgi.py --port $(PORT) --work

test: $(VENV)/dev  ## install what the tests need, and run all tests on both storage engines
	$(BIN)/python -m pytest $(SIDES)

functional: $(VENV)/dev  ## test a running site: make functional STAGING_SERVER=http://…; changes nothing there
	$(BIN)/python -m pytest tests/functional

lint: $(VENV)/dev  ## check style, types, prose and spelling
	$(BIN)/pycodestyle --exclude=$(VENV),.git,tests/node_modules .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m tests.prose
	$(BIN)/codespell
	$(BIN)/node tests/node_modules/eslint/bin/eslint.js --config tests/eslint.config.mjs --max-warnings 0 web_dynamic tests/eslint.config.mjs

coverage: $(VENV)/dev  ## run all tests, and list the lines and branches that no test reaches
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

bench: $(VENV)/dev  ## run the benchmarks, and print each figure with its reference and target
	$(BIN)/python -m bench

bench-scale: $(VENV)/dev  ## measure searches at 1,000 to 1,000,000 places, for about 40 minutes
	$(BIN)/python -m bench.scale

plain: $(VENV)/run  ## write web_static/, the pages that open from disk, from the templates
	@$(BIN)/python -m web_flask.static_export

screenshots: $(VENV)/dev  ## take a picture of each page, into screenshots/
	$(BIN)/python -m tests.screenshots

lock: $(VENV)/dev  ## pin all dependencies of requirements/*.in, with hashes, in requirements.txt and requirements/*.txt
	$(LOCK) --output-file requirements/dev.txt requirements/dev.in $(UPGRADE)
	$(LOCK) --constraints requirements/dev.txt --output-file requirements.txt requirements/base.in
	for list in $(LISTS); do $(LOCK) --constraints requirements/dev.txt \
		--output-file requirements/$$list.txt requirements/$$list.in || exit; done

clean:  ## remove what make installed, and caches; data stays
	rm -rf $(VENV) tests/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

RECENT = import sys; sys.exit(sys.version_info < (3, 11))
TYPED = make $(or $(MAKECMDGOALS),run)
# These files in a virtual environment record what was installed; they are made again when the lists change.
# An environment without pip, or of an older Python, is left over from a failed attempt: it is made again.
$(VENV)/run: requirements.txt
	@$(BIN)/python -c 'import pip; $(RECENT)' 2>/dev/null || { \
		$(PYTHON) -c '$(RECENT)' || { \
			echo "HBNB needs Python 3.11 or later, and $(PYTHON) is older or missing. Name one: $(TYPED) PYTHON=python3.11"; exit 1; }; \
		$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
			echo "$(PYTHON) cannot make virtual environments: install its venv module (on Debian and Ubuntu:" \
				"sudo apt-get install python3-venv), and run again: $(TYPED)"; exit 1; }; \
		$(PYTHON) -m venv $(if $(wildcard $(VENV)/pyvenv.cfg),--clear) $(VENV); }
	@echo "Installing into $(VENV) …"
	@$(PIP) install --quiet --requirement requirements.txt
	@touch $@

$(VENV)/dev: $(VENV)/run requirements/dev.txt tests/package-lock.json
	@sh tests/install
	@$(PIP) install --quiet --no-compile --requirement requirements/dev.txt
	@# pip would compile on one core, while nothing else runs. Files that cannot be compiled are no error, as in pip.
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib & \
		PATH="$(abspath $(BIN)):$$PATH" npm ci --prefix tests --silent --no-audit --no-fund; \
		status=$$?; wait; exit $$status
	@touch $@
