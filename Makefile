# GILScope. `make help` lists what can be made.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PROJECT := pyproject.toml hatch_build.py app/testing/pytest_gilscope.py $(wildcard static/deno.*)
# What the pages' bundle is made of. Folders count too: a file that goes leaves no other trace.
PAGES := $(shell find static -path '*/node_modules' -prune -o -print)
AS_USER := $(if $(filter-out 0,$(shell id -u)), and not root)
APT := apt-get -qq -o DPkg::Lock::Timeout=400

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install install-test chromium compilers cross ssh serve test test-quick coverage truth fuzz aarch64 groups lint format bench screenshots cases soak server-soak findings clean

help:  ## list these
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

install: $(VENV)/.installed  ## make the environment in .venv

install-test: $(VENV)/.installed-test  ## the same, with what the tests need

serve: $(VENV)/.bundled  ## install where needed, and start the dashboard (ARGS="--port 9000")
	@exec $(BIN)/gilscope serve $(ARGS)

# A worker begins with tests that follow each other and so share what their modules set up, and takes over from the
# other one once it has no more of its own.
SIDE_BY_SIDE := $(BIN)/pytest -n 2 --dist worksteal
# All that needs no other program, and of the rest: the count of switches that a real target keeps itself, and a page.
QUICK := $(filter-out %/conftest.py %/workloads %/__pycache__,$(wildcard tests/unit/*)) \
  $(addprefix tests/unit/workloads/,test_workload_catalogue.py) \
  $(patsubst %,tests/contract/test_%.py,documents findings_page floors names) \
  tests/process/test_figures.py::test_the_switches_are_those_that_the_process_counts_itself \
  tests/browser/test_report_file.py
# A quarter of their time goes into statistics over thousands of samples, and into imports that are made to take long.
NOT_QUICK := $(addprefix tests/unit/,analysis/test_estimates.py analysis/test_scaling.py \
  analysis/test_scaling_rows.py runs/test_importing.py)

# Both parts run, whatever the first one comes to, so that no failure hides another. What failed beside others is
# run again alone, where it has to pass twice in a row: docs/decisions/0010.
test: lint chromium compilers cross ssh  ## install what the tests need, check the sources, run every test
	@[ -n "$(AS_USER)" ] && echo "Without root: tests that put probes into the kernel are left out" || true
	@failed=; \
	$(SIDE_BY_SIDE) -m "not serial$(AS_USER)" $(ARGS); status=$$?; \
	if [ $$status = 1 ]; then $(BIN)/pytest --last-failed --failed-before -m "not serial$(AS_USER)" $(ARGS); status=$$?; fi; \
	[ $$status = 0 ] || failed="the tests that run side by side"; \
	$(BIN)/pytest -m "serial$(AS_USER)" $(ARGS) || failed="$${failed:+$$failed, }the serial tests"; \
	[ -z "$$failed" ] || { echo >&2 "Failed: $$failed"; exit 1; }

test-quick: $(VENV)/.installed-test chromium cross  ## those that are quick: units, contracts, one real target, one page
	$(SIDE_BY_SIDE) -m "not serial$(AS_USER)" $(addprefix --ignore=,$(NOT_QUICK)) $(QUICK) $(ARGS)

coverage: $(VENV)/.installed-test cross  ## tell which lines of app the units reach, module by module
	$(SIDE_BY_SIDE) -m "not serial$(AS_USER)" --cov=app --cov-report=term:skip-covered tests/unit $(ARGS)

truth: $(VENV)/.installed-test  ## compare with the kernel's own account alone, as root on a quiet machine
	$(BIN)/pytest tests/process/test_truth.py $(ARGS)

fuzz: $(VENV)/.installed-test  ## observe 200 times over a memory that lies (RUNS=1000: more)
	FUZZ_RUNS=$(or $(RUNS),200) $(BIN)/pytest --timeout=0 tests/process/test_lying_memory.py $(ARGS)

aarch64: $(VENV)/.installed  ## observe on aarch64, in an emulator: some ten minutes (ARGS=bookworm: one kernel)
	$(call have,qemu-system-aarch64 dpkg-deb,qemu-system-arm,The emulated machine needs)
	$(BIN)/python tools/aarch64.py $(ARGS)

groups: $(VENV)/.installed-test  ## limit programs by control groups, in a kernel of their own
	$(call have,linux.uml,user-mode-linux,The tests of control groups need)
	$(BIN)/pytest tests/process/test_groups.py $(ARGS)

lint: $(VENV)/.installed-test  ## ruff, mypy and the floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-test  ## let ruff set the sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-bench  ## measure the observer (twenty minutes; ARGS=--quick: a minute)
	$(BIN)/python -m bench $(ARGS)

screenshots: $(VENV)/.installed-test chromium  ## take the README's pictures of a real run
	$(BIN)/python tools/screenshots.py $(ARGS)

cases: $(VENV)/.installed-test chromium  ## attach to other people's programs, for docs/cases (ARGS="uvicorn")
	$(BIN)/python tools/cases.py $(ARGS)

soak: $(VENV)/.installed-test  ## watch a busy server for half an hour (ARGS="--minutes 5")
	$(BIN)/python tools/soak.py $(ARGS)

server-soak: $(VENV)/.installed  ## use a server for an hour, and see that it stays flat (ARGS="--minutes 5 --out DIR")
	$(BIN)/python tools/server_soak.py $(ARGS)

findings: $(VENV)/.installed-test  ## write docs/findings.md (ARGS="--run --python python3.14": take its results)
	$(BIN)/python tools/findings.py $(ARGS)

clean:  ## remove the environment and the caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage*

# ensurepip is asked for by name because Debian ships venv without it.
$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo >&2 \
	  "No $(PYTHON) was found. Install Python 3.11 or later, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo >&2 \
	  "$$($(PYTHON) --version) is too old: GILScope needs 3.11 or later. Name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo >&2 \
	  "$(PYTHON) has no venv. On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

# Dependency groups (PEP 735) need pip 25.1, and a new venv holds the pip of its Python's day.
$(VENV)/.installed: $(PROJECT) | $(BIN)/python
	@echo "Installing GILScope in $(VENV)"
	@$(PIP) install "pip>=25.1"
	@$(PIP) install --editable .
	@touch $@

# An editable install reads everything from here but the bundle, which its build makes: docs/decisions/0020.
$(VENV)/.bundled: $(VENV)/.installed $(PAGES)
	@[ -z "$$(find static -newer $(VENV)/.installed -print -quit)" ] || \
	  { echo "Bundling the pages anew" && $(PIP) install --editable .; }
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@echo "Installing what the tests need in $(VENV)"
	@$(PIP) install --group test
	@touch $@

$(VENV)/.installed-bench: $(VENV)/.installed
	@$(PIP) install --group bench
	@touch $@

# $(call have,COMMANDS,PACKAGES,WHAT NEEDS THEM): what of the distribution's is not there is installed.
define have
	@lack=; for command in $(1); do command -v $$command >/dev/null || lack=$$command; done; \
	if [ -z "$$lack" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
	  echo >&2 "$(3) $$lack on PATH, and there is no apt-get to install it with."; exit 1; fi; \
	[ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null || \
	  { echo >&2 "$(3) $$lack: sudo apt-get install $(2)"; exit 1; }; \
	$(call install,$(2))
endef

install = echo "Installing $(1)"; export DEBIAN_FRONTEND=noninteractive; \
  root=; [ "$$(id -u)" = 0 ] || root="sudo -n"; \
  $$root $(APT) update && $$root $(APT) install --yes --no-install-recommends $(1) >/dev/null

# The headless shell is not needed, and halves what the browser tests cost: docs/decisions/0005.
chromium:
	$(call have,chromium,chromium,The browser tests need)
	@[ -e /usr/lib/chromium/chromium-headless-shell ] || ! command -v apt-get >/dev/null || \
	  ($(call install,chromium chromium-headless-shell)) 2>/dev/null || \
	  echo "Without Debian's chromium-headless-shell the browser tests take twice as long"

compilers:
	$(call have,javac g++ musl-gcc,default-jdk-headless g++ musl-tools,The tests of allocators need)

# The other machine's compiler: its numbers and files are compared too.
cross:
	$(if $(filter aarch64,$(shell uname -m)), \
	  $(call have,x86_64-linux-gnu-gcc,gcc-x86-64-linux-gnu libc6-dev-amd64-cross,The tests of numbers on x86-64 need), \
	  $(call have,aarch64-linux-gnu-gcc,gcc-aarch64-linux-gnu libc6-dev-arm64-cross,The tests of numbers on aarch64 need))

# By their paths: what is for root is not on everybody's PATH.
ssh:
	$(if $(AS_USER),,$(call have,/usr/sbin/sshd ssh-keygen /usr/sbin/ip nsenter,openssh-server openssh-client iproute2 util-linux,The tests of other machines need))
