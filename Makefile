# Two commands on a bare machine with Python 3.11 to 3.13: `make demo` and `make test`. Each does its own set-up.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
RUN_STAMP := $(VENV)/.run-requirements
TEST_STAMP := $(VENV)/.test-requirements
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: demo test lint types bench requirements clean

demo: $(RUN_STAMP)
	@echo "Drawing scenes, training a captioner on them, and describing new ones: about three minutes on two cores."
	$(RUN) -m firstlight demo --out runs/demo

test: $(TEST_STAMP) lint
	@echo "Running the tests: about ten minutes on two cores."
	$(RUN) -m pytest --numprocesses 2 --dist loadfile

lint: $(TEST_STAMP)
	$(RUN) -m ruff check firstlight tests benchmarks
	$(RUN) -m ruff format --check firstlight tests benchmarks docs
	$(RUN) -m mypy firstlight/data firstlight/engine firstlight/metrics firstlight/text.py firstlight/errors.py

bench: $(TEST_STAMP)
	@for file in benchmarks/*.py; do echo "== $$file"; $(RUN) $$file || exit 1; done

# Renew the pins after a change of pyproject.toml; needs uv.
requirements:
	uv pip compile pyproject.toml --group build --universal --generate-hashes --no-header --upgrade -q -o requirements/run.txt
	uv pip compile pyproject.toml --group build --group dev --universal --generate-hashes --no-header --upgrade -q -o requirements/test.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

# Set-up: with uv where it is installed, else with Python's own venv and pip. `.venv` is made anew when a pin changes.
$(RUN_STAMP): requirements/run.txt
	@echo "Setting up: a virtual environment in .venv with the pinned requirements (one to five minutes, about 2 GB)."
	$(call install,requirements/run.txt)
	@touch $@

$(TEST_STAMP): requirements/test.txt
	@echo "Setting up: a virtual environment in .venv with the requirements of the tests (one to five minutes, about 3 GB)."
	$(call install,requirements/test.txt)
	@touch $@ $(RUN_STAMP)

define install
	@if command -v uv >/dev/null 2>&1; then \
	  { [ -x $(RUN) ] || uv venv -q --python $(PYTHON) $(VENV); } && \
	  uv pip install -q --python $(RUN) --require-hashes -r $(1) && \
	  uv pip install -q --python $(RUN) --no-deps --no-build-isolation -e .; \
	else \
	  { [ -x $(RUN) ] || $(PYTHON) -m venv $(VENV); } && \
	  $(RUN) -m pip install -q --disable-pip-version-check --require-hashes -r $(1) && \
	  $(RUN) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
endef
