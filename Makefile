# Each target calls one tool. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help book test real notebooks lab bench sample data-report colab pins clean

help:  ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  make \1\t/' | expand -t 20

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) tools/make_venv.py

book: $(READY)  ## Build the site into _build/html; any warning is an error
	@$(BIN)/python tools/build_book.py

test: $(READY)  ## Linters, types, unit tests, doctests, notebook checks, nbval
	@$(BIN)/python tools/run_tests.py

# Real data is looked for in COURSE_DATA_DIR, or beside the checkout, or is downloaded.
COURSE_DATA_DIR ?= $(wildcard ../shared/data)
export COURSE_DATA_DIR

real: $(READY)  ## Execute every lesson on real MovieLens (COURSE_DATASET, COURSE_DATA_DIR)
	@COURSE_DATASET=$${COURSE_DATASET:-ml-latest-small} $(BIN)/python tools/notebooks.py run

notebooks: $(READY)  ## Sync the notebooks with their scripts, execute and check them
	@$(BIN)/python tools/notebooks.py build

lab: $(READY)  ## Open the notebooks in JupyterLab
	@$(BIN)/python -m jupyterlab notebooks

bench: $(READY)  ## Time the package against its peers, side by side
	@$(BIN)/python benchmarks/run.py

sample: $(READY)  ## Regenerate data/sample, and the data card's table and figure
	@$(BIN)/python tools/make_sample.py
	@$(BIN)/python tools/data_report.py --write

data-report: $(READY)  ## Lay the sample beside real MovieLens, statistic by statistic
	@$(BIN)/python tools/data_report.py

colab: $(READY)  ## Run the lessons as Colab would: COLAB_PYTHON=python3.12, nothing else installed
	@$(BIN)/python tools/colab.py $${COLAB_PYTHON:-python3.12}

pins: $(READY)  ## Compile requirements.txt from pyproject.toml
	@$(BIN)/python -m uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--fork-strategy fewest --no-annotate --custom-compile-command "make pins" --quiet -o requirements.txt

clean:  ## Remove what was built; data and .venv stay
	rm -rf _build .pytest_cache .mypy_cache .ruff_cache
